"""The regions of one value that is only compared with constants, and which of them each comparison
takes, as bit masks.

Region 0 is the missing value. Between two neighbouring constants no comparison can change, so each
constant and each gap is one region with one value standing for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tidegate.engine.evaluation import Context
from tidegate.engine.language import tree
from tidegate.engine.operations import order
from tidegate.engine.proof.inline import constant_of
from tidegate.engine.regions import of_kind, other_text, representatives, truth
from tidegate.engine.values import ExactText, Money, fold

Masks = tuple[int, int]  # where a comparison is true, where it is false
_OTHERS = ("USD", "EUR", "JPY")
_TYPES: dict[str, tuple[type, ...]] = {
    "number": (Decimal,),
    "money": (Money, Decimal),
    "duration": (timedelta, Decimal),
    "instant": (datetime,),
    "date": (date,),
}


@dataclass(frozen=True)
class Segment:
    """Neighbouring regions that are in order with one another: one currency, or everything."""

    currency: str
    start: int
    keys: Sequence[Any]

    @property
    def mask(self) -> int:
        return ((1 << len(self.keys)) - 1) << self.start

    def split(self, key: Any) -> tuple[int, int]:
        """The regions below a constant, and the one at it."""
        place = bisect_left(self.keys, key)
        below = ((1 << place) - 1) << self.start
        found = place < len(self.keys) and self.keys[place] == key
        return below, 1 << self.start + place if found else 0


class Column:
    """Regions of one kind of value; `points` are the constants it is compared with."""

    def __init__(
        self, kind: str, points: Iterable[object], constants: Context,
        values: Sequence[str] = (), currency: str = "CNY", sample: object = None,
    ) -> None:  # fmt: skip
        self.kind = kind
        self.values: list[Any] = [None]
        self._constants = constants
        self._segments: list[Segment] = []
        self._texts: dict[str, int] = {}
        self._exact: dict[str, int] = {}
        self.typical = 0  # the region of the sample
        own = [point for point in points if type(point) in _TYPES.get(kind, (type(point),))]
        build: Callable[..., None] = _BUILD.get(kind, Column._ordered)
        build(self, own, values, currency, sample)

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def full(self) -> int:
        return (1 << len(self.values)) - 1

    # regions

    def _booleans(self, points: object, values: object, currency: object, sample: object) -> None:
        self.values += [False, True]
        if isinstance(sample, bool):
            self.typical = 2 if sample else 1

    def _fixed(
        self, points: object, values: Sequence[str], currency: object, sample: object
    ) -> None:
        """A choice: what the vocabulary says it may be."""
        for value in values:
            if fold(value) not in self._texts:
                self._texts[fold(value)] = self._exact[value] = 1 << len(self.values)
                self.values.append(value)
        if isinstance(sample, str) and fold(sample) in self._texts:
            self.typical = self._texts[fold(sample)].bit_length() - 1

    def _text(self, points: list[Any], values: object, currency: object, sample: object) -> None:
        """Each constant, each spelling that is compared exactly, and one other text."""
        written = [point for point in points if isinstance(point, str)]
        exact = dict.fromkeys(str(p) for p in written if isinstance(p, ExactText))
        loose = {fold(p): str(p) for p in written if not isinstance(p, ExactText)}
        for text in exact:
            self._add_text(text)
        for folded, text in loose.items():
            spelled = (text, folded, folded.upper(), f" {text}", f" {folded} ")
            self._add_text(next(one for one in spelled if one not in exact))
        taken = [*exact, *loose]
        usual = isinstance(sample, str) and fold(sample) not in {fold(text) for text in taken}
        self.values.append(sample if usual else other_text(taken))
        self.typical = len(self.values) - 1

    def _add_text(self, text: str) -> None:
        bit = 1 << len(self.values)
        self.values.append(text)
        self._exact[text] = bit
        self._texts[fold(text)] = self._texts.get(fold(text), 0) | bit

    def _ordered(self, points: list[Any], values: object, currency: str, sample: object) -> None:
        found = representatives(of_kind(points, self.kind, currency))
        self._segment("", found or ([sample] if sample is not None else []), points, sample)

    def _money(self, points: list[Any], values: object, currency: str, sample: object) -> None:
        known = [p for p in of_kind(points, "money", currency) if isinstance(p, Money)]
        named = list(dict.fromkeys(p.currency for p in known)) or [currency]
        for name in named:
            own = [point for point in known if point.currency == name]
            usual = sample if isinstance(sample, Money) and sample.currency == name else None
            fallback = [usual or Money(Decimal(1), name)]
            self._segment(name, representatives(own) or fallback, own, usual)
        if known:
            other = next(name for name in _OTHERS if name not in named)
            bare = any(isinstance(point, Decimal) for point in points)
            rest = [Money(Decimal(0), other)] if bare else []
            self._segment(other, representatives(rest) or [Money(Decimal(100), other)], rest, None)

    def _hours(self, *ignored: object) -> None:
        self._segment("", [Decimal(hour) for hour in range(24)], [], None)

    def _segment(
        self, currency: str, found: Sequence[Any], points: Sequence[Any], sample: Any
    ) -> None:
        start = len(self.values)
        chosen = list(found)
        at = {_key(point) for point in points}
        if sample is not None and chosen:
            place = bisect_left([_key(value) for value in chosen], _key(sample))
            for near in (place, place - 1):  # a gap's value gives way to the sample inside the gap
                if 0 <= near < len(chosen) and self._same_gap(chosen, near, sample, at):
                    chosen[near] = sample
                    self.typical = start + near
                    break
        self.values += chosen
        self._segments.append(Segment(currency, start, [_key(value) for value in chosen]))
        self.typical = self.typical or start

    @staticmethod
    def _same_gap(found: Sequence[Any], place: int, sample: Any, points: set[Any]) -> bool:
        if order(found[place], sample) == 0:
            return True
        if _key(found[place]) in points:
            return False
        after = place == 0 or order(found[place - 1], sample) == -1
        return after and (place + 1 == len(found) or order(sample, found[place + 1]) == -1)

    # masks

    def masks(self, cell: tree.Node) -> Masks:
        """Where a condition on `?` is true and where it is false."""
        found = self._fast(cell)
        if found is None:
            found = self._tried(cell, range(1, self.size))
        at_missing = self._tried(cell, range(1))
        return found[0] | at_missing[0], found[1] | at_missing[1]

    def _tried(self, cell: tree.Node, regions: Iterable[int]) -> Masks:
        """Region by region, by the evaluator itself."""
        true = false = 0
        for region in regions:
            said = truth(cell, self.values[region], self._constants)
            true |= (said is True) << region
            false |= (said is False) << region
        return true, false

    def _fast(self, cell: tree.Node) -> Masks | None:
        """The same without trying, for the common forms; the missing value is left out."""
        if isinstance(cell, tree.Compare) and _subject(cell.left):
            return self._compared(cell.op, cell.right)
        if isinstance(cell, tree.Between) and _subject(cell.value):
            return _both(self._compared(">=", cell.low), self._compared("<=", cell.high))
        if isinstance(cell, tree.In) and _subject(cell.value):
            return self._member(cell.tests)
        if isinstance(cell, tree.Presence) and cell.value == tree.Input():
            present = self.full & ~1
            return (0, present) if cell.missing else (present, 0)
        return None

    def _member(self, tests: Iterable[tree.Node]) -> Masks | None:
        true, false = 0, self.full & ~1
        for test in tests:
            found = self._tested(test)
            if found is None:
                return None
            true, false = true | found[0], false & found[1]
        return true, false

    def _tested(self, test: tree.Node) -> Masks | None:
        if isinstance(test, tree.Test):
            return self._compared(test.op, test.value)
        if isinstance(test, tree.Range):
            low, high = (">=" if test.low_closed else ">"), ("<=" if test.high_closed else "<")
            return _both(self._compared(low, test.low), self._compared(high, test.high))
        if isinstance(test, tree.ListOf):
            plain = all(constant_of(member) is not None for member in test.members)
            return self._member(test.members) if plain else None
        return self._compared("=", test)

    def _compared(self, op: str, constant: tree.Node) -> Masks | None:
        value: Any = constant_of(constant)
        if value is None:
            return None
        if self._segments:
            return self._in_order(op, value)
        if op not in ("=", "!=") or not self._exact or not isinstance(value, str):
            return None
        texts = self._exact if isinstance(value, ExactText) else self._texts
        at = texts.get(str(value) if isinstance(value, ExactText) else fold(value), 0)
        away = self.full & ~1 & ~at
        return (at, away) if op == "=" else (away, at)

    def _in_order(self, op: str, value: Any) -> Masks | None:
        true = false = 0
        for segment in self._segments:
            key = _like(value, segment)
            if key is None:
                continue
            below, at = segment.split(key)
            found = _SIDES[op](below, at, segment.mask & ~below & ~at)
            true |= found
            false |= segment.mask & ~found
        return true, false


def _subject(node: tree.Node) -> bool:
    """`?`, or `?` with a value for when it is missing."""
    while isinstance(node, tree.Call) and node.function == "coalesce":
        if not isinstance(node.args[1], tree.Literal):
            return False
        node = node.args[0]
    return isinstance(node, tree.Input)


def _key(value: Any) -> Any:
    return value.amount if isinstance(value, Money) else value


def _like(value: Any, segment: Segment) -> Any:
    """The constant as a key of the segment; None where it can't be compared."""
    if isinstance(value, Money):
        return value.amount if value.currency == segment.currency else None
    if segment.currency:
        return value if isinstance(value, Decimal) and value == 0 else None
    first = segment.keys[0] if segment.keys else None
    if isinstance(first, timedelta) and isinstance(value, Decimal) and value == 0:
        return timedelta(0)
    return value if type(value) is type(first) else None


def _both(one: Masks | None, other: Masks | None) -> Masks | None:
    if one is None or other is None:
        return None
    return one[0] & other[0], one[1] | other[1]


_SIDES: dict[str, Callable[[int, int, int], int]] = {
    "<": lambda below, at, above: below,
    "<=": lambda below, at, above: below | at,
    ">": lambda below, at, above: above,
    ">=": lambda below, at, above: above | at,
    "=": lambda below, at, above: at,
    "!=": lambda below, at, above: below | above,
}
_BUILD: dict[str, Callable[..., None]] = {
    "boolean": Column._booleans,
    "choice": Column._fixed,
    "weekday": Column._fixed,
    "text": Column._text,
    "money": Column._money,
    "hour": Column._hours,
}
