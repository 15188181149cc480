"""What an expression is worth on given facts. This module defines the meaning; it is written to
be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine import clock
from tidegate.engine.facts import Facts, Line
from tidegate.engine.language import tree
from tidegate.engine.language.functions import FUNCTIONS
from tidegate.engine.logic import Truth, negation
from tidegate.engine.long_lists import LongLists
from tidegate.engine.operations import NEGATABLE, arithmetic, compare, equal, finite, member_of
from tidegate.engine.operations import Interval as Interval
from tidegate.engine.patterns.conjuncts import fields_read, outside
from tidegate.engine.patterns.matcher import Match, Matcher, match
from tidegate.engine.patterns.plan import plan_of
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import Incomplete, Money, duration_text
from tidegate.engine.vocabulary import DAYS, Calendar
from tidegate.errors import InputError


@dataclass
class Reads:
    """What one leaf looked at: values seen, facts found unknown, and the line that decided it
    (0: none).
    """

    values: dict[str, object] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)
    line: int = 0

    def see(self, name: str, value: object) -> object:
        self.values[name] = value
        if value is None:
            self.unknown[name] = None
        return value


class Context:
    """Everything an expression may refer to, for one subject at one instant.

    `match` searches patterns. With `explain` False only values are wanted: a pattern that is not
    true need not say how far the search got.
    """

    def __init__(
        self,
        facts: Facts,
        now: datetime,
        zone: ZoneInfo,
        parameters: Mapping[str, object],
        lists: Mapping[str, tuple[object, ...]],
        derive: Mapping[str, tree.Node],
        calendars: Mapping[str, Calendar],
        match: Matcher = match,
    ) -> None:
        self.match = match
        self.explain = True
        self.facts = facts
        self.now = now
        self.zone = zone
        self.parameters = parameters
        self.lists = lists
        self.derive = derive
        self.calendars = calendars
        self.variables: dict[str, object] = {}
        self.derived: dict[str, tuple[object, Reads]] = {}
        self.reads = Reads()
        self.long_lists = LongLists()

    def value(self, node: tree.Node) -> Any:
        return _VALUE[type(node)](self, node)

    def leaf(self, node: tree.Node) -> tuple[Any, Reads]:
        """The value of a whole expression and what it read."""
        outer, self.reads = self.reads, Reads()
        try:
            return self.value(node), self.reads
        finally:
            self.reads = outer

    def inner(self, reads: Reads) -> None:
        """Keep what a nested evaluation read."""
        self.reads.values.update(reads.values)
        self.reads.unknown.update(reads.unknown)


def context_of(
    ruleset: RuleSet,
    facts: Mapping[str, Any],
    now: datetime,
    timezone: str,
    currency: str = "CNY",
    match: Matcher = match,
) -> Context:
    """The set and one subject's facts, ready to evaluate expressions."""
    if now.tzinfo is None:
        raise InputError(
            "time.naive",
            zh="now 需要时区偏移，如 2026-11-11T09:00:00+08:00",
            en="now needs its offset, as in 2026-11-11T09:00:00+08:00",
        )
    return Context(
        Facts(facts, ruleset.vocabulary, ruleset.fields, currency),
        now.astimezone(UTC),
        clock.zone(timezone),
        ruleset.parameter_values,
        ruleset.list_values,
        ruleset.derive_nodes,
        ruleset.vocabulary.calendars,
        match,
    )


def _fact(context: Context, node: tree.Fact) -> object:
    if node.id == "now":
        return context.reads.see("now", context.now)
    value = context.facts.get(node.id)
    if isinstance(value, tuple) and value and isinstance(value[0], Line):
        context.reads.values[node.id] = len(value)
        return value
    return context.reads.see(node.id, value)


def _member(context: Context, node: tree.Member) -> object:
    of = context.value(node.of)
    if of is None:
        context.reads.unknown[node.fact] = None
        return None
    if isinstance(of, Line):
        return context.reads.see(node.fact, of.get(node.field))
    values = [line.get(node.field) for line in of]
    context.reads.values[node.fact] = tuple(values)
    if None in values:
        context.reads.unknown[node.fact] = None
    return type(of)(values)


def _window(context: Context, node: tree.Window) -> object:
    span = context.value(node.span)
    if span is None:
        return None
    value = context.facts.window(node.fact, span)
    context.reads.values[f"{node.fact}({duration_text(span)})"] = value
    if value is None:
        context.reads.unknown[node.fact] = None
    return value


def _derived(context: Context, node: tree.Derived) -> object:
    if node.id not in context.derived:
        context.derived[node.id] = context.leaf(context.derive[node.id])
    value, reads = context.derived[node.id]
    context.inner(reads)
    return value


def _compare(context: Context, node: tree.Compare) -> Truth:
    left, right = context.value(node.left), context.value(node.right)
    result = compare(node.op, left, right)
    if result is None:
        _currency(context, left, right)
    return result


