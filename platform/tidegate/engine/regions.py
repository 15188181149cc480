"""Conditions that compare one thing with constants: what they look at, and the few values of it
that matter.

Between two neighbouring constants a comparison cannot change, so one representative value stands
for a whole region. The compiled evaluator builds its index from this, the checker its witnesses,
and "what would change it" its candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context as DecimalContext
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from tidegate.engine import clock
from tidegate.engine.evaluation import Context, Interval
from tidegate.engine.facts import Facts
from tidegate.engine.language import tree
from tidegate.engine.language.functions import FUNCTIONS
from tidegate.engine.language.rendering import render
from tidegate.engine.operations import arithmetic, order
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import DAY, HOUR, TICK, ExactText, Money, Months, fold

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OTHER_TEXT = "其他·other"
_OPEN = (tree.Fact, tree.Derived, tree.Variable, tree.Member, tree.Window, tree.Input, tree.Name)
_TIMED = frozenset(("since", "until", "date", "weekday", "hour"))
_WIDE = DecimalContext(prec=80)  # the middle of two 34-digit decimals has up to 35
_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Unary:
    """`cell` is the condition with `?` (tree.Input) in place of `subject`; `points` are the
    constants it compares with (decimals, money, text …; empty for a boolean or a presence test).
    """

    subject: tree.Node
    cell: tree.Node
    points: tuple[object, ...]

    @property
    def key(self) -> str:
        """Equal for equal subjects."""
        return render(self.subject)


def constants_of(ruleset: RuleSet) -> Context:
    """A context in which everything that needs no fact can be evaluated."""
    return Context(
        Facts({}, ruleset.vocabulary, ruleset.fields),
        EPOCH,
        clock.zone("UTC"),
        ruleset.parameter_values,
        ruleset.list_values,
        ruleset.derive_nodes,
        ruleset.vocabulary.calendars,
    )


def is_constant(node: tree.Node) -> bool:
    """Whether its value depends on the set alone: literals, parameters, lists and what is
    computed from them.
    """
    return all(
        not isinstance(part, (*_OPEN, tree.Calendar))
        and not (isinstance(part, tree.Call) and _impure(part.function))
        for part in tree.walk(node)
    )


def _impure(function: str) -> bool:
    return function in _TIMED or (FUNCTIONS[function].run is None and function != "coalesce")


def unary(node: tree.Node, constants: Context) -> Unary | None:
    """The condition as a test of one subject; None when it looks at more, or computes."""
    found = _cell(node, constants)
    if found is None:
        return None
    subject, cell, points = found
    distinct = {(type(point), point): point for point in points}  # exact text equals plain text
    return Unary(subject, cell, tuple(distinct.values()))


_Cell = tuple[tree.Node, tree.Node, list[object]]
_INPUT = tree.Input()


def _cell(node: tree.Node, constants: Context) -> _Cell | None:
    """(subject, cell, points) of a condition."""
    if isinstance(node, tree.Compare):
        return _compared(node, constants)
    if isinstance(node, tree.Between):
        if is_constant(node.value) or not (is_constant(node.low) and is_constant(node.high)):
            return None
        points = [constants.value(node.low), constants.value(node.high)]
        return node.value, tree.Between(_INPUT, node.low, node.high), points
    if isinstance(node, tree.In):
        return _membership(node, constants)
    if isinstance(node, tree.Presence):
        if is_constant(node.value) or _decided(node.value):
            return None
        return node.value, tree.Presence(_INPUT, node.missing), []
    if isinstance(node, tree.Not):
        inner = _cell(node.value, constants)
        return (inner[0], tree.Not(inner[1]), inner[2]) if inner else None
    if isinstance(node, (tree.And, tree.Or)):
        return _joined(node, constants)
    if isinstance(node, (tree.Fact, tree.Derived, tree.Member)):  # a boolean stands by itself
        return node, _INPUT, []
    return None


def _decided(node: tree.Node) -> bool:
    """`decided.x is missing` means an empty list, which only the whole node knows."""
    return isinstance(node, tree.Fact) and node.id.startswith("decided.")


def _compared(node: tree.Compare, constants: Context) -> _Cell | None:
    left, right, op = node.left, node.right, node.op
    if is_constant(left):
        left, right, op = right, left, _FLIPPED[op]
    if is_constant(left) or not is_constant(right):
        return None
    return left, tree.Compare(op, _INPUT, right), [constants.value(right)]


def _membership(node: tree.In, constants: Context) -> _Cell | None:
    if is_constant(node.value) or not all(is_constant(test) for test in node.tests):
        return None
    points: list[object] = []
    for test in node.tests:
        points += flat(constants.value(test.value if isinstance(test, tree.Test) else test))
    return node.value, tree.In(_INPUT, node.tests), points


def flat(value: object) -> Iterator[object]:
    """The constants inside a value: members of lists, ends of ranges."""
    if isinstance(value, Interval):
        yield from (value.low, value.high)
    elif isinstance(value, tuple):
        for member in value:
            yield from flat(member)
    else:
        yield value


def _joined(node: tree.And | tree.Or, constants: Context) -> _Cell | None:
    parts = [_cell(part, constants) for part in node.parts]
    found = [part for part in parts if part]
    if len(found) < len(parts) or len({render(subject) for subject, _, _ in found}) > 1:
        return None
    points = [point for _, _, inner in found for point in inner]
    return found[0][0], type(node)(tuple(cell for _, cell, _ in found)), points


def truth(cell: tree.Node, value: object, constants: Context) -> Any:
    """What the cell says when its subject has this value (None: missing)."""
    constants.variables["?"] = value
    return constants.value(cell)


def representatives(points: Iterable[object]) -> list[object]:
    """One value for every region that the points cut a type into, the points included, in
    ascending order; amounts of each currency by themselves; for text the points and one other.

    Without points there are none: the type isn't known from them.
    """
    known = [point for point in points if point is not None]
    texts = {
        str(p) if isinstance(p, ExactText) else fold(p): p for p in known if isinstance(p, str)
    }
    found: list[object] = [str(p) for p in texts.values()]
    if texts:
        found.append(other_text(texts))
    for group in _groups(p for p in known if not isinstance(p, str)).values():
        found += _cut(sorted(group, key=cmp_to_key(ascending)))
    return found


def other_text(taken: Iterable[str]) -> str:
    """A text equal to none of these, also when folded."""
    text, folded = OTHER_TEXT, {fold(one) for one in taken}
    while fold(text) in folded:
        text += "·"
    return text


def of_kind(points: Iterable[object], kind: str, currency: str) -> list[object]:
    """The points as values of a money or duration subject: a bare zero is zero of its kind, in
    every currency the points name (`currency` when they name none).
    """
    given = list(points)
    zeros: list[object] = []
    if kind == "money":
        named = {point.currency for point in given if isinstance(point, Money)} or {currency}
        zeros = [Money(Decimal(0), name) for name in sorted(named)]
    elif kind == "duration":
        zeros = [timedelta(0)]
    found: list[object] = []
    for point in given:
        found += zeros if zeros and isinstance(point, Decimal) else [point]
    return found


def _groups(points: Iterable[object]) -> Mapping[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for point in points:
        kind = point.currency if isinstance(point, Money) else type(point).__name__
        groups.setdefault(kind, []).append(point)
    return groups


def ascending(one: Any, other: Any) -> int:
    if isinstance(one, bool):
        return int(one) - int(other)
    return order(one, other) or 0


def _cut(points: list[Any]) -> list[object]:
    if isinstance(points[0], bool):
        return [False, True]
    step = step_of(points[0])
    out: list[object] = [moved(points[0], -step)]
    for index, point in enumerate(points):
        if index and order(points[index - 1], point) == 0:
            continue
        if index:
            out += between(points[index - 1], point)
        out.append(point)
    out.append(moved(points[-1], step))
    return [value for value in out if value is not None]


def step_of(point: object) -> Any:
    if isinstance(point, time):
        return HOUR
    return DAY if isinstance(point, (timedelta, datetime, date)) else Decimal(1)


def moved(point: Any, step: Any) -> object:
    try:
        if isinstance(point, Money):
            return Money(point.amount + step, point.currency)
        if isinstance(point, Months):
            return Months(point.count + int(step))
        return _on_clock(point, step) if isinstance(point, time) else point + step
    except OverflowError:
        return None


def _on_clock(point: time, step: timedelta) -> time | None:
    """A later (or earlier) time of the same day, its end at most, if there is one."""
    found: Any = arithmetic("+", point, step)
    later = step > timedelta(0)
    if (found > point) != later:
        found = (time.max if later else time.min).replace(tzinfo=point.tzinfo)
    return found if found != point else None


def between(low: Any, high: Any) -> list[object]:
    """A value strictly between, if there is one."""
    if isinstance(low, Money):
        return [Money(_middle(low.amount, high.amount), low.currency)]
    if isinstance(low, Decimal):
        return [_middle(low, high)]
    if isinstance(low, Months):
        return [Months(low.count + 1)] if high.count > low.count + 1 else []
    if isinstance(low, time):
        inside = _on_clock(low, arithmetic("-", high, low) // (2 * TICK) * TICK)  # type: ignore[operator]  # the difference of two times
        return [inside] if inside is not None and low < inside < high else []
    tick = DAY if isinstance(low, date) and not isinstance(low, datetime) else TICK
    middle = low + (high - low) // (2 * tick) * tick
    return [middle] if low < middle < high else []


def _middle(low: Decimal, high: Decimal) -> Decimal:
    return _WIDE.divide(_WIDE.add(low, high), Decimal(2))
