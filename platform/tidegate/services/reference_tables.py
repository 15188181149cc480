"""Small tables as people keep them: CSV, TSV and XLSX in, rows of text out."""

from __future__ import annotations

import csv
import io
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from tidegate.errors import InputError

MAX_BYTES = 20 << 20
MAX_ROWS = 100_000
MAX_FIELD = 32 << 10
MAX_ZIP_ENTRIES = 200  # an honest workbook has a dozen
MAX_UNPACKED = 200 << 20
MAX_ZIP_RATIO = 100


@dataclass(frozen=True, slots=True)
class Row:
    """`number` counts from 1 as a spreadsheet shows it; cells stand in the order of the headers."""

    number: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is what reports call it: the file's name without its folder."""

    name: str
    headers: Sequence[str]
    rows: Sequence[Row]


def read_table(path: Path) -> Table:
    """A file as a table.

    Raises:
        InputError: it cannot be opened, is no table, or is too large.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(path.name)
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            "reference.unreadable",
            zh=f"打不开文件 {path.name}: {error.strerror}。请检查路径和权限。",
            en=f"Cannot open {path.name}: {error.strerror}. Check the path and its permissions.",
            file=path.name,
        ) from error
    return parse_table(path.name, data)


def parse_table(name: str, data: bytes) -> Table:
    """The bytes of a file as a table; the content decides what it is, not the name's ending.

    Raises:
        InputError: it is no table, has no header line, or is too large.
    """
    if len(data) > MAX_BYTES:
        raise _too_large(name)
    lines = _workbook(name, data) if data.startswith(b"PK\x03\x04") else _text_lines(name, data)
    return table_of(name, lines)


def table_of(name: str, lines: Iterable[Sequence[object]]) -> Table:
    """A table from lines of cells; the first line that is not empty holds the headers."""
    headers: list[str] | None = None
    rows: list[Row] = []
    for number, line in enumerate(lines, start=1):
        cells = [_cell(value) for value in line]
        if not any(cells):
            continue
        if headers is None:
            headers = cells
            continue
        if len(rows) == MAX_ROWS:
            raise _too_large(name)
        rows.append(Row(number, [*cells, *[""] * (len(headers) - len(cells))]))
    if headers is None or not rows:
        raise InputError(
            "reference.empty_file",
            zh=f"文件 {name} 没有数据行; 第一行应为表头, 其下每行一条。",
            en=f"{name} holds no rows; the first line is the header, one row each below.",
            file=name,
        )
    return Table(name, headers, rows)


def _workbook(name: str, data: bytes) -> Iterable[Sequence[object]]:
    """The first sheet with anything in it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = packed.infolist()
        unpacked = sum(entry.file_size for entry in entries)
        if len(entries) > MAX_ZIP_ENTRIES or unpacked > MAX_UNPACKED:
            raise _too_large(name)
        if unpacked > MAX_ZIP_RATIO * len(data):
            raise _too_large(name)
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for sheet in book.sheet_names:
            lines = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
            if any(any(cell not in ("", None) for cell in line) for line in lines):
                return lines
    except (CalamineError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise _no_table(name) from error
    return []


def _text_lines(name: str, data: bytes) -> Iterable[Sequence[str]]:
    if b"\x00" in data[:4096] or data.startswith((b"%PDF", b"\x89PNG", b"\xd0\xcf\x11\xe0")):
        raise _no_table(name)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise InputError(
            "reference.encoding",
            zh=f"文件 {name} 的编码无法识别; 请另存为 UTF-8 或 GBK 的 CSV, 或 XLSX。",
            en=f"The encoding of {name} is unknown; save it as CSV in UTF-8 or GBK, or as XLSX.",
            file=name,
        )
    first = text.partition("\n")[0]
    delimiter = max("\t,;，", key=first.count)
    if delimiter == "，":  # typed with a Chinese keyboard
        text, delimiter = text.replace("，", ","), ","
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False))
    except csv.Error as error:
        raise _no_table(name) from error


def _cell(value: object) -> str:
    """One cell as plain text: whole numbers without .0, no ="123", no leading quote, half width."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    text = unicodedata.normalize("NFKC", str(value)).strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    text = text.removeprefix("'").strip()
    return text[:MAX_FIELD].replace("\x00", "")


def _too_large(name: str) -> InputError:
    return InputError(
        "reference.too_large",
        zh=f"文件 {name} 太大(上限 20 MiB、{MAX_ROWS} 行); 请拆成几个文件。",
        en=f"{name} is too large (at most 20 MiB and {MAX_ROWS} rows); split it.",
        file=name,
    )


def _no_table(name: str) -> InputError:
    return InputError(
        "reference.not_a_table",
        zh=f"文件 {name} 不是表格; 请提供 CSV、TSV 或 XLSX(旧的 .xls 请另存为 .xlsx)。",
        en=f"{name} is no table; give CSV, TSV or XLSX (save an old .xls as .xlsx).",
        file=name,
    )
