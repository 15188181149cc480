"""Rows of one order brought together wherever they stand, in bounded memory, orders in order of
first appearance.

Rows go to the block in which their order was first seen; a block covers BLOCK_ROWS rows. Blocks
stay in memory until
HELD_ROWS rows are waiting, then they move to one temporary file. Reading back, a block holds
whole orders, so memory is
one block plus a table of the order numbers.
"""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

BLOCK_ROWS = 8_192
HELD_ROWS = 65_536

Entry = tuple[int, int, tuple[str, ...]]  # source, row number, cells


class Gather:
    """Add every row, then take the groups once."""

    def __init__(self) -> None:
        self._block_of: dict[str, int] = {}
        self._blocks: list[list[tuple[str, Entry]]] = [[]]
        self._spilled: list[list[tuple[int, int]]] = [[]]  # per block: offset and length
        self._in_block = 0
        self._held = 0
        self._file: BinaryIO | None = None

    def add(self, key: str, entry: Entry) -> None:
        """Keep one row under its order's number."""
        block = self._block_of.get(key)
        if block is None:
            if self._in_block >= BLOCK_ROWS:
                self._blocks.append([])
                self._spilled.append([])
                self._in_block = 0
            block = self._block_of[key] = len(self._blocks) - 1
        self._in_block += 1
        self._blocks[block].append((key, entry))
        self._held += 1
        if self._held >= HELD_ROWS:
            self._spill()

    def groups(self) -> Iterator[tuple[str, list[Entry]]]:
        """(number, its rows in the order they came); each block is forgotten once it was handed
        out.
        """
        self._block_of.clear()
        for index, places in enumerate(self._spilled):
            found: dict[str, list[Entry]] = {}
            for rows in (*(self._load(*place) for place in places), self._blocks[index]):
                for key, entry in rows:
                    group = found.get(key)
                    if group is None:
                        found[key] = [entry]
                    else:
                        group.append(entry)
            self._blocks[index] = []
            yield from found.items()
        self.close()

    def close(self) -> None:
        """Forget the temporary file; safe to call twice."""
        if self._file is not None:
            self._file.close()

    def _spill(self) -> None:
        if self._file is None:
            self._file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115
        for index, rows in enumerate(self._blocks):
            if rows:
                packed = marshal.dumps(rows, 2)
                self._spilled[index].append((self._file.tell(), len(packed)))
                self._file.write(packed)
                self._blocks[index] = []
        self._held = 0

    def _load(self, offset: int, length: int) -> list[tuple[str, Entry]]:
        assert self._file is not None  # noqa: S101  (offsets exist only once the file does)
        self._file.seek(offset)
        rows: list[tuple[str, Entry]] = marshal.loads(  # noqa: S302  (our own file, written by this process)
            self._file.read(length)
        )
        return rows