def _currency(context: Context, *values: object) -> None:
    """Amounts in different currencies: the money facts read here are what is missing (in a
    comparable currency).
    """
    if len({value.currency for value in values if isinstance(value, Money)}) > 1:
        context.reads.unknown.update(
            {k: None for k, v in context.reads.values.items() if isinstance(v, Money)}
        )


def _between(context: Context, node: tree.Between) -> Truth:
    low, high = context.value(node.low), context.value(node.high)
    value = context.value(node.value)
    _currency(context, value, low, high)
    return Interval(low, high, True, True).holds(value)


def _range(context: Context, node: tree.Range) -> Interval:
    return Interval(
        context.value(node.low), context.value(node.high), node.low_closed, node.high_closed
    )


def _in(context: Context, node: tree.In) -> Truth:
    value = context.value(node.value)
    result: Truth = False
    for test in node.tests:
        found = _passes(context, value, test)
        if found is True:
            return True
        if found is None:
            result = None
    return result


def _passes(context: Context, value: object, test: tree.Node) -> Truth:
    if isinstance(test, tree.Test):
        return compare(test.op, value, context.value(test.value))
    if isinstance(test, tree.Calendar):
        return (
            clock.is_open(context.calendars[test.id], value, context.zone)
            if isinstance(value, datetime)
            else None
        )
    found = context.value(test)
    held = context.long_lists.holds(value, found)
    return one_of(value, found) if held is None else held


def one_of(value: object, found: object) -> Truth:
    if isinstance(found, Interval):
        return found.holds(value)
    nested = isinstance(found, tuple) and any(
        isinstance(member, (Interval, tuple)) for member in found
    )
    if isinstance(found, tuple) and (nested or not isinstance(value, tuple)):
        if nested:
            results = [
                equal(value, m) if isinstance(value, tuple) else one_of(value, m) for m in found
            ]
            return True if True in results else None if None in results else False
        return member_of(value, found)
    return equal(value, found)


def _and(context: Context, node: tree.And) -> Truth:
    result: Truth = True
    for part in node.parts:
        found = context.value(part)
        if found is False:
            return False
        if found is None:
            result = None
    return result


def _or(context: Context, node: tree.Or) -> Truth:
    result: Truth = False
    for part in node.parts:
        found = context.value(part)
        if found is True:
            return True
        if found is None:
            result = None
    return result


def _if(context: Context, node: tree.If) -> object:
    """FEEL's: an unknown condition takes the else branch."""
    return context.value(node.then if context.value(node.condition) is True else node.otherwise)


def _presence(context: Context, node: tree.Presence) -> bool:
    """Definite: what is missing here is an answer, not a gap, so it is not reported as missing."""
    value, reads = context.leaf(node.value)
    context.reads.values.update(reads.values)
    decided = isinstance(node.value, tree.Fact) and node.value.id.startswith("decided.")
    absent = value is None or (decided and value == ())
    return absent is node.missing


def _quantified(context: Context, node: tree.Quantified) -> Truth:
    """some: one true decides; every: one false decides; no: one true decides. Over nothing:
    false, false, true.

    The values kept are those of the line that decided, or of the first line that could not be
    judged.
    """
    elements = context.value(node.over)
    if elements is None:
        return None
    decisive = node.kind != "every"
    gap: Reads | None = Reads() if isinstance(elements, Incomplete) else None
    unjudged: object = None
    for number, element in enumerate(elements, 1):
        found, reads = _on(context, node.variable, element, node.condition)
        if found is None:
            if gap is None:
                reads.line = _line(element, number)
                gap, unjudged = reads, element
            gap.unknown.update(reads.unknown)
        elif found is decisive:
            _keep(context, element, reads, _line(element, number))
            return node.kind == "some"
    if gap is not None:
        _keep(context, unjudged, gap, gap.line)
        return None
    return node.kind == "no" or (node.kind == "every" and len(elements) > 0)


def _line(element: object, number: int) -> int:
    return element.number if isinstance(element, Line) else number


def _keep(context: Context, element: object, reads: Reads, line: int) -> None:
    if isinstance(element, Line):
        name, label = element.label()
        if label is not None:
            context.reads.values[name] = label
    context.inner(reads)
    context.reads.line = context.reads.line or line


def _on(context: Context, name: str, element: object, condition: tree.Node) -> tuple[Any, Reads]:
    outer = context.variables.get(name)
    context.variables[name] = element
    try:
        return context.leaf(condition)
    finally:
        context.variables[name] = outer


def _filter(context: Context, node: tree.Filter) -> object:
    elements = context.value(node.of)
    if elements is None:
        return None
    kept: list[object] = []
    sure = not isinstance(elements, Incomplete)
    for element in elements:
        found, reads = _on(context, node.variable, element, node.condition)
        if found is True:
            kept.append(element)
        elif found is None:
            sure = False
            context.reads.unknown.update(reads.unknown)
    return tuple(kept) if sure else Incomplete(kept)


