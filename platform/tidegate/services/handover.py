"""Handing printed parcels to the courier: from here the goods are no longer ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from tidegate.services.context import Context
from tidegate.services.inventory import consume_stock, promised
from tidegate.services.people import order_of, parcel_of, wrong_state
from tidegate.services.reserving import ship
from tidegate.services.states import move_order, move_parcel
from tidegate.services.work import watch_later
from tidegate.services.write_back import tell_later
from tidegate.store.tables import Order, Parcel, Reservation
from tidegate.store.unit_of_work import UnitOfWork


def hand_over(context: Context, parcel_ids: Sequence[int], actor: str) -> int:
    """Hand these printed parcels over, all or none; the number handed over now.

    A parcel that was handed over before stays so.

    Raises:
        NotFound: no such parcel. Conflict: one is not printed.
    """
    now = context.clock()
    leaving: list[tuple[Order, Parcel]] = []
    with context.store.begin(context.tenant_id) as work:
        rows = work.session.execute(
            select(Parcel, Order)
            .join(Order, Order.id == Parcel.order_id)
            .where(Parcel.id.in_(parcel_ids))
        ).all()  # kept, so that the look-ups below cost no query each
        for parcel_id in dict.fromkeys(parcel_ids):
            parcel = parcel_of(work, parcel_id)
            if parcel.state == "handed_over":
                continue
            if parcel.state != "printed":
                raise wrong_state(parcel.number, parcel.state, "printed")
            leaving.append((order_of(work, parcel.order_id), parcel))
        held = promised(work, {order.id for order, _ in leaving})
        ship(work, [row for found in held.values() for row in found], now)
        for order, parcel in leaving:
            leave(work, order, parcel, now, "person", actor, held=())
            if order.shop_id in context.shops:
                tell_later(work, parcel.id, order.shop_id, now)
        done = [parcel.id for _, parcel in leaving]
        del rows
        watch_later(work, done, "handed_over", now)
        work.commit()
    return len(done)


def leave(
    work: UnitOfWork,
    order: Order,
    parcel: Parcel,
    now: datetime,
    actor_kind: str,
    actor: str,
    held: Sequence[Reservation] | None = None,
) -> None:
    """The parcel leaves the house: stock is consumed, parcel and order move."""
    parcel.handed_over_at = now
    consume_stock(work, order, now, held)
    move_parcel(work, parcel, "handed_over", now=now, actor_kind=actor_kind, actor=actor)
    move_order(work, order, "handed_over", now=now, actor_kind=actor_kind, actor=actor)
