"""The unified order as a document: `{order: {…}, payment: {…}, recipient: {…}, items: [{…}]}`,
named like the vocabulary.

What comes in (JSON lines, later the API) and what goes out (`orders show --json`) is the same
shape, so one can be fed
into the other. Money is text with its currency (`268.00 CNY`; without one it is in the order's
currency), instants are
ISO 8601 with an offset. Facts that Tidegate works out itself are ignored on the way in; unknown
names are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from functools import cache
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_dump, pre_load, validate

from tidegate.domain.money import Money
from tidegate.domain.orders import Issue, LineDraft, OrderDraft, RecipientDraft
from tidegate.errors import InputError
from tidegate.sdk.fields import (
    ABOUT_SOURCE,
    MAX_LENGTH,
    MAX_MINOR,
    MAX_UNITS,
    MOST_REVISION,
    order_fields,
    vocabulary,
)


class MoneyText(fields.Field[Money]):
    """`12.50 CNY` or `12.50`; inside it is (amount text, currency or None)."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else str(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise ValidationError("an amount is text such as 12.50 CNY")
        amount, _, currency = str(value).strip().partition(" ")
        try:
            money = Money.of(amount, currency or "CNY")
        except InputError as error:
            raise ValidationError(str(error)) from error
        if abs(money.minor) >= MAX_MINOR:
            raise ValidationError("the amount is too large")
        return amount, currency or None


class OrderGroup(Schema):
    """Ignores what Tidegate works out itself, refuses what nobody knows, leaves blanks out on
    the way out.
    """

    ignored: frozenset[str] = frozenset()

    @pre_load
    def _drop_worked_out(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict):
            raise ValidationError("expected an object")
        return {key: value for key, value in data.items() if key not in self.ignored}

    @post_dump
    def _leave_out_blanks(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {key: value for key, value in data.items() if value is not None}


@cache
def group_schema(group: str) -> Schema:
    """The schema of one group, made from the vocabulary."""
    importable = {key.split(".", 1)[1] for key in order_fields() if key.startswith(f"{group}.")}
    made: dict[str, Any] = {}
    known = dict(vocabulary()["groups"][group]["fields"])
    known |= {
        key.split(".")[1]: about
        for key, about in ABOUT_SOURCE.items()
        if key.startswith(f"{group}.")
    }
    for name in [name for name in known if name in importable]:
        made[name] = _field(f"{group}.{name}", known[name])
    made["ignored"] = frozenset(known.keys() - importable)
    schema: Schema = type(f"{group.title()}Schema", (OrderGroup,), made)()
    return schema


def _field(key: str, about: Mapping[str, Any]) -> fields.Field[Any]:
    common: dict[str, Any] = {"allow_none": True}
    if key == "item.quantity":
        return fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_UNITS))
    if about["type"] == "money":
        return MoneyText(**common)
    if about["type"] == "instant":
        return fields.AwareDateTime(default_timezone=None, **common)
    if about["type"] == "boolean":
        return fields.Boolean(**common)
    if about["type"] == "number":
        return fields.Integer(strict=True, validate=validate.Range(0, 2**31 - 1), **common)
    if about["type"] == "revision":
        return fields.Integer(strict=True, validate=validate.Range(0, MOST_REVISION), **common)
    if about["type"] == "choice":
        return fields.String(validate=validate.OneOf(about["values"]), **common)
    required = {"required": True, "allow_none": False} if key == "order.number" else {}
    least = 1 if key == "order.number" else 0
    checks = validate.Length(min=least, max=MAX_LENGTH.get(key, 100_000))
    return fields.String(validate=checks, **{**common, **required})


def load_order(
    document: Mapping[str, Any], *, channel: str, shop: str, currency: str
) -> OrderDraft:
    """A document as a draft; `channel`, `shop` and `currency` stand in where the document has none.

    Raises:
        InputError: code import.json_field, with the first field that does not fit as `field`.
    """
    unknown = sorted(
        document.keys() - {"order", "payment", "recipient", "items", "extra", *WORKED_OUT}
    )
    if unknown:
        raise _refused(unknown[0])
    items = document.get("items") or []
    if not isinstance(items, list):
        raise _refused("items")
    extra = document.get("extra") or {}
    if not isinstance(extra, dict):
        raise _refused("extra")
    loaded = {
        "order": _load("order", document.get("order", {})),
        "payment": _load("payment", document.get("payment") or {}),
        "recipient": _load("recipient", document.get("recipient") or {}),
        "items": [_load("item", item) for item in items],
        "extra": extra,
    }
    return order_of(loaded, channel=channel, shop=shop, currency=currency)


