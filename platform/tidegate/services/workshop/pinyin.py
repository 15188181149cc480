"""Finding Chinese words by what people type: characters, whole syllables or first letters."""

from __future__ import annotations

from functools import lru_cache

from pypinyin import Style, pinyin

Span = tuple[int, int]


@lru_cache(maxsize=5_000)
def syllables(text: str) -> tuple[tuple[str, ...], ...]:
    """For each character its readings without tones; a foreign character reads as itself."""
    found: list[tuple[str, ...]] = []
    for character in text.lower():
        if "\u4e00" <= character <= "\u9fff":
            readings = pinyin(character, style=Style.NORMAL, heteronym=True)[0]
            found.append(tuple(dict.fromkeys(readings)))
        else:
            found.append((character,))
    return tuple(found)


def match(text: str, query: str) -> Span | None:
    """Where `query` is in `text`, as a range of characters: `dz`, `dizhi`, `地址` and `dizh` are all
    in 地址类型.
    """
    query = "".join(query.lower().split())
    if not query:
        return None
    at = text.lower().find(query)
    if at >= 0:
        return at, at + len(query)
    if not query.isascii():
        return None
    readings = syllables(text)
    for start in range(len(readings)):
        end = _read(readings, start, query)
        if end:
            return start, end
    return None


def _read(readings: tuple[tuple[str, ...], ...], at: int, query: str) -> int:
    """Where the query ends when read from here on; 0 when it can't be."""
    if not query:
        return at
    if at == len(readings):
        return 0
    for syllable in readings[at]:
        if syllable.startswith(query):
            return at + 1
        for part in (syllable, syllable[0]):
            end = _read(readings, at + 1, query[len(part) :]) if query.startswith(part) else 0
            if end:
                return end
    return 0
