""".xls as rows of text, as Excel 5 to 2003 and many sellers' tools still write it. Read by xlrd, which is Python: a
hostile file can raise, not crash.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import xlrd  # type: ignore[import-untyped]  # ships no types
from xlrd.compdoc import CompDocError  # type: ignore[import-untyped]
from xlrd.xldate import XLDateError  # type: ignore[import-untyped]

from tidegate.errors import InputError
from tidegate_connectors.files.workbook import cell_text

_LOCKED = tuple(word.encode("utf-16-le") for word in ("EncryptedPackage", "EncryptionInfo"))
_MACROS = "_VBA_PROJECT".encode("utf-16-le")
_BROKEN = (
    xlrd.XLRDError, CompDocError, struct.error, AssertionError, LookupError, ValueError, TypeError,
    OverflowError, AttributeError, NotImplementedError, EOFError, MemoryError,
)  # fmt: skip
Rows = list[list[str]]


def read_old_sheets(stream: BinaryIO, name: str) -> Iterator[tuple[str, Rows]]:
    """(sheet name, all its rows from the first on) of every visible sheet with content; a cell merged over several
    rows counts for each of them. A number of over 15 digits, of which Excel has lost some, comes as `1.23e+17`.

    Raises:
        InputError: protected by a password, with macros, damaged, or no workbook.
    """
    data = stream.read()
    if any(word in data for word in _LOCKED):
        raise _locked(name)
    if _MACROS in data:
        raise _macros(name)
    try:
        with xlrd.open_workbook(
            file_contents=data,
            logfile=io.StringIO(),
            formatting_info=True,
            on_demand=True,
            ragged_rows=True,
        ) as book:
            for at, sheet_name in enumerate(book.sheet_names()):
                sheet = book.sheet_by_index(at)
                if sheet.visibility == 0 and sheet.nrows:
                    yield sheet_name, _rows(sheet, book.datemode)
                book.unload_sheet(at)
    except _BROKEN as error:
        if "encrypted" in str(error):
            raise _locked(name) from None
        raise _damaged(name) from error


def _rows(sheet: Any, datemode: int) -> Rows:
    rows = [[_text(cell, datemode) for cell in sheet.row(number)] for number in range(sheet.nrows)]
    for first, last, left, _ in sheet.merged_cells:
        for number in range(first + 1, min(last, len(rows))):
            above, row = rows[number - 1], rows[number]
            if left < len(above):
                row += [""] * (left + 1 - len(row))
                row[left] = row[left] if row[left].strip() else above[left]
    return rows


def _text(cell: Any, datemode: int) -> str:
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            at = xlrd.xldate_as_datetime(cell.value, datemode)
        except (XLDateError, OverflowError, ValueError):
            return cell_text(cell.value)
        return cell_text(at.time() if cell.value < 1 else at)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return cell_text(bool(cell.value))
    return "" if cell.ctype == xlrd.XL_CELL_ERROR else cell_text(cell.value)


def _locked(name: str) -> InputError:
    return InputError(
        "import.workbook_locked",
        zh=f"{name} 有打开密码；请在 Excel 里取消密码后另存，再上传。没有导入任何订单。",
        en=f"{name} opens with a password only; save it without one and bring that. No order was imported.",
        file=name,
    )


def _macros(name: str) -> InputError:
    return InputError(
        "sheet.macros",
        zh=f"{name} 带有宏；请在表格软件里另存为不含宏的 .xlsx 再上传。",
        en=f"{name} holds macros; save it as .xlsx without macros and bring that.",
        file=name,
    )


def _damaged(name: str) -> InputError:
    return InputError(
        "import.not_a_table",
        zh=f"{name} 是旧版 Office 文件，但不是能打开的 .xls（已损坏、不完整或不是工作簿）；请另存为 .xlsx 再导入。",
        en=f"{name} is an old Office file but no .xls that opens (damaged, cut off, or no workbook); save it as .xlsx "
        "and import that.",
        file=name,
        kind="old workbook",
    )
