"""All tables. Every row belongs to a tenant; every money column is minor units beside a currency.

Names end in their unit: `_minor` (currency minor units), `_g` (grams), `_mm`, `_at` (aware UTC), `_hours`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tidegate.store.columns import BigKey, Instant, JsonColumn, PackedJson

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


# Which orders are over is in states.yaml; an index needs constants.
ORDER_OPEN = "state NOT IN ('delivered', 'returned', 'rejected', 'cancelled', 'lost')"
EFFECT_UNCLEAR = "state IN ('intent', 'sending', 'unknown')"


def _only(name: str, condition: str, *columns: str) -> Index:
    """An index of the few rows that are still of interest: small whatever the table has grown to."""
    where = text(condition)
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


def _one_while(name: str, condition: str, *columns: str) -> Index:
    """At most one row per `columns` while `condition` holds; ended rows stay as history."""
    where = text(condition)
    return Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


_ENDING = text("state = 'active' AND expires_at IS NOT NULL")


class Base(DeclarativeBase):
    """Root of the tables; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012  (read by SQLAlchemy at class creation)
        datetime: Instant,
        dict[str, Any]: JsonColumn,
        list[Any]: JsonColumn,
    }


class TenantScoped:
    """A row of one tenant. The unit of work adds the tenant to every query of such a table."""

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))


class Tenant(Base):
    """One merchant company."""

    __tablename__ = "tenant"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    timezone: Mapped[str] = mapped_column(String(40), default="Asia/Shanghai")
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    created_at: Mapped[datetime]


