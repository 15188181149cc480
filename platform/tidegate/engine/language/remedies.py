"""What to do about types and units that do not go together, in Chinese and English."""

from __future__ import annotations

from decimal import Decimal

from tidegate.engine.language.types import Type

# of the base unit: grams, millimetres, millilitres (cubic centimetres), seconds
_SIZES = {
    **{"g": ("g", "1"), "kg": ("g", "1000"), "t": ("g", "1000000"), "jin": ("g", "500")},
    **{"mm": ("mm", "1"), "cm": ("mm", "10"), "m": ("mm", "1000"), "km": ("mm", "1000000")},
    **{"ml": ("ml", "1"), "cm3": ("ml", "1"), "l": ("ml", "1000"), "m3": ("ml", "1000000")},
    **{
        "seconds": ("s", "1"),
        "minutes": ("s", "60"),
        "hours": ("s", "3600"),
        "days": ("s", "86400"),
    },
}


def conversion(one: str, other: str) -> tuple[str, str]:
    """How many of the smaller unit the larger one is, where both measure the same thing."""
    first, second = _SIZES.get(one.lower()), _SIZES.get(other.lower())
    if not first or not second or first[0] != second[0]:
        return "", ""
    large, small = (one, other) if Decimal(first[1]) > Decimal(second[1]) else (other, one)
    factor = max(Decimal(first[1]), Decimal(second[1])) / min(Decimal(first[1]), Decimal(second[1]))
    return (
        f"；1 {large} = {factor} {small}，请把 {small} 的一边除以 {factor}",
        f"; 1 {large} is {factor} {small}: divide the side in {small} by {factor}",
    )


def remedy(one: Type, other: Type) -> tuple[str, str]:
    kinds = {one.kind, other.kind}
    if kinds == {"money", "number"}:
        return "；金额要带币种，如 2000 CNY", "; money carries its currency, as in 2000 CNY"
    if kinds == {"instant", "months"}:
        return "；年月要加在日期上：date(…)", "; months are added to a day: date(…)"
    if kinds == {"instant", "time"}:
        return "；请用 time(…) 取钟点", "; take the time of day with time(…)"
    if kinds == {"instant", "date"}:
        return "；请用 date(…) 取日期", "; take the day with date(…)"
    if kinds == {"duration", "number"}:
        return "；时长要带单位，如 24h", "; a duration carries its unit, as in 24h"
    if "list" in kinds:
        return "；判断是否包含请用 in", "; to ask for a member use in"
    return "", ""
