"""Numbers and amounts: rounding and remainders, always exact."""

from __future__ import annotations

from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from typing import Any

from tidegate.engine.language.library.signatures import Function, fixed, same
from tidegate.engine.language.types import BOOLEAN, NUMBER
from tidegate.engine.values import EXACT, Money, Months

_ROUNDED = same("number", "money", extra=1)
_TO_SCALE = "n, scale"


def _rounder(mode: str) -> Callable[..., object]:
    def run(value: Any, digits: Decimal = Decimal(0)) -> object:
        if abs(digits) > 30:
            return None
        amount = value.amount if isinstance(value, Money) else value
        step = Decimal(1).scaleb(-int(digits))
        rounded = Decimal(amount).quantize(step, rounding=mode, context=EXACT)
        return Money(rounded, value.currency) if isinstance(value, Money) else rounded

    return run


def _abs(value: Any) -> object:
    if isinstance(value, Months):
        return Months(abs(value.count))
    return Money(abs(value.amount), value.currency) if isinstance(value, Money) else abs(value)


def _modulo(value: Decimal, divisor: Decimal) -> Decimal | None:
    """FEEL's modulo: the sign of the divisor."""
    if divisor == 0:
        return None
    whole = EXACT.divide(value, divisor).to_integral_value(rounding=ROUND_FLOOR)
    return EXACT.subtract(value, EXACT.multiply(divisor, whole))


def _even(value: Decimal) -> bool:
    return _modulo(value, Decimal(2)) == 0


def _odd(value: Decimal) -> bool:
    return _modulo(value, Decimal(2)) == 1


NUMBERS: dict[str, Function] = {
    "abs": Function(
        "abs(order.discount)", same("number", "money", "duration", "months"), _abs, "n", "绝对值"
    ),
    "round": Function(
        "round(order.total, 2)", _ROUNDED, _rounder(ROUND_HALF_UP), _TO_SCALE, "四舍五入"
    ),
    "round_half_up": Function(
        "round half up(order.total, 2)", _ROUNDED, _rounder(ROUND_HALF_UP), _TO_SCALE
    ),
    "round_half_down": Function(
        "round half down(order.total, 2)", _ROUNDED, _rounder(ROUND_HALF_DOWN), _TO_SCALE
    ),
    "round_up": Function(
        "round up(order.total, 2)", _ROUNDED, _rounder(ROUND_UP), _TO_SCALE, "进位"
    ),
    "round_down": Function(
        "round down(order.total, 2)", _ROUNDED, _rounder(ROUND_DOWN), _TO_SCALE, "去尾"
    ),
    "decimal": Function("decimal(order.total, 2)", _ROUNDED, _rounder(ROUND_HALF_EVEN), _TO_SCALE),
    "floor": Function("floor(order.total)", _ROUNDED, _rounder(ROUND_FLOOR), _TO_SCALE, "向下取整"),
    "ceiling": Function(
        "ceiling(order.weight_g / 1000)", _ROUNDED, _rounder(ROUND_CEILING), _TO_SCALE, "向上取整"
    ),
    "modulo": Function(
        "modulo(order.quantity, 6)",
        fixed(NUMBER, "number", "number"),
        _modulo,
        "dividend, divisor",
        "余数",
    ),
    "odd": Function("odd(order.quantity)", fixed(BOOLEAN, "number"), _odd, "number", "是奇数"),
    "even": Function("even(order.quantity)", fixed(BOOLEAN, "number"), _even, "number", "是偶数"),
}