class Shop(TenantScoped, Base):
    """A shop on one channel; found or made by (channel, name) at import."""

    __tablename__ = "shop"
    __table_args__ = (UniqueConstraint("tenant_id", "channel", "name"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    timezone: Mapped[str] = mapped_column(String(40), default="Asia/Shanghai")
    currency: Mapped[str] = mapped_column(String(3), default="CNY")


class Order(TenantScoped, Base):
    """The unified order. Field meanings: rules/tidegate_rules/vocabulary.yaml."""

    __tablename__ = "sales_order"
    __table_args__ = (
        UniqueConstraint("tenant_id", "shop_id", "number"),
        Index("ix_sales_order_tenant_state", "tenant_id", "state", "state_since"),
        Index("ix_sales_order_tenant_ordered", "tenant_id", "ordered_at"),
        Index("ix_sales_order_tenant_number", "tenant_id", "number"),
        Index("ix_sales_order_newest", "tenant_id", "id"),
        Index("ix_sales_order_arrival", "tenant_id", "shop_id", "imported_at"),
        Index("ix_sales_order_phone_key", "tenant_id", "phone_key", "ordered_at"),
        Index("ix_sales_order_address_key", "tenant_id", "address_key", "ordered_at"),
        _only("ix_sales_order_open", ORDER_OPEN, "state", "state_since"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    channel: Mapped[str] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20), default="normal")
    state: Mapped[str] = mapped_column(String(30), default="received")
    state_since: Mapped[datetime]
    version: Mapped[int] = mapped_column(Integer, default=1)
    source_status: Mapped[str | None] = mapped_column(String(20))
    refund_status: Mapped[str | None] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3))
    total_minor: Mapped[int | None] = mapped_column(BigInteger)
    goods_total_minor: Mapped[int | None] = mapped_column(BigInteger)
    freight_minor: Mapped[int | None] = mapped_column(BigInteger)
    discount_minor: Mapped[int | None] = mapped_column(BigInteger)
    payment_status: Mapped[str | None] = mapped_column(String(20))
    payment_method: Mapped[str | None] = mapped_column(String(20))
    paid_total_minor: Mapped[int | None] = mapped_column(BigInteger)
    cod_minor: Mapped[int | None] = mapped_column(BigInteger)
    refund_total_minor: Mapped[int | None] = mapped_column(BigInteger)
    ordered_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    ship_by: Mapped[datetime | None]
    deliver_by: Mapped[datetime | None]
    buyer: Mapped[str | None] = mapped_column(String(200))
    buyer_memo: Mapped[str | None] = mapped_column(Text)
    seller_memo: Mapped[str | None] = mapped_column(Text)
    seller_flag: Mapped[str | None] = mapped_column(String(40))
    delivery_wish: Mapped[str | None] = mapped_column(String(200))
    promised_carrier: Mapped[str | None] = mapped_column(String(40))
    invoice_wanted: Mapped[bool | None]
    recipient_kind: Mapped[str] = mapped_column(String(10), default="plain")
    recipient_name: Mapped[str | None] = mapped_column(String(200))
    recipient_phone: Mapped[str | None] = mapped_column(String(60))
    phone_kind: Mapped[str | None] = mapped_column(String(10))
    phone_valid: Mapped[bool | None]
    phone_key: Mapped[str | None] = mapped_column(String(64))
    country: Mapped[str | None] = mapped_column(String(60))
    province: Mapped[str | None] = mapped_column(String(60))
    city: Mapped[str | None] = mapped_column(String(120))
    district: Mapped[str | None] = mapped_column(String(60))
    town: Mapped[str | None] = mapped_column(String(60))
    address: Mapped[str | None] = mapped_column(Text)
    postcode: Mapped[str | None] = mapped_column(String(20))
    region_code: Mapped[str | None] = mapped_column(String(12))
    address_key: Mapped[str | None] = mapped_column(String(64))
    address_check: Mapped[str | None] = mapped_column(String(20))
    address_reason: Mapped[str | None] = mapped_column(String(60))
    address_is_new: Mapped[bool | None]
    tags: Mapped[list[Any]] = mapped_column(JsonColumn, default=list)
    issues: Mapped[list[Any]] = mapped_column(JsonColumn, default=list)  # [{field, code, value?}]
    extra: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)  # other source columns
    edited: Mapped[list[Any]] = mapped_column(JsonColumn, default=list)  # fields a person changed
    hold_reason: Mapped[str | None] = mapped_column(String(60))
    hold_queue: Mapped[str | None] = mapped_column(String(40))
    manual_review: Mapped[str] = mapped_column(String(10), default="none")
    manual_service: Mapped[str | None] = mapped_column(String(40))  # a person's carrier choice
    source_hash: Mapped[str] = mapped_column(String(64))
    source_revision: Mapped[int | None] = mapped_column(BigInteger)  # an older copy is not taken
    imported_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class OrderLine(TenantScoped, Base):
    """One line of an order; `position` counts from 1 as in the source."""

    __tablename__ = "order_line"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        Index("ix_order_line_tenant_sku", "tenant_id", "sku"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("sales_order.id"))
    position: Mapped[int] = mapped_column(Integer)
    sub_number: Mapped[str | None] = mapped_column(String(120))
    sku: Mapped[str | None] = mapped_column(String(120))
    platform_sku: Mapped[str | None] = mapped_column(String(120))
    title: Mapped[str | None] = mapped_column(Text)
    spec: Mapped[str | None] = mapped_column(Text)
    category: Mapped[str | None] = mapped_column(String(120))
    quantity: Mapped[int] = mapped_column(Integer)
    unit_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    line_total_minor: Mapped[int | None] = mapped_column(BigInteger)
    weight_g: Mapped[int | None] = mapped_column(Integer)
    is_gift: Mapped[bool | None]
    refund_status: Mapped[str | None] = mapped_column(String(20))


