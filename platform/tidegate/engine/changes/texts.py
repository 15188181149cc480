"""Texts worth trying: what a person would write first, then whatever fits.

`spelled` walks over texts from the shortest on, letter by letter, remembering for each how far it
has got with every pattern; so it meets every combination of patterns that a text can show.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from tidegate.engine.changes.wordings import Pattern, Wordings
from tidegate.engine.regions import other_text
from tidegate.engine.values import fold

_MOST_STATES = 12_000
State = tuple[object, ...]


def likely(wordings: Wordings) -> Iterator[str]:
    """Small edits of the present text, the texts the set names, the dictionary's sample, one that
    nobody names.
    """
    slot = wordings.slot
    present = slot.present if isinstance(slot.present, str) else ""
    parts = [p for p in wordings.patterns if p.text]
    yield from _edited(str(present), parts)
    named = [*wordings.constants, *(_instance(p.text) for p in parts)]
    yield from named
    if isinstance(slot.fact.sample, str):
        yield slot.fact.sample
    yield other_text([*named, present])
    for text in named:
        yield from (text.upper(), text.lower(), text.swapcase())
        if wordings.ordered:
            yield from (text + "!", text[:-1])
            yield from (chr(ord(text[0]) + 1), chr(max(ord(text[0]) - 1, 33))) if text else ()
    for length in sorted({p.least for p in wordings.patterns if p.kind == "length"}):
        for size in (length - 1, length):
            yield (str(present) + other_text([]) * (size // 3 + 1))[: max(size, 0)]
    yield ""


def _edited(present: str, patterns: Iterable[Pattern]) -> Iterator[str]:
    if not present:
        return
    without = present
    for pattern in patterns:
        text = pattern.text
        if pattern.kind == "contains":
            yield f"{present} {text}"
            if text in present:
                yield present.replace(text, "").strip()
                without = without.replace(text, "").strip()
        elif pattern.kind == "starts_with":
            yield text + present
            yield present.removeprefix(text)
        elif pattern.kind == "ends_with":
            yield present + text
            yield present.removesuffix(text)
    yield without


def _instance(pattern: str) -> str:
    """A text that fits a pattern with wildcards, or the text itself."""
    return pattern.replace("*", "").replace("?", "0")


def spelled(wordings: Wordings) -> Iterator[str | None]:
    """One text for every combination of patterns, shortest first; None at the end when the search
    was cut short.
    """
    patterns = list(wordings.patterns)
    patterns += [Pattern("equals", text) for text in wordings.constants]
    machines = [_MACHINES[pattern.kind](pattern) for pattern in patterns]
    letters = dict.fromkeys(letter for p in patterns for letter in fold(p.text) if letter != "*")
    alphabet = [*letters, other_text(letters)[0]]
    alphabet = list(dict.fromkeys(alphabet))
    start: tuple[State, ...] = tuple(machine.start for machine in machines)
    seen = {start}
    shown: set[tuple[bool, ...]] = set()
    queue: deque[tuple[str, tuple[State, ...]]] = deque([("", start)])
    while queue:
        text, states = queue.popleft()
        if text == text.strip():
            shows = tuple(m.accepts(s) for m, s in zip(machines, states, strict=True))
            if shows not in shown:
                shown.add(shows)
                yield text
        for letter in alphabet:
            following = tuple(m.step(s, letter) for m, s in zip(machines, states, strict=True))
            if following not in seen and (text or letter.strip()):
                if len(seen) >= _MOST_STATES:
                    yield None
                    return
                seen.add(following)
                queue.append((text + letter, following))


class _Machine:
    """Reads a text letter by letter."""

    start: State

    def __init__(self, pattern: Pattern) -> None:
        self.text = fold(pattern.text)
        self.least = pattern.least
        self.start = (0,)

    def step(self, state: State, letter: str) -> State:
        raise NotImplementedError

    def accepts(self, state: State) -> bool:
        return state == (len(self.text),)


class _Equals(_Machine):
    def step(self, state: State, letter: str) -> State:
        at: int = state[0]  # type: ignore[assignment]  # (number of letters that fit,)
        return (at + 1,) if 0 <= at < len(self.text) and self.text[at] == letter else (-1,)


class _Starts(_Machine):
    def step(self, state: State, letter: str) -> State:
        at: int = state[0]  # type: ignore[assignment]  # (number of letters that fit,)
        if at == len(self.text):
            return state
        return (at + 1,) if at >= 0 and self.text[at] == letter else (-1,)


class _Ends(_Machine):
    def step(self, state: State, letter: str) -> State:
        at: int = state[0]  # type: ignore[assignment]  # (longest beginning the text now ends with,)
        read = self.text[:at] + letter
        return (
            next(n for n in range(len(read), -1, -1) if self.text[:n] == read[len(read) - n :]),
        )


class _Contains(_Ends):
    def step(self, state: State, letter: str) -> State:
        return state if self.accepts(state) else super().step(state, letter)


class _Matches(_Machine):
    def __init__(self, pattern: Pattern) -> None:
        super().__init__(pattern)
        self.start = self._past_stars({0})

    def _past_stars(self, places: set[int]) -> State:
        for at in sorted(places):
            while at < len(self.text) and self.text[at] == "*":
                at += 1
                places.add(at)
        return tuple(sorted(places))

    def step(self, state: State, letter: str) -> State:
        places: set[int] = set()
        for at in state:
            wanted = self.text[at : at + 1]  # type: ignore[index, operator]  # places in the pattern
            if wanted == "*":
                places.add(at)  # type: ignore[arg-type]
            elif wanted in ("?", letter) and wanted:
                places.add(at + 1)  # type: ignore[operator]
        return self._past_stars(places)

    def accepts(self, state: State) -> bool:
        return len(self.text) in state


class _Length(_Machine):
    def step(self, state: State, letter: str) -> State:
        at: int = state[0]  # type: ignore[assignment]  # (letters so far,)
        return (min(at + 1, self.least),)

    def accepts(self, state: State) -> bool:
        return state == (self.least,)


_MACHINES: dict[str, Callable[[Pattern], _Machine]] = {
    "equals": _Equals,
    "contains": _Contains,
    "starts_with": _Starts,
    "ends_with": _Ends,
    "matches": _Matches,
    "length": _Length,
}
