"""A file as tables: a header and numbered rows of text, whatever the file's format is."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from tidegate.errors import InputError
from tidegate_connectors.files.content import Content
from tidegate_connectors.files.encoding import DEFAULT_ENCODINGS, read_lines
from tidegate_connectors.files.headers import Header
from tidegate_connectors.files.old_workbook import read_old_sheets
from tidegate_connectors.files.workbook import read_sheets

DELIMITERS = ",\t;|"
JSON_LOOK_AHEAD = 1_000  # lines whose keys make the header of a JSON-lines file


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that is no row: the code and what was seen."""

    code: str
    value: str | None = None


Row = list[str] | Broken


@dataclass
class Table:
    """`rows` yields (row number as a spreadsheet shows it, cells); blank lines count but are not
    yielded.
    """

    label: str
    header: Header
    rows: Iterator[tuple[int, Row]]


@dataclass(frozen=True, slots=True)
class TextShape:
    """How a mapping wants text files read."""

    encodings: Sequence[str] = DEFAULT_ENCODINGS
    quotes: bool = True


def read_tables(content: Content, shape: TextShape) -> Iterator[Table]:
    """Every table of a file: one for text, one per visible sheet of a workbook."""
    if content.kind == "workbook":
        for sheet, rows in read_sheets(content.stream, content.name):
            yield _table(f"{content.name}#{sheet}", enumerate(rows, 1))
        return
    if content.kind == "old_workbook":
        for sheet, kept in read_old_sheets(content.stream, content.name):
            yield _table(f"{content.name}#{sheet}", enumerate(kept, 1))
        return
    lines = read_lines(content.stream, content.name, shape.encodings)
    first = next(lines, "")
    lines = chain([first], lines)
    if first.lstrip("\ufeff \t").startswith(("{", "[")):
        yield json_table(content.name, lines)
    else:
        yield csv_table(content.name, first, lines, quotes=shape.quotes)


def csv_table(name: str, first: str, lines: Iterator[str], *, quotes: bool = True) -> Table:
    """Comma, tab, semicolon or bar, whichever splits the first line into the most cells."""
    delimiter = told_separator(first)
    if delimiter is not None:
        next(lines)
    else:
        delimiter = sniff_delimiter(first)
    reader = (
        csv.reader(lines, delimiter=delimiter, strict=True)
        if quotes
        else csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    )
    return _table(name, enumerate(records(reader, name), 1))


def sniff_delimiter(line: str) -> str:
    """The separator that gives the most cells; a comma when none does."""
    counts = {mark: _cells(line, mark) for mark in DELIMITERS}
    return max(DELIMITERS, key=lambda mark: counts[mark])


def _cells(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:  # one cell of endless text: it is not this separator
        return 0


def told_separator(line: str) -> str | None:
    told = line.strip()
    return told[4:] if told.lower().startswith("sep=") and len(told) == 5 else None


def records(reader: Any, name: str) -> Iterator[Row]:
    started = 1
    while True:
        try:
            for row in reader:
                yield row
                started = reader.line_num + 1
            return
        except csv.Error as error:
            message = str(error)
            if "expected after" in message:
                yield Broken("import.broken_quotes", f"line {reader.line_num}")
            elif "unexpected end" in message:
                raise _quote_never_closed(name, started) from error
            else:
                raise _field_too_long(name, reader.line_num) from error


def _table(label: str, numbered: Iterator[tuple[int, Row]]) -> Table:
    for _, row in numbered:
        if isinstance(row, list) and any(cell.strip() for cell in row):
            header = Header(row)
            break
    else:
        raise InputError(
            "import.no_header",
            zh=f"{label} 里没有表头；第一行应当是列名。",
            en=f"{label} has no header; its first row must name the columns.",
            file=label,
        )
    return Table(label, header, (numbered_row for numbered_row in numbered if numbered_row[1]))


def json_table(name: str, lines: Iterator[str]) -> Table:
    """JSON lines: keys are headers, nested objects are joined by a dot; a key seen too late is
    told, not dropped.
    """
    parsed = _objects(name, lines)
    ahead = list(islice(parsed, JSON_LOOK_AHEAD))
    keys: dict[str, None] = {}
    for _, item in ahead:
        if isinstance(item, dict):
            keys.update(dict.fromkeys(item))
    if not keys:
        raise InputError(
            "import.no_header",
            zh=f"{name} 的前 {len(ahead)} 行里没有 JSON 对象；每行应当是一个对象。",
            en=f"The first {len(ahead)} lines of {name} hold no JSON object; write one object on "
            "each line.",
            file=name,
        )
    names = list(keys)

    def rows() -> Iterator[tuple[int, Row]]:
        for number, item in chain(ahead, parsed):
            if isinstance(item, Broken):
                yield number, item
            elif item.keys() <= keys.keys():
                yield number, [item.get(key, "") for key in names]
            else:
                late = sorted(item.keys() - keys.keys())[0]
                yield number, Broken("import.json_field", late)

    return Table(name, Header(names), rows())


def _objects(name: str, lines: Iterator[str]) -> Iterator[tuple[int, dict[str, str] | Broken]]:
    for number, document in json_documents(name, lines):
        yield number, document if isinstance(document, Broken) else flat(document)


def json_documents(
    name: str, lines: Iterator[str]
) -> Iterator[tuple[int, dict[str, Any] | Broken]]:
    """(line number, object) of every line that is not blank.

    Raises:
        InputError: the file is one JSON array instead of lines.
    """
    for number, line in enumerate(lines, 1):
        text = line.lstrip("\ufeff").strip()
        if not text:
            continue
        if number == 1 and text.startswith("["):
            raise InputError(
                "import.json_array",
                zh=f"{name} 是一个 JSON 数组；请改成每行一个对象（例如 jq -c '.[]'）。",
                en=f"{name} is one JSON array; write one object on each line (for example with jq "
                "-c '.[]').",
                file=name,
            )
        try:
            document = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
        except (ValueError, RecursionError) as error:
            yield number, Broken("import.json_broken", type(error).__name__)
            continue
        if isinstance(document, dict):
            yield number, document
        else:
            yield number, Broken("import.json_broken", type(document).__name__)


def flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested objects as `outer.inner`; values as text, lists as JSON."""
    found: dict[str, str] = {}
    for key, value in document.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            found |= flat(value, f"{name}.")
        elif isinstance(value, bool):
            found[name] = "true" if value else "false"
        elif isinstance(value, list):
            found[name] = json.dumps(value, ensure_ascii=False)
        else:
            found[name] = "" if value is None else str(value)
    return found


def _quote_never_closed(name: str, line: int) -> InputError:
    return InputError(
        "import.quote_never_closed",
        zh=f"{name} 第 {line} 行起有一个引号一直没有闭合，后面的行都被吞进去了；请修正这个引号。"
        "没有导入任何订单。",
        en=f"{name}: a quote opened in the record at line {line} is never closed and swallows the "
        "rest; repair it. No order was imported.",
        file=name,
        line=line,
    )


def _field_too_long(name: str, line: int) -> InputError:
    return InputError(
        "import.cell_too_long",
        zh=f"{name} 第 {line} 行附近有一个单元格超过 131072 个字符，多半是引号没有闭合；请修正。"
        "没有导入任何订单。",
        en=f"{name}: a cell near line {line} is longer than 131072 characters, most likely a quote "
        "that is never closed. No order was imported.",
        file=name,
        line=line,
    )
