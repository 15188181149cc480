"""Bytes to lines of text, with the encoding told from the bytes and every line bounded.

Order: a byte order mark decides; otherwise the first bytes beyond ASCII decide between the
mapping's encodings
(UTF-8 and GB18030 unless it says otherwise). Text that only happens to decode as GB18030 is
refused: of its Chinese
characters at least four in five must be everyday ones (GB 2312).
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from tidegate.errors import InputError
from tidegate_connectors.files.content import HEAD, UNPACKING, unpack_failed

CHUNK = 262_144
MAX_LINE = 1_048_576
EVERYDAY_SHARE = 0.8
DEFAULT_ENCODINGS = ("utf-8", "gb18030")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NAMES = {"utf-8": "UTF-8", "gb18030": "GB18030"}


def read_lines(
    stream: BinaryIO, name: str, encodings: Sequence[str] = DEFAULT_ENCODINGS
) -> Iterator[str]:
    """Lines with their ends kept, split only where `csv` splits them.

    Raises:
        InputError: no encoding fits (with byte and line), or a line never ends.
    """
    left, line_no = "", 1
    for text in _decoded(stream, name, encodings):
        held = left + text
        cut = "\r" if held.endswith("\r") else ""  # its \n may be in the next chunk
        pieces = io.StringIO(held[: len(held) - len(cut)], newline="")
        left = ""
        for line in pieces:
            if line[-1] in "\r\n":
                line_no += 1
                yield line
            else:
                left = line
        left += cut
        if len(left) > MAX_LINE:
            raise _endless(name, line_no)
    if left:
        yield left


def _decoded(stream: BinaryIO, name: str, encodings: Sequence[str]) -> Iterator[str]:
    decoder: codecs.IncrementalDecoder | None = None
    encoding, offset, lines = "", 0, 1
    for number, data in enumerate(_chunks(stream, name)):
        if number == 0:
            for mark, marked in _MARKS:
                if data.startswith(mark):
                    encoding, decoder = marked, codecs.getincrementaldecoder(marked)()
                    data = data[len(mark) :]
                    offset = len(mark)
                    break
        if decoder is None:
            if data.isascii():
                yield data.decode("ascii")
                offset, lines = offset + len(data), lines + data.count(b"\n")
                continue
            encoding = _choose(data, name, encodings, offset, lines)
            decoder = codecs.getincrementaldecoder(encoding)()
        pending = len(decoder.getstate()[0])
        try:
            yield decoder.decode(data)
        except UnicodeDecodeError as error:
            at = offset - pending + error.start
            raise _wrong_bytes(
                name, encoding, at, lines + data[: error.start].count(b"\n")
            ) from error
        offset, lines = offset + len(data), lines + data.count(b"\n")
    if decoder is not None:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise _wrong_bytes(name, encoding, offset, lines) from error


def _chunks(stream: BinaryIO, name: str) -> Iterator[bytes]:
    try:
        while data := stream.read(CHUNK):
            yield data
    except UNPACKING as error:
        raise unpack_failed(name, error) from error


def _choose(data: bytes, name: str, encodings: Sequence[str], offset: int, lines: int) -> str:
    """The first encoding that fits all of `data`; else complain about the one that got furthest."""
    furthest, best = -1, encodings[0]
    for encoding in encodings:
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(data)
        except UnicodeDecodeError as error:
            reached = error.start
        else:
            strange = _strange(text) if encoding == "gb18030" else None
            if strange is None:
                return encoding
            reached = _first_beyond_ascii(data) if furthest < 0 else -1
        if reached > furthest:
            furthest, best = reached, encoding
    raise _wrong_bytes(name, best, offset + furthest, lines + data[:furthest].count(b"\n"))


def _strange(text: str) -> str | None:
    beyond = [c for c in text[:HEAD] if c > "\x7f"]
    everyday = 0
    for char in beyond:
        try:
            char.encode("gb2312")
        except UnicodeEncodeError:
            continue
        everyday += 1
    return None if everyday >= EVERYDAY_SHARE * len(beyond) else "".join(beyond[:10])


def _first_beyond_ascii(data: bytes) -> int:
    return next(index for index, byte in enumerate(data) if byte > 0x7F)


def _wrong_bytes(name: str, encoding: str, at: int, line: int) -> InputError:
    label = _NAMES.get(encoding, encoding)
    return InputError(
        "import.encoding",
        zh=(
            f"{name} 第 {line} 行（第 {at} 字节）既不是 UTF-8 也不是 GB18030，最接近的是 {label}；"
            "文件可能混用了两种编码。"
            "请用表格软件另存为“CSV UTF-8”再导入。没有导入任何订单。"
        ),
        en=(
            f"{name}, line {line} (byte {at}): the text is neither UTF-8 nor GB18030 ({label} came "
            "closest); two encodings"
            " may be mixed. Save it as “CSV UTF-8” in a spreadsheet and import that. No order was "
            "imported."
        ),
        file=name,
        line=line,
        byte=at,
    )


def _endless(name: str, line: int) -> InputError:
    return InputError(
        "import.endless_line",
        zh=f"{name} 第 {line} 行超过 {MAX_LINE} 个字符仍未结束，这不是订单表格；请检查文件。"
        "没有导入任何订单。",
        en=f"{name}, line {line} does not end after {MAX_LINE} characters; this is no table of "
        "orders. No order was imported.",
        file=name,
        line=line,
    )
