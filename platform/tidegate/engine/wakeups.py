"""The next instant at which an answer can change while all facts stay the same.

Candidates come from the time thresholds in the conditions; each is kept only if the condition
really has another value one microsecond earlier, so strict and inclusive bounds need no special
case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, localcontext
from functools import partial
from typing import Any

from tidegate.engine import clock
from tidegate.engine.evaluation import Context, Interval, context_of
from tidegate.engine.language import tree
from tidegate.engine.operations import arithmetic
from tidegate.engine.patterns.conjuncts import events_in
from tidegate.engine.per_set import once_per_set
from tidegate.engine.rulesets import Rule, RuleSet
from tidegate.engine.values import DAY, EXACT, HOUR, MINUTE, SECOND, TICK, Months

_AHEAD_DAYS = 32  # the longest holidays, and a weekend on either side, are shorter


def next_change(
    ruleset: RuleSet,
    facts: Mapping[str, Any],
    now: datetime,
    timezone: str = "Asia/Shanghai",
    *,
    currency: str = "CNY",
) -> datetime | None:
    """The first instant after `now` (UTC) at which a condition or an `active` window changes;
    None if none does.

    Exact for thresholds on `since` and `until`, for `now` compared with a moment, and for the
    wall clock and calendars up to `_AHEAD_DAYS` ahead. Where time is computed with (`since(a) +
    2h > 24h`, `max(since(a), since(b)) > 1d`) the condition is looked at every hour for a week and
    every day for a year, and the change found is then exact to the microsecond.
    """
    timed = _timed(ruleset)
    if not timed and not any(rule.active_from or rule.active_to for rule in ruleset.rules):
        return None
    with localcontext(EXACT):
        context = context_of(ruleset, facts, now, timezone, currency)
        for name in ruleset.gate_spec.actions:
            context.facts.written[f"decided.{name}"] = ()
        found = [edge for rule in ruleset.rules for edge in _edges(rule, context)]
        for node, sites, computes in timed:
            found += [
                instant
                for instant in sorted(set(_candidates(context, sites)))
                if _flips(context, node, instant)
            ][:1]
            if computes:
                found += _searched(context, node)
    return min(found, default=None)


Site = Callable[[Context], Iterator[datetime]]  # instants after `now` at which one place may change
Timed = tuple[tree.Node, tuple[Site, ...], bool]


@once_per_set
def _timed(ruleset: RuleSet) -> tuple[Timed, ...]:
    """The distinct conditions in which time stands, also through derived facts, their places, and whether they compute
    with it.
    """
    leaves = {leaf.text: leaf.node for rule in ruleset.rules for leaf in rule.leaves}
    places = Places(ruleset.derive_nodes)
    return tuple(
        (node, places.of(node), _computes_with_time(node, places.derive))
        for node in leaves.values()
        if _reaches_time(node, places.derive)
    )


def _reaches_time(node: tree.Node, derive: Mapping[str, tree.Node]) -> bool:
    for part in tree.walk(node):
        if isinstance(part, tree.Derived):
            if _reaches_time(derive[part.id], derive):
                return True
        elif _tells_time(part):
            return True
    return False


def _edges(rule: Rule, context: Context) -> Iterator[datetime]:
    """Midnights at which a rule becomes active or stops being so."""
    edges = []
    if rule.active_from:
        edges.append(clock.midnight(rule.active_from, context.zone))
    if rule.active_to:
        edges.append(clock.midnight(rule.active_to + DAY, context.zone))
    return (edge for edge in edges if edge > context.now)


def _computes_with_time(node: tree.Node, derive: Mapping[str, tree.Node]) -> bool:
    """Whether time stands inside arithmetic or a function that is not of time itself."""
    if isinstance(node, tree.Derived):
        return _computes_with_time(derive[node.id], derive)
    plain = isinstance(node, tree.Call) and node.function in ("since", "until", *_WALL_DAYS)
    computing = isinstance(node, tree.Arithmetic | tree.Negate | tree.If) or (
        isinstance(node, tree.Call) and not plain
    )
    if computing and any(_tells_time(part) for part in tree.children(node)):
        return True
    return any(_computes_with_time(child, derive) for child in tree.children(node))


def _searched(context: Context, node: tree.Node) -> list[datetime]:
    """The first change that shows on the grid, narrowed down to the microsecond."""
    before, value = context.now, _at(context, node, context.now)
    for step, count in ((HOUR, 24 * 7), (DAY, 366)):
        for _ in range(count):
            after = before + step
            if _at(context, node, after) is not value:
                return [_narrowed(context, node, before, after, value)]
            before = after
    return []


def _narrowed(
    context: Context, node: tree.Node, before: datetime, after: datetime, value: object
) -> datetime:
    while after - before > TICK:
        middle = before + (after - before) // 2
        if _at(context, node, middle) is value:
            before = middle
        else:
            after = middle
    return after


def _flips(context: Context, node: tree.Node, instant: datetime) -> bool:
    return _at(context, node, instant) is not _at(context, node, instant - TICK)


def _at(context: Context, node: tree.Node, instant: datetime) -> object:
    now = context.now
    context.now = instant
    context.derived.clear()
    try:
        return context.value(node)
    finally:
        context.now = now
        context.derived.clear()


def _candidates(context: Context, sites: Sequence[Site]) -> Iterator[datetime]:
    """Instants after `now` at which something at these places may change."""
    for site in sites:
        yield from site(context)


class Places:
    """Where time stands below a condition: found once for a set, asked for every subject."""

    def __init__(self, derive: Mapping[str, tree.Node]) -> None:
        self.derive = derive
        self._of_derived: dict[str, tuple[Site, ...]] = {}

    def of(self, node: tree.Node) -> tuple[Site, ...]:
        return tuple(self._below(node))

    def _below(self, node: tree.Node) -> Iterator[Site]:
        if not _reaches_time(node, self.derive):
            return
        if isinstance(node, tree.Derived):
            if node.id not in self._of_derived:
                self._of_derived[node.id] = self.of(self.derive[node.id])
            yield partial(_candidates, sites=self._of_derived[node.id])
        elif isinstance(node, tree.BINDING):
            source = node.of if isinstance(node, tree.Filter) else node.over
            inner = node.result if isinstance(node, tree.For) else node.condition
            yield from self._below(source)
            yield partial(_over_elements, source=source, name=node.variable, inner=self.of(inner))
        elif isinstance(node, tree.Sequence):
            yield partial(_over_events, over=node.over, parts=tuple(self._of_steps(node)))
        else:
            for one, other in _sides(node):
                timed = self.derive[one.id] if isinstance(one, tree.Derived) else one
                if _is_of_time(timed) and not isinstance(other, tree.Calendar):
                    yield partial(_thresholds, timed=timed, bound=other)
            if isinstance(node, tree.In | tree.Call):
                yield partial(_boundaries, node=node)
            for child in tree.children(node):
                yield from self._below(child)

    def _of_steps(self, node: tree.Sequence) -> Iterator[tuple[frozenset[str], tuple[Site, ...]]]:
        """(the event that it names, places) of each part of a pattern; a comparison with the present time reads one
        event at most (the reader sees to that).
        """
        for part in (part for step in node.steps for part in tree.walk(step.condition)):
            names = events_in(part)
            compares = isinstance(part, tree.Derived) or any(True for _ in _sides(part))
            if len(names) <= 1 and compares and _tells_time(part):
                yield frozenset(names), self.of(part)


def _over_elements(
    context: Context, source: tree.Node, name: str, inner: tuple[Site, ...]
) -> Iterator[datetime]:
    outer = context.variables.get(name)
    for element in context.value(source) or ():
        context.variables[name] = element
        yield from _candidates(context, inner)
    context.variables[name] = outer


def _over_events(
    context: Context, over: tree.Node, parts: Sequence[tuple[frozenset[str], tuple[Site, ...]]]
) -> Iterator[datetime]:
    if not parts:
        return
    events: Any = context.value(over) or ()
    outer = dict(context.variables)
    for names, sites in parts:
        for event in events if names else (None,):
            context.variables.update(dict.fromkeys(names, event))
            yield from _candidates(context, sites)
    context.variables.clear()
    context.variables.update(outer)


def _tells_time(node: tree.Node) -> bool:
    timed = ("since", "until", *_WALL_DAYS)
    return any(
        isinstance(part, (tree.Derived, tree.Calendar))
        or (isinstance(part, tree.Fact) and part.id == "now")
        or (isinstance(part, tree.Call) and part.function in timed)
        for part in tree.walk(node)
    )


def _sides(node: tree.Node) -> Iterator[tuple[tree.Node, tree.Node]]:
    """Pairs that are compared with each other."""
    if isinstance(node, tree.Compare):
        yield node.left, node.right
        yield node.right, node.left
    elif isinstance(node, tree.Between):
        yield node.value, node.low
        yield node.value, node.high
        yield node.low, node.value
        yield node.high, node.value
    elif isinstance(node, tree.In):
        for test in node.tests:
            yield node.value, test.value if isinstance(test, tree.Test) else test


def _is_of_time(node: tree.Node) -> bool:
    return isinstance(node, tree.Call) or (isinstance(node, tree.Fact) and node.id == "now")


def _thresholds(context: Context, timed: tree.Node, bound: tree.Node) -> Iterator[datetime]:
    for value in _flat(context.value(bound)):
        for instant in _when(context, timed, value):
            yield from (moment for moment in (instant, instant + TICK) if moment > context.now)


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, Interval):
        yield from (value.low, value.high)
    elif isinstance(value, tuple):
        for member in value:
            yield from _flat(member)
    else:
        yield value


def _when(context: Context, timed: tree.Node, bound: object) -> Iterator[datetime]:
    """When `timed` (since, until or now) equals the bound."""
    if isinstance(timed, tree.Fact) and timed.id == "now" and isinstance(bound, datetime):
        yield bound
    if isinstance(timed, tree.Call) and isinstance(bound, (date, time, Months, Decimal)):
        yield from _on_the_wall(context, timed, bound)
    if not isinstance(timed, tree.Call) or timed.function not in ("since", "until"):
        return
    start = context.value(timed.args[0])
    if start is None or not isinstance(bound, timedelta):
        return
    span = bound if timed.function == "since" else -bound
    try:
        found = _later(context, timed, start, span)
    except OverflowError:
        return
    if found is not None:
        yield found
        if len(timed.args) > 1:
            yield from _rest_around(context, timed, found)


def _rest_around(context: Context, timed: tree.Call, found: datetime) -> Iterator[datetime]:
    """Working time stands still overnight: a bound met at closing time is passed only at the next
    opening, one met at opening time was reached at the closing before.
    """
    calendar = context.calendars[timed.args[1].id]  # type: ignore[attr-defined]  # binding made it a Calendar
    first = (found - _AHEAD_DAYS * DAY).astimezone(context.zone).date()
    before: datetime | None = None
    for opens, closes in clock.windows(calendar, first, context.zone):
        if opens >= found:
            yield opens
            break
        before = closes if closes <= found else before
    if before is not None:
        yield before


def _on_the_wall(
    context: Context, timed: tree.Call, bound: date | time | Months | Decimal
) -> Iterator[datetime]:
    """When the day, the time of day, the year or the months since a day reach the bound."""
    today = context.now.astimezone(context.zone).date()
    days: list[date] = []
    if isinstance(bound, time):
        for offset in range(_AHEAD_DAYS):
            moment = datetime.combine(today + offset * DAY, bound)
            yield moment if moment.tzinfo else moment.replace(tzinfo=context.zone)
    elif isinstance(bound, Months):
        start = context.value(timed.args[0])
        if timed.function == "years_and_months_duration" and start is not None:
            day = start.astimezone(context.zone).date() if isinstance(start, datetime) else start
            reached = arithmetic("+", day, bound)  # three more days where a month has fewer
            days = [reached + n * DAY for n in range(4)] if isinstance(reached, date) else []
    elif isinstance(bound, Decimal):
        years = [int(bound), int(bound) + 1] if timed.function == "year" else []
        days = [date(year, 1, 1) for year in years if 1 <= year <= 9999]
    elif not isinstance(bound, datetime):
        days = [bound, bound + DAY]
    for day in days:
        yield clock.midnight(day, context.zone)


def _later(context: Context, timed: tree.Call, start: datetime, span: timedelta) -> datetime | None:
    if len(timed.args) == 1:
        return start + span
    calendar = context.calendars[timed.args[1].id]  # type: ignore[attr-defined]  # binding made it a Calendar
    if span >= timedelta(0):
        return clock.after_working(calendar, start, span, context.zone)
    return _working_before(context, calendar, start, -span)


def _working_before(
    context: Context, calendar: Any, start: datetime, span: timedelta
) -> datetime | None:
    """The last instant with at least `span` of working time left until `start`."""
    low, high = context.now, start
    if high <= low or clock.working_time(calendar, low, high, context.zone) < span:
        return None
    while high - low > TICK:
        middle = low + (high - low) // 2
        enough = clock.working_time(calendar, middle, start, context.zone) >= span
        low, high = (middle, high) if enough else (low, middle)
    return low


def _boundaries(context: Context, node: tree.In | tree.Call) -> Iterator[datetime]:
    """Edges of hours, days and calendars for conditions on the wall clock of `now`."""
    today = context.now.astimezone(context.zone).date()
    calendars = (
        [t.id for t in node.tests if isinstance(t, tree.Calendar)]
        if isinstance(node, tree.In)
        else []
    )
    for name in calendars:
        for opens, closes in clock.windows(context.calendars[name], today, context.zone):
            if opens > context.now + _AHEAD_DAYS * DAY:
                break
            yield from (edge for edge in (opens, closes) if edge > context.now)
    if isinstance(node, tree.Call) and node.function in _WALL_DAYS:
        for day in _WALL_DAYS[node.function](today):
            yield clock.midnight(day, context.zone)
        if node.function == "hour":
            start = context.now.replace(minute=0, second=0, microsecond=0)
            quarters = (start + n * HOUR / 4 for n in range(1, 4 * 26))
            yield from (edge for edge in quarters if edge > context.now)
        if node.function in ("minute", "second"):
            step = MINUTE if node.function == "minute" else SECOND
            start = context.now.replace(second=context.now.second * (step is SECOND), microsecond=0)
            yield from (start + n * step for n in range(1, 62))


def _next_days(count: int) -> Callable[[date], list[date]]:
    return lambda today: [today + n * DAY for n in range(1, count + 1)]


def _next_months(today: date) -> list[date]:
    months = (divmod(today.month - 1 + n, 12) for n in range(1, 14))
    return [date(today.year + years, month + 1, 1) for years, month in months]


# functions of the wall clock, and the days on which their value may change
_WALL_DAYS: dict[str, Callable[[date], list[date]]] = {
    **dict.fromkeys(("date", "weekday", "hour", "time", "date_and_time"), _next_days(_AHEAD_DAYS)),
    **dict.fromkeys(("minute", "second", "weekday_number"), _next_days(_AHEAD_DAYS)),
    "day_of_week": _next_days(_AHEAD_DAYS),
    "day": _next_days(62),
    **dict.fromkeys(("month", "month_of_year", "year"), _next_months),
    **dict.fromkeys(("day_of_year", "week_of_year"), _next_days(373)),
    "years_and_months_duration": _next_days(1),
}
