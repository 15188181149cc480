"""Drives orders through the gates: each step its own transaction, and running twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from tidegate.services import alerts, shipping, write_back
from tidegate.services.context import Context
from tidegate.services.expiring import expire_reservations
from tidegate.services.history import load_history, windows_read
from tidegate.services.inventory import run_inventories
from tidegate.services.review import reconsider, run_intake, run_review
from tidegate.services.routing import run_routing
from tidegate.services.states import move_order
from tidegate.services.subjects import Subject, load_subjects
from tidegate.services.work import enqueue
from tidegate.store.tables import Effect, Job, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork

GROUP = 50  # orders per transaction: one commit costs as much as deciding several orders
JUDGED = (
    "on_hold", "approved", "waiting_stock", "allocated", "routed", "waybill", "printed",
)  # fmt: skip
ASKED = ("received", *JUDGED)
MOVING = ("received", "approved", "allocated", "routed")  # nobody need do anything for these
FORGOTTEN_AFTER = timedelta(minutes=2)
SWEEP = 500  # orders per sweep; the next one is a minute away
Step = Callable[[UnitOfWork, Context, Subject, datetime, str], object]


def advance(context: Context, order_id: int, trigger: str = "advance") -> None:
    """Take one order as far as it goes."""
    advance_many(context, [order_id], trigger)


def advance_many(context: Context, order_ids: Sequence[int], trigger: str = "advance") -> None:
    """Take orders as far as they go, a group per transaction; waybills are asked for in between."""
    for start in range(0, len(order_ids), GROUP):
        group = list(order_ids[start : start + GROUP])
        with context.store.begin(context.tenant_id) as work:
            subjects = load_subjects(work, group).values()
            _decide(work, context, subjects, context.clock(), trigger)
            work.commit()
        shipping.request_waybills(context, group)
        alerts.watch(context, _to_watch(context, group), "waybill")


def _decide(
    work: UnitOfWork, context: Context, subjects: Iterable[Subject], now: datetime, trigger: str
) -> None:
    """All gates that need no remote: in rounds, each order one step per round, until none moves any more."""
    moving = list(subjects)
    sets = [*context.rules.for_gate("intake"), *context.rules.for_gate("review")]
    load_history(work, [s for s in moving if s.order.state in ASKED], windows_read(sets))
    with work.session.no_autoflush:  # one flush per round writes many rows at once
        for subject in moving:
            if subject.order.state in JUDGED:
                reconsider(work, context, subject, now, trigger)
        while moving:
            before = [subject.order.state for subject in moving]
            for_stock = [subject for subject in moving if _wants_stock(subject)]
            others = [subject for subject in moving if not _wants_stock(subject)]
            for subject in others:
                step = STEPS.get(subject.order.state)
                if step is not None:
                    step(work, context, subject, now, trigger)
            run_inventories(work, context, for_stock, now, trigger)
            work.session.flush()
            moving = [
                subject
                for subject, state in zip(moving, before, strict=True)
                if subject.order.state != state
            ]


def _receive(
    work: UnitOfWork, context: Context, subject: Subject, now: datetime, trigger: str
) -> None:
    trigger = trigger if subject.judged else "received"
    run_intake(work, context, subject, now, trigger)
    run_review(work, context, subject, now, trigger)


def _route(
    work: UnitOfWork, context: Context, subject: Subject, now: datetime, trigger: str
) -> None:
    for parcel in subject.parcels:
        if parcel.state in ("allocated", "on_hold"):
            run_routing(work, context, subject, parcel, now, trigger)


def _wants_stock(subject: Subject) -> bool:
    """An approved order that already holds stock (a person released its routing) goes on with it."""
    if subject.order.state == "approved":
        return not (subject.own and subject.parcels)
    return subject.order.state == "waiting_stock"


def _go_on(
    work: UnitOfWork, context: Context, subject: Subject, now: datetime, trigger: str
) -> None:
    del context, trigger
    move_order(work, subject.order, "allocated", now=now, actor="chain", actor_kind="system")


STEPS: dict[str, Step] = {
    "received": _receive,
    "approved": _go_on,
    "allocated": _route,
}


def _to_watch(context: Context, order_ids: Sequence[int]) -> list[int]:
    """Parcels that have a courier: from now on time matters."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = select(Parcel.id).where(
            Parcel.order_id.in_(order_ids), Parcel.state.in_(("routed", "waybill"))
        )
        return list(work.session.scalars(found))


def sweep(context: Context) -> int:
    """A job for everything that should be moving by itself and has none; the number made.

    Nothing can be forgotten: whatever lost an order's job, it goes on within minutes. Stock that a rule promised
    for a while only is given back.
    """
    now = context.clock()
    expire_reservations(context)
    late = now - FORGOTTEN_AFTER
    with context.store.begin(context.tenant_id) as work:
        orders = work.session.scalars(
            select(Order.id)
            .where(Order.state.in_(MOVING), Order.state_since < late)
            .order_by(Order.state_since)
            .limit(SWEEP)
        )
        voids = work.session.scalars(
            select(Effect.id).where(Effect.state == "voiding", Effect.updated_at < late)
        )
        wanted = [
            *(("advance_order", "advance", "order_id", id_) for id_ in orders),
            *(("void_waybill", "void", "effect_id", id_) for id_ in voids),
            *(
                ("write_back", "write_back", "parcel_id", id_)
                for id_ in write_back.untold(work, context, late, SWEEP)
            ),
        ]
        made = _make_missing(work, wanted, now)
        work.commit()
    return made


def _make_missing(
    work: UnitOfWork, wanted: Sequence[tuple[str, str, str, int]], now: datetime
) -> int:
    """Jobs (name, key prefix, argument, id) that are not there."""
    keys = {f"{prefix}:{id_}" for _, prefix, _, id_ in wanted}
    open_jobs = select(Job.key).where(Job.key.in_(keys), Job.state.in_(("ready", "leased")))
    busy = set(work.session.scalars(open_jobs))
    missing = [row for row in wanted if f"{row[1]}:{row[3]}" not in busy]
    for name, prefix, argument, id_ in missing:
        key = f"{prefix}:{id_}"
        enqueue(work, name, {argument: id_}, due_at=now, now=now, key=key)
    return len(missing)
