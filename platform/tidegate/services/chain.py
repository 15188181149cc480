"""Drives orders through the gates: each step its own transaction, and running twice changes nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import select

from tidegate.services import alerts, quoting, shipping
from tidegate.services.context import Context
from tidegate.services.history import load_history, windows_read
from tidegate.services.inventory import run_inventories
from tidegate.services.review import reconsider, run_intake, run_review
from tidegate.services.routing import run_routing
from tidegate.services.said_before import decide_together
from tidegate.services.states import move_order, take
from tidegate.services.subjects import Subject, load_subjects
from tidegate.services.waybills.ordering import request_later
from tidegate.store.tables import Parcel
from tidegate.store.unit_of_work import UnitOfWork

GROUP = 50  # orders per transaction: one commit costs as much as deciding several orders
HOLD_S = 0.5
JUDGED = (
    "on_hold", "approved", "waiting_stock", "allocated", "routed", "waybill", "printed",
)  # fmt: skip
ASKED = ("received", *JUDGED)
Step = Callable[[UnitOfWork, Context, Subject, datetime, str], object]


def decide_many(context: Context, order_ids: Sequence[int], trigger: str = "advance") -> None:
    """Take orders through the gates, a group per transaction; jobs that ask carriers commit with it.

    No carrier is called here: one that is slow delays the parcels of its own lane only. Rules that are slow keep
    others from writing for `HOLD_S` or for one order, whichever is longer.
    """
    for group in _groups(order_ids):
        left = group
        while left:
            here = left
            with context.store.begin(context.tenant_id) as work:
                subjects = load_subjects(work, here)
                now = context.clock()
                left = _decide(work, context, subjects.values(), now, trigger, HOLD_S)
                asking = [parcel.id for parcel in request_later(work, subjects.values(), now)]
                alerts.watch_soon(work, asking, now)
                work.commit()
            decided = [id_ for id_ in here if id_ not in left]
            alerts.watch(context, set(_to_watch(context, decided)).difference(asking), "advance")


def advance(context: Context, order_id: int, trigger: str = "advance") -> None:
    """Take one order as far as it goes while the caller waits."""
    advance_many(context, [order_id], trigger)


def advance_many(context: Context, order_ids: Sequence[int], trigger: str = "advance") -> None:
    """As `decide_many`, but carriers are called at once: for a caller that waits for the waybills."""
    for group in _groups(order_ids):
        with context.store.begin(context.tenant_id) as work:
            subjects = load_subjects(work, group).values()
            _decide(work, context, subjects, context.clock(), trigger)
            asked = quoting.asked(work)
            work.commit()
        if asked:
            _decide_priced(context, group, asked, trigger)
        shipping.request_waybills(context, group)
        alerts.watch(context, _to_watch(context, group), "waybill")


def _decide_priced(
    context: Context, group: list[int], asked: Iterable[tuple[str, int]], trigger: str
) -> None:
    """Once more, with the prices that carriers were just asked for; who does not answer is passed over."""
    for account, parcel_id in asked:
        quoting.ask(context, account, parcel_id)
    with context.store.begin(context.tenant_id) as work:
        subjects = load_subjects(work, group).values()
        _decide(work, context, subjects, context.clock(), trigger)
        work.commit()


def _groups(order_ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(order_ids), GROUP):
        yield list(order_ids[start : start + GROUP])


def _decide(
    work: UnitOfWork,
    context: Context,
    subjects: Iterable[Subject],
    now: datetime,
    trigger: str,
    hold_s: float = math.inf,
) -> list[int]:
    """All gates that need no remote: in rounds, each order one step per round, until none moves any more.

    After `hold_s` seconds of a step no other order takes it any more: the ids of those that are left for later, each
    where it stands.
    """
    moving, left = list(subjects), list[int]()
    until = time.monotonic() + hold_s
    _take(work, moving)
    sets = [*context.rules.for_gate("intake"), *context.rules.for_gate("review")]
    load_history(work, [s for s in moving if s.order.state in ASKED], windows_read(sets))
    decide_together(work, [subject.order.id for subject in moving])
    with work.session.no_autoflush:  # one flush per round writes many rows at once
        for subject in moving:
            if subject.order.state in JUDGED:
                reconsider(work, context, subject, now, trigger)
        while moving:
            before = [subject.order.state for subject in moving]
            for_stock = [subject for subject in moving if _wants_stock(subject)]
            others = [subject for subject in moving if not _wants_stock(subject)]
            stepped = False
            for subject in others:
                step = STEPS.get(subject.order.state)
                if step is None:
                    continue
                if stepped and time.monotonic() > until:
                    left.append(subject.order.id)
                else:
                    step(work, context, subject, now, trigger)
                    stepped = True
            run_inventories(work, context, for_stock, now, trigger)
            work.session.flush()
            if for_stock:  # others who want the same goods need not wait until couriers are chosen
                work.commit()
                until = time.monotonic() + hold_s
                _take(work, moving)
            moving = [
                subject
                for subject, state in zip(moving, before, strict=True)
                if subject.order.state != state
            ]
    return left


def _take(work: UnitOfWork, subjects: Sequence[Subject]) -> None:
    """Orders and parcels of a group, until the next commit."""
    parcels = [parcel for subject in subjects for parcel in subject.parcels]
    take(work, [subject.order for subject in subjects], parcels)


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
        if parcel.state not in ("allocated", "on_hold"):
            continue
        if not quoting.awaited(work, subject, parcel, now):
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
