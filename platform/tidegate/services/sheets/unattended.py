"""A file of a known shape brought without anybody looking: from the terminal, or a program that has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tidegate.errors import InputError
from tidegate.services.context import Context
from tidegate.services.sheets import bringing, files, mappings
from tidegate.services.sheets.mappings import Changes


@dataclass(frozen=True, slots=True)
class Brought:
    """`mapping` is the name of the one that was used; `changes` what is different in this file."""

    file_id: int
    mapping: str
    changes: Changes
    report: dict[str, Any]


def bring_known(
    context: Context, code: str, name: str, data: bytes, actor: str, *, mapping: str = "",
    dry_run: bool = False,
) -> Brought:  # fmt: skip
    """Import a file by a kept mapping: the one called so, else the one whose headers it has.

    Raises:
        NotFound: no such account or mapping. InputError: the shape is not known, or the file cannot be read.
    """
    wanted = mappings.one_of(context, code, mapping) if mapping else None
    file_id = files.keep(context, code, name, data, actor)
    row = files.opened(context, file_id)[0]
    if wanted is not None:
        files.use(context, file_id, wanted)
        kept = wanted
    else:
        found = mappings.by_id(context, row.mapping_id) if row.mapping_id else None
        if found is None:
            files.forget(context, file_id, actor)
            raise _unknown(row.name, code)
        kept = found
    row = files.opened(context, file_id)[0]
    told = mappings.changes(kept.layout, files.layout_now(row).columns)
    report = bringing.try_out(context, file_id)
    if dry_run:
        files.forget(context, file_id, actor)
    else:
        bringing.bring(context, file_id, actor)
        bringing.run(context, file_id)  # here and now, however large: nobody waits for a page
        report = dict(files.opened(context, file_id)[0].report)
    return Brought(file_id, kept.name, told, report)


def _unknown(name: str, code: str) -> InputError:
    return InputError(
        "sheet.shape_unknown",
        zh=f"账号 {code} 还没有导入过 {name} 这种表头的表格；请先在网页“导入表格”里对应一次列，"
        "或用 --mapping 指定名称。",
        en=f"The account {code} knows no file with the headers of {name}; map it once on the page “Bring a "
        "spreadsheet”, or name a mapping with --mapping.",
        file=name,
    )
