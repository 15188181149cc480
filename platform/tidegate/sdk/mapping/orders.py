"""Order documents of a platform to drafts, by the manifest's `orders`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.domain.orders import Issue, LineDraft, OrderDraft, RecipientDraft
from tidegate.sdk.fields import MAX_LENGTH, MAX_UNITS, OrderField, order_fields
from tidegate.sdk.issues import seen
from tidegate.sdk.mapping.converters import (
    BY_TYPE,
    CONVERTERS,
    Converter,
    Setting,
    Strange,
    revision,
)
from tidegate.sdk.mapping.listening import heard
from tidegate.sdk.mapping.paths import find, first
from tidegate.sdk.source import RowProblem

NUMBER = "order.number"
QUANTITY = "item.quantity"
MOST_LINES = 5_000


@dataclass(frozen=True, slots=True)
class Slot:
    """One field: where it is, how it is read, what its words mean."""

    field: OrderField
    paths: tuple[str, ...]
    convert: Converter
    values: Mapping[str, str] | None
    default: str | None
    constant: str | None
    blank: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """`draft`, or `problem` where the document can be no order."""

    draft: OrderDraft | None = None
    problem: RowProblem | None = None


class OrderMapping:
    """Compiled once per account; safe to share between threads."""

    def __init__(
        self, about: Mapping[str, Any], *, channel: str, shop: str, timezone: str, currency: str
    ) -> None:
        self._channel, self._shop = channel, shop
        self._timezone, self._currency = timezone, currency
        self._order = [_slot(name, how) for name, how in about["fields"].items()]
        self._items = [_slot(name, how) for name, how in about.get("items", {}).items()]
        self._each = str(about.get("each", ""))
        self._extra = [str(name) for name in about.get("extra", ())]

    def read(self, document: Any, place: str, row: int) -> Mapped:
        """One order. `place` and `row` say where it stood, for the report."""
        if not isinstance(document, Mapping):
            return Mapped(problem=RowProblem(place, row, "", "import.json_broken"))
        heard(document)
        issues: list[Issue] = []
        currency = self._money_of(document)
        setting = Setting(_zone(self._timezone), currency)
        values = {
            slot.field: value
            for slot in self._order
            if (value := _value(slot, document, document, setting, issues)) is not None
        }
        number = next((v for f, v in values.items() if f.id == NUMBER), None)
        if not number:
            return Mapped(problem=RowProblem(place, row, NUMBER, "import.missing_number"))
        if len(number) > MAX_LENGTH[NUMBER]:
            told = str(len(number))
            return Mapped(problem=RowProblem(place, row, NUMBER, "import.number_too_long", told))
        lines = self._lines(document, setting, issues)
        return Mapped(self._draft(values, lines, document, currency, issues))

    def _money_of(self, document: Mapping[str, Any]) -> str:
        for slot in self._order:
            if slot.field.id == "order.currency":
                told = first(document, document, slot.paths) or slot.constant or slot.default
                if isinstance(told, str) and len(told) == 3 and told.isascii() and told.isalpha():
                    return told.upper()
        return self._currency

    def _lines(
        self, document: Mapping[str, Any], setting: Setting, issues: list[Issue]
    ) -> list[LineDraft]:
        found = find(document, self._each) if self._each else None
        rows = found if isinstance(found, Sequence) and not isinstance(found, str) else []
        lines, refused = [], 0
        for row in rows[:MOST_LINES]:
            values = {
                slot.field.attribute: value
                for slot in self._items
                if (value := _value(slot, row, document, setting, issues)) is not None
            }
            units = values.get("quantity")
            if not isinstance(units, int) or not 0 < units <= MAX_UNITS:
                refused += 1
                continue
            lines.append(LineDraft(**values))
        refused += max(0, len(rows) - MOST_LINES)
        if refused:
            issues.append(Issue(QUANTITY, "import.lines_rejected", str(refused)))
        elif not lines:
            issues.append(Issue(QUANTITY, "import.no_lines"))
        return lines

    def _draft(
        self,
        values: Mapping[OrderField, Any],
        lines: Sequence[LineDraft],
        document: Mapping[str, Any],
        currency: str,
        issues: list[Issue],
    ) -> OrderDraft:
        parts: dict[str, dict[str, Any]] = {"order": {}, "recipient": {}}
        for one, value in values.items():
            parts[one.part][one.attribute] = value
        order = {"channel": self._channel, "shop": self._shop, **parts["order"]}
        told = {name: find(document, name) for name in self._extra}
        extra = {
            name: str(value)[:1_000] for name, value in told.items() if value not in (None, "")
        }
        return OrderDraft(
            **{**order, "currency": currency},
            recipient=RecipientDraft(**parts["recipient"]),
            lines=tuple(lines),
            issues=tuple(dict.fromkeys(issues)),
            extra=extra,
        )


def _value(slot: Slot, document: Any, top: Any, setting: Setting, issues: list[Issue]) -> Any:
    """The value of a field, None where there is none or where it is strange (which is flagged)."""
    raw: Any = slot.constant
    if raw is None:
        raw = first(document, top, slot.paths)
        if raw is None or str(raw) in slot.blank:
            raw = slot.default
    if raw is None:
        return None
    try:
        if slot.values is not None:
            raw = _word(slot.values, str(raw))
            if raw == "":
                return None
        made = slot.convert(raw, setting)
        if slot.field.type == "revision":
            made = revision(made, setting)  # of a time, if that is what the platform tells
        return _fits(slot.field, made)
    except Strange as strange:
        told = seen(slot.field.id, str(raw))
        issues.append(Issue(slot.field.id, strange.code, told))
        return None


def _word(values: Mapping[str, str], raw: str) -> str:
    """By the word itself, by its beginning (`C*`), else by `*`."""
    if raw in values:
        return values[raw]
    for word, value in values.items():
        if word.endswith("*") and len(word) > 1 and raw.startswith(word[:-1]):
            return value
    if "*" in values:
        return values["*"]
    raise Strange("import.unknown_value")


def _fits(target: OrderField, value: Any) -> Any:
    if target.choices and value not in target.choices:
        raise Strange("import.unknown_value")
    most = MAX_LENGTH.get(target.id)
    if most is not None and isinstance(value, str) and len(value) > most and target.id != NUMBER:
        raise Strange("import.too_long")
    return None if value == "" else value


def _slot(name: str, how: Any) -> Slot:
    target = order_fields()[name]
    about = how if isinstance(how, Mapping) else {"path": how}
    paths = about.get("path", ())
    values = about.get("values")
    return Slot(
        target,
        (paths,) if isinstance(paths, str) else tuple(paths),
        CONVERTERS[about["convert"]] if "convert" in about else BY_TYPE[target.type],
        {str(k): str(v) for k, v in values.items()} if values is not None else None,
        None if about.get("default") is None else str(about["default"]),
        None if about.get("constant") is None else str(about["constant"]),
        tuple(str(word) for word in about.get("blank", ())),
    )


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
