"""Headers are matched by their text, never by their position."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence

_BRACKETS = str.maketrans("【】〔〕［］「」『』", "[][][][][]")
_DROPPED = str.maketrans("", "", "\ufeff\u200b\u200e\u200f\t\r\n '\"`*")


def normal(header: str) -> str:
    """A header as it is compared: half width, lower case, one kind of brackets, without blanks,
    quotes and marks.
    """
    text = unicodedata.normalize("NFKC", header).translate(_BRACKETS).translate(_DROPPED)
    return "".join(text.split()).casefold()


class Header:
    """The first row of a table. Of two equal headers the first counts; `repeated` names the
    others.
    """

    def __init__(self, cells: Sequence[str]) -> None:
        self.cells = [cell.replace("\ufeff", "").strip() for cell in cells]
        while self.cells and not self.cells[-1]:
            self.cells.pop()
        self._index: dict[str, int] = {}
        self.repeated: list[str] = []
        for position, cell in enumerate(self.cells):
            key = normal(cell)
            if not key:
                continue
            if key in self._index:
                self.repeated.append(cell)
            else:
                self._index[key] = position
        for position, cell in enumerate(self.cells):  # 金额(元) is also found as 金额
            bare = normal(cell).split("(")[0].split("[")[0]
            if bare:
                self._index.setdefault(bare, position)

    def __len__(self) -> int:
        return len(self.cells)

    def position(self, names: Iterable[str]) -> int | None:
        """Where the first of the synonyms is found, or None."""
        for name in names:
            found = self._index.get(normal(name))
            if found is not None:
                return found
        return None

    def nearest(self, names: Iterable[str]) -> list[str]:
        """Headers that look like one of the synonyms, best first."""
        known = {normal(cell): cell for cell in self.cells}
        found: list[str] = []
        for name in names:
            for match in difflib.get_close_matches(normal(name), known, n=2, cutoff=0.5):
                if known[match] not in found:
                    found.append(known[match])
        return found[:3]
