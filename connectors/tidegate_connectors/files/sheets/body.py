"""The rows below a header: what is no order is left out and told, a blank order number is that of the row above."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tidegate.errors import InputError
from tidegate.sdk.sheets import Layout, Skipped
from tidegate_connectors.files.content import Content
from tidegate_connectors.files.headers import Header, normal
from tidegate_connectors.files.sheets.grids import Grid, grids
from tidegate_connectors.files.sheets.naming import column_names
from tidegate_connectors.files.sheets.words import words
from tidegate_connectors.files.tables import Row, Table, TextShape

MOST_ROWS = 50_000
KEPT_SKIPS = 200
_GUARDED = ("=", "+", "-", "@")  # a spreadsheet is kept from running them by a ' before them
_NOTE = re.compile(r"[:：]|\s")


@dataclass
class Body:
    """Reads the table that a layout names; `skipped` fills while it is read. Use once."""

    layout: Layout
    skipped: list[Skipped] = field(default_factory=list)
    skipped_count: int = 0

    def tables(self, content: Content, _shape: TextShape) -> Iterator[Table]:
        """As tidegate_connectors.files.tables.read_tables, of one sheet and from its header on."""
        for grid in grids(content, self.layout.encoding):
            if grid.name == self.layout.sheet:
                yield self._table(content.name, grid)
                return
        raise _no_sheet(content.name, self.layout.sheet)

    def _table(self, label: str, grid: Grid) -> Table:
        label = f"{label}#{grid.name}" if grid.name else label
        for number, row in grid.rows:
            if number >= self.layout.header_row:
                if number == self.layout.header_row and isinstance(row, list):
                    names = column_names(row, label)
                    return Table(label, Header(names), self._rows(grid, names, row, label))
                break
        raise _no_header(label, self.layout.header_row)

    def _rows(
        self, grid: Grid, names: Sequence[str], header: list[str], label: str
    ) -> Iterator[tuple[int, Row]]:
        number_at = number_column(names, self.layout)
        last, count = "", 0
        told = [cell.strip() for cell in header if cell.strip()]
        for row_no, row in grid.rows:
            count += 1
            if count > MOST_ROWS:
                raise too_many_rows(label)
            if not isinstance(row, list):
                yield row_no, row
                continue
            row = [cell[1:] if cell[:1] == "'" and cell[1:2] in _GUARDED else cell for cell in row]
            kind = no_order(row, number_at, told)
            if kind:
                self._skip(row_no, kind)
                continue
            if number_at < len(row) and row[number_at].strip():
                last = row[number_at]
            elif self.layout.fill_down and last:
                row = [*row, *[""] * (number_at + 1 - len(row))]
                row[number_at] = last
            yield row_no, row

    def _skip(self, row_no: int, kind: str) -> None:
        self.skipped_count += 1
        if len(self.skipped) < KEPT_SKIPS:
            self.skipped.append(Skipped(row_no, kind))


def number_column(names: Sequence[str], layout: Layout) -> int:
    """Where the order number stands; 0 when the layout names no column of this header."""
    wanted = {normal(name) for name, field in layout.fields.items() if field == "order.number"}
    return next((at for at, name in enumerate(names) if normal(name) in wanted), 0)


def no_order(row: Sequence[str], number_at: int, header: Sequence[str]) -> str:
    """`total`, `note` or `header` for a row that is no order, else "". `header`: the header's filled cells."""
    filled = [cell.strip() for cell in row if cell.strip()]
    number = row[number_at].strip() if number_at < len(row) else ""
    if len(filled) > 1 and filled == list(header):
        return "header"
    totals = words().totals
    if any(_bare(cell) in totals for cell in filled) and (not number or _bare(number) in totals):
        return "total"
    if len(filled) == 1 and len(header) > 2 and (not number or _NOTE.search(filled[0])):
        return "note"
    return ""


def _bare(cell: str) -> str:
    return normal(cell).strip(":：()（）").split(":")[0]


def too_many_rows(label: str) -> InputError:
    return InputError(
        "sheet.too_many_rows",
        zh=f"{label} 超过 {MOST_ROWS} 行；请按日期拆成几个文件，或在命令行用映射文件导入。",
        en=f"{label} has more than {MOST_ROWS} rows; split it by date, or import it with a mapping file "
        "on the command line.",
        file=label,
    )


def _no_sheet(name: str, sheet: str) -> InputError:
    return InputError(
        "sheet.no_such_sheet",
        zh=f"{name} 里没有工作表“{sheet}”；请在页面上另选一张，或改回原来的表名。",
        en=f"{name} has no sheet {sheet!r}; choose another on the page, or give it its old name.",
        file=name,
        field="sheet",
    )


def _no_header(label: str, row: int) -> InputError:
    return InputError(
        "sheet.no_header",
        zh=f"{label} 的第 {row} 行不是表头（是空行或文件没有这一行）；请选列名所在的那一行。",
        en=f"Row {row} of {label} is no header (blank, or not in the file); choose the row with the "
        "columns' names.",
        file=label,
        field="header_row",
    )