def order_of(loaded: Mapping[str, Any], *, channel: str, shop: str, currency: str) -> OrderDraft:
    """A document whose groups were read by their schemas, as a draft.

    Raises:
        InputError: code import.json_field: an amount is in another currency than its order.
    """
    order = loaded["order"]
    money = order.get("currency") or currency
    items = loaded.get("items") or ()
    values = {
        **_attributes("order", order, money),
        **_attributes("payment", loaded.get("payment") or {}, money),
    }
    return assembled(
        values,
        _attributes("recipient", loaded.get("recipient") or {}, money),
        [_attributes("item", item, money) for item in items],
        loaded.get("extra") or {},
        (channel, shop, money),
    )


def assembled(
    values: dict[str, Any],
    recipient: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    extra: Mapping[str, Any],
    otherwise: tuple[str, str, str],
) -> OrderDraft:
    """A draft of attributes that were read; `otherwise` are channel, shop and currency where they name none."""
    channel, shop, money = otherwise
    placed = {
        "channel": values.get("channel") or channel,
        "shop": values.get("shop") or shop,
        "currency": money,
    }
    return OrderDraft(
        **{**values, **placed},
        recipient=RecipientDraft(**recipient),
        lines=tuple(LineDraft(**line) for line in lines),
        issues=() if lines else (Issue("item.quantity", "import.no_lines"),),
        extra={str(name): str(text) for name, text in extra.items()},
    )


WORKED_OUT = {"parcels", "events", "decisions", "issues", "shop", "history", "stock"}


def _load(group: str, data: Any) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = group_schema(group).load(_numbers(group, data))
    except ValidationError as error:
        messages = error.messages
        first = next(iter(messages)) if isinstance(messages, dict) else ""
        raise _refused(group if first in ("", "_schema") else f"{group}.{first}") from error
    return loaded


def _numbers(group: str, data: Any) -> Any:
    """Readers of files keep numbers as they are written, for long ids' sake; whole ones are numbers again."""
    if not isinstance(data, dict):
        return data
    fields_ = order_fields()

    def one(name: str, value: Any) -> Any:
        target = fields_.get(f"{group}.{name}")
        whole = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19
        number = target is not None and target.type in ("number", "revision")
        return int(value) if whole and number else value

    return {name: one(name, value) for name, value in data.items()}


def _attributes(group: str, data: Mapping[str, Any], currency: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in data.items():
        if value is None:
            continue
        target = order_fields()[f"{group}.{name}"]
        if target.type == "money":
            amount, own = value
            if own is not None and own != currency:
                raise _refused(target.id)
            value = Money.of(amount, currency).minor
        elif target.type == "instant":
            try:
                value = value.astimezone(UTC)
            except OverflowError as error:  # the first or last day there is
                raise _refused(target.id) from error
        elif isinstance(value, str):
            value = value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
        found[target.attribute] = value
    return found


def dump_order(draft: OrderDraft) -> dict[str, Any]:
    """A draft as a document; the reverse of `load_order`."""
    return {
        "order": dump_group("order", draft, draft.currency),
        "payment": dump_group("payment", draft, draft.currency),
        "recipient": dump_group("recipient", draft.recipient, draft.currency),
        "items": [dump_group("item", line, draft.currency) for line in draft.lines],
        **({"extra": dict(draft.extra)} if draft.extra else {}),
    }


def dump_group(group: str, source: object, currency: str) -> dict[str, Any]:
    """The importable fields of one group, read from a draft's attributes."""
    values: dict[str, Any] = {}
    for key, target in order_fields().items():
        prefix, name = key.split(".", 1)
        if prefix == group:
            value = getattr(source, target.attribute)
            money = target.type == "money" and value is not None
            values[name] = Money(value, currency) if money else value
    dumped: dict[str, Any] = group_schema(group).dump(values)
    return dumped


def _refused(name: str) -> InputError:
    return InputError(
        "import.json_field",
        zh=f"订单文档里的 {name} 不符合格式；请对照 docs/import.md。",
        en=f"{name} in the order document does not fit; compare with docs/import.md.",
        field=name,
    )
