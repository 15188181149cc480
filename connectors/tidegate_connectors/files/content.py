"""What a file is, told by its first bytes: compressed text, text, a workbook, or something
nobody can import.
"""

from __future__ import annotations

import gzip
import io
import lzma
import sys
import tempfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from tidegate.errors import InputError
from tidegate.sdk.sheets import Upload

HEAD = 65_536
MAX_PACKED = 100_000_000  # bytes of a workbook: it is held in memory
MAX_UNPACKED = 600_000_000
_GZIP = b"\x1f\x8b"
_XZ = b"\xfd7zXZ\x00"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_REFUSED = (  # first bytes, what it is (zh, en)
    (b"%PDF", "PDF", "a PDF"),
    (b"\x89PNG", "图片", "an image"),
    (b"\xff\xd8\xff", "图片", "an image"),
    (b"GIF8", "图片", "an image"),
    (b"\xd0\xcf\x11\xe0", "旧版 Excel（.xls）", "an old Excel file (.xls)"),
    (b"\x28\xb5\x2f\xfd", "zstd 压缩包", "a zstd archive"),
    (b"BZh", "bzip2 压缩包", "a bzip2 archive"),
    (b"7z\xbc\xaf", "7z 压缩包", "a 7z archive"),
    (b"Rar!", "RAR 压缩包", "a RAR archive"),
    (b"SQLite format 3", "数据库文件", "a database file"),
)


@dataclass
class Content:
    """An opened file. `kind` is text, workbook or old_workbook (.xls); `position` tells how many of its bytes were
    read.
    """

    name: str
    kind: str
    stream: BinaryIO
    size: int | None
    position: Callable[[], int]
    closing: ExitStack

    def close(self) -> None:
        """Close everything but standard input."""
        self.closing.close()


def name_of(origin: str | Upload) -> str:
    """A file's name without folders."""
    if isinstance(origin, Upload):
        return origin.name
    return "stdin" if origin == "-" else Path(origin).name


def open_content(origin: str | Upload) -> Content:
    """Open a path (`-` is standard input) or an upload and look inside; `.gz` and `.xz` are unpacked as read.

    Raises:
        InputError: no such file, or a kind of file that holds no orders.
    """
    name = name_of(origin)
    with ExitStack() as closing:
        if isinstance(origin, Upload):
            raw, size = _given(origin)
        else:
            raw, size = _open(origin, name)
        counted = closing.enter_context(_Counted(raw))
        outer = closing.enter_context(io.BufferedReader(cast(io.RawIOBase, counted), HEAD))
        inner = _unpacked(outer)
        if inner is not outer:
            closing.enter_context(inner)
        head = _head(inner, name)
        kind, stream = "text", cast(BinaryIO, inner)
        if head.startswith((_ZIP, _OLE)):
            copy = cast(BinaryIO, closing.enter_context(tempfile.TemporaryFile()))
            kind = "workbook" if head.startswith(_ZIP) else "old_workbook"
            stream = _copied(inner, copy, name)
        else:
            refuse_unreadable(name, head)
        return Content(name, kind, stream, size, counted.position, closing.pop_all())


def refuse_unreadable(name: str, head: bytes) -> None:
    """Say what a file is that we cannot read, and how to get one that we can."""
    for start, zh, en in _REFUSED:
        if head.startswith(start):
            raise _not_a_table(name, zh, en)
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<table", b"<?xml", b"<meta")):
        raise _not_a_table(name, "网页或 XML", "a web page or XML")
    if not head.strip():
        raise InputError(
            "import.file_empty",
            zh=f"{name} 是空文件；请重新导出。",
            en=f"{name} is empty; export it again.",
            file=name,
        )
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _not_a_table(name, "二进制文件", "a binary file")


def unpack_failed(name: str, error: Exception) -> InputError:
    """A damaged archive, said in one sentence."""
    return InputError(
        "import.archive_damaged",
        zh=f"{name} 解压失败，文件不完整或已损坏；请重新下载或重新压缩。没有导入任何订单。",
        en=f"{name} cannot be unpacked, it is cut off or damaged; fetch or pack it again. No order "
        "was imported.",
        file=name,
        reason=type(error).__name__,
    )


UNPACKING = (lzma.LZMAError, gzip.BadGzipFile, zlib.error, EOFError)


class _Counted(io.RawIOBase):
    """Counts what was taken from the file, for the progress bar."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        data = self._raw.read(len(view))
        view[: len(data)] = data
        self._count += len(data)
        return len(data)

    def position(self) -> int:
        return self._count

    def close(self) -> None:
        if self._raw is not sys.stdin.buffer:
            self._raw.close()
        super().close()


def _given(upload: Upload) -> tuple[BinaryIO, int | None]:
    return cast(BinaryIO, io.BytesIO(upload.data)), len(upload.data)


def _open(path: str, name: str) -> tuple[BinaryIO, int | None]:
    if path == "-":
        return sys.stdin.buffer, None
    try:
        file = Path(path).open("rb")  # noqa: SIM115  (the caller closes it)
    except OSError as error:
        raise InputError(
            "import.file_unreadable",
            zh=f"打不开文件 {name}（{error.strerror}）；请检查路径和权限。",
            en=f"Cannot open {name} ({error.strerror}); check the path and its permissions.",
            file=name,
        ) from error
    return file, Path(path).stat().st_size


def _unpacked(outer: Any) -> io.BufferedReader:
    start = outer.peek(6)
    if start.startswith(_GZIP):
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=outer)), HEAD)
    if start.startswith(_XZ):
        return io.BufferedReader(cast(io.RawIOBase, lzma.LZMAFile(outer)), HEAD)
    found: io.BufferedReader = outer
    return found


def _head(inner: io.BufferedReader, name: str) -> bytes:
    try:
        return inner.peek(HEAD)[:HEAD]
    except UNPACKING as error:
        raise unpack_failed(name, error) from error


def _copied(inner: io.BufferedReader, copy: BinaryIO, name: str) -> BinaryIO:
    """An archive in a file of its own, so that it can be read from its end."""
    left = MAX_PACKED
    try:
        while data := inner.read(HEAD):
            left -= len(data)
            if left < 0:
                raise too_large(name)
            copy.write(data)
    except UNPACKING as error:
        raise unpack_failed(name, error) from error
    copy.seek(0)
    return copy


def too_large(name: str) -> InputError:
    """A workbook that would not fit into memory."""
    return InputError(
        "import.workbook_too_large",
        zh=f"工作簿 {name} 太大（压缩后最多 100 MB，展开后最多 600 MB）；"
        "请另存为 CSV UTF-8 再导入。",
        en=f"The workbook {name} is too large (100 MB packed, 600 MB unpacked at most); save it as "
        "CSV UTF-8.",
        file=name,
    )


def _not_a_table(name: str, zh: str, en: str) -> InputError:
    return InputError(
        "import.not_a_table",
        zh=f"{name} 的内容是{zh}，不是订单表格；请另存为 CSV UTF-8 或 .xlsx 再导入。",
        en=f"{name} is {en}, not a table of orders; save it as CSV UTF-8 or .xlsx and import that.",
        file=name,
        kind=en,
    )
