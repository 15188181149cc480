"""The unified order as it arrives: what every importer and connector hands to intake.

Field meanings and Chinese names are those of rules/tidegate_rules/vocabulary.yaml; money is in minor units of the
order's currency, instants are aware.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Issue:
    """Something about an order that is missing or does not fit; the order is kept, a person can see it.

    `field` is a vocabulary id (`recipient.phone`), `code` a stable dotted code with texts in both languages,
    `value` what was seen, only where it is not personal.
    """

    field: str
    code: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class RecipientDraft:
    """Where the order goes, as the source wrote it; the address is parsed at intake."""

    kind: str = "plain"  # plain, masked, token
    name: str | None = None
    phone: str | None = None
    country: str | None = "CN"
    province: str | None = None
    city: str | None = None
    district: str | None = None
    town: str | None = None
    address: str | None = None
    postcode: str | None = None


@dataclass(frozen=True, slots=True)
class LineDraft:
    """One order line."""

    quantity: int
    sku: str | None = None
    platform_sku: str | None = None
    sub_number: str | None = None
    title: str | None = None
    spec: str | None = None
    category: str | None = None
    unit_price_minor: int | None = None
    line_total_minor: int | None = None
    weight_g: int | None = None
    is_gift: bool | None = None
    refund_status: str | None = None


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """One order of one shop; identity is (channel, shop, number)."""

    channel: str
    shop: str
    number: str
    currency: str = "CNY"
    kind: str = "normal"
    source_status: str | None = None
    refund_status: str | None = None
    total_minor: int | None = None
    goods_total_minor: int | None = None
    freight_minor: int | None = None
    discount_minor: int | None = None
    payment_status: str | None = None
    payment_method: str | None = None
    paid_total_minor: int | None = None
    cod_minor: int | None = None
    refund_total_minor: int | None = None
    ordered_at: datetime | None = None
    paid_at: datetime | None = None
    ship_by: datetime | None = None
    deliver_by: datetime | None = None
    buyer: str | None = None
    buyer_memo: str | None = None
    seller_memo: str | None = None
    seller_flag: str | None = None
    delivery_wish: str | None = None
    promised_carrier: str | None = None
    invoice_wanted: bool | None = None
    recipient: RecipientDraft = field(default_factory=RecipientDraft)
    lines: tuple[LineDraft, ...] = ()
    issues: tuple[Issue, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)  # other columns of the source, as text
    revision: int | None = (
        None  # grows with each change at the source: its version, or microseconds since 1970
    )
