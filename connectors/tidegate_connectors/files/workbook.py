"""XLSX as rows of text: every sheet, cells written the way a CSV export would write them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from tidegate.errors import InputError
from tidegate_connectors.files.content import MAX_UNPACKED, too_large


def read_sheets(stream: BinaryIO, name: str) -> Iterator[tuple[str, Iterator[list[str]]]]:
    """(sheet name, its rows) of every visible sheet with content.

    Raises:
        InputError: damaged, protected by a password, or too large to hold in memory.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
                raise too_large(name)
            if not any(entry.filename.startswith("xl/") for entry in entries):
                raise not_a_workbook(name)
        stream.seek(0)
        book = CalamineWorkbook.from_filelike(stream)
    except (zipfile.BadZipFile, CalamineError) as error:
        raise not_a_workbook(name) from error
    for about in book.sheets_metadata:
        if about.visible == SheetVisibleEnum.Visible:
            sheet = book.get_sheet_by_name(about.name)
            if sheet.total_height:
                yield about.name, _rows(sheet)


def _rows(sheet: Any) -> Iterator[list[str]]:
    skipped = sheet.start[0] if sheet.start else 0
    for _ in range(skipped):
        yield []
    for row in sheet.iter_rows():
        yield [cell if type(cell) is str else cell_text(cell) for cell in row]


def cell_text(cell: object) -> str:
    """A typed cell as text: 13085.0 is 13085, a date cell is ISO, true is `true`."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if not cell.is_integer():
            return repr(cell)
        return str(int(cell)) if abs(cell) < 1e15 else f"{cell:.15e}"  # Excel keeps 15 digits
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return "" if cell is None else str(cell)


def not_a_workbook(name: str) -> InputError:
    return InputError(
        "import.not_a_table",
        zh=f"{name} 是压缩包，但不是能打开的 .xlsx（已损坏、有密码或不是工作簿）；请另存为 .xlsx "
        "或 CSV UTF-8。",
        en=f"{name} is an archive but no .xlsx that opens (damaged, password, or no workbook); "
        "save it as .xlsx or CSV UTF-8.",
        file=name,
        kind="archive",
    )
