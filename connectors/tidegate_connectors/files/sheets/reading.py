"""The orders of a spreadsheet by its layout, and the rows that have to be mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from tidegate.errors import InputError
from tidegate.sdk.sheets import Layout, RepairRow, Skipped, Upload
from tidegate.sdk.source import Batch, RowProblem
from tidegate_connectors.files.content import open_content
from tidegate_connectors.files.converters import CellProblem, code
from tidegate_connectors.files.headers import Header, normal
from tidegate_connectors.files.sheets.body import Body, number_column
from tidegate_connectors.files.sheets.layouts import mapping_of
from tidegate_connectors.files.source import FileSource, Listener
from tidegate_connectors.files.tables import TextShape


class LayoutSource:
    """tidegate.sdk.sheets.SheetSource; use once."""

    def __init__(self, upload: Upload, layout: Layout, channel: str, shop: str) -> None:
        mapping = mapping_of(layout, channel, "spreadsheet")
        self._body = Body(layout)
        self._layout, self._upload = layout, upload
        self._files = FileSource([upload], mapping, shop or None, self._body.tables)

    @property
    def name(self) -> str:
        return "spreadsheet"

    @property
    def origins(self) -> Sequence[str]:
        return [self._upload.name]

    @property
    def skipped(self) -> Sequence[Skipped]:
        return self._body.skipped

    def batches(self, listen: Listener | None = None) -> Iterator[Batch]:
        """Raises InputError: the file cannot be read, or a column of the layout is not there."""
        self._columns_are_there()
        yield from self._files.batches(listen)

    def _columns_are_there(self) -> None:
        with closing(open_content(self._upload)) as content:
            for table in Body(self._layout).tables(content, TextShape()):
                there = {normal(name) for name in table.header.cells}
                missing = [
                    name
                    for name, field in self._layout.fields.items()
                    if field and normal(name) not in there
                ]
                if missing:
                    raise _missing(table.label, missing, table.header)


def repair(
    upload: Upload, layout: Layout, channel: str, shop: str
) -> tuple[Sequence[str], Sequence[RepairRow]]:
    """See tidegate.sdk.sheets.SheetReader.repair."""
    problems: dict[int, RowProblem] = {}
    for batch in LayoutSource(upload, layout, channel, shop).batches():
        problems.update((one.row, one) for one in batch.rejected)
    header, rows = _rows(upload, layout)
    at = number_column(header, layout)
    touched = {number for row, cells in rows if row in problems and (number := _number(cells, at))}
    found = [
        RepairRow(row, cells, problems.get(row))
        for row, cells in rows
        if row in problems or _number(cells, at) in touched
    ]
    return header, found


def _rows(upload: Upload, layout: Layout) -> tuple[list[str], list[tuple[int, list[str]]]]:
    with closing(open_content(upload)) as content:
        for table in Body(layout).tables(content, TextShape()):
            found = [(n, row if isinstance(row, list) else []) for n, row in table.rows]
            return table.header.cells, found
    return [], []


def _number(cells: Sequence[str], at: int) -> str:
    try:
        return code(cells[at].strip()) if at < len(cells) else ""
    except CellProblem:
        return ""


def _missing(label: str, missing: Sequence[str], header: Header) -> InputError:
    near = [found[0] for name in missing if (found := header.nearest([name]))]
    like_zh = f"；相近的列：{'、'.join(near)}" if near else ""
    like_en = f"; similar: {', '.join(near)}" if near else ""
    return InputError(
        "sheet.columns_missing",
        zh=f"{label} 里没有这些列：{'、'.join(missing)}{like_zh}。请重新对应列，或改回原来的列名。",
        en=f"{label} lacks these columns: {', '.join(missing)}{like_en}. Map the columns again, or give "
        "them their old names.",
        file=label,
        field="fields",
    )
