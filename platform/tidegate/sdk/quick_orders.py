"""Plain order documents read at once: the same draft as `load_order` gives, or None, and then that must look.

Nearly all documents that programs send are plain: text is text, amounts are written `12.50 CNY`, instants have seconds
and a zone. For them a table of small functions does what the schemas do, several times as fast; whatever is unusual,
wrong or written in another way is left to the schemas, which know how to explain it. A test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from tidegate.domain.money import minor_digits
from tidegate.domain.orders import OrderDraft
from tidegate.sdk.fields import MAX_LENGTH, MAX_UNITS, MOST_REVISION, OrderField, order_fields
from tidegate.sdk.schemas import WORKED_OUT, assembled, group_schema

MOST_NUMBER = 2**31 - 1
USUAL_LENGTH = 100_000
_AMOUNT = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,2}))?(?: ([A-Z]{3}))?")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_CURRENCY = re.compile(r"[A-Z]{3}")
_TOP = frozenset({"order", "payment", "recipient", "items", "extra", *WORKED_OUT})
Read = Callable[[Any, str], Any]


class _Odd(Exception):
    """Not for us."""


def quick_order(document: Any, *, channel: str, shop: str, currency: str) -> OrderDraft | None:
    """As `load_order`, for plain documents; None for any other."""
    try:
        return _order(document, channel, shop, currency)
    except (_Odd, ValueError, OverflowError):
        return None


def _order(document: Any, channel: str, shop: str, currency: str) -> OrderDraft:
    if type(document) is not dict or not document.keys() <= _TOP:
        raise _Odd
    order = document.get("order")
    money = (order.get("currency") if type(order) is dict else None) or currency
    if type(money) is not str or not _CURRENCY.fullmatch(money) or minor_digits(money) != 2:
        raise _Odd
    items = document.get("items") or []
    extra = document.get("extra") or {}
    if type(items) is not list or type(extra) is not dict:
        raise _Odd
    values = _group("order", order, money)
    if "number" not in values:
        raise _Odd
    lines = [_group("item", item, money) for item in items]
    if not all("quantity" in line for line in lines):
        raise _Odd
    return assembled(
        {**values, **_group("payment", document.get("payment") or {}, money)},
        _group("recipient", document.get("recipient") or {}, money),
        lines,
        extra,
        (channel, shop, money),
    )


def _group(group: str, data: Any, money: str) -> dict[str, Any]:
    if type(data) is not dict:
        raise _Odd
    readers, ignored = _readers(group)
    found = {}
    for name, value in data.items():
        if name in readers:
            if value is not None:
                attribute, read = readers[name]
                found[attribute] = read(value, money)
        elif name not in ignored:
            raise _Odd
    return found


@cache
def _readers(group: str) -> tuple[Mapping[str, tuple[str, Read]], frozenset[str]]:
    """(attribute, reader) by name, and the names that are passed over."""
    schema = group_schema(group)
    found = {}
    for name in schema.fields:
        field = order_fields()[f"{group}.{name}"]
        found[name] = (field.attribute, _reader(field))
    ignored: frozenset[str] = schema.ignored  # type: ignore[attr-defined]  # OrderGroup
    return found, ignored


def _reader(field: OrderField) -> Read:
    if field.id == "item.quantity":
        return lambda value, _money: _whole(value, 1, MAX_UNITS)
    if field.type == "money":
        return _minor
    if field.type == "instant":
        return _instant
    if field.type == "boolean":
        return _truth
    if field.type == "number":
        return lambda value, _money: _whole(value, 0, MOST_NUMBER)
    if field.type == "revision":
        return lambda value, _money: _whole(value, 0, MOST_REVISION)
    if field.type == "choice":
        choices = frozenset(field.choices)
        return lambda value, _money: _one_of(value, choices)
    least, most = int(field.id == "order.number"), MAX_LENGTH.get(field.id, USUAL_LENGTH)
    return lambda value, _money: _text(value, least, most)


def _text(value: Any, least: int, most: int) -> str:
    if type(value) is not str or not least <= len(value) <= most or "\x00" in value:
        raise _Odd
    if not value.isascii():
        value.encode("utf-8")  # a lone surrogate is a ValueError
    return value


def _whole(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise _Odd
    return value


def _one_of(value: Any, choices: frozenset[str]) -> str:
    if type(value) is not str or value not in choices:
        raise _Odd
    return value


def _truth(value: Any, _money: str) -> bool:
    if type(value) is not bool:
        raise _Odd
    return value


def _minor(value: Any, money: str) -> int:
    found = _AMOUNT.fullmatch(value) if type(value) is str else None
    if found is None or found[4] not in (None, money):
        raise _Odd
    minor = int(found[2]) * 100 + int((found[3] or "").ljust(2, "0"))
    return -minor if found[1] else minor


def _instant(value: Any, _money: str) -> datetime:
    if type(value) is not str or not _INSTANT.fullmatch(value):
        raise _Odd
    return datetime.fromisoformat(value).astimezone(UTC)
