"""What is wrong between the rows of a table: overlaps, rows nothing reaches, subjects no row takes. Each column is
cut into the few regions its cells tell apart, so that every row is a box.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from tidegate.engine.language.rendering import literal_text
from tidegate.engine.language.types import Type
from tidegate.engine.proof.boxes import EVERYWHERE, Box
from tidegate.engine.proof.cover import Cover, OutOfBudget, Work, bits
from tidegate.engine.regions import constants_of, of_kind, representatives, truth, unary
from tidegate.engine.rulesets import Rule, RuleSet, Stage
from tidegate.engine.values import fold
from tidegate.services.view_names import Words
from tidegate.services.workshop.grid_words import constant_words

QUICK = 200  # rows whose marks are made while the page waits
MOST_GAPS, MOST_OVERLAPS = 5, 60
STEPS = 4_000_000
_KEPT = 40


@dataclass(frozen=True, slots=True)
class Mark:
    """`kind`: overlap, dead or gap. `rows` are ids, the marked one first; `columns` where it shows.

    `severe`: red, not amber. `example` is a value for each column that shows it. `cells` of a gap are what
    a row that takes it would hold. `words`: what it says about an overlap's values.
    """

    kind: str
    rows: tuple[str, ...]
    columns: tuple[int, ...]
    severe: bool
    example: tuple[Words, ...]
    cells: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Marks:
    """`undecided` rows hold conditions that could not be taken apart; not `complete`: cut short."""

    marks: tuple[Mark, ...]
    undecided: tuple[str, ...]
    complete: bool = True


_kept: OrderedDict[tuple[str, str], Marks] = OrderedDict()
_lock = Lock()


def known(ruleset: RuleSet, table: str) -> Marks | None:
    with _lock:
        return _kept.get((ruleset.hash, table))


def marks_of(ruleset: RuleSet, table: str, types: Sequence[Type], currency: str) -> Marks:
    """The marks of a table, kept by the content of its set."""
    found = known(ruleset, table)
    if found is None:
        found = _Finder(ruleset, table, types, currency).marks()
        with _lock:
            _kept[ruleset.hash, table] = found
            while len(_kept) > _KEPT:
                _kept.popitem(last=False)
    return found


def stage_of(ruleset: RuleSet, table: str) -> Stage | None:
    """The stage a table stands in."""
    return next((s for s in ruleset.stages if any(r.table == table for r in s.written)), None)


def policy_of(ruleset: RuleSet, table: str) -> str:
    """The policy its rows compete under."""
    stage = stage_of(ruleset, table)
    return ruleset.tables[table].policy or (stage.policy if stage else ruleset.policy)


@dataclass(frozen=True)
class _Axis:
    """The regions of one column, each with a value; `missing` is the last one where it is told apart."""

    values: Sequence[Any]
    points: frozenset[int]
    text: bool
    missing: bool

    @property
    def present(self) -> int:
        return (1 << (len(self.values) - self.missing)) - 1


class _Finder:
    def __init__(self, ruleset: RuleSet, table: str, types: Sequence[Type], currency: str) -> None:
        self.ruleset, self.types, self.currency = ruleset, types, currency
        self.policy = policy_of(ruleset, table)
        stage = stage_of(ruleset, table)
        self.stage = stage or ruleset.stages[0]
        self.rows = [rule for rule in self.stage.rules if rule.table == table]
        self.constants = constants_of(ruleset)
        self.patient = self.stage.on_missing == "skip"
        self.undecided: list[str] = []
        self.axes: list[_Axis] = []
        self.boxes: list[Box] = []
        self.clear: list[Rule] = []
        self.complete = True

    def marks(self) -> Marks:
        self._cut()
        if not self.clear:
            return Marks((), tuple(self.undecided))
        self.cover = Cover(self.boxes, [len(a.values) for a in self.axes], Work(STEPS))
        found: list[Mark] = []
        try:
            if self.policy in ("first", "unique", "any"):
                found += self._dead() if self.policy == "first" else ()
                dead = {mark.rows[0] for mark in found}
                found += self._overlaps(dead)
                found += self._gaps()
        except OutOfBudget:
            self.complete = False
        return Marks(tuple(found), tuple(self.undecided), self.complete)

    # regions

    def _cut(self) -> None:
        width = len(self.types)
        cells = {rule.id: self._cells(rule, width) for rule in self.rows}
        self.clear = [rule for rule in self.rows if cells[rule.id] is not None]
        self.undecided = [rule.id for rule in self.rows if cells[rule.id] is None]
        self.axes = [
            self._axis(n, [(cells[r.id] or {}).get(n) for r in self.clear]) for n in range(width)
        ]
        cache: dict[tuple[int, str], int] = {}
        for rule in self.clear:
            box = []
            for number, found in (cells[rule.id] or {}).items():
                key = (number, rule.row.when[number] if rule.row else "")
                if key not in cache:
                    cache[key] = self._mask(number, found)
                box.append((number, cache[key]))
            full = {n: (1 << len(a.values)) - 1 for n, a in enumerate(self.axes)}
            self.boxes.append(tuple((n, mask) for n, mask in sorted(box) if mask != full[n]))

    def _cells(self, rule: Rule, width: int) -> dict[int, Any] | None:
        """The tests of a row by column; None when one of them can't be taken apart."""
        leaves = iter(rule.leaves)
        found = {}
        for number, text in enumerate((rule.row.when if rule.row else ())[:width]):
            if text in ("-", "not(-)"):
                continue
            leaf = next(leaves, None)
            test = unary(leaf.node, self.constants) if leaf else None
            if test is None:
                return None
            found[number] = test
        return found

    def _axis(self, number: int, tests: Sequence[Any]) -> _Axis:
        kind = self.types[number]
        points = [p for test in tests if test is not None for p in test.points]
        missing = self.patient and any(test is not None for test in tests)
        text = any(isinstance(p, str) for p in points) or kind.kind == "text"
        if kind.kind == "boolean":
            values: list[Any] = [True, False]
        elif kind.values:
            values = list(dict.fromkeys([*kind.values]))
            text = True
        else:
            values = representatives(of_kind(points, kind.kind, self.currency)) or [None]
        held = {fold(p) if isinstance(p, str) else p for p in points if _hashable(p)}
        at = frozenset(
            n for n, v in enumerate(values) if (fold(v) if isinstance(v, str) else v) in held
        )
        return _Axis([*values, *([None] if missing else [])], at, text, missing)

    def _mask(self, number: int, test: Any) -> int:
        mask = 0
        for place, value in enumerate(self.axes[number].values):
            if truth(test.cell, value, self.constants) is True:
                mask |= 1 << place
        return mask

    # marks

    def _dead(self) -> Iterator[Mark]:
        for number, rule in enumerate(self.clear):
            earlier = (1 << number) - 1
            if not number or self._empty(self.boxes[number]):
                if self._empty(self.boxes[number]):
                    yield Mark("dead", (rule.id,), (), False, ())
                continue
            if self.cover.uncovered(self.boxes[number], earlier) is None:
                by = self._coverers(number)
                yield Mark("dead", (rule.id, *by), (), False, self._example(self.boxes[number]))

    def _coverers(self, number: int) -> list[str]:
        box = self.boxes[number]
        near = list(bits(self.cover.overlapping(box, (1 << number) - 1)))
        for one in near:
            if self.cover.uncovered(box, 1 << one) is None:
                return [self.clear[one].id]
        for one in list(near) if len(near) <= 40 else ():
            fewer = sum(1 << n for n in near if n != one)
            if self.cover.uncovered(box, fewer) is None:
                near.remove(one)
        return [self.clear[one].id for one in near]

    def _overlaps(self, dead: set[str]) -> Iterator[Mark]:
        """Under `first` rows that overlap partly and say different things: order decides between them."""
        given = 0
        for number, rule in enumerate(self.clear):
            later = self.cover.overlapping(self.boxes[number], self.cover.everything) >> number + 1
            for other in (number + 1 + bit for bit in bits(later)):
                if given >= MOST_OVERLAPS:
                    self.complete = False
                    return
                if self._worth(number, other, dead):
                    given += 1
                    yield self._overlap(rule, number, other)

    def _worth(self, one: int, other: int, dead: set[str]) -> bool:
        first, second = self.clear[one], self.clear[other]
        if self._empty(self.boxes[one]) or self._empty(self.boxes[other]):
            return False
        alike = [c.text() for c in first.actions] == [c.text() for c in second.actions]
        if self.policy == "unique":
            return True
        if alike or {first.id, second.id} & dead:
            return False
        if self.policy == "any":
            return True
        return not self._within(one, other)

    def _within(self, one: int, other: int) -> bool:
        """A row below a narrower one is how exceptions are written."""
        wide = dict(self.boxes[other])
        return all(not mask & ~wide.get(axis, -1) for axis, mask in self.boxes[one]) and all(
            axis in dict(self.boxes[one]) for axis in wide
        )

    def _overlap(self, rule: Rule, one: int, other: int) -> Mark:
        mine, theirs = dict(self.boxes[one]), dict(self.boxes[other])
        both = self._meet(self.boxes[one], self.boxes[other])
        columns = [n for n in mine if n in theirs and mine[n] != theirs[n]] or list(
            dict.fromkeys([*mine, *theirs])
        )
        column = columns[-1] if columns else 0
        axis = self.axes[column]
        shared = [axis.values[n] for n in bits(dict(both).get(column, 0))]
        return Mark(
            "overlap", (rule.id, self.clear[other].id), (column,), self.policy == "unique",
            self._example(both), (), tuple(v for v in shared if isinstance(v, str)),
        )  # fmt: skip

    def _gaps(self) -> Iterator[Mark]:
        """Parts nobody takes, as wide as they can be made."""
        boxes = list(self.boxes)
        sizes = [len(axis.values) for axis in self.axes]
        start: Box = tuple((n, axis.present) for n, axis in enumerate(self.axes) if axis.missing)
        for _ in range(MOST_GAPS):
            cover = Cover(boxes, sizes, self.cover.work)
            place = cover.uncovered(start or EVERYWHERE, cover.everything)
            if place is None:
                return
            wide = self._widened(dict(place), cover)
            boxes.append(wide)
            cells = tuple(self._cell(n, dict(wide).get(n)) for n in range(len(self.axes)))
            yield Mark("gap", (), (), False, self._example(wide), cells)

    def _widened(self, place: dict[int, int], cover: Cover) -> Box:
        for number, axis in enumerate(self.axes):
            mask = place.get(number, axis.present) & axis.present
            for region in bits(axis.present & ~mask):
                trial = {**place, number: mask | 1 << region}
                if not cover.overlapping(tuple(sorted(trial.items())), cover.everything):
                    mask |= 1 << region
            place[number] = mask
        return tuple(sorted(place.items()))

    # values

    @staticmethod
    def _empty(box: Box) -> bool:
        return any(not mask for _, mask in box)

    @staticmethod
    def _meet(one: Box, other: Box) -> Box:
        found = dict(one)
        for axis, mask in other:
            found[axis] = found.get(axis, -1) & mask
        return tuple(sorted(found.items()))

    def _example(self, box: Box) -> tuple[Words, ...]:
        masks = dict(box)
        shown = []
        for number, axis in enumerate(self.axes):
            mask = masks.get(number, axis.present) & axis.present
            inner = [n for n in bits(mask) if n not in axis.points] if not axis.text else []
            place = next(iter(inner or bits(mask)), 0)
            shown.append(self._said(axis.values[place], axis.text))
        return tuple(shown)

    def _said(self, value: Any, text: bool) -> Words:
        if value is None:
            return {"zh": "随意", "en": "anything"}
        if text and str(value).startswith("其他·other"):
            return {"zh": "其他", "en": "another"}
        return constant_words(value, self.ruleset, self.currency)

    def _cell(self, number: int, mask: int | None) -> str:
        axis = self.axes[number]
        mask = axis.present if mask is None else mask & axis.present
        if mask == axis.present:
            return "-"
        if axis.text:
            return self._text_cell(axis, mask)
        if self.types[number].kind == "boolean":
            return ", ".join("true" if axis.values[n] else "false" for n in bits(mask))
        return ", ".join(self._runs(axis, mask))

    def _text_cell(self, axis: _Axis, mask: int) -> str:
        names = {n: str(axis.values[n]) for n in bits(axis.present)}
        rest = [n for n, value in names.items() if value.startswith("其他·other")]
        if any(mask >> n & 1 for n in rest):
            left_out = [literal_text(v) for n, v in names.items() if not mask >> n & 1]
            return f"not({', '.join(left_out)})"
        return ", ".join(literal_text(names[n]) for n in bits(mask))

    def _runs(self, axis: _Axis, mask: int) -> Iterator[str]:
        places, last = list(bits(mask)), len(axis.values) - 1 - axis.missing
        while places:
            low = high = places.pop(0)
            while places and places[0] == high + 1:
                high = places.pop(0)
            yield self._run(axis, low, high, last)

    def _run(self, axis: _Axis, low: int, high: int, last: int) -> str:
        def said(place: int) -> str:
            return literal_text(axis.values[place])

        if low == high and low in axis.points:
            return said(low)
        start = said(low) if low in axis.points else said(low - 1) if low else ""
        end = said(high) if high in axis.points else said(high + 1) if high < last else ""
        if not start:
            return f"{'<=' if high in axis.points else '<'} {end}"
        if not end:
            return f"{'>=' if low in axis.points else '>'} {start}"
        return f"{'[' if low in axis.points else '('}{start}..{end}{']' if high in axis.points else ')'}"


def _hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
