"""Promises that a count did not find: which orders they were made to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, case, func, select

from tidegate.services.reserving import Level
from tidegate.services.work import watch_later
from tidegate.store.tables import Parcel, Reservation, Stock
from tidegate.store.unit_of_work import UnitOfWork

ACTIVE = Reservation.state == "active"


def missing_units(work: UnitOfWork, order_ids: Collection[int]) -> dict[int, int]:
    """Units promised to each order of which their level says that they are not there; orders without are left out."""
    same = and_(Stock.warehouse_id == Reservation.warehouse_id, Stock.sku == Reservation.sku)
    own = case((Reservation.quantity < Stock.missing, Reservation.quantity), else_=Stock.missing)
    rows = work.session.execute(
        select(Reservation.order_id, func.sum(own))
        .join(Stock, same)
        .where(Reservation.order_id.in_(order_ids), ACTIVE, Stock.missing > 0)
        .group_by(Reservation.order_id)
    )
    return {order_id: int(units) for order_id, units in rows}


def watch_promised(work: UnitOfWork, levels: Collection[Level], now: datetime) -> None:
    """Let the alert rules look at the parcels that these levels are promised to."""
    parcels: set[int] = set()
    for sku, house in levels:
        found = (
            select(Parcel.id)
            .join(Reservation, Reservation.order_id == Parcel.order_id)
            .where(Reservation.sku == sku, Reservation.warehouse_id == house, ACTIVE)
        )
        parcels |= set(work.session.scalars(found))
    watch_later(work, sorted(parcels), "stock", now)
