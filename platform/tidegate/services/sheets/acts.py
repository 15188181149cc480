"""What a person does with an upload besides correcting it: a shop made on the spot, cells looked at, a preview kept."""

from __future__ import annotations

import re

from tidegate.errors import InputError
from tidegate.sdk.sheets import Layout
from tidegate.services.accounts import events
from tidegate.services.context import Context
from tidegate.services.remotes import accounts
from tidegate.services.sheets import bringing, files, trials
from tidegate.services.sheets.readers import CONNECTOR


def new_account(context: Context, shop: str, tool: str, actor: str) -> str:
    """A spreadsheet shop for a file that has none yet; its code.

    Its orders come into a channel of its own, so that shops of equal names in other tools stay apart.

    Raises:
        InputError: no name, or no such tool.
    """
    name = " ".join(shop.split())
    if not 1 <= len(name) <= 120:
        raise InputError(
            "sheet.shop_missing",
            zh="请填写店铺名称，或选择已有的表格店铺。",
            en="Give the shop a name, or choose a spreadsheet shop that is there.",
            field="shop",
        )
    taken = {one.code for one in accounts.accounts(context)}
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:30]
    start = plain if plain else CONNECTOR
    code = next(
        one for one in (start, *(f"{start}-{n}" for n in range(2, 10_000))) if one not in taken
    )
    made = accounts.add(
        context, CONNECTOR, actor, code=code, title=name, settings={"tool": tool, "channel": code}
    )
    return made.code


def layout_of_file(context: Context, file_id: int) -> Layout:
    """Raises NotFound."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return files.layout_now(files.row_of(work, context, file_id)[0])


def tried(context: Context, file_id: int) -> None:
    """Try the file unless this very layout was tried before; a big one by a job. Raises as `bringing.try_out`."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row, _ = files.row_of(work, context, file_id)
    if bringing.tried_now(row) is not None:
        return
    if trials.is_big(row):
        trials.start(context, file_id)
    else:
        bringing.try_out(context, file_id)


def is_mine(context: Context, file_id: int, actor: str) -> bool:
    """Whether this person uploaded it. Raises NotFound."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return files.row_of(work, context, file_id)[0].uploaded_by == actor[:80]


def note_reveal(context: Context, file_id: int, actor: str) -> None:
    """Keep on record that somebody looked at the cells of a file in clear. Raises NotFound."""
    with context.store.begin(context.tenant_id) as work:
        row, place = files.row_of(work, context, file_id)
        events.note(
            work.session, work.tenant_id, context.clock(), "sheet_revealed", actor, place.code,
            file=row.name[:80],
        )  # fmt: skip
        work.commit()
