"""A file as sheets of raw rows: nothing is taken for a header yet, and merged cells are filled downwards."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from tidegate.errors import InputError
from tidegate_connectors.files.content import Content
from tidegate_connectors.files.encoding import DEFAULT_ENCODINGS, read_lines
from tidegate_connectors.files.old_workbook import read_old_sheets
from tidegate_connectors.files.sheets.naming import too_many_columns
from tidegate_connectors.files.tables import (
    DELIMITERS,
    Row,
    records,
    sniff_delimiter,
    told_separator,
)
from tidegate_connectors.files.workbook import cell_text, not_a_workbook

SNIFFED = 40  # lines
LONGEST_SHEETS = 50
WIDEST = 1_000  # cells of a row, blank ones at its end included


@dataclass
class Grid:
    """One sheet (`name` "" for text) with its rows, numbered as a spreadsheet shows them; blank rows are left out."""

    name: str
    rows: Iterator[tuple[int, Row]]


def grids(content: Content, encoding: str = "") -> Iterator[Grid]:
    """The visible sheets of a workbook, or the one sheet a text file is.

    Raises:
        InputError: it cannot be read.
    """
    if content.kind == "workbook":
        yield from _sheets(content)
        return
    if content.kind == "old_workbook":
        yield from _old_sheets(content)
        return
    wanted = (encoding,) if encoding else DEFAULT_ENCODINGS
    lines = read_lines(content.stream, content.name, wanted)
    ahead = list(islice(lines, SNIFFED))
    told = told_separator(ahead[0]) if ahead else None
    delimiter = told or _separator(ahead)
    reader = csv.reader(
        chain(ahead[1:] if told else ahead, lines), delimiter=delimiter, strict=True
    )
    yield Grid("", _numbered(records(reader, content.name), content.name))


def _separator(lines: list[str]) -> str:
    """What most lines are separated by: title lines above the table have no say."""
    votes = Counter(sniff_delimiter(line) for line in lines if any(d in line for d in DELIMITERS))
    return votes.most_common(1)[0][0] if votes else ","


def _numbered(rows: Iterator[Row], label: str) -> Iterator[tuple[int, Row]]:
    for number, row in enumerate(rows, 1):
        if isinstance(row, list) and len(row) > WIDEST:
            raise too_many_columns(label, len(row))
        if not isinstance(row, list) or any(cell.strip() for cell in row):
            yield number, row


def _sheets(content: Content) -> Iterator[Grid]:
    try:
        book = CalamineWorkbook.from_filelike(content.stream)
        found = [
            one.name for one in book.sheets_metadata if one.visible == SheetVisibleEnum.Visible
        ]
        if len(found) > LONGEST_SHEETS:
            raise _too_many_sheets(content.name, len(found))
        for name in found:
            yield Grid(name, iter(_filled(book.get_sheet_by_name(name))))
    except (CalamineError, ValueError, OSError) as error:
        raise not_a_workbook(content.name) from error


def _old_sheets(content: Content) -> Iterator[Grid]:
    for count, (name, rows) in enumerate(read_old_sheets(content.stream, content.name), 1):
        if count > LONGEST_SHEETS:
            raise _too_many_sheets(content.name, count)
        yield Grid(name, _numbered(iter(rows), content.name))


def _filled(sheet: object) -> list[tuple[int, Row]]:
    """The rows of a sheet; a cell merged over several rows counts for each of them."""
    start = getattr(sheet, "start", None)
    if not start:
        return []
    top, left = start
    rows = [
        [cell if type(cell) is str else cell_text(cell) for cell in row]
        for row in sheet.iter_rows()  # type: ignore[attr-defined]  # calamine ships no types
    ]
    for (first, column), (last, _) in getattr(sheet, "merged_cell_ranges", None) or ():
        at = column - left
        for number in range(first - top + 1, min(last - top + 1, len(rows))):
            above = rows[number - 1]
            if 0 <= at < len(rows[number]) and not rows[number][at].strip():
                rows[number][at] = above[at]
    lead = [""] * left  # columns keep the letters the spreadsheet gives them
    return [
        (number, lead + row)
        for number, row in enumerate(rows, top + 1)
        if any(cell.strip() for cell in row)
    ]


def _too_many_sheets(name: str, count: int) -> InputError:
    return InputError(
        "sheet.too_many_sheets",
        zh=f"{name} 有 {count} 张工作表，最多 {LONGEST_SHEETS} 张；请只保留订单那一张。",
        en=f"{name} has {count} sheets, at most {LONGEST_SHEETS} are read; keep the one with the orders.",
        file=name,
    )
