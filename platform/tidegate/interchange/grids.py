"""Sheets and pasted text as grids of cells, with merged cells filled and dates and numbers exact."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from tidegate.engine.values import duration_text
from tidegate.interchange.uploads import check_size, damaged, refused, safe_workbook

MAX_ROWS = 10_100  # as many rules as a set may have, and what stands above them
MAX_COLUMNS = 200

Cell = str | bool | Decimal | date | datetime | time | timedelta


@dataclass(frozen=True)
class Grid:
    """`first` is the spreadsheet's own number of the first row."""

    name: str
    rows: Sequence[Sequence[Cell]]
    first: int = 1

    def text(self, row: int, column: int) -> str:
        cells = self.rows[row]
        return plain_text(cells[column]) if column < len(cells) else ""


def read_workbook(name: str, data: bytes) -> list[Grid]:
    """The visible sheets that hold anything.

    Raises:
        InputError: damaged, protected, too large, or what a zip bomb looks like.
    """
    check_size(name, data)
    safe = safe_workbook(name, data, MAX_ROWS, MAX_COLUMNS)
    try:
        book = CalamineWorkbook.from_filelike(safe)
        visible = [m.name for m in book.sheets_metadata if m.visible == SheetVisibleEnum.Visible]
        grids = [_sheet(book, name, title) for title in visible]
    except (CalamineError, ValueError, KeyError, OSError, OverflowError) as error:
        raise damaged(name) from error
    return [grid for grid in grids if grid.rows]


def _sheet(book: CalamineWorkbook, name: str, title: str) -> Grid:
    sheet = book.get_sheet_by_name(title)
    if sheet.total_height > MAX_ROWS or sheet.total_width > MAX_COLUMNS:
        raise _too_many(name, title)
    rows = [[_cell(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if top < len(rows) and left < len(rows[top]):
            for row in rows[top : bottom + 1]:
                width = min(right + 1, len(row))
                row[left:width] = [rows[top][left]] * (width - left)
    return Grid(title, _trimmed(rows))


def read_text(name: str, data: bytes) -> list[Grid]:
    """A table pasted from a spreadsheet: tabs between cells, or commas. Raises InputError."""
    check_size(name, data)
    text = _decoded(name, data)
    head = text[:5_000]
    delimiter = "\t" if "\t" in head else ","
    try:
        rows: list[list[Cell]] = []
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append([_untyped(cell) for cell in line])
            if len(rows) > MAX_ROWS or len(line) > MAX_COLUMNS:
                raise _too_many(name, name)
    except csv.Error as error:
        raise refused(
            "not_a_table",
            name,
            f"读不成表格（{error}）；请复制整张表再粘贴",
            f"it can't be read as a table ({error}); copy the whole table and paste it again",
        ) from error
    return [Grid(name.rpartition(".")[0] or name, _trimmed(rows))]


def _decoded(name: str, data: bytes) -> str:
    if b"\x00" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refused(
            "unknown_kind",
            name,
            "不是能导入的文件；可用 .dmn、GoRules 的 .json、.xlsx，或从表格复制的文字",
            "it is none of the files that can be imported: .dmn, GoRules .json, .xlsx, or a table "
            "copied as text",
        )
    encodings = (
        ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "gb18030")
    )
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise refused(
        "encoding", name, "编码认不出；请另存为 UTF-8", "its encoding is unknown; save it as UTF-8"
    )


def _cell(value: object) -> Cell:
    if isinstance(value, bool | str | date | time | timedelta):
        return value
    if isinstance(value, float | int):
        return _number(value)
    return "" if value is None else str(value)


def _number(value: float) -> Cell:
    """What the spreadsheet shows: 15 significant digits, as many as it keeps."""
    number = Decimal(format(value, ".15g"))
    return (
        number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()
    )


def _untyped(text: str) -> str:
    """`="123"` and `'123` are how spreadsheets keep text from becoming numbers."""
    if text.startswith('="') and text.endswith('"'):
        return text[2:-1]
    return text.removeprefix("'")


def plain_text(value: Cell) -> str:
    """A cell as text, dates and times in ISO form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_text(value)
    return value


def _trimmed(rows: list[list[Cell]]) -> list[list[Cell]]:
    """Without blank rows at the end."""
    while rows and not any(plain_text(cell).strip() for cell in rows[-1]):
        rows.pop()
    return rows


def _too_many(name: str, sheet: str) -> Exception:
    return refused(
        "too_many_rows",
        name,
        f"工作表 {sheet} 超过 {MAX_ROWS} 行或 {MAX_COLUMNS} 列；请拆分，并删去多余的空行空列",
        f"the sheet {sheet} has more than {MAX_ROWS} rows or {MAX_COLUMNS} columns; split it and "
        f"delete empty rows and columns",
    )
