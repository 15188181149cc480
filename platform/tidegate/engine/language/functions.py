"""The functions rules may call: their signature for the type check and their meaning.

An unknown argument makes the result unknown (`coalesce` excepted). Functions that need the
clock or the zone are in `evaluation.py`; here stands only their signature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from tidegate.engine.language.types import ANY, BOOLEAN, DATE, DURATION, NUMBER, TEXT, Type, common
from tidegate.engine.operations import extreme, member_of, total, wildcard
from tidegate.engine.values import ExactText, Incomplete, Money, decimal_text, fold, plain

Result = Callable[[Sequence[Type]], Type | None]


@dataclass(frozen=True)
class Function:
    """`result` gives the type for argument types, or None when they do not fit. `usage` shows a
    correct call.
    """

    usage: str
    result: Result
    run: Callable[..., Any] | None = None


def _fixed(result: Type, *wanted: str, optional: int = 0) -> Result:
    """A signature of type kinds; the last `optional` may be left out."""

    def check(given: Sequence[Type]) -> Type | None:
        if not len(wanted) - optional <= len(given) <= len(wanted):
            return None
        fits = all(g.kind in ("any", w) or w == "any" for g, w in zip(given, wanted, strict=False))
        return result if fits else None

    return check


def _contains_type(given: Sequence[Type]) -> Type | None:
    if (
        len(given) == 2
        and given[0].kind == "list"
        and given[1].kind in ("any", (given[0].member or ANY).kind)
    ):
        return BOOLEAN
    return _fixed(BOOLEAN, "text", "text")(given)


def _sum_type(given: Sequence[Type]) -> Type | None:
    if len(given) != 1 or given[0].kind != "list":
        return None
    member = given[0].member or ANY
    return member if member.kind in ("number", "money", "duration", "any") else None


def _extreme_type(given: Sequence[Type]) -> Type | None:
    if len(given) == 1 and given[0].kind == "list":
        member = given[0].member or ANY
        return (
            member
            if member.kind in ("number", "money", "duration", "instant", "date", "text", "any")
            else None
        )
    if len(given) < 2:
        return None
    result: Type | None = given[0]
    for kind in given[1:]:
        result = common(result, kind) if result else None
    return (
        result
        if result and result.kind in ("number", "money", "duration", "instant", "date", "any")
        else None
    )


def _rounded_type(given: Sequence[Type]) -> Type | None:
    if (
        given
        and given[0].kind == "money"
        and (len(given) == 1 or given[1].kind == "number")
        and len(given) < 3
    ):
        return given[0]
    return _fixed(NUMBER, "number", "number", optional=1)(given)


def _same_type(given: Sequence[Type]) -> Type | None:
    return (
        given[0]
        if len(given) == 1 and given[0].kind in ("number", "money", "duration", "any")
        else None
    )


def _coalesce_type(given: Sequence[Type]) -> Type | None:
    return common(given[0], given[1]) if len(given) == 2 else None


def _distinct_type(given: Sequence[Type]) -> Type | None:
    return given[0] if len(given) == 1 and given[0].kind == "list" else None


def _texts(text: str, other: str) -> tuple[str, str]:
    """Both as written when one is exact, else both folded."""
    if isinstance(text, ExactText) or isinstance(other, ExactText):
        return str(text), str(other)
    return fold(text), fold(other)


def _contains(whole: Any, part: Any) -> bool | None:
    if isinstance(whole, tuple):
        return member_of(part, whole)
    text, other = _texts(whole, part)
    return other in text


def _starts(whole: str, part: str) -> bool:
    text, other = _texts(whole, part)
    return text.startswith(other)


def _ends(whole: str, part: str) -> bool:
    text, other = _texts(whole, part)
    return text.endswith(other)


def _matches(whole: str, pattern: str) -> bool:
    return wildcard(*_texts(whole, pattern))


def _count(values: tuple[object, ...]) -> Decimal | None:
    return None if isinstance(values, Incomplete) else Decimal(len(values))


def _sum(values: tuple[object, ...]) -> object:
    return total(values, Decimal(0))


def _spread(sign: int) -> Callable[..., object]:
    def run(*values: Any) -> object:
        return extreme(
            values[0] if len(values) == 1 and isinstance(values[0], tuple) else values, sign
        )

    return run


def _rounder(mode: str) -> Callable[..., object]:
    def run(value: Any, digits: Decimal = Decimal(0)) -> object:
        if abs(digits) > 30:
            return None
        amount = value.amount if isinstance(value, Money) else value
        rounded = Decimal(amount).quantize(Decimal(1).scaleb(-int(digits)), rounding=mode)
        return Money(rounded, value.currency) if isinstance(value, Money) else rounded

    return run


def _abs(value: Any) -> object:
    return Money(abs(value.amount), value.currency) if isinstance(value, Money) else abs(value)


def _modulo(value: Decimal, divisor: Decimal) -> Decimal | None:
    """FEEL's modulo: the sign of the divisor."""
    return (
        None
        if divisor == 0
        else value - divisor * (value / divisor).to_integral_value(rounding=ROUND_FLOOR)
    )


