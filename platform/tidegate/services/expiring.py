"""Stock that a rule promised for some hours only (`allocate`, `for_hours`) and that nothing came of."""

from __future__ import annotations

from sqlalchemy import select

from tidegate.services.context import Context
from tidegate.services.states import move_order, record
from tidegate.services.voiding import withdraw
from tidegate.store.tables import Order, Reservation

STATES = ("approved", "on_hold", "allocated", "routed")  # later there is a waybill for the goods
MOST = 200  # orders per run; the next one is a minute away
REASON = "reservation_expired"


def expire_reservations(context: Context) -> int:
    """Give back what was promised for too long; the orders go to a person. How many orders."""
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        over = (
            select(Reservation.order_id)
            .where(Reservation.state == "active", Reservation.expires_at <= now)
            .distinct()
        )
        orders = work.session.scalars(
            select(Order)
            .where(Order.id.in_(over), Order.state.in_(STATES))
            .order_by(Order.id)
            .limit(MOST)
        ).all()
        for order in orders:
            record(work, REASON, order_id=order.id, now=now, actor_kind="system", actor="sweep")
            order.hold_reason, order.hold_queue = REASON, "warehouse"
            move_order(
                work, order, "on_hold", now=now, actor_kind="system", actor="sweep", reason=REASON
            )
            withdraw(work, order, now)
        work.commit()
    return len(orders)
