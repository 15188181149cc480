"""The index: for one thing that rules look at, which rules its value leaves possible.

A column is a table from a value to two sets of rules, as bits of an integer: `open`, those whose
conditions on this column are not false, and `unknown`, those whose conditions are unknown and not
false. Deciding is a look-up and an AND for each column, however many rules there are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, cmp_to_key
from itertools import count
from threading import Lock
from typing import Any

from tidegate.engine.evaluation import Context
from tidegate.engine.language import tree
from tidegate.engine.operations import order, wildcard
from tidegate.engine.regions import ascending, between, moved, other_text, step_of, truth
from tidegate.engine.values import Money, fold

MEMO = 4_096  # distinct texts remembered per column
SHORT = 64  # characters of a text worth remembering
Pair = tuple[int, int]
ORDERED: Mapping[str, type] = {
    "number": Decimal,
    "duration": timedelta,
    "instant": datetime,
    "date": date,
}


@dataclass
class Column:
    """`cells` are conditions on `?` with the rules (bits) that make them; `every` is all rules of
    the block.
    """

    subject: tree.Node
    kind: str  # boolean, text, money, or a key of ORDERED
    every: int
    constants: Context
    cells: dict[tree.Node, int] = field(default_factory=dict)
    points: dict[tree.Node, tuple[object, ...]] = field(default_factory=dict)

    @property
    def rules(self) -> int:
        """All rules with a condition on this column."""
        found = 0
        for bits in self.cells.values():
            found |= bits
        return found

    @cached_property
    def table(self) -> TextTable:
        """Of a column of texts that has all its cells."""
        return TextTable(self)

    def at(self, value: object) -> Pair:
        """The pair for any value at all, by evaluating every cell: the meaning of a table."""
        closed = unknown = 0
        for cell, bits in self.cells.items():
            found = truth(cell, value, self.constants)
            if found is None:
                unknown |= bits
            elif not found:
                closed |= bits
        return self.every & ~closed, unknown


class TextTable:
    """Pairs by folded text, and remembered by the text as given."""

    def __init__(self, column: Column) -> None:
        self.column = column
        points = {p for own in column.points.values() for p in own if isinstance(p, str)}
        self.other, self.missing = column.at(other_text(points)), column.at(None)
        self.by_text = {fold(point): column.at(point) for point in points}
        self.memo: dict[str, Pair] = {}

    def never_unknown(self) -> bool:
        """Whether no known text leaves a condition unknown."""
        return not any(u for _, u in (self.other, *self.by_text.values()))

    def of(self, text: str | None) -> Pair:
        """The pair of a text, or of none."""
        return self.missing if text is None else self.by_text.get(fold(text), self.other)

    def look(self, text: str) -> Pair:
        """The pair of a text seen for the first time."""
        found = self.of(text)
        if len(self.memo) < MEMO:
            self.memo[text] = found
        return found


class OpenTexts:
    """Open rules by text, for a table in which no known text leaves anything unknown. `seen` is a
    plain dict, which is read quickest; who doesn't find a text there asks `look`, which remembers
    it, up to a limit.
    """

    def __init__(self, table: TextTable) -> None:
        self.table = table
        self.seen: dict[str | None, int] = {None: table.missing[0]}

    def look(self, text: str) -> int:
        found = self.table.of(text)[0]
        if len(self.seen) < MEMO:
            self.seen[text] = found
        return found


class OpenPairs:
    """Open rules by the texts of two facts together, as `OpenTexts` has them for one: one AND in place of two."""

    def __init__(self, first: Column, second: Column) -> None:
        self._tables = first.table, second.table
        self._left = MEMO
        self.seen: dict[str | None, dict[str | None, int]] = {}

    def look(self, first: str | None, second: str | None) -> int:
        one, other = self._tables
        found = one.of(first)[0] & other.of(second)[0]
        if self._left > 0:
            self._left -= 1
            self.seen.setdefault(first, {})[second] = found
        return found


TEXT_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "matches": wildcard,
}


class OpenWords(dict[str | None, int]):
    """Open rules by text, for conditions such as `contains(?, "…")` on one fact; short texts are
    remembered.
    """

    def __init__(self, column: Column) -> None:
        super().__init__({None: column.every})
        self.every = column.every
        self.tests = [
            _word_test(cell, bits, column.constants) for cell, bits in column.cells.items()
        ]

    def __missing__(self, text: str) -> int:
        folded, closed = fold(text), 0
        for test, word, wanted, bits in self.tests:
            if test(folded, word) is not wanted:
                closed |= bits
        found = self.every & ~closed
        if len(text) <= SHORT and len(self) < MEMO:
            self[text] = found
        return found


def _word_test(
    cell: tree.Node, bits: int, constants: Context
) -> tuple[Callable[[str, str], bool], str, bool, int]:
    wanted = True
    if isinstance(cell, tree.Not):
        wanted, cell = False, cell.value
    assert isinstance(cell, tree.Call)  # noqa: S101  the sorter puts no other cell here
    return TEXT_TESTS[cell.function], fold(str(constants.value(cell.args[1]))), wanted, bits


class LineValues:
    """(rules whose condition is true, rules whose condition is unknown) by the value of one line;
    `seen` and `look` as those of `OpenTexts`.
    """

    def __init__(self, inner: Column) -> None:
        self.inner = inner
        self.seen: dict[object, Pair] = {None: true_and_unknown(inner, None)}

    def look(self, value: object) -> Pair:
        found = true_and_unknown(self.inner, value)
        if len(self.seen) < MEMO:
            self.seen[value] = found
        return found


class LineClasses:
    """Values of one line by what they do to the rules of one column: values that do the same are one class, a bit of
    its own, so that a pass over the lines gathers small numbers. `seen` has the class of a value; who does not find it
    there asks `look`. Bits are numbered by `count`, which several columns may share.
    """

    def __init__(self, members: Members, count: Iterator[int]) -> None:
        self.members = members
        self.seen: dict[object, int] = {}
        self._count = count
        self._classes: dict[Pair, int] = {}
        self._one_at_a_time = Lock()  # or one class might get two bits
        self.look(None)

    def look(self, value: object) -> int:
        pair = true_and_unknown(self.members.inner, value)
        with self._one_at_a_time:
            if pair not in self._classes:
                self._classes[pair] = 1 << next(self._count)
            found = self._classes[pair]
        if len(self.seen) < MEMO:
            self.seen[value] = found
        return found

    def conclude(self, classes: int) -> Pair:
        """The pair of a list in which these classes were seen."""
        true = unknown = 0
        for (holding, unclear), bit in list(self._classes.items()):
            if classes & bit:
                true |= holding
                unknown |= unclear
        return self.members.conclude(true, unknown)


class ListClasses:
    """The columns of one list together: `known` has the pair of all classes a list was seen to have; who does not find
    it there asks `conclude`.
    """

    def __init__(self, columns: Sequence[Members]) -> None:
        numbers = count()
        self.columns = [LineClasses(column, numbers) for column in columns]
        self.known: dict[int, Pair] = {}

    def conclude(self, classes: int) -> Pair:
        opened, unknown = -1, 0
        for column in self.columns:
            own = column.conclude(classes)
            opened &= own[0]
            unknown |= own[1]
        if len(self.known) < MEMO:
            self.known[classes] = opened, unknown
        return opened, unknown


@dataclass
class OrderedTable:
    """`open[r]` and `unknown[r]` for region r: 2i+1 is point i itself, 2i lies below it."""

    points: Sequence[Any]
    open: list[int]
    unknown: list[int] | None  # None: nothing is unknown in any region

    def region(self, value: Any) -> int:
        at = bisect_left(self.points, value)
        here = at < len(self.points) and self.points[at] == value
        return 2 * at + 1 if here else 2 * at


def ordered_table(column: Column, currency: str = "") -> OrderedTable:
    """The table over numbers, durations, instants or dates; over amounts of one currency if one
    is given (its points are then bare amounts).
    """
    own = {cell: _own_points(column, cell, currency) for cell in column.cells}
    merged: list[Any] = _sorted([point for points in own.values() for point in points])
    places = {_key(point): index for index, point in enumerate(merged)}
    closed: dict[int, int] = {}
    unclear: dict[int, int] = {}
    for cell, bits in column.cells.items():
        before: Any = True
        for start, found in _regions(column, cell, own[cell], places, currency):
            if (found is False) != (before is False):
                closed[start] = closed.get(start, 0) ^ bits
            if (found is None) != (before is None):
                unclear[start] = unclear.get(start, 0) ^ bits
            before = found
    regions = 2 * len(merged) + 1
    keys = [point.amount if isinstance(point, Money) else point for point in merged]
    whole = [column.every & ~bits for bits in _swept(closed, regions)]
    return OrderedTable(keys, whole, _swept(unclear, regions) if any(unclear.values()) else None)


def _own_points(column: Column, cell: tree.Node, currency: str) -> list[Any]:
    points: list[Any] = []
    for point in column.points[cell]:
        if column.kind == "money":
            if isinstance(point, Money) and point.currency == currency:
                points.append(point)
            elif isinstance(point, Decimal) and point == 0:
                points.append(Money(Decimal(0), currency))
        elif column.kind == "duration" and isinstance(point, Decimal):
            points.append(timedelta(0))
        else:
            points.append(point)
    return _sorted(points)


def _sorted(points: list[Any]) -> list[Any]:
    found: list[Any] = []
    for point in sorted((p for p in points if p is not None), key=cmp_to_key(ascending)):
        if not found or order(found[-1], point) != 0:
            found.append(point)
    return found


def _key(point: Any) -> object:
    return point.amount if isinstance(point, Money) else point


def _regions(
    column: Column, cell: tree.Node, own: list[Any], places: Mapping[object, int], currency: str
) -> list[tuple[int, Any]]:
    """(first region of the merged table, truth) for each stretch over which the cell is constant."""
    if not own:
        sample = _sample(column.kind, currency)
        return [(0, truth(cell, sample, column.constants))]
    step = step_of(own[0])
    found = [(0, truth(cell, _or(moved(own[0], -step), own[0]), column.constants))]
    for index, point in enumerate(own):
        place = places[_key(point)]
        found.append((2 * place + 1, truth(cell, point, column.constants)))
        if index + 1 < len(own):
            inside = between(point, own[index + 1])
            above = inside[0] if inside else point
        else:
            above = _or(moved(point, step), point)
        found.append((2 * place + 2, truth(cell, above, column.constants)))
    return found


def _or(value: object, otherwise: object) -> object:
    return otherwise if value is None else value


def _sample(kind: str, currency: str) -> object:
    if kind == "money":
        return Money(Decimal(1), currency)
    samples: dict[str, object] = {
        "number": Decimal(1),
        "duration": timedelta(1),
        "instant": datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
        "date": date(2026, 1, 1),
    }
    return samples[kind]


def _swept(toggles: Mapping[int, int], regions: int) -> list[int]:
    bits = 0
    out: list[int] = []
    for region in range(regions):
        bits ^= toggles.get(region, 0)
        out.append(bits)
    return out


@dataclass
class Members:
    """A column over the lines of a list: conditions `some line satisfies …` and `no line …` on
    one field. `some` and `no` are the rules with such a condition.
    """

    group: str
    field: str
    inner: Column
    some: int = 0
    no: int = 0

    @property
    def rules(self) -> int:
        """All rules with a condition on this column."""
        return self.some | self.no

    def conclude(self, true: int, unknown: int) -> Pair:
        """The pair, from the rules whose inner condition held (was unknown) on any line."""
        unclear = unknown & ~true
        closed = (self.some & ~(true | unclear)) | (self.no & true)
        return self.inner.every & ~closed, (self.some | self.no) & unclear


def true_and_unknown(column: Column, value: object) -> Pair:
    """Rules whose cell is true, rules whose cell is unknown, for the value of one line."""
    opened, unknown = column.at(value)
    return opened & column.rules & ~unknown, unknown
