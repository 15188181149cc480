"""Files from strangers: what they are, and limits before anything is unpacked or parsed."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # ships no types
from defusedxml.ElementTree import iterparse  # type: ignore[import-untyped]  # ships no types

from tidegate.errors import InputError

MAX_BYTES = 20 << 20
MAX_ENTRIES = 200
MAX_UNPACKED = 200 << 20
MAX_RATIO = 100
MAX_DEPTH = 100
MAX_ELEMENTS = 300_000
MAX_NESTING = 60  # of JSON


def check_size(name: str, data: bytes) -> None:
    """Raises InputError."""
    if len(data) > MAX_BYTES:
        raise refused(
            "too_large",
            name,
            f"{len(data) / (1 << 20):.1f} MiB，上限 20 MiB；请拆成几个文件",
            f"it is {len(data) / (1 << 20):.1f} MiB, at most 20 MiB are read; split it",
        )


def safe_workbook(name: str, data: bytes, rows: int, columns: int) -> io.BytesIO:
    """The parts of a workbook that hold cells, unpacked within the limits and packed again without
    compression, so that no reader meets more than was counted here.

    Raises:
        InputError: damaged, what a zip bomb looks like, or cells further out than `rows` and
        `columns`.
    """
    stream = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(stream, "w") as safe:
            entries = archive.infolist()
            _check_directory(name, data, entries)
            left = min(MAX_UNPACKED, MAX_RATIO * max(len(data), 1))
            for entry in entries:
                if entry.filename.startswith(_SKIPPED) or entry.is_dir():
                    continue
                content = archive.open(entry).read(left + 1)
                left -= len(content)
                if left < 0:
                    raise _bomb(name)
                _check_extent(name, content, rows, columns)
                safe.writestr(entry.filename, content)
    except _UNREADABLE as error:
        raise damaged(name) from error
    stream.seek(0)
    return stream


_SKIPPED = ("xl/media/", "xl/embeddings/", "xl/drawings/", "xl/charts/", "docProps/")
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, NotImplementedError, OSError,
    RuntimeError,
)  # fmt: skip
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})(\d{1,9})["']""")


def _check_directory(name: str, data: bytes, entries: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES:
        raise refused(
            "zip_entries",
            name,
            f"压缩包里有 {len(entries)} 个文件，上限 {MAX_ENTRIES}；请用 Excel 另存一份",
            f"the archive holds {len(entries)} files, at most {MAX_ENTRIES} are read; save it "
            f"again with a spreadsheet program",
        )
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(len(data), 1):
        raise _bomb(name)


def _bomb(name: str) -> InputError:
    return refused(
        "zip_bomb",
        name,
        f"解压后超过上限（{MAX_UNPACKED >> 20} MiB，或文件大小的 {MAX_RATIO} 倍）；请删去多余内容后另存",
        f"unpacked it is over the limit of {MAX_UNPACKED >> 20} MiB or {MAX_RATIO} times its "
        f"size; remove what isn't needed and save it again",
    )


def _check_extent(name: str, content: bytes, rows: int, columns: int) -> None:
    """A single cell far out would make a reader hold everything up to it."""
    if b"\x00" in content[:200]:
        raise damaged(name)  # UTF-16, in which nothing here could be counted
    lowest = max((int(found[2]) for found in _REFERENCE.finditer(content)), default=0)
    letters = {found[1].upper() for found in _REFERENCE.finditer(content)}
    if lowest > rows or max(map(_column, letters), default=0) > columns:
        raise refused(
            "too_many_rows",
            name,
            f"有单元格在 {rows} 行、{columns} 列之外；请拆分，或删去多余的行列",
            f"it has cells beyond row {rows} or column {columns}; split it, or delete what isn't "
            f"needed",
        )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def parse_xml(name: str, data: bytes) -> Element:
    """The root of an XML file without entities and DTDs.

    Raises:
        InputError: not well-formed, too deep, too many elements, or with a DTD.
    """
    check_size(name, data)
    depth = elements = 0
    root: Element | None = None
    try:
        for event, element in iterparse(io.BytesIO(data), ("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            elements += event == "start"
            root = element if root is None else root
            if depth > MAX_DEPTH or elements > MAX_ELEMENTS:
                raise refused(
                    "xml_too_large",
                    name,
                    f"嵌套超过 {MAX_DEPTH} 层或元素超过 {MAX_ELEMENTS} 个；请拆分",
                    f"it is nested deeper than {MAX_DEPTH} levels or holds more than "
                    f"{MAX_ELEMENTS} elements; split it",
                )
    except DefusedXmlException as error:
        raise refused(
            "xml_dtd",
            name,
            "含有 DTD 或实体声明，出于安全不接受；请删去 <!DOCTYPE …> 后再导入",
            "it declares a DTD or entities, which are refused for safety; remove <!DOCTYPE …>",
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise refused(
            "xml_invalid",
            name,
            f"不是有效的 XML（{error}）；请从建模工具重新导出",
            f"it isn't valid XML ({error}); export it again from the modelling tool",
        ) from error
    if root is None:
        raise refused("xml_invalid", name, "文件是空的", "it is empty")
    return root


def parse_json(name: str, data: bytes) -> Any:
    """A JSON file; numbers with a point stay text, so that they are exact.

    Raises:
        InputError: not JSON, or nested too deeply.
    """
    check_size(name, data)
    try:
        text = data.decode("utf-8-sig")
        found = json.loads(text, parse_float=str, parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise refused(
            "json_invalid",
            name,
            f"不是有效的 JSON（{error}）；请重新导出",
            f"it isn't valid JSON ({error}); export it again",
        ) from error
    if _depth([found]) > MAX_NESTING:
        raise refused(
            "json_too_deep", name, "嵌套过深；请拆分", "it is nested too deeply; split it"
        )
    return found


def _no_constant(word: str) -> object:
    raise ValueError(word)


def _depth(level: Iterable[Any]) -> int:
    depth = 0
    queue = list(level)
    while queue and depth <= MAX_NESTING:
        depth += 1
        queue = [
            part
            for value in queue
            if isinstance(value, dict | list)
            for part in (value.values() if isinstance(value, dict) else value)
        ]
    return depth


def damaged(name: str) -> InputError:
    return refused(
        "workbook_damaged",
        name,
        "不是能打开的 .xlsx（已损坏、有密码或不是工作簿）；请另存为不带密码的 .xlsx",
        "it is no .xlsx that opens (damaged, password, or no workbook); save it as .xlsx "
        "without a password",
    )


def refused(code: str, name: str, zh: str, en: str) -> InputError:
    return InputError(
        f"interchange.{code}", zh=f"文件 {name}：{zh}。", en=f"{name}: {en}.", file=name
    )
