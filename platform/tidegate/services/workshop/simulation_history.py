"""What later happened on a lane: delivered in time, damaged. Only where history can tell.

On time: delivered by the time promised to the buyer. An interval is Wilson's for a share and
Newcombe's (his method 10, Stat. Med. 1998) for a difference of two, both at 95 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from sqlalchemy import and_, case, func, literal_column, select

from tidegate.store.tables import Order, Parcel, Scan, Warehouse
from tidegate.store.unit_of_work import UnitOfWork

SPAN = timedelta(days=90)
ENOUGH = 30  # parcels below which a lane's share says nothing
Z = 1.959964  # 97.5 % of the normal distribution
Lane = tuple[str, str, str]  # service, from city, to province


@dataclass(frozen=True, slots=True)
class Seen:
    """Parcels of a lane: `n` delivered and promised, `in_time` of them; `sent`, `damaged` of them."""

    n: int = 0
    in_time: int = 0
    sent: int = 0
    damaged: int = 0


def lanes_seen(work: UnitOfWork, now: datetime) -> dict[Lane, Seen]:
    """The delivered parcels of the last 90 days by service, city of the warehouse and province."""
    judged = and_(Parcel.delivered_at.is_not(None), Order.deliver_by.is_not(None))
    damaged = select(Scan.parcel_id).where(Scan.state == "damaged").distinct()
    origin = func.coalesce(Warehouse.city, Warehouse.name)
    province = func.coalesce(
        Order.province, literal_column("''")
    )  # a bind is no group to PostgreSQL
    statement = (
        select(
            Parcel.service_code,
            origin,
            province,
            func.sum(case((judged, 1), else_=0)),
            func.sum(case((and_(judged, Parcel.delivered_at <= Order.deliver_by), 1), else_=0)),
            func.count(),
            func.sum(case((Parcel.id.in_(damaged), 1), else_=0)),
        )
        .join(Order, Order.id == Parcel.order_id)
        .join(Warehouse, Warehouse.id == Parcel.warehouse_id)
        .where(Parcel.delivered_at >= now - SPAN, Parcel.service_code.is_not(None))
        .group_by(Parcel.service_code, origin, province)
    )
    return {
        (str(service), str(city), str(to)): Seen(*(int(one or 0) for one in counts))
        for service, city, to, *counts in work.session.execute(statement)
    }


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share; n must not be 0."""
    share, square = successes / n, Z * Z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z * sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(before: tuple[int, int], after: tuple[int, int]) -> tuple[float, float, float]:
    """(after - before, lowest, highest) of two shares, each as (successes, n)."""
    one, other = before[0] / before[1], after[0] / after[1]
    low_one, high_one = wilson(*before)
    low_other, high_other = wilson(*after)
    change = other - one
    low = change - sqrt((other - low_other) ** 2 + (high_one - one) ** 2)
    high = change + sqrt((high_other - other) ** 2 + (one - low_one) ** 2)
    return change, low, high
