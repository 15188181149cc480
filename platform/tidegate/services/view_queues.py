"""What waits for a person, grouped by why, with how many and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tidegate.services.context import Context
from tidegate.services.view_marks import OPEN_ALERT
from tidegate.services.view_names import Words, reason_title, same
from tidegate.store.tables import Alert, Order, Parcel, Product, Replenishment, Stock, Warehouse

SHOWN_ROWS = 4


@dataclass(frozen=True, slots=True)
class QueueRow:
    """`since` is when the oldest began to wait, `until` when stock is expected."""

    key: str
    title: Words
    count: int
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    id: str
    count: int
    rows: Sequence[QueueRow]


def queues(session: Session) -> list[Queue]:
    """The four queues of the board, each with its largest groups."""
    made = [
        ("review", review_groups(session)),
        ("alerts", alert_groups(session)),
        ("stock", short_groups(session)),
        ("labels", unprinted_groups(session)),
    ]
    return [Queue(name, sum(row.count for row in rows), rows[:SHOWN_ROWS]) for name, rows in made]


def review_groups(session: Session) -> list[QueueRow]:
    rows = session.execute(
        select(Order.hold_reason, func.count(), func.min(Order.state_since))
        .where(Order.state == "on_hold")
        .group_by(Order.hold_reason)
        .order_by(func.count().desc(), Order.hold_reason)
    )
    return [QueueRow(code or "", reason_title(code), n, since) for code, n, since in rows]


def alert_groups(session: Session) -> list[QueueRow]:
    rows = session.execute(
        select(Alert.kind, func.count(), func.min(Alert.raised_at))
        .where(Alert.state.in_(OPEN_ALERT))
        .group_by(Alert.kind)
        .order_by(func.count().desc(), Alert.kind)
    )
    return [QueueRow(kind, reason_title(kind), n, since) for kind, n, since in rows]


def short_groups(session: Session) -> list[QueueRow]:
    """Open wishes for stock by SKU, with the next arrival that is known."""
    arrival = (
        select(Stock.sku, func.min(Stock.expected_at).label("at")).group_by(Stock.sku).subquery()
    )
    rows = session.execute(
        select(
            Replenishment.sku,
            func.max(Product.title),
            func.count(),
            func.min(Replenishment.requested_at),
            func.max(arrival.c.at),
        )
        .outerjoin(
            Product,
            (Product.sku == Replenishment.sku) & (Product.tenant_id == Replenishment.tenant_id),
        )
        .outerjoin(arrival, arrival.c.sku == Replenishment.sku)
        .where(Replenishment.state.in_(("open", "ordered")))
        .group_by(Replenishment.sku)
        .order_by(func.count().desc(), Replenishment.sku)
    )
    return [
        QueueRow(sku, same(title or sku), n, since, until) for sku, title, n, since, until in rows
    ]


def unprinted_groups(session: Session) -> list[QueueRow]:
    rows = session.execute(
        select(Warehouse.code, Warehouse.name, func.count(), func.min(Parcel.waybill_at))
        .join(Parcel, Parcel.warehouse_id == Warehouse.id)
        .where(Parcel.state == "waybill")
        .group_by(Warehouse.code, Warehouse.name)
        .order_by(func.count().desc(), Warehouse.code)
    )
    return [QueueRow(code, same(name), n, since) for code, name, n, since in rows]


def review_reasons(context: Context) -> list[QueueRow]:
    """Why orders wait for a person, most frequent first."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return review_groups(work.session)