class Product(TenantScoped, Base):
    """What a SKU is: weight, size and how it must be handled."""

    __tablename__ = "product"
    __table_args__ = (UniqueConstraint("tenant_id", "sku"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    sku: Mapped[str] = mapped_column(String(120))
    title: Mapped[str | None] = mapped_column(Text)
    category: Mapped[str | None] = mapped_column(String(120))
    weight_g: Mapped[int | None] = mapped_column(Integer)
    length_mm: Mapped[int | None] = mapped_column(Integer)
    width_mm: Mapped[int | None] = mapped_column(Integer)
    height_mm: Mapped[int | None] = mapped_column(Integer)
    fragile: Mapped[bool] = mapped_column(Boolean, default=False)
    hazardous: Mapped[bool] = mapped_column(Boolean, default=False)
    safety_stock: Mapped[int] = mapped_column(Integer, default=0)


class Warehouse(TenantScoped, Base):
    """Where parcels leave; its address is the sender on labels."""

    __tablename__ = "warehouse"
    __table_args__ = (UniqueConstraint("tenant_id", "code"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    contact: Mapped[str | None] = mapped_column(String(120))
    phone: Mapped[str | None] = mapped_column(String(60))
    province: Mapped[str | None] = mapped_column(String(60))
    city: Mapped[str | None] = mapped_column(String(60))
    district: Mapped[str | None] = mapped_column(String(60))
    address: Mapped[str | None] = mapped_column(Text)
    priority: Mapped[int] = mapped_column(Integer, default=100)  # small first


class Stock(TenantScoped, Base):
    """Units of a SKU in a warehouse. `on_hand - reserved` can be promised; the database refuses overselling."""

    __tablename__ = "stock"
    __table_args__ = (
        UniqueConstraint("tenant_id", "warehouse_id", "sku"),
        Index("ix_stock_tenant_sku", "tenant_id", "sku"),
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        CheckConstraint("reserved <= on_hand", name="not_oversold"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    sku: Mapped[str] = mapped_column(String(120))
    on_hand: Mapped[int] = mapped_column(Integer)
    reserved: Mapped[int] = mapped_column(Integer, default=0)
    missing: Mapped[int] = mapped_column(  # of the reserved ones, as a source counted them
        Integer, default=0, server_default=text("0")
    )
    location: Mapped[str | None] = mapped_column(String(60))
    expected_at: Mapped[datetime | None]
    expected_units: Mapped[int | None] = mapped_column(Integer)
    updated_at: Mapped[datetime]


class Reservation(TenantScoped, Base):
    """Units promised to one order line. state: active, consumed (shipped), released."""

    __tablename__ = "reservation"
    __table_args__ = (
        Index("ix_reservation_order", "tenant_id", "order_id", "state"),
        Index(
            "ix_reservation_expiry",
            "tenant_id",
            "expires_at",
            sqlite_where=_ENDING,
            postgresql_where=_ENDING,
        ),
        _one_while("uq_reservation_active_line", "state = 'active'", "order_line_id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("sales_order.id"))
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"))
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    sku: Mapped[str] = mapped_column(String(120))
    quantity: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10), default="active")
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]  # None: as long as the order needs it


class Replenishment(TenantScoped, Base):
    """A wish for stock that a rule or a person made. state: open, ordered, received, dropped."""

    __tablename__ = "replenishment"
    __table_args__ = (
        Index("ix_replenishment_open", "tenant_id", "state", "sku"),
        _one_while("uq_replenishment_open_sku", "state = 'open'", "tenant_id", "sku"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    sku: Mapped[str] = mapped_column(String(120))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("sales_order.id"))
    units_short: Mapped[int] = mapped_column(Integer)
    cover_days: Mapped[int | None] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10), default="open")
    requested_at: Mapped[datetime]


class CarrierService(TenantScoped, Base):
    """A product of a carrier, `SF.standard`."""

    __tablename__ = "carrier_service"
    __table_args__ = (UniqueConstraint("tenant_id", "code"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    carrier: Mapped[str] = mapped_column(String(40))
    name_zh: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    connector: Mapped[str] = mapped_column(String(40), default="sandbox")
    volumetric_divisor: Mapped[int | None] = mapped_column(
        Integer
    )  # cm3 per kg; None: actual weight
    same_city_only: Mapped[bool] = mapped_column(Boolean, default=False)
    active: Mapped[bool] = mapped_column(Boolean, default=True)


class ServiceZone(TenantScoped, Base):
    """Which zone a destination is in for a service, from an origin province (or any), and how long it takes."""

    __tablename__ = "service_zone"
    __table_args__ = (
        UniqueConstraint("tenant_id", "service_code", "origin_province", "province", "city"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    service_code: Mapped[str] = mapped_column(String(40))
    origin_province: Mapped[str] = mapped_column(String(60), default="")  # "" = any
    province: Mapped[str] = mapped_column(String(60))
    city: Mapped[str] = mapped_column(String(60), default="")  # "" = whole province
    zone: Mapped[str] = mapped_column(String(20))
    transit_hours: Mapped[int] = mapped_column(Integer)


class RateCard(TenantScoped, Base):
    """Price of a zone: first weight, then steps."""

    __tablename__ = "rate_card"
    __table_args__ = (Index("ix_rate_card_lookup", "tenant_id", "service_code", "zone"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    service_code: Mapped[str] = mapped_column(String(40))
    zone: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    from_g: Mapped[int] = mapped_column(Integer, default=0)  # this row applies above from_g …
    to_g: Mapped[int | None] = mapped_column(Integer)  # … up to and including to_g
    first_g: Mapped[int] = mapped_column(Integer)
    first_price_minor: Mapped[int] = mapped_column(BigInteger)
    step_g: Mapped[int] = mapped_column(Integer)
    step_price_minor: Mapped[int] = mapped_column(BigInteger)


class Parcel(TenantScoped, Base):
    """One box of one order."""

    __tablename__ = "parcel"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        Index("ix_parcel_tenant_state", "tenant_id", "state", "state_since"),
        Index("ix_parcel_tenant_waybill", "tenant_id", "waybill_no"),
        Index("ix_parcel_order", "order_id"),
        Index("ix_parcel_handed_over", "tenant_id", "handed_over_at"),
        Index("ix_parcel_answered", "tenant_id", "service_code", "waybill_at"),
        UniqueConstraint("tenant_id", "carrier", "waybill_no"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("sales_order.id"))
    number: Mapped[str] = mapped_column(String(60))
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    state: Mapped[str] = mapped_column(String(30), default="allocated")
    state_since: Mapped[datetime]
    version: Mapped[int] = mapped_column(Integer, default=1)
    generation: Mapped[int] = mapped_column(Integer, default=1)
    service_code: Mapped[str | None] = mapped_column(String(40))
    carrier: Mapped[str | None] = mapped_column(String(40))
    packaging: Mapped[str | None] = mapped_column(String(20))
    label_template: Mapped[str | None] = mapped_column(String(60))
    label_notes: Mapped[list[Any]] = mapped_column(JsonColumn, default=list)
    insured_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    goods_value_minor: Mapped[int | None] = mapped_column(BigInteger)
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    cost_source: Mapped[str | None] = mapped_column(String(10))  # rates, carrier
    weight_g: Mapped[int | None] = mapped_column(Integer)
    waybill_no: Mapped[str | None] = mapped_column(String(60))
    sort_code: Mapped[str | None] = mapped_column(String(60))
    routed_at: Mapped[datetime | None]
    waybill_at: Mapped[datetime | None]
    printed_at: Mapped[datetime | None]
    print_count: Mapped[int] = mapped_column(Integer, default=0)
    handed_over_at: Mapped[datetime | None]
    picked_up_at: Mapped[datetime | None]
    out_for_delivery_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    last_scan_at: Mapped[datetime | None]
    last_scan_state: Mapped[str | None] = mapped_column(String(40))
    failed_deliveries: Mapped[int] = mapped_column(Integer, default=0)


class Effect(TenantScoped, Base):
    """One thing asked of the outside. state: intent, sending, confirmed, rejected, unknown, voided.

    SENDING is committed before the first byte leaves; `client_key` is the same in every attempt.
    """

    __tablename__ = "effect"
    __table_args__ = (
        UniqueConstraint("parcel_id", "kind", "generation"),
        UniqueConstraint("tenant_id", "client_key"),
        Index("ix_effect_open", "tenant_id", "state"),
        _only("ix_effect_unclear", EFFECT_UNCLEAR, "state", "updated_at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"))
    kind: Mapped[str] = mapped_column(String(20))
    generation: Mapped[int] = mapped_column(Integer)
    client_key: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(12), default="intent")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    error_code: Mapped[str | None] = mapped_column(String(80))
    answer: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    updated_at: Mapped[datetime]


class Scan(TenantScoped, Base):
    """One tracking event as it was told; a repeat is ignored by (source, event_id)."""

    __tablename__ = "scan"
    __table_args__ = (
        UniqueConstraint("tenant_id", "source", "event_id"),
        Index("ix_scan_parcel", "parcel_id", "at"),
        Index("ix_scan_heard", "tenant_id", "source", "received_at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"))
    source: Mapped[str] = mapped_column(String(40))
    event_id: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]
    code: Mapped[str | None] = mapped_column(String(40))  # as the carrier wrote it
    state: Mapped[str] = mapped_column(String(40))  # unified (domain.tracking)
    place: Mapped[str | None] = mapped_column(String(200))
    description: Mapped[str | None] = mapped_column(Text)
    applied: Mapped[bool] = mapped_column(Boolean, default=True)  # False: late or impossible, kept
    received_at: Mapped[datetime]


class LabelBatch(TenantScoped, Base):
    """One PDF of labels; the file lies in the data folder under `file_name`."""

    __tablename__ = "label_batch"
    __table_args__ = (UniqueConstraint("tenant_id", "number"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    number: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(80))
    parcels: Mapped[int] = mapped_column(Integer)
    printed: Mapped[int] = mapped_column(Integer)
    problems: Mapped[list[Any]] = mapped_column(JsonColumn, default=list)
    file_name: Mapped[str] = mapped_column(String(200))


class PrintRecord(TenantScoped, Base):
    """A label that was printed. `reprint_no` 0 is the first; a reprint states its reason."""

    __tablename__ = "print_record"
    __table_args__ = (UniqueConstraint("parcel_id", "waybill_no", "reprint_no"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"))
    batch_id: Mapped[int] = mapped_column(ForeignKey("label_batch.id"))
    sequence: Mapped[int] = mapped_column(Integer)
    waybill_no: Mapped[str] = mapped_column(String(60))
    reprint_no: Mapped[int] = mapped_column(Integer, default=0)
    reason: Mapped[str | None] = mapped_column(Text)
    label_id: Mapped[int | None] = mapped_column(BigInteger)  # the carrier's own, while it is kept
    printed_at: Mapped[datetime]


class Alert(TenantScoped, Base):
    """Something a rule wants a person to see. state: open, acknowledged, closed (by a person, quiet until its rule
    stops firing), resolved."""

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("tenant_id", "subject_key", "kind", "raised_at"),
        Index("ix_alert_open", "tenant_id", "state", "kind"),
        _only("ix_alert_resolved", "resolved_at IS NOT NULL", "tenant_id", "resolved_at"),
        _one_while("uq_alert_open", "state <> 'resolved'", "tenant_id", "subject_key", "kind"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("sales_order.id"))
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    subject_key: Mapped[str] = mapped_column(String(80))  # "parcel:12", "order:7"
    kind: Mapped[str] = mapped_column(String(60))
    rule_id: Mapped[str] = mapped_column(String(120))
    severity: Mapped[str] = mapped_column(String(10))
    desk: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(14), default="open")
    raised_at: Mapped[datetime]
    acknowledged_by: Mapped[str | None] = mapped_column(String(80))
    resolved_at: Mapped[datetime | None]


class Event(TenantScoped, Base):
    """The time line of an order. `data` holds codes and numbers, never personal data."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_order", "order_id", "id"),
        Index("ix_event_kind", "tenant_id", "kind", "at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("sales_order.id"))
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))
    actor_kind: Mapped[str] = mapped_column(String(10))  # rule, person, system, carrier, source
    actor: Mapped[str] = mapped_column(String(120))
    data: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)


class Decision(TenantScoped, Base):
    """What a gate answered, with the facts it read: shown and repeated years later."""

    __tablename__ = "decision"
    __table_args__ = (
        Index("ix_decision_order", "order_id", "id"),
        Index("ix_decision_gate", "tenant_id", "gate", "decided_at"),
        Index("ix_decision_ruleset", "tenant_id", "ruleset_id", "decided_at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("sales_order.id"))
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"))
    subject_key: Mapped[str | None] = mapped_column(String(80))  # what is no order: "account:3"
    gate: Mapped[str] = mapped_column(String(20))
    ruleset_id: Mapped[str] = mapped_column(String(80))
    ruleset_hash: Mapped[str] = mapped_column(ForeignKey("ruleset_content.hash"))
    trigger: Mapped[str] = mapped_column(
        String(40)
    )  # received, edited, stock_changed, asked_again …
    verdict: Mapped[str] = mapped_column(String(40))  # first action's name, or "none"
    decided_at: Mapped[datetime]
    # decisions of before 0027 have their facts here, later ones packed: `facts` knows
    plain_facts: Mapped[dict[str, Any]] = mapped_column("facts", JsonColumn, default=dict)
    packed_facts: Mapped[dict[str, Any] | None] = mapped_column(PackedJson)
    result: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    # the rules that mattered, leaf by leaf; decisions of before 0025 have them in `result`
    rules: Mapped[list[dict[str, Any]] | None] = mapped_column(PackedJson, deferred=True)
    applied: Mapped[bool] = mapped_column(
        Boolean, default=True
    )  # False: a person decided before; this proposes

    @property
    def facts(self) -> dict[str, Any]:
        """What the rules read."""
        return self.plain_facts if self.packed_facts is None else self.packed_facts

    @facts.setter
    def facts(self, given: dict[str, Any]) -> None:
        self.packed_facts = given

    @property
    def document(self) -> dict[str, Any]:
        """The engine's whole document, as `keep` was given it."""
        return self.result if self.rules is None else {**self.result, "rules": self.rules}

    def keep(self, document: Mapping[str, Any]) -> None:
        """Take over the engine's document: its rules apart, and by name those that fired."""
        rules = list(document["rules"])
        fired = [rule["id"] for rule in rules if rule["result"] == "fired"]
        rest = {name: value for name, value in document.items() if name != "rules"}
        self.result, self.rules = {**rest, "fired": fired}, rules


class RulesetContent(Base):
    """The text behind a content hash, kept for ever once it decided something.

    Shared by tenants: it is addressed by its content.
    """

    __tablename__ = "ruleset_content"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    ruleset_id: Mapped[str] = mapped_column(String(80))
    gate: Mapped[str] = mapped_column(String(20))
    content: Mapped[str] = mapped_column(Text)
    first_seen_at: Mapped[datetime]


class Job(TenantScoped, Base):
    """Work that follows from a change, committed with it. state: ready, leased, done, dead, dropped.

    `attempts` fences: it grows with each lease, and only the holder of the newest may change the row.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_due", "state", "due_at"),
        Index(
            "ix_job_ready", "tenant_id", "name", "due_at",
            sqlite_where=text("state = 'ready'"), postgresql_where=text("state = 'ready'"),
        ),
        Index(
            "ix_job_lane", "tenant_id", "lane",
            sqlite_where=text("state = 'leased' AND lane IS NOT NULL"),
            postgresql_where=text("state = 'leased' AND lane IS NOT NULL"),
        ),
        UniqueConstraint("tenant_id", "key"),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    lane: Mapped[str | None] = mapped_column(String(80))  # whom it calls: one batch each at a time
    args: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    key: Mapped[str | None] = mapped_column(String(160))  # one open job per key; cleared when done
    state: Mapped[str] = mapped_column(String(10), default="ready")
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str | None] = mapped_column(Text)  # a code, never data
    created_at: Mapped[datetime]
    v: Mapped[int] = mapped_column(Integer, default=1, server_default="1")  # version of `args`
    worker: Mapped[str | None] = mapped_column(String(120))  # who holds it, or held it last
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]  # when the relay last sent its id, by the database's clock
    note: Mapped[str | None] = mapped_column(Text)  # why a person dropped or retried it
    noted_by: Mapped[str | None] = mapped_column(String(120))


class ImportRun(TenantScoped, Base):
    """One import and its report (rejected rows name row and field, never the personal value)."""

    __tablename__ = "import_run"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    mapping: Mapped[str] = mapped_column(String(80))
    files: Mapped[list[Any]] = mapped_column(JsonColumn)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)


class SyncCursor(TenantScoped, Base):
    """How far a source was read, in the source's own words."""

    __tablename__ = "sync_cursor"
    __table_args__ = (UniqueConstraint("tenant_id", "source"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    source: Mapped[str] = mapped_column(String(80))
    cursor: Mapped[str] = mapped_column(Text, default="")
    updated_at: Mapped[datetime]
