"""Lists: how many, how much, which, and lists made from lists. A list that is not fully known can
only give what its other members cannot change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from tidegate.engine.language.library.signatures import (
    ORDERED,
    SCALARS,
    SPANS,
    Function,
    joined,
    member,
    of_members,
    one_list,
)
from tidegate.engine.language.library.texts import contains
from tidegate.engine.language.types import ANY, BOOLEAN, NUMBER, Type, common, list_of
from tidegate.engine.logic import Truth, conjunction, disjunction
from tidegate.engine.operations import (
    Interval,
    arithmetic,
    equal,
    extreme,
    order,
    total,
)
from tidegate.engine.values import MAX_LIST, Incomplete, Money, fold

Members = tuple[object, ...]


def _extreme_type(given: Sequence[Type]) -> Type | None:
    if len(given) == 1:
        return member(given, *ORDERED, "text")
    result: Type | None = given[0] if given else None
    for kind in given[1:]:
        result = common(result, kind) if result else None
    return result if result and result.kind in (*ORDERED, "any") else None


def _contains_type(given: Sequence[Type]) -> Type | None:
    if len(given) != 2 or given[0].kind != "list":
        return None
    held = given[0].member or ANY
    fits = held.kind in (*SCALARS, "list") and common(held, given[1]) is not None
    return BOOLEAN if fits and given[1].kind != "null" else None


def _append_type(given: Sequence[Type]) -> Type | None:
    if len(given) < 2:
        return None
    return joined([given[0], *(list_of(kind) for kind in given[1:])])


def _listed_type(given: Sequence[Type]) -> Type | None:
    return given[0] if member(given) else None


def _element_type(given: Sequence[Type]) -> Type | None:
    return member(given[:1]) if len(given) == 2 and given[1].kind in ("number", "any") else None


def _count(values: Members) -> Decimal | None:
    return None if isinstance(values, Incomplete) else Decimal(len(values))


def _sum(values: Members) -> object:
    return total(values, Decimal(0))


def _spread(sign: int) -> Callable[..., object]:
    def run(*values: Any) -> object:
        return extreme(
            values[0] if len(values) == 1 and isinstance(values[0], tuple) else values, sign
        )

    return run


def _mean(values: Members) -> object:
    return arithmetic("/", _sum(values), Decimal(len(values))) if values else None


def _median(values: Members) -> object:
    """The middle one in order, or halfway between the middle two."""
    if isinstance(values, Incomplete) or not values:
        return None
    if any(order(value, values[0]) is None for value in values):
        return None
    ranked = sorted(values, key=cmp_to_key(lambda one, other: order(one, other) or 0))
    middle = len(ranked) // 2
    return ranked[middle] if len(ranked) % 2 else _mean(tuple(ranked[middle - 1 : middle + 1]))


def _all(values: tuple[Truth, ...]) -> Truth:
    found = conjunction(values)
    return None if found and isinstance(values, Incomplete) else found


def _any(values: tuple[Truth, ...]) -> Truth:
    found = disjunction(values)
    return None if found is False and isinstance(values, Incomplete) else found


def _distinct(values: Members) -> Members:
    """Only values that could be equal are compared: a list may have ten thousand."""
    kept: list[object] = []
    seen: dict[object, list[object]] = {}
    for value in values:
        alike = seen.setdefault(_alike(value), [])
        if value is None or not any(equal(value, other) is True for other in alike):
            kept.append(value)
            alike += [] if value is None else [value]
    return type(values)(kept)


def _alike(value: object) -> object:
    """Equal for values that are equal, also a bare zero and zero money or time."""
    if isinstance(value, str):
        return fold(value)
    number = value.amount if isinstance(value, Money) else value
    if isinstance(number, (Decimal, timedelta)):
        currency = value.currency if isinstance(value, Money) else type(number)
        return (currency, number) if number else 0
    return type(value) if isinstance(value, (tuple, Interval)) else (type(value), value)


def _concatenate(*lists: Members) -> Members | None:
    if sum(map(len, lists)) > MAX_LIST:
        return None
    whole = tuple(value for values in lists for value in values)
    return Incomplete(whole) if any(isinstance(x, Incomplete) for x in lists) else whole


def _append(values: Members, *more: object) -> Members | None:
    return _concatenate(values, more)


def _reverse(values: Members) -> Members:
    return type(values)(reversed(values))


def _index_of(values: Members, wanted: object) -> Members | None:
    """Every position, from 1, at which the list has the value."""
    if isinstance(values, Incomplete):
        return None
    return tuple(Decimal(n) for n, value in enumerate(values, 1) if equal(value, wanted))


def _element(values: Members, position: Decimal) -> object:
    """Counted from 1, from the end when negative; unknown beyond either end."""
    place = int(position)
    if isinstance(values, Incomplete) or place != position or not 1 <= abs(place) <= len(values):
        return None
    return values[place - 1 if place > 0 else place]


LISTS: dict[str, Function] = {
    "list_contains": Function(
        'list contains(order.tags, "老客")', _contains_type, contains, "list, element", "列表包含"
    ),
    "count": Function(
        "count(items)",
        lambda given: NUMBER if len(given) == 1 and given[0].kind in ("list", "any") else None,
        _count,
        "list",
        "个数",
    ),
    "sum": Function("sum(items.quantity)", of_members(*SPANS), _sum, "list", "合计", gathers=True),
    "min": Function("min(items.unit_price)", _extreme_type, _spread(-1), "list", "最小"),
    "max": Function("max(items.unit_price)", _extreme_type, _spread(1), "list", "最大"),
    "mean": Function(
        "mean(items.unit_price)", of_members(*SPANS), _mean, "list", "平均", gathers=True
    ),
    "median": Function(
        "median(items.unit_price)", of_members(*SPANS), _median, "list", "中位数", gathers=True
    ),
    "all": Function(
        "all([order.invoice_wanted, order.quantity > 3])",
        one_list(BOOLEAN, "boolean"),
        _all,
        "list",
        "全部成立",
        gathers=True,
    ),
    "any": Function(
        "any(items.fragile)", one_list(BOOLEAN, "boolean"), _any, "list", "任一成立", gathers=True
    ),
    "distinct": Function("count(distinct(items.sku))", _listed_type, _distinct, "list", "去重"),
    "concatenate": Function(
        'count(concatenate(order.tags, ["a"]))', joined, _concatenate, "", "合并"
    ),
    "append": Function('append(order.tags, "a")', _append_type, _append, "list, item", "追加"),
    "reverse": Function("reverse(order.tags)", _listed_type, _reverse, "list", "倒序"),
    "index_of": Function(
        'count(index of(order.tags, "老客")) = 1',
        lambda given: list_of(NUMBER) if _contains_type(given) else None,
        _index_of,
        "list, match",
        "位置",
    ),
    "element": Function(
        "element(items, 1).quantity or items[1].quantity",
        _element_type,
        _element,
        "list, position",
        "第几个",
    ),
}
