"""The five figures on top of the board, each beside what it was before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from tidegate.domain.money import Money
from tidegate.services.context import Context
from tidegate.services.view_marks import start_of_day
from tidegate.store.tables import Decision, Order, Parcel, Shop


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is a number, a share from 0 to 1 or money; None: nothing to count yet. `before` is its counterpart."""

    id: str
    value: int | Decimal | Money | None
    before: int | Decimal | Money | None


def figures(session: Session, context: Context, now: datetime) -> list[Figure]:
    today = start_of_day(now, context.timezone)
    yesterday = today - timedelta(days=1)
    then = now - timedelta(days=1)  # the same time yesterday
    week = today - timedelta(days=7)
    return [
        Figure("received", _received(session, today, now), _received(session, yesterday, then)),
        Figure("shipped", _shipped(session, today, now), _shipped(session, yesterday, then)),
        Figure("automatic", _automatic(session, today, now), _automatic(session, yesterday, today)),
        Figure("on_time", _on_time(session, today, now), _on_time(session, week, today)),
        Figure(
            "freight",
            _freight(session, context, today, now),
            _freight(session, context, week, today),
        ),
    ]


def _received(session: Session, start: datetime, end: datetime) -> int:
    """Shop by shop, as the index has them."""
    of_shops = select(func.count()).select_from(Shop).join(Order, Order.shop_id == Shop.id)
    return session.scalar(of_shops.where(Order.imported_at.between(start, end))) or 0


def _shipped(session: Session, start: datetime, end: datetime) -> int:
    between = Parcel.handed_over_at.between(start, end)
    return session.scalar(select(func.count()).select_from(Parcel).where(between)) or 0


def _automatic(session: Session, start: datetime, end: datetime) -> Decimal | None:
    """Share of orders judged at review that no rule held or rejected."""
    judged = (
        select(
            Decision.order_id,
            func.max(case((Decision.verdict == "approve", 0), else_=1)).label("held"),
        )
        .where(Decision.gate == "review", Decision.decided_at.between(start, end))
        .group_by(Decision.order_id)
        .subquery()
    )
    total, held = session.execute(
        select(func.count(), func.sum(judged.c.held)).select_from(judged)
    ).one()
    return _share(total - (held or 0), total)


def _on_time(session: Session, start: datetime, end: datetime) -> Decimal | None:
    """Share of parcels handed over before their order's time limit; orders without one do not count."""
    in_time = func.sum(case((Parcel.handed_over_at <= Order.ship_by, 1), else_=0))
    total, good = session.execute(
        select(func.count(), in_time)
        .select_from(Parcel)
        .join(Order, Order.id == Parcel.order_id)
        .where(Parcel.handed_over_at.between(start, end), Order.ship_by.is_not(None))
    ).one()
    return _share(good or 0, total)


def _freight(session: Session, context: Context, start: datetime, end: datetime) -> Money | None:
    """Mean price of the parcels that left, in the shop's own currency."""
    mean = session.scalar(
        select(func.avg(Parcel.cost_minor)).where(
            Parcel.handed_over_at.between(start, end), Parcel.currency == context.currency
        )
    )
    return None if mean is None else Money(round(Decimal(str(mean))), context.currency)


def _share(part: int, whole: int) -> Decimal | None:
    return Decimal(part) / Decimal(whole) if whole else None
