"""Stock that a rule promised for some hours only (`allocate`, `for_hours`) and that nothing came of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from tidegate.services.context import Context
from tidegate.services.decisions import add_tags, ask
from tidegate.services.facts import order_facts, stock_facts
from tidegate.services.states import move_order, record
from tidegate.services.subjects import Subject, load_subjects
from tidegate.services.voiding import withdraw
from tidegate.store.tables import Order, Reservation
from tidegate.store.unit_of_work import UnitOfWork

STATES = ("approved", "on_hold", "allocated", "routed")  # later there is a waybill for the goods
MOST = 200  # orders per run; the next one is a minute away
REASON, QUEUE = "reservation_expired", "warehouse"  # where no rule says another


def expire_reservations(context: Context) -> int:
    """Give back what was promised for too long; the inventory rules say whose the orders are now. How many orders."""
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        over = (
            select(Reservation.order_id)
            .where(Reservation.state == "active", Reservation.expires_at <= now)
            .distinct()
        )
        ids = work.session.scalars(
            select(Order.id)
            .where(Order.id.in_(over), Order.state.in_(STATES))
            .order_by(Order.id)
            .limit(MOST)
        ).all()
        ended = {
            id_: at
            for id_, at in work.session.execute(
                select(Reservation.order_id, Reservation.expires_at).where(
                    Reservation.order_id.in_(ids), Reservation.expires_at <= now
                )
            )
        }
        for subject in load_subjects(work, ids).values():
            _expire(work, context, subject, ended[subject.order.id], now)
        work.commit()
    return len(ids)


def _expire(
    work: UnitOfWork, context: Context, subject: Subject, ended_at: datetime | None, now: datetime
) -> None:
    """A new promise is not made here: `at most` means that others may have the goods first."""
    order, stock = subject.order, stock_facts(subject)["stock"]
    record(work, REASON, order_id=order.id, now=now, actor_kind="system", actor="sweep")
    facts = order_facts(subject) | {"stock": {**stock, "expired_at": ended_at}}
    found = ask(work, context, "inventory", facts, now=now, trigger=REASON, order_id=order.id)
    add_tags(order, found)
    hold = found.first("hold")
    order.hold_reason = str(hold.args["reason"]) if hold else REASON
    order.hold_queue = str(hold.args["queue"]) if hold else QUEUE
    if order.state != "on_hold":
        kind, who = ("rule", hold.rule) if hold else ("system", "sweep")
        move_order(
            work, order, "on_hold", now=now, actor_kind=kind, actor=who, reason=order.hold_reason
        )
    withdraw(work, order, now)
