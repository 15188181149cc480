"""Plain data as few bytes: compressed with words that we know beforehand.

A decision's facts and traces name the same things in every row, each row too short to say a name twice. The words
(packing_words.txt: the traces of our rules, then facts of the demo, what is met most at the end) are what a row may
point to instead. **They never change**: rows can't be read without them. A stream that used them says so in its head,
by their checksum; what was packed without them before is read as well.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from importlib.resources import files
from typing import Any

LEVEL = 1  # higher ones save a tenth of the bytes for more time than that is worth


def packed(value: Any) -> bytes:
    """JSON, compressed."""
    packer = _packer().copy()
    text = json.dumps(value, separators=(",", ":")).encode("ascii")
    found: bytes = packer.compress(text) + packer.flush()
    return found


def unpacked(data: bytes) -> Any:
    """What was packed, with or without words.

    Raises:
        zlib.error: the bytes are damaged, or were packed with other words.
    """
    reader = zlib.decompressobj(zdict=words())
    text = reader.decompress(data)
    if not reader.eof:
        raise zlib.error("packed data ends early")
    return json.loads(text)


@cache
def words() -> bytes:
    return files("tidegate.store").joinpath("packing_words.txt").read_bytes()


@cache
def _packer() -> Any:
    """One that has read the words; copies of it need not read them again."""
    return zlib.compressobj(LEVEL, zdict=words())
