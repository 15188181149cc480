"""Where a condition can turn as one or two numbers in it move (amounts, spans and instants are
numbers too): as lines `constant + slope · number (+ slope · number) = 0`.

A condition is walked with everything else at its present value. A computed value becomes the list
of straight lines it may follow (`max(a, b)` follows either), so a comparison turns only where the
difference of two of them is zero. What isn't made of straight lines is noted as a doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

from tidegate.engine.changes.formulas import Atom, Book
from tidegate.engine.changes.slots import Slot
from tidegate.engine.facts import Line as FactLine
from tidegate.engine.language import tree
from tidegate.engine.regions import flat
from tidegate.engine.values import DAY, TICK, Money

NUMERIC = frozenset(("number", "money", "duration", "instant", "date"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_TICKS = DAY // TICK
_MOST = 64
_DAILY = frozenset(("date", "weekday", "hour", "weekday_number", "day_of_week"))
_CLOCK = frozenset(("time", "minute", "second", "date_and_time"))
_ROUNDING = frozenset(
    ("round", "round_half_up", "round_half_down", "round_up", "round_down", "decimal", "floor",
     "ceiling")
)  # fmt: skip


@dataclass(frozen=True)
class Straight:
    """`constant + slopes · numbers`; a rounded one only takes multiples of half `unit`."""

    constant: Fraction
    slopes: tuple[Fraction, ...]
    unit: Fraction = Fraction(0)

    @property
    def is_constant(self) -> bool:
        return not any(self.slopes)

    def plus(self, other: Straight, sign: int = 1) -> Straight:
        slopes = tuple(a + sign * b for a, b in zip(self.slopes, other.slopes, strict=True))
        return Straight(self.constant + sign * other.constant, slopes)

    def times(self, factor: Fraction) -> Straight:
        slopes = tuple(slope * factor for slope in self.slopes)
        return Straight(self.constant * factor, slopes, self.unit * abs(factor))


def scalar(value: object) -> Fraction | None:
    """A value as a number: amounts, microseconds; None when it isn't one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Decimal):
        return Fraction(value) if value.is_finite() else None
    if isinstance(value, Money):
        return Fraction(value.amount)
    if isinstance(value, timedelta):
        return Fraction(value // TICK)
    if isinstance(value, datetime):
        return Fraction((value - EPOCH) // TICK)
    if isinstance(value, date):
        return Fraction((value - EPOCH.date()).days * DAY_TICKS)
    return None


class Cuts:
    """The turning lines of some atoms in the places `slots`, and what else the search for values
    must look at: `daily` and `clocks` (times of day that count), `calendars`, `periods` of
    numbers, `currencies`.
    """

    def __init__(self, book: Book, slots: Sequence[Slot]) -> None:
        self.book = book
        self.context = book.context
        self.slots = slots
        self.ids = {slot.fact.id for slot in slots}
        self.lines: dict[Straight, None] = {}
        self.bases: set[Fraction] = set()
        self.constant_numbers: set[Fraction] = set()  # as they stand, for how fine they are
        self.daily = False
        self.hourly = False
        self.clocks: set[time] = set()
        self.calendars: set[str] = set()
        # (since or until, calendar, span) that a condition compares
        self.working: set[tuple[str, str, timedelta]] = set()
        self.periods: set[Fraction] = set()
        self.currencies: dict[str, None] = {}
        self.doubts: list[tree.Node] = []

    def add(self, atom: Atom) -> None:
        self.book.within(atom.around, lambda: self.condition(atom.node))

    def touches(self, node: tree.Node) -> bool:
        """Whether the node may look at one of the places."""
        return not self.ids.isdisjoint(self.book.names(node))

    # conditions

    def condition(self, node: tree.Node) -> None:
        if not self.touches(node):
            return
        handle = _CONDITIONS.get(type(node))
        if handle:
            handle(self, node)
        else:
            self.values(node)

    def compare(self, node: tree.Compare) -> None:
        if self._timed(node.left, [node.right]) or self._timed(node.right, [node.left]):
            return
        self.meet(self.values(node.left), self.values(node.right), node)

    def _timed(self, node: tree.Node, bounds: Sequence[tree.Node]) -> bool:
        """Working time compared with fixed spans."""
        while isinstance(node, tree.Derived):
            node = self.context.derive[node.id]
        timed = isinstance(node, tree.Call) and node.function in ("since", "until")
        if not timed or len(node.args) < 2 or any(self.touches(bound) for bound in bounds):  # type: ignore[attr-defined]  # a Call
            return False
        call: tree.Call = node  # type: ignore[assignment]  # as was just seen
        start, calendar = call.args
        if not isinstance(start, (tree.Fact, tree.Member)) or not isinstance(
            calendar, tree.Calendar
        ):
            return False
        for span in (span for bound in bounds for span in flat(self.context.value(bound))):
            if isinstance(span, timedelta):
                self.working.add((call.function, calendar.id, span))
        return True

    def between(self, node: tree.Between) -> None:
        if self._timed(node.value, [node.low, node.high]):
            return
        value = self.values(node.value)
        for bound in (node.low, node.high):
            self.meet(value, self.values(bound), node)

    def within(self, node: tree.In) -> None:
        bounds = [test.value if isinstance(test, tree.Test) else test for test in node.tests]
        if self._timed(node.value, bounds):
            return
        value = self.values(node.value)
        for test in node.tests:
            if isinstance(test, tree.Calendar):
                self.calendars.add(test.id)
                self.daily = True
            elif isinstance(test, tree.Range):
                self.meet(value, self.values(test.low), node)
                self.meet(value, self.values(test.high), node)
            else:
                inner = test.value if isinstance(test, tree.Test) else test
                self.meet(value, self.members(inner), node)

    def several(self, node: tree.Node) -> None:
        for child in tree.children(node):
            self.condition(child)

    def quantified(self, node: tree.Quantified) -> None:
        self.condition(node.over)
        for _ in self.elements(node.over, node.variable):
            self.condition(node.condition)

    def meet(self, one: Iterable[Straight], other: Iterable[Straight], node: tree.Node) -> None:
        for left, right in product(list(one), list(other)):
            if left.unit and not right.unit and right.is_constant:
                self._stepping(left, right.constant)
            elif right.unit and not left.unit and left.is_constant:
                self._stepping(right, left.constant)
            else:
                if left.unit or right.unit:
                    self.doubts.append(node)
                self.line(left.plus(right, -1))

    def _stepping(self, value: Straight, bound: Fraction) -> None:
        """A rounded value passes a bound at one of the steps around it."""
        step = bound // value.unit * value.unit
        for halves in range(-2, 5):
            at = Straight(step + halves * value.unit / 2, (Fraction(0),) * len(self.slots))
            self.line(value.plus(at, -1))

    def line(self, line: Straight) -> None:
        if not line.is_constant and len(self.lines) < 4 * _MOST:
            self.lines[line] = None

    # values

    def values(self, node: tree.Node) -> list[Straight]:
        """The straight lines that the value may follow; empty when it is no number."""
        if not self.touches(node):
            return self.constants([self.context.value(node)])
        handle = _VALUES.get(type(node))
        if handle is None:
            self.doubts.append(node)
            return []
        found: list[Straight] = handle(self, node)
        return found[:_MOST]

    def constants(self, values: Iterable[object]) -> list[Straight]:
        none = (Fraction(0),) * len(self.slots)
        found = []
        for value in values:
            number = scalar(value)
            if isinstance(value, Money):
                self.currencies[value.currency] = None
            if isinstance(value, time):
                self.clocks.add(value)
            if isinstance(value, (datetime, date)) and number is not None:
                self.bases.add(number)
            if number is not None:
                found.append(Straight(number, none))
                if isinstance(value, (Decimal, Money)):
                    self.constant_numbers.add(number)
        return found

    def members(self, node: tree.Node) -> list[Straight]:
        """The numbers in a value, a list or a range."""
        if not self.touches(node):
            return self.constants(flat(self.context.value(node)))
        if isinstance(node, tree.ListOf):
            return [found for member in node.members for found in self.members(member)]
        if isinstance(node, (tree.Member, tree.Filter)):
            return [found for element in self.listed(node) for found in element]
        return self.values(node)

    def fact(self, node: tree.Fact) -> list[Straight]:
        for index, slot in enumerate(self.slots):
            if slot.fact.id == node.id and not slot.line:
                return [self._own(index)]
        return self.constants([self.context.value(node)])

    def window(self, node: tree.Window) -> list[Straight]:
        if self.touches(node.span):
            self.doubts.append(node)
        span = self.context.value(node.span)
        for index, slot in enumerate(self.slots):
            if slot.fact.id == node.fact and slot.span in (None, span):
                return [self._own(index)]
        return self.constants([self.context.value(node)])

    def _own(self, index: int) -> Straight:
        slopes = [Fraction(0)] * len(self.slots)
        slopes[index] = Fraction(1)
        return Straight(Fraction(0), tuple(slopes))

    def member(self, node: tree.Member) -> list[Straight]:
        line = (
            self.context.variables.get(node.of.id) if isinstance(node.of, tree.Variable) else None
        )
        if isinstance(line, FactLine):
            return self.field(line, node.field)
        self.doubts.append(node)
        return []

    def field(self, line: FactLine, field: str) -> list[Straight]:
        for index, slot in enumerate(self.slots):
            if slot.line == line.number and slot.fact.id == f"{line.each}.{field}":
                return [self._own(index)]
        return self.constants([line.get(field)])

    def derived(self, node: tree.Derived) -> list[Straight]:
        inner = self.context.derive[node.id]
        return self.values(inner)

    def negated(self, node: tree.Negate) -> list[Straight]:
        return [value.times(Fraction(-1)) for value in self.values(node.value)]

    def chosen(self, node: tree.If) -> list[Straight]:
        self.condition(node.condition)
        return self.values(node.then) + self.values(node.otherwise)

    def condition_value(self, node: tree.Node) -> list[Straight]:
        self.condition(node)
        return []

    def list_value(self, node: tree.Node) -> list[Straight]:
        self.listed(node)
        return []

    def arithmetic(self, node: tree.Arithmetic) -> list[Straight]:
        left, right = self.values(node.left), self.values(node.right)
        if node.op in "+-":
            if any(value.unit for value in (*left, *right)):
                self.doubts.append(node)
            sign = 1 if node.op == "+" else -1
            return [a.plus(b, sign) for a, b in product(left, right)]
        if node.op == "*":
            return self._product(left, right, node)
        for divisor in right:
            self.line(divisor)
            if not divisor.is_constant:
                self.doubts.append(node)
        return [
            a.times(1 / b.constant) for a, b in product(left, right) if b.is_constant and b.constant
        ]

    def _product(
        self, left: list[Straight], right: list[Straight], node: tree.Node
    ) -> list[Straight]:
        found = []
        for a, b in product(left, right):
            if not a.is_constant and not b.is_constant:
                self.doubts.append(node)
            else:
                found.append(a.times(b.constant) if b.is_constant else b.times(a.constant))
        return found

    # functions

    def call(self, node: tree.Call) -> list[Straight]:
        name, args = node.function, node.args
        if name in ("since", "until"):
            return self._elapsed(node)
        if name in _DAILY or name in _CLOCK:
            self.daily = True
            self.hourly |= name == "hour"
            if name in ("minute", "second", "date_and_time"):
                self.doubts.append(node)
            return (
                [found for arg in args for found in self.values(arg)]
                if name == "date"
                else [*self._visited(args)]
            )
        if name in _ROUNDING:
            return self._rounded(node)
        handle = _FUNCTIONS.get(name)
        if handle:
            return handle(self, node)
        if any(self.touches(arg) for arg in args):
            self.doubts.append(node)
            if name in _WALL:
                self.daily = True
        return [*self._visited(args)]

    def _visited(self, args: Iterable[tree.Node]) -> Iterator[Straight]:
        """Nothing; but conditions inside and constants are noted."""
        for arg in args:
            self.values(arg) if not self._is_list(arg) else self.listed(arg)
        return iter(())

    def _is_list(self, node: tree.Node) -> bool:
        return isinstance(node, (tree.Member, tree.Filter, tree.ListOf)) and (
            not isinstance(node, tree.Member) or not isinstance(node.of, tree.Variable)
        )

    def _elapsed(self, node: tree.Call) -> list[Straight]:
        sign = 1 if node.function == "since" else -1
        now = self.constants([self.context.now])[0]
        if len(node.args) > 1:
            self.doubts.append(node)
            return [*self._visited(node.args[:1])]
        return [now.plus(start, -1).times(Fraction(sign)) for start in self.values(node.args[0])]

    def _rounded(self, node: tree.Call) -> list[Straight]:
        digits = self.context.value(node.args[1]) if len(node.args) > 1 else Decimal(0)
        if digits is None or any(self.touches(arg) for arg in node.args[1:]) or abs(digits) > 20:
            self.doubts.append(node)
            return []
        unit = Fraction(10) ** -int(digits)
        return [
            Straight(value.constant, value.slopes, unit) if not value.is_constant else value
            for value in self.values(node.args[0])
        ]

    def absolute(self, node: tree.Call) -> list[Straight]:
        found = self.values(node.args[0])
        return found + [value.times(Fraction(-1)) for value in found]

    def either(self, node: tree.Call) -> list[Straight]:
        """coalesce, min, max: any of the arguments or members."""
        return [found for arg in node.args for found in self.members(arg)]

    def total(self, node: tree.Call) -> list[Straight]:
        return self._summed(node, lambda parts: Fraction(1))

    def mean(self, node: tree.Call) -> list[Straight]:
        return self._summed(node, lambda parts: Fraction(1, max(len(parts), 1)))

    def _summed(
        self, node: tree.Call, factor: Callable[[Sequence[object]], Fraction]
    ) -> list[Straight]:
        if len(node.args) != 1 or not self._is_list(node.args[0]):
            self.doubts.append(node)
            return []
        zero = Straight(Fraction(0), (Fraction(0),) * len(self.slots))
        parts = self.listed(node.args[0])
        if any(value.unit for part in parts for value in part):
            self.doubts.append(node)
        sums = [zero]
        for part in parts:
            sums = list(dict.fromkeys(a.plus(b) for a in sums for b in part))[:_MOST]
        return [found.times(factor(parts)) for found in sums]

    def count(self, node: tree.Call) -> list[Straight]:
        """A count only jumps where a filter inside it turns."""
        elements = self.listed(node.args[0])
        return self.constants([Decimal(n) for n in range(len(elements) + 1)])

    def remainder(self, node: tree.Call) -> list[Straight]:
        divisor = self.context.value(node.args[1])
        if self.touches(node.args[1]) or not divisor:
            self.doubts.append(node)
            return []
        self.periods.add(abs(Fraction(divisor)))
        return [*self._visited(node.args[:1])]

    def parity(self, node: tree.Call) -> list[Straight]:
        self.periods.add(Fraction(2))
        return [*self._visited(node.args)]

    # lists

    def listed(self, node: tree.Node) -> list[list[Straight]]:
        """The numbers each element of a list may be; an element that a filter may leave out may
        also be nothing (zero).
        """
        if isinstance(node, tree.ListOf):
            return [self.values(member) for member in node.members]
        if isinstance(node, tree.Member) and not isinstance(node.of, tree.Variable):
            return [
                [*self.field(line, node.field), *extra]
                for line, extra in self._lines(node.of)
                if isinstance(line, FactLine)
            ]
        if isinstance(node, tree.Filter):
            return [extra or self.constants([Decimal(0)]) for _, extra in self._lines(node)]
        return [[] for _ in self._known(node)]

    def _lines(self, node: tree.Node) -> Iterator[tuple[object, list[Straight]]]:
        """Elements, with a zero beside those that may be left out."""
        if not isinstance(node, tree.Filter):
            for element in self._known(node):
                yield element, []
            return
        for element, extra in list(self._lines(node.of)):
            with self._bound(node.variable, element):
                if self.touches(node.condition):
                    self.condition(node.condition)
                    yield element, self.constants([Decimal(0)])
                elif self.context.value(node.condition) is True:
                    yield element, extra

    def _known(self, node: tree.Node) -> Sequence[object]:
        if self.touches(node) and not isinstance(node, tree.Fact):
            self.doubts.append(node)
        found = self.context.value(node)
        return found if isinstance(found, tuple) else ()

    def elements(self, over: tree.Node, name: str) -> Iterator[None]:
        for element, _ in list(self._lines(over)):
            with self._bound(name, element):
                yield

    @contextmanager
    def _bound(self, name: str, element: object) -> Iterator[None]:
        outer = self.context.variables.get(name)
        self.context.variables[name] = element
        try:
            yield
        finally:
            self.context.variables[name] = outer


_WALL = frozenset(
    ("day", "month", "year", "day_of_year", "week_of_year", "month_of_year",
     "years_and_months_duration")
)  # fmt: skip
_CONDITIONS: dict[type[tree.Node], Callable[[Cuts, Any], None]] = {
    tree.Compare: Cuts.compare,
    tree.Between: Cuts.between,
    tree.In: Cuts.within,
    tree.And: Cuts.several,
    tree.Or: Cuts.several,
    tree.Not: Cuts.several,
    tree.Presence: Cuts.several,
    tree.Quantified: Cuts.quantified,
}
_VALUES: dict[type[tree.Node], Callable[[Cuts, Any], list[Straight]]] = {
    tree.Fact: Cuts.fact,
    tree.Window: Cuts.window,
    tree.Member: Cuts.member,
    tree.Derived: Cuts.derived,
    tree.Negate: Cuts.negated,
    tree.If: Cuts.chosen,
    tree.Arithmetic: Cuts.arithmetic,
    tree.Call: Cuts.call,
    tree.ListOf: Cuts.list_value,
    tree.Filter: Cuts.list_value,
    **{kind: Cuts.condition_value for kind in _CONDITIONS},
}
_FUNCTIONS: dict[str, Callable[[Cuts, tree.Call], list[Straight]]] = {
    "abs": Cuts.absolute,
    "coalesce": Cuts.either,
    "min": Cuts.either,
    "max": Cuts.either,
    "sum": Cuts.total,
    "mean": Cuts.mean,
    "count": Cuts.count,
    "modulo": Cuts.remainder,
    "odd": Cuts.parity,
    "even": Cuts.parity,
}
