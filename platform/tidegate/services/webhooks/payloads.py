"""What is told of an order: all of its present state, so that whoever missed events is right again with the next.

Nothing personal, unless the endpoint was given the right: then `recipient` and `buyer` stand beside the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from tidegate.store.tables import Alert, Order, OrderLine, Parcel, Shop
from tidegate.store.unit_of_work import UnitOfWork

ORDER = (
    "id", "number", "channel", "kind", "state", "state_since", "version", "source_status", "refund_status",
    "currency", "total_minor", "goods_total_minor", "freight_minor", "discount_minor", "payment_status",
    "payment_method", "cod_minor", "ordered_at", "paid_at", "ship_by", "deliver_by", "country", "province",
    "city", "hold_reason", "hold_queue", "tags",
)  # fmt: skip
LINE = (
    "position",
    "sku",
    "platform_sku",
    "quantity",
    "unit_price_minor",
    "line_total_minor",
    "is_gift",
)
PARCEL = (
    "id", "number", "state", "state_since", "carrier", "service_code", "waybill_no", "weight_g", "cost_minor",
    "currency", "routed_at", "waybill_at", "printed_at", "handed_over_at", "picked_up_at",
    "out_for_delivery_at", "delivered_at", "last_scan_at", "last_scan_state", "failed_deliveries",
)  # fmt: skip
ALERT = ("id", "parcel_id", "kind", "severity", "state", "raised_at")
RECIPIENT = {
    "name": "recipient_name", "phone": "recipient_phone", "district": "district", "town": "town",
    "address": "address", "postcode": "postcode", "kind": "recipient_kind",
}  # fmt: skip


def order_states(
    work: UnitOfWork, order_ids: Iterable[int], *, personal: bool
) -> Mapping[int, dict[str, Any]]:
    """The present state of orders by id, as plain JSON."""
    session, wanted = work.session, list(order_ids)
    orders = session.scalars(select(Order).where(Order.id.in_(wanted))).all()
    shops = {shop.id: shop.name for shop in session.scalars(select(Shop))}
    found = {}
    for order in orders:
        state = _fields(order, ORDER) | {"shop": shops.get(order.shop_id)}
        state |= {"lines": [], "parcels": [], "alerts": []}
        if personal:
            state["buyer"] = order.buyer
            state["recipient"] = {name: getattr(order, field) for name, field in RECIPIENT.items()}
        found[order.id] = state
    parts: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
        ("lines", select(OrderLine).order_by(OrderLine.position), LINE),
        ("parcels", select(Parcel).order_by(Parcel.id), PARCEL),
        ("alerts", select(Alert).where(Alert.state != "resolved").order_by(Alert.id), ALERT),
    )
    for name, statement, fields in parts:
        table = statement.column_descriptions[0]["entity"]
        for row in session.scalars(statement.where(table.order_id.in_(wanted))):
            found[row.order_id][name].append(_fields(row, fields))
    return found


def envelope(kind: str, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a Standard Webhook: what happened, when, and the data."""
    return {"type": kind, "timestamp": at.isoformat(), "data": dict(data)}


def _fields(row: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