def _sequence(context: Context, node: tree.Sequence) -> Truth:
    """Kept are the events found (the beginning of a match when there is none) with the fields that
    were read, and what the conditions read elsewhere. `line` is the last event found.
    """
    events: Any = context.value(node.over)
    if events is None:
        return None
    _, elsewhere = context.leaf(tree.ListOf(outside(node)))
    found: Match = context.match(node, events, context)
    if found.events is None and context.explain:
        found = match(node, events, context)
    reads = context.reads
    reads.unknown.update(dict.fromkeys(found.unknown))
    numbers = found.events or ()
    for name, number in zip(plan_of(node).names, numbers, strict=False):
        reads.values[name] = number
        for member in fields_read(node)[name]:
            value = events[number - 1].get(member.field)
            reads.values[f"{name}.{member.fact}"] = value
    reads.values.update(elsewhere.values)
    reads.line = reads.line or (numbers[-1] if numbers else 0)
    return found.truth


def _for(context: Context, node: tree.For) -> object:
    elements = context.value(node.over)
    if elements is None:
        return None
    results: list[object] = []
    for element in elements:
        found, reads = _on(context, node.variable, element, node.result)
        context.inner(reads)
        results.append(found)
    return type(elements)(results)


def _call(context: Context, node: tree.Call) -> object:
    if node.function in _TIMED:
        return _TIMED[node.function](context, node)
    args = [context.value(arg) for arg in node.args]
    function = FUNCTIONS[node.function]
    if None in args:
        return None
    try:
        if function.run:
            return finite(function.run(*args))
        return function.zoned(context.zone, *args) if function.zoned else None
    except (ArithmeticError, ValueError):
        return None


def _elapsed(context: Context, node: tree.Call, sign: int) -> timedelta | None:
    start = context.value(node.args[0])
    if not isinstance(start, datetime):
        return None
    if len(node.args) == 1:
        return sign * (context.now - start)
    calendar = context.calendars[node.args[1].id]  # type: ignore[attr-defined]  # binding made it a Calendar
    return sign * clock.working_time(calendar, start, context.now, context.zone)


def _day(context: Context, node: tree.Call) -> object:
    value = context.value(node.args[0])
    return value.astimezone(context.zone).date() if isinstance(value, datetime) else value


def _weekday(context: Context, node: tree.Call) -> object:
    day: Any = _day(context, node)
    return None if day is None else DAYS[day.weekday()]


def _hour(context: Context, node: tree.Call) -> object:
    value = context.value(node.args[0])
    if isinstance(value, datetime):
        value = value.astimezone(context.zone)
    return None if value is None else Decimal(value.hour)


def _coalesce(context: Context, node: tree.Call) -> object:
    value, reads = context.leaf(node.args[0])
    context.reads.values.update(reads.values)
    return context.value(node.args[1]) if value is None else value


_TIMED: dict[str, Callable[[Context, tree.Call], object]] = {
    "since": lambda context, node: _elapsed(context, node, 1),
    "until": lambda context, node: _elapsed(context, node, -1),
    "date": _day,
    "weekday": _weekday,
    "hour": _hour,
    "coalesce": _coalesce,
}


def _negate(context: Context, node: tree.Negate) -> object:
    value = context.value(node.value)
    if isinstance(value, Money):
        return Money(-value.amount, value.currency)
    return -value if isinstance(value, NEGATABLE) else None


_VALUE: dict[type[tree.Node], Callable[[Context, Any], object]] = {
    tree.Literal: lambda context, node: node.value,
    tree.Fact: _fact,
    tree.Parameter: lambda context, node: context.parameters[node.id],
    tree.ListName: lambda context, node: context.lists[node.id],
    tree.Derived: _derived,
    tree.Variable: lambda context, node: context.variables[node.id],
    tree.Input: lambda context, node: context.variables["?"],
    tree.Member: _member,
    tree.Window: _window,
    tree.Arithmetic: lambda context, node: arithmetic(
        node.op, context.value(node.left), context.value(node.right)
    ),
    tree.Negate: _negate,
    tree.Compare: _compare,
    tree.Between: _between,
    tree.Range: _range,
    tree.In: _in,
    tree.ListOf: lambda context, node: tuple(context.value(member) for member in node.members),
    tree.And: _and,
    tree.Or: _or,
    tree.Not: lambda context, node: negation(context.value(node.value)),
    tree.If: _if,
    tree.Quantified: _quantified,
    tree.Filter: _filter,
    tree.For: _for,
    tree.Presence: _presence,
    tree.Sequence: _sequence,
    tree.Call: _call,
}
