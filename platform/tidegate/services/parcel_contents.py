"""What is in a parcel of an order that left in several, told in the shop's own line numbers."""

from __future__ import annotations

from sqlalchemy import func, select

from tidegate.sdk.shop import ShippedItem
from tidegate.store.tables import OrderLine, Parcel, Reservation
from tidegate.store.unit_of_work import UnitOfWork


def shipped_items(work: UnitOfWork, parcel: Parcel) -> tuple[ShippedItem, ...]:
    """By line; empty where the parcel is its order's only one (then it holds all of it)."""
    session = work.session
    parcels = session.scalar(
        select(func.count(Parcel.id)).where(
            Parcel.order_id == parcel.order_id, Parcel.state != "cancelled"
        )
    )
    if (parcels or 0) < 2:
        return ()
    units = (
        select(Reservation.order_line_id, func.sum(Reservation.quantity).label("units"))
        .where(
            Reservation.order_id == parcel.order_id,
            Reservation.warehouse_id == parcel.warehouse_id,
            Reservation.state != "released",
        )
        .group_by(Reservation.order_line_id)
        .subquery()
    )
    rows = session.execute(
        select(OrderLine, units.c.units)
        .join(units, units.c.order_line_id == OrderLine.id)
        .order_by(OrderLine.position)
    )
    return tuple(
        ShippedItem(line.sub_number or "", line.sku or "", int(held), line.platform_sku or "")
        for line, held in rows
    )
