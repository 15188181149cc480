"""The two embedded fonts, what they can print, and how wide it gets.

ReportLab drops a character without a glyph in silence ("Łódź" became "ód"), so nothing is drawn
that was not looked up here first. Bold covers GB2312; what it lacks is set in Regular, which covers
GBK and names such as 堃.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from itertools import groupby

from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont

# Marks need shaping; the others print nothing; every kind of space but one is normalised by
# text.clean.
_UNSET = {"Mn", "Mc", "Me", "Cf", "Cc", "Co", "Cs", "Cn", "Zs", "Zl", "Zp"}


@dataclass(frozen=True, eq=False, slots=True)
class Face:
    """One weight. `advances` are in 1/1000 of the size and include what the fallback prints."""

    name: str
    own: frozenset[str]
    advances: Mapping[str, float]
    fallback: Face | None

    @property
    def covered(self) -> frozenset[str]:
        """Every character this weight or its fallback prints."""
        return self.fallback.covered if self.fallback else self.own

    def width(self, text: str, size: float) -> float:
        """Width in points; every character must be covered."""
        return sum(map(self.advances.__getitem__, text)) * size / 1000

    def runs(self, text: str) -> Iterator[tuple[Face, str]]:
        """`text` in pieces of one font each, in order."""
        if self.fallback is None or self.own.issuperset(text):
            yield self, text
            return
        for is_own, piece in groupby(text, self.own.__contains__):
            yield (self if is_own else self.fallback), "".join(piece)


@cache
def regular() -> Face:
    return _load("TidegateRegular", "NotoSansSC-Regular.ttf", None)


@cache
def bold() -> Face:
    return _load("TidegateBold", "NotoSansSC-Bold.ttf", regular())


def _load(name: str, file_name: str, fallback: Face | None) -> Face:
    """Register a font with ReportLab under `name` (once per process; 0.2 s)."""
    with as_file(files("tidegate.documents") / "fonts" / file_name) as path:
        font = TTFont(name, str(path))
    registerFont(font)
    points = font.face.charToGlyph
    own = frozenset(char for char in map(chr, points) if _stands_alone(char))
    widths: dict[str, float] = {char: font.face.charWidths[ord(char)] for char in own}
    advances = {**fallback.advances, **widths} if fallback else widths
    return Face(name, own, advances, fallback)


def _stands_alone(char: str) -> bool:
    """Whether ReportLab, which does no shaping, prints this character as a reader expects it."""
    return char == " " or unicodedata.category(char) not in _UNSET
