"""Text on paper: what may be printed, where a line may break, and how large it can be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidegate.documents.fonts import Face, regular

STAND_IN = "□"  # printed for a character no font has, where that is allowed
MORE = "…"

# A token never breaks inside: a Latin word or number (with 号, 室 ...), or one Chinese character,
# with the brackets that open before it and the punctuation that closes after it (no line starts
# with 。 or ends with （ ).
_TOKEN = re.compile(
    r"[（《「『【“‘(]*(?:[!-~\u00c0-\u024f]+[号室栋幢座楼层]?|.)[，。、；：？！）》」』】”’…·)]*"
)


def clean(text: str) -> str:
    """`text` with one kind of space, composed accents and no invisible characters.

    Zero width characters and direction marks go; control characters stay, to be refused or
    replaced.
    """
    if regular().covered.issuperset(text):
        return text.strip()
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(
        c for c in text if unicodedata.category(c) != "Cf" and c not in "\ufe0e\ufe0f"
    ).strip()


def uncovered(text: str) -> str | None:
    """The first character that no font prints, or None."""
    covered = regular().covered
    if covered.issuperset(text):
        return None
    return next(char for char in text if char not in covered)


def replaced(text: str) -> tuple[str, tuple[str, ...]]:
    """`text` with □ for what no font prints, and the code points replaced (`U+1F600`)."""
    covered = regular().covered
    if covered.issuperset(text):
        return text, ()
    lost = tuple(dict.fromkeys(code_point(char) for char in text if char not in covered))
    return "".join(char if char in covered else STAND_IN for char in text), lost


def code_point(char: str) -> str:
    return f"U+{ord(char):04X}"


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt of fitting: a size in points and the number of lines there is room for."""

    size: float
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Fitted:
    size: float
    lines: tuple[str, ...]


def fit(text: str, face: Face, width: float, steps: Sequence[Step]) -> Fitted | None:
    """The first step at which all of `text` fits into `width` points, or None: nothing is ever cut
    here.
    """
    total = sum(map(face.advances.__getitem__, text))
    for step in steps:
        room = width * 1000 / step.size
        if total <= room:
            return Fitted(step.size, (text,))
        if total <= room * step.lines:
            lines = wrap(text, face.advances, room)
            if len(lines) <= step.lines:
                return Fitted(step.size, lines)
    return None


def wrap(text: str, advances: Mapping[str, float], room: float) -> tuple[str, ...]:
    """Break `text` into lines of at most `room` (1/1000 of the size); a token wider than a line is
    broken anywhere.
    """
    lines: list[str] = []
    line, used = "", 0.0
    for token in _TOKEN.findall(text):
        width = sum(map(advances.__getitem__, token))
        for piece in (token,) if width <= room else token:
            width = sum(map(advances.__getitem__, piece))
            if line and used + width > room:
                lines.append(line.rstrip())
                line, used = "", 0.0
                if piece == " ":
                    continue
            line += piece
            used += width
    return (*lines, line.rstrip()) if line.strip() else tuple(lines)


def shorten(text: str, face: Face, width: float, size: float) -> str:
    """`text`, or as much of it as fits before a visible `…`."""
    room = width * 1000 / size
    if sum(map(face.advances.__getitem__, text)) <= room:
        return text
    room -= face.advances[MORE]
    used = 0.0
    for index, char in enumerate(text):
        used += face.advances[char]
        if used > room:
            return text[:index].rstrip() + MORE
    return text


def squeeze(text: str, face: Face, width: float, sizes: Sequence[float]) -> Fitted:
    """One line at the first of `sizes` that holds `text`; at the last it is shortened with a
    visible `…`.
    """
    fitted = fit(text, face, width, [Step(size) for size in sizes])
    return fitted or Fitted(sizes[-1], (shorten(text, face, width, sizes[-1]),))