def _distinct(values: tuple[object, ...]) -> tuple[object, ...]:
    kept: list[object] = []
    for value in values:
        if member_of(value, tuple(kept)) is not True:
            kept.append(value)
    return type(values)(kept)


def _string(value: object) -> str:
    return decimal_text(value) if isinstance(value, Decimal) else str(plain(value))


_TEXT_TEST = _fixed(BOOLEAN, "text", "text")
_CALENDAR_CALL = _fixed(DURATION, "instant", "calendar", optional=1)

FUNCTIONS: dict[str, Function] = {
    "contains": Function('contains(order.buyer_memo, "加急")', _contains_type, _contains),
    "list_contains": Function('list contains(order.tags, "老客")', _contains_type, _contains),
    "starts_with": Function('starts with(item.sku, "GIFT-")', _TEXT_TEST, _starts),
    "ends_with": Function('ends with(item.sku, "-XL")', _TEXT_TEST, _ends),
    "matches": Function('matches(item.sku, "A*-??")', _TEXT_TEST, _matches),
    "exact": Function('item.sku = exact("Ab")', _fixed(TEXT, "text"), ExactText),
    "lower_case": Function(
        "lower case(item.sku)", _fixed(TEXT, "text"), lambda text: ExactText(text.lower())
    ),
    "upper_case": Function(
        "upper case(item.sku)", _fixed(TEXT, "text"), lambda text: ExactText(text.upper())
    ),
    "string_length": Function(
        "string length(recipient.address)",
        _fixed(NUMBER, "text"),
        lambda text: Decimal(len(text.strip())),
    ),
    "string": Function("string(order.quantity)", _fixed(TEXT, "any"), _string),
    "count": Function(
        "count(items)",
        lambda given: NUMBER if len(given) == 1 and given[0].kind in ("list", "any") else None,
        _count,
    ),
    "sum": Function("sum(items.quantity)", _sum_type, _sum),
    "min": Function("min(items.unit_price)", _extreme_type, _spread(-1)),
    "max": Function("max(items.unit_price)", _extreme_type, _spread(1)),
    "distinct": Function("count(distinct(items.sku))", _distinct_type, _distinct),
    "abs": Function("abs(order.discount)", _same_type, _abs),
    "round": Function("round(order.total, 2)", _rounded_type, _rounder(ROUND_HALF_UP)),
    "round_half_up": Function(
        "round half up(order.total, 2)", _rounded_type, _rounder(ROUND_HALF_UP)
    ),
    "floor": Function("floor(order.total)", _rounded_type, _rounder(ROUND_FLOOR)),
    "ceiling": Function("ceiling(order.weight_g / 1000)", _rounded_type, _rounder(ROUND_CEILING)),
    "modulo": Function("modulo(order.quantity, 6)", _fixed(NUMBER, "number", "number"), _modulo),
    "coalesce": Function('coalesce(order.buyer_memo, "")', _coalesce_type),
    "since": Function(
        "since(parcel.printed_at) or since(parcel.printed_at, warehouse_hours)", _CALENDAR_CALL
    ),
    "until": Function(
        "until(order.ship_by) or until(order.ship_by, warehouse_hours)", _CALENDAR_CALL
    ),
    "weekday": Function(
        'weekday(order.paid_at) in ("Sat", "Sun")',
        lambda given: _day_type(
            given, Type("text", values=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
        ),
    ),
    "date": Function("date(order.paid_at)", lambda given: _day_type(given, DATE)),
    "hour": Function("hour(order.paid_at)", _fixed(NUMBER, "instant")),
}
ALIASES = {"lower": "lower_case", "upper": "upper_case", "length": "string_length"}


def _day_type(given: Sequence[Type], result: Type) -> Type | None:
    return result if len(given) == 1 and given[0].kind in ("instant", "date", "any") else None
