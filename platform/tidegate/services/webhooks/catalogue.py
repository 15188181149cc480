"""Events that others can subscribe to, and which entry of an order's time line each is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Words = Mapping[str, str]
TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Kind:
    """`entry` is the Event.kind on the time line, `to` the state it leads to where it is a move."""

    id: str
    title: Words
    entry: str
    to: str = ""


def _kind(id_: str, zh: str, en: str, entry: str, to: str = "") -> Kind:
    return Kind(id_, {"zh": zh, "en": en}, entry, to)


KINDS: Mapping[str, Kind] = {
    kind.id: kind
    for kind in (
        _kind("order.received", "订单已收", "Order received", "received"),
        _kind("order.changed", "订单内容变更", "Order changed at its source", "source_changed"),
        _kind("order.held", "订单待审核", "Order on hold", "order_moved", "on_hold"),
        _kind("order.approved", "订单通过", "Order approved", "order_moved", "approved"),
        _kind("order.rejected", "订单拒绝", "Order rejected", "order_moved", "rejected"),
        _kind("order.cancelled", "订单取消", "Order cancelled", "order_moved", "cancelled"),
        _kind("order.waiting_stock", "订单等货", "Order waits for stock", "order_moved", "waiting_stock"),
        _kind("order.allocated", "订单已占库存", "Stock promised to the order", "order_moved", "allocated"),
        _kind("order.delivered", "订单签收", "Order delivered", "order_moved", "delivered"),
        _kind("order.returned", "订单退回", "Order returned", "order_moved", "returned"),
        _kind("parcel.routed", "包裹已选快递", "Courier chosen", "parcel_moved", "routed"),
        _kind("parcel.waybill", "包裹已取号", "Waybill issued", "parcel_moved", "waybill"),
        _kind("parcel.printed", "面单已打", "Label printed", "parcel_moved", "printed"),
        _kind("parcel.shipped", "包裹已交接", "Parcel handed over", "parcel_moved", "handed_over"),
        _kind("parcel.tracking", "包裹在途", "Parcel in transit", "parcel_moved", "in_transit"),
        _kind("parcel.out_for_delivery", "包裹派送中", "Parcel out for delivery", "parcel_moved", "out_for_delivery"),
        _kind("parcel.delivered", "包裹签收", "Parcel delivered", "parcel_moved", "delivered"),
        _kind("parcel.returning", "包裹退回中", "Parcel comes back", "parcel_moved", "returning"),
        _kind("parcel.returned", "包裹已退回", "Parcel returned", "parcel_moved", "returned"),
        _kind("parcel.lost", "包裹丢失", "Parcel lost", "parcel_moved", "lost"),
        _kind("alert.raised", "触发告警", "Alert raised", "alert_raised"),
    )
}  # fmt: skip
_BY_ENTRY: Mapping[tuple[str, str], str] = {(k.entry, k.to): k.id for k in KINDS.values()}


def kind_of(entry: str, to: str) -> str | None:
    """The event of a time-line entry; None when nobody can subscribe to it."""
    return _BY_ENTRY.get((entry, to)) or _BY_ENTRY.get((entry, ""))
