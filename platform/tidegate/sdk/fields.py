"""The vocabulary's fields that an order brings with it, and where they live in a draft and in a
row.

Ids, types, units, titles and choices come from rules/tidegate_rules/vocabulary.yaml; here is
only the way from an id
to an attribute of `tidegate.domain.orders` and to a column of the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

from tidegate.domain.orders import LineDraft, OrderDraft, RecipientDraft
from tidegate.simple_yaml import plain

# Longest text a column of the store holds (tests/services/test_intake_rows.py compares); others
# are unlimited.
MAX_LENGTH: Mapping[str, int] = {
    "order.number": 120,
    "order.channel": 40,
    "order.shop": 120,
    "order.buyer": 200,
    "order.seller_flag": 40,
    "order.delivery_wish": 200,
    "order.promised_carrier": 40,
    "recipient.name": 200,
    "recipient.phone": 60,
    "recipient.country": 60,
    "recipient.province": 60,
    "recipient.city": 120,
    "recipient.district": 60,
    "recipient.town": 60,
    "recipient.postcode": 20,
    "item.sku": 120,
    "item.platform_sku": 120,
    "item.sub_number": 120,
    "item.category": 120,
}
MAX_UNITS = 1_000_000  # of one line; more is a typing mistake, and the column is a 32-bit integer
MOST_REVISION = 2**63 - 1  # a 64-bit column
MAX_MINOR = 10**15  # ten million million; more is a number in the wrong column

_PAYMENT = {"cod_amount": "cod_minor"}
_PREFIXED = {"name", "phone", "kind"}  # recipient.name is the column recipient_name
_COLUMNS = {"order.revision": "source_revision"}  # sales_order.version counts our own changes
_MADE_HERE = {"issues"}
# Which copy an order is, and what a line is at its source; no rule reads them.
ABOUT_SOURCE: Mapping[str, Mapping[str, Any]] = {
    "order.revision": {"type": "revision", "title": {"zh": "来源版本", "en": "Source revision"}},
    "item.platform_sku": {"type": "text", "title": {"zh": "平台规格编码", "en": "Platform SKU"}},
    "item.sub_number": {"type": "text", "title": {"zh": "子订单编号", "en": "Sub-order number"}},
}


@dataclass(frozen=True, slots=True)
class OrderField:
    """One importable field. `part` is order, recipient or item; `attribute` that of the part's
    draft class.
    """

    id: str
    type: str
    part: str
    attribute: str
    column: str
    title_zh: str
    title_en: str
    personal: bool
    choices: tuple[str, ...]

    def title(self, lang: str) -> str:
        return self.title_zh if lang.startswith("zh") else self.title_en


@cache
def vocabulary() -> Mapping[str, Any]:
    """The shipped data dictionary as plain data."""
    text = files("tidegate_rules").joinpath("vocabulary.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = plain(text)
    return loaded


@cache
def order_fields() -> Mapping[str, OrderField]:
    """Every field a source may bring, by vocabulary id."""
    attributes = {
        "order": {item.name for item in fields(OrderDraft)},
        "recipient": {item.name for item in fields(RecipientDraft)},
        "item": {item.name for item in fields(LineDraft)},
    }
    found = {}
    for group in ("order", "payment", "recipient", "item"):
        for name, about in vocabulary()["groups"][group]["fields"].items():
            part = "order" if group == "payment" else group
            attribute = _attribute(group, name, about["type"])
            if attribute in attributes[part] and name not in _MADE_HERE:
                found[f"{group}.{name}"] = _field(f"{group}.{name}", part, attribute, about)
    for key, about in ABOUT_SOURCE.items():
        part, name = key.split(".")
        found[key] = _field(key, part, name, about)
    return found


def _attribute(group: str, name: str, kind: str) -> str:
    if group == "payment":
        plain = name if name == "paid_total" or name == "refund_total" else f"payment_{name}"
        return _PAYMENT.get(name) or (f"{plain}_minor" if kind == "money" else plain)
    return f"{name}_minor" if kind == "money" else name


def _field(key: str, part: str, attribute: str, about: Mapping[str, Any]) -> OrderField:
    prefixed = part == "recipient" and attribute in _PREFIXED
    return OrderField(
        id=key,
        type=about["type"],
        part=part,
        attribute=attribute,
        column=_COLUMNS.get(key) or (f"recipient_{attribute}" if prefixed else attribute),
        title_zh=about["title"]["zh"],
        title_en=about["title"]["en"],
        personal=bool(about.get("personal", False)),
        choices=tuple(about.get("values", ())),
    )
