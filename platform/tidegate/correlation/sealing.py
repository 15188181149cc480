"""A pattern and an episode in the form the sealed profile can carry, or not at all.

What a condition says of one event becomes a flag, worked out here. A comparison of two events
becomes a comparison of two whole numbers: each side is worked out here for every event, and only
the rank of its value travels. `absent` becomes a count: no forbidden event lies between two
events when as many lie up to the first as before the second. So nothing personal leaves the
process, and no decimal, text or instant is read by the library.

Not sealed, and left to our matcher: an unknown value or an event without instant, a condition
that reads two events otherwise than by one comparison with an event on each side (or
`x - y <= span` of instants), an `absent` that looks at earlier events, amounts in several
currencies, `exact(…)`, more than 200 events, 8 steps or 24 comparisons, and whatever could take
more than a fraction of the work our matcher allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tidegate.correlation.network import MAX_FACTS, MAX_JOINS, MAX_STEPS, OPERATORS
from tidegate.engine.language import tree
from tidegate.engine.patterns.judging import MAX_WORK, Judge
from tidegate.engine.patterns.plan import OWN, Check, Plan, plan_of
from tidegate.engine.values import Money, fold
from tidegate.errors import InputError

if TYPE_CHECKING:
    from tidegate.engine.evaluation import Context

MAX_SEALED_WORK = MAX_WORK // 4
_ORDERED = (str, Decimal, Money, datetime, date, timedelta)
_EQUAL = (*_ORDERED, bool, tuple)


@dataclass
class Sealed:
    """What is sent: the shape of the pattern, and for each event its whole numbers."""

    flags: list[bool] = field(default_factory=list)
    joins: list[list[tuple[str, str, int, str]]] = field(default_factory=list)
    facts: list[dict[str, int]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return {"flags": self.flags, "joins": self.joins, "facts": self.facts}


class NotSealed(Exception):
    """The profile cannot carry it."""


def seal(sequence: tree.Sequence, events: Sequence[Any], context: Context) -> Sealed | None:
    """The pattern and the episode in sealed form; None when our matcher must decide."""
    if not events or len(events) > MAX_FACTS:
        return None
    plan = plan_of(sequence)
    if len(plan.steps) > MAX_STEPS:
        return None
    outer = dict(context.variables)
    try:
        return _Sealing(plan, sequence, events, context).run()
    except (NotSealed, InputError, OverflowError):
        return None
    finally:
        context.variables.clear()
        context.variables.update(outer)


class _Sealing:
    def __init__(
        self, plan: Plan, sequence: tree.Sequence, events: Sequence[Any], context: Context
    ) -> None:
        self.plan = plan
        self.sequence = sequence
        self.context = context
        self.judge = Judge(plan, events, context)
        if self.judge.undated:
            raise NotSealed
        self.order = self.judge.dated
        self.sealed = Sealed(facts=[{"p": place} for place in range(len(events))])
        self.columns = 0

    def run(self) -> Sealed:
        sealed, size = self.sealed, len(self.plan.steps)
        sealed.joins = [[] for _ in range(size)]
        alone: list[list[tuple[Check, int]]] = [[] for _ in range(size)]
        for place, wanted in enumerate(self.plan.steps):
            for check in (*wanted.own, *wanted.joint):
                read = {place if event == OWN else event for event, _ in check.reads}
                if len(read) <= 1:
                    alone[min(read, default=place)].append((check, place))
                else:
                    self._compare(check, place)
        self._flags(alone)
        self._gaps()
        self._within()
        if sum(len(step) for step in sealed.joins) > MAX_JOINS:
            raise NotSealed
        self._affordable()
        return sealed

    # what is said of one event

    def _flags(self, alone: list[list[tuple[Check, int]]]) -> None:
        for place, checks in enumerate(alone):
            self.sealed.flags.append(bool(checks))
            for fact, event in zip(self.sealed.facts, self.order, strict=True):
                if checks:
                    fact[f"f{place}"] = int(self._holds(checks, event))

    def _holds(self, checks: Sequence[tuple[Check, int]], event: int) -> bool:
        return all([self._truth(check, place, event) for check, place in checks])

    def _truth(self, check: Check, place: int, event: int) -> bool:
        truth = self.judge.answer(check, [event] * place, event)
        if truth is None:
            raise NotSealed
        return truth

    # what compares two events

    def _compare(self, check: Check, place: int) -> None:
        node = check.node
        if not isinstance(node, tree.Compare) or node.op not in OPERATORS:
            raise NotSealed
        names = {name: place if event == OWN else event for name, event in check.variables}
        left, right = self._sides(node, names)
        self._join(node.op, left, right)

    def _sides(self, node: tree.Compare, names: dict[str, int]) -> tuple[_Side, _Side]:
        """The two sides, each over one event; a difference of instants is moved across."""
        one, other = self._reads(node.left, names), self._reads(node.right, names)
        if len(one) == len(other) == 1 and one != other:
            return self._side(node.left, one), self._side(node.right, other)
        minus = node.left
        if isinstance(minus, tree.Arithmetic) and minus.op == "-" and not other:
            later, earlier = self._reads(minus.left, names), self._reads(minus.right, names)
            if len(later) == len(earlier) == 1 and later != earlier:
                span = self.context.value(node.right)
                start = self._side(minus.right, earlier)
                end = self._side(minus.left, later)
                if isinstance(span, timedelta) and all(
                    isinstance(value, datetime) for value in (*start.values, *end.values)
                ):
                    return end, _Side(start.place, [value + span for value in start.values])
        raise NotSealed

    def _reads(self, node: tree.Node, names: dict[str, int]) -> frozenset[tuple[str, int]]:
        return frozenset(
            (part.id, names[part.id])
            for part in tree.walk(node)
            if isinstance(part, tree.Variable) and part.id in names
        )

    def _side(self, node: tree.Node, reads: frozenset[tuple[str, int]]) -> _Side:
        ((name, place),) = reads
        values = []
        for event in self.order:
            self.context.variables[name] = self.judge.events[event]
            value, _ = self.context.leaf(node)
            values.append(value)
        return _Side(place, values)

    def _join(self, operator: str, left: _Side, right: _Side) -> None:
        """Ranks of both sides as columns of the facts; the later event comes first."""
        if left.place < right.place:
            left, right, operator = right, left, _MIRRORED[operator]
        key = _key([*left.values, *right.values], _EQUAL if operator in ("=", "!=") else _ORDERED)
        keys = [[key(value) for value in side.values] for side in (left, right)]
        distinct = dict.fromkeys((*keys[0], *keys[1]))
        ranked = list(distinct) if operator in ("=", "!=") else sorted(distinct)
        ranks = {value: rank for rank, value in enumerate(ranked)}
        names = [self._column([ranks[value] for value in side]) for side in keys]
        self.sealed.joins[left.place].append((operator, names[0], right.place, names[1]))

    def _column(self, values: Sequence[int]) -> str:
        name = f"v{self.columns}"
        self.columns += 1
        for fact, value in zip(self.sealed.facts, values, strict=True):
            fact[name] = value
        return name

    # absent, within, and what it may cost

    def _gaps(self) -> None:
        for place, gap in enumerate(self.plan.gaps):
            for wanted in gap:
                if any(event != OWN for check in wanted.joint for event, _ in check.reads):
                    raise NotSealed
                before, until = [], []
                count = 0
                for event in self.order:
                    before.append(count)
                    count += self._holds([(check, 0) for check in wanted.own], event)
                    until.append(count)
                names = self._column(before), self._column(until)
                self.sealed.joins[place].append(("=", names[0], place - 1, names[1]))

    def _within(self) -> None:
        if self.sequence.within is None:
            return
        span: Any = self.context.value(self.sequence.within)
        instants: list[Any] = [self.judge.instants[event] for event in self.order]
        ends = [at + span for at in instants]
        self._join("<=", _Side(len(self.plan.steps) - 1, instants), _Side(0, ends))

    def _affordable(self) -> None:
        """An upper bound of what our matcher may spend on it: it must never refuse what was
        answered here.
        """
        bound, choices = self.judge.work, 1
        lists = self.context.lists
        for place, wanted in enumerate(self.plan.steps):
            flag = f"f{place}"
            choices *= sum(fact.get(flag, 1) for fact in self.sealed.facts)
            joint = sum(
                2 + check.size + sum(len(lists[name]) for name in check.lists)
                for check in wanted.joint
            )
            bound += choices * (2 + joint + 2 * len(self.plan.gaps[place]))
        if bound > MAX_SEALED_WORK:
            raise NotSealed


@dataclass(frozen=True)
class _Side:
    """One side of a comparison: which event it reads, and its value for every event."""

    place: int
    values: Sequence[Any]


_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _key(values: Sequence[Any], kinds: tuple[type, ...]) -> Callable[[Any], Any]:
    """A key that orders and tells apart the values just as the language does."""
    found = {type(value) for value in values}
    if len(found) != 1 or not found <= set(kinds):
        raise NotSealed
    kind = found.pop()
    if kind is str:
        return fold
    if kind is Money:
        if len({value.currency for value in values}) > 1:
            raise NotSealed
        return lambda value: value.amount
    if kind is tuple:
        if not all(type(member) is str for value in values for member in value):
            raise NotSealed
        return lambda value: tuple(fold(member) for member in value)
    return lambda value: value
