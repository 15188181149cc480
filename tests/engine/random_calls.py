"""Random calls of the functions that `random_expressions` has no place of its own for, by the kind
of their result. They draw from a source of their own, so that seeds keep their sets.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from tidegate.engine.language import tree
from tidegate.engine.language.types import (
    BOOLEAN,
    DATE,
    DURATION,
    INSTANT,
    MONEY,
    NUMBER,
    TEXT,
    Type,
    list_of,
)
from tidegate.engine.values import Months

if TYPE_CHECKING:
    from random_expressions import Expressions

Make = Callable[["Expressions", int], tree.Node]
SIGNS = ("=", "!=", "<", "<=", ">", ">=")
TIMES = (time(0), time(9), time(12), time(12, 0, 0, 1), time(18, 30), time(23, 59, 59))
SPANS = (Months(0), Months(1), Months(3), Months(-1), Months(12))
OF_A_DAY = ("day", "month", "year", "weekday_number", "day_of_year", "week_of_year")
ROUNDERS = ("round_up", "round_down", "round_half_down", "decimal")


def _small(make: Expressions) -> tree.Node:
    return tree.Literal(Decimal(make.rng.choice((-2, -1, 0, 1, 1, 2, 3))))


def _call(name: str, *args: tree.Node) -> tree.Node:
    return tree.Call(name, args)


def _moment(make: Expressions, size: int) -> tree.Node:
    return make.value(make.rng.choice((INSTANT, INSTANT, DATE)), size)


def _list(make: Expressions, member: Type, size: int) -> tree.Node:
    """A list of values, perhaps made from others."""
    made = make.list_value(member, size) or make.literal(list_of(member))
    choice = make.rng.random()
    if choice < 0.15:
        return _call("reverse", made)
    if choice < 0.3:
        return _call("append", made, make.value(member, size))
    if choice < 0.45:
        return _call("concatenate", made, make.literal(list_of(member)))
    if choice < 0.65:
        return _for(make, member, size)
    return made


def _for(make: Expressions, member: Type, size: int) -> tree.Node:
    found = make.lines(size)
    source, kind = found or (make.literal(list_of(TEXT)), TEXT)
    group = make.scope.vocabulary.groups.get(kind.line)
    variable = group.each if group else "word"
    return tree.For(
        variable, source, make.inside(variable, kind, size, lambda: make.value(member, size))
    )


def _texts(make: Expressions, size: int) -> tree.Node:
    text = make.value(TEXT, size)
    part = tree.Literal(make.rng.choice(("", "-", "a", "加急", " ")))
    choices: tuple[Make, ...] = (
        lambda m, s: _call("substring", text, _small(m)),
        lambda m, s: _call("substring", text, _small(m), _small(m)),
        lambda m, s: _call("substring_before", text, part),
        lambda m, s: _call("substring_after", text, part),
        lambda m, s: _call("replace", text, part, tree.Literal("xy")),
        lambda m, s: _call("trim", text),
        lambda m, s: _call("string_join", _list(m, TEXT, s), part),
        lambda m, s: _call("element", _call("split", text, part), _small(m)),
        lambda m, s: _call("string", _list(m, m.rng.choice((NUMBER, TEXT, BOOLEAN)), s)),
    )
    return make.rng.choice(choices)(make, size)


def _numbers(make: Expressions, size: int) -> tree.Node:
    r = make.rng
    choices: tuple[Make, ...] = (
        *(4 * (lambda m, s: _call(r.choice(OF_A_DAY), _moment(m, s)),)),
        lambda m, s: _call("second", m.value(INSTANT, s)),
        lambda m, s: _call(r.choice(("minute", "hour")), m.value(INSTANT, s)),
        lambda m, s: _call("minute", _call("time", m.value(INSTANT, s))),
        lambda m, s: _call("number", m.value(TEXT, s)),
        lambda m, s: _call(r.choice(("mean", "median", "sum", "max")), _list(m, NUMBER, s)),
        lambda m, s: _call("count", _call("index_of", _list(m, TEXT, s), m.value(TEXT, 0))),
        lambda m, s: _call("element", _list(m, NUMBER, s), _small(m)),
        lambda m, s: _call(r.choice(ROUNDERS), m.value(NUMBER, s), _small(m)),
        lambda m, s: _call(r.choice(("years", "months")), _months(m, s)),
        lambda m, s: _call("count", _list(m, DATE, s)),
    )
    return r.choice(choices)(make, size)


def _months(make: Expressions, size: int) -> tree.Node:
    return _call("years_and_months_duration", _moment(make, size), _moment(make, size))


def _money(make: Expressions, size: int) -> tree.Node:
    r = make.rng
    if r.random() < 0.5:
        return _call(r.choice(("mean", "median", "min")), _list(make, MONEY, size))
    return _call(r.choice(ROUNDERS), make.value(MONEY, size), _small(make))


def _booleans(make: Expressions, size: int) -> tree.Node:
    r = make.rng
    day_names = ("Monday", "Wednesday"), ("November", "October")
    choices: tuple[Make, ...] = (
        lambda m, s: _call(r.choice(("odd", "even")), m.value(NUMBER, s)),
        lambda m, s: _call(r.choice(("all", "any")), _list(m, BOOLEAN, s)),
        lambda m, s: tree.Compare(
            r.choice(SIGNS), _call("time", m.value(INSTANT, s)), tree.Literal(r.choice(TIMES))
        ),
        lambda m, s: tree.Compare(r.choice(SIGNS), _months(m, s), tree.Literal(r.choice(SPANS))),
        lambda m, s: tree.Compare(
            "=", _call("day_of_week", _moment(m, s)), tree.Literal(r.choice(day_names[0]))
        ),
        lambda m, s: tree.Compare(
            "=", _call("month_of_year", _moment(m, s)), tree.Literal(r.choice(day_names[1]))
        ),
        lambda m, s: tree.In(m.value(DATE, s), (_list(m, DATE, s),)),
        lambda m, s: tree.Compare("=", m.range(NUMBER, s), m.range(NUMBER)),
    )
    return r.choice(choices)(make, size)


def _dates(make: Expressions, size: int) -> tree.Node:
    step = (
        make.value(DURATION, size)
        if make.rng.random() < 0.5
        else tree.Literal(make.rng.choice(SPANS))
    )
    return tree.Arithmetic(make.rng.choice("+-"), make.value(DATE, size), step)


def _instants(make: Expressions, size: int) -> tree.Node:
    day = _moment(make, size)
    return _call("date_and_time", day, tree.Literal(make.rng.choice(TIMES)))


MAKE: dict[str, Make] = {
    "text": _texts,
    "number": _numbers,
    "money": _money,
    "boolean": _booleans,
    "date": _dates,
    "instant": _instants,
    "duration": lambda make, size: _call("mean", _list(make, DURATION, size)),
}


class Calls:
    """Now and then a call instead of what would have come."""

    def __init__(self, seed: str, share: float = 0.12) -> None:
        self.rng = Random(seed)
        self.share = share
        self.busy = False

    def perhaps(self, make: Expressions, kind: Type, size: int) -> tree.Node | None:
        if self.busy or size <= 0 or kind.values or kind.kind not in MAKE:
            return None
        if self.rng.random() >= self.share:
            return None
        outer, make.rng, self.busy = make.rng, self.rng, True
        try:
            return MAKE[kind.kind](make, size - 1)
        finally:
            make.rng, self.busy = outer, False
