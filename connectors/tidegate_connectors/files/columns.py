"""One mapped column as a function from a cell to a value, remembered per distinct cell."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from tidegate.sdk.fields import MAX_LENGTH, OrderField
from tidegate_connectors.files.addresses import address_parts, recipient_line, split_address
from tidegate_connectors.files.converters import (
    CONVERTERS,
    PLAIN,
    STEPS,
    CellProblem,
    instant,
    money,
    tidy,
)
from tidegate_connectors.files.dates import day_first, month_first
from tidegate_connectors.files.headers import normal
from tidegate_connectors.files.mapping import Column

REMEMBERED = 20_000
_TIMES = {"instant": instant, "day_first": day_first, "month_first": month_first}
_ADDRESSES = {
    "address": split_address,
    "address_parts": address_parts,
    "recipient_line": recipient_line,
}
_BY_TYPE = {"number": "integer", "money": "money", "instant": "instant", "boolean": "boolean"}
_BY_FIELD = {
    "order.number": "code",
    "order.revision": "integer",
    "item.quantity": "quantity",
    "item.sku": "code",
    "item.platform_sku": "code",
    "item.sub_number": "code",
    "recipient.phone": "phone",
    "recipient.country": "country",
    "recipient.postcode": "code",
}


class Memo(dict[str, object]):
    """cell -> value; a hit costs one dictionary look-up. A cell with a problem raises each time."""

    __slots__ = ("_convert",)

    def __init__(self, convert: Callable[[str], object]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, cell: str) -> object:
        value = self._convert(cell)
        if len(self) >= REMEMBERED:
            self.clear()
        self[cell] = value
        return value


def converter_of(field: OrderField, column: Column) -> str:
    """The converter that ends the chain: the mapping's, or the one for the field or its type."""
    if column.convert and column.convert[-1] in CONVERTERS:
        return column.convert[-1]
    return _BY_FIELD.get(field.id) or _BY_TYPE.get(field.type, "text")


def compile_column(
    field: OrderField, column: Column, zone: ZoneInfo, blank: frozenset[str], currency: str
) -> Memo:
    """The whole chain of one column: tidy, blank words, steps, default, value map, converter,
    length.
    """
    steps = [STEPS[name] for name in column.convert if name in STEPS]
    name = converter_of(field, column)
    final = _final(name, zone, currency)
    words = _Words(field, column) if column.values or field.choices else None
    limit = MAX_LENGTH.get(field.id)

    def convert(cell: str) -> object:
        text = tidy(cell)
        if text in blank:
            text = ""
        for step in steps:
            text = step(text)
        if not text:
            if column.default is None:
                return None
            text = column.default
        if words is not None:
            text = words.find(text)
            if not text:
                return None
        value = final(text) if final is not None else text
        if limit is not None and isinstance(value, str) and len(value) > limit:
            raise CellProblem("import.too_long", value[:limit])
        return value

    return Memo(convert)


def _final(name: str, zone: ZoneInfo, currency: str) -> Callable[[str], object] | None:
    if name == "money":
        return lambda text: money(text, currency)
    if name in _TIMES:
        read = _TIMES[name]
        return lambda text: read(text, zone)
    return _ADDRESSES.get(name) or PLAIN.get(name)


class _Words:
    """A mapping's `values`: exact words, beginnings written `C*`, and `*` for everything else."""

    def __init__(self, field: OrderField, column: Column) -> None:
        self._choices = set(field.choices)
        self._exact = {
            normal(word): made for word, made in column.values.items() if "*" not in word
        }
        self._starts = [
            (normal(word[:-1]), made)
            for word, made in column.values.items()
            if word.endswith("*") and len(word) > 1
        ]
        self._rest = column.values.get("*")

    def find(self, text: str) -> str:
        key = normal(text)
        found = self._exact.get(key)
        if found is not None:
            return found
        for start, made in self._starts:
            if key.startswith(start):
                return made
        if self._rest is not None:
            return self._rest
        if not self._choices or text in self._choices:
            return text
        raise CellProblem("import.unknown_value")
