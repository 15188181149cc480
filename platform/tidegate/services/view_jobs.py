"""Background jobs as people see them: how each queue fares, what runs, what is dead and what it concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from tidegate.services.context import Context
from tidegate.services.job_kinds import QUEUES, queue_of
from tidegate.services.view_parked import Parked, parked
from tidegate.store.tables import Effect, Job, Order, Parcel

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Queue:
    """`oldest_due_at` of what is due and waits; None when nothing does."""

    name: str
    due: int
    later: int
    running: int
    dead: int
    oldest_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobLine:
    """`order_id` and `order_number` where it concerns an order that the reader may see."""

    id: int
    name: str
    queue: str
    state: str
    error: str
    attempts: int
    since: datetime
    worker: str
    order_id: int | None
    order_number: str


@dataclass(frozen=True, slots=True)
class Group:
    """Dead jobs of one kind that ended with the same error; `lines` are the newest."""

    name: str
    error: str
    count: int
    lines: list[JobLine]


@dataclass(frozen=True, slots=True)
class Jobs:
    queues: list[Queue]
    running: list[JobLine]
    dead: list[Group]
    parked: list[Parked]


def jobs_page(context: Context) -> Jobs:
    """Everything of the page."""
    now = context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        session = work.session
        rows = session.scalars(
            select(Job).where(Job.state == "leased").order_by(Job.started_at, Job.id).limit(SHOWN)
        )
        running = _lines(session, list(rows))
        waiting = parked(session, work.tenant_id)
        return Jobs(_queues(session, now), running, _groups(session), waiting)


def dead_jobs(context: Context, after: int = 0, limit: int = SHOWN) -> list[JobLine]:
    """Dead jobs with an id above `after`."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        wanted = select(Job).where(Job.state == "dead", Job.id > after).order_by(Job.id)
        return _lines(work.session, list(work.session.scalars(wanted.limit(limit))))


def _queues(session: Session, now: datetime) -> list[Queue]:
    due = and_(Job.state == "ready", Job.due_at <= now)
    counted = select(
        Job.name,
        func.count(case((due, 1))),
        func.count(case((and_(Job.state == "ready", Job.due_at > now), 1))),
        func.count(case((Job.state == "leased", 1))),
        func.count(case((Job.state == "dead", 1))),
        func.min(case((due, Job.due_at))),
    ).where(Job.state.in_(("ready", "leased", "dead")))
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    oldest: dict[str, datetime] = {}
    for name, *counts, at in session.execute(counted.group_by(Job.name)).all():
        queue = queue_of(name)
        sums[queue] = [a + b for a, b in zip(sums[queue], counts, strict=True)]
        if at is not None:
            oldest[queue] = min(at, oldest.get(queue, at))
    return [Queue(name, *_four(sums[name]), oldest.get(name)) for name in QUEUES]


def _four(counts: Sequence[int]) -> tuple[int, int, int, int]:
    due, later, running, dead = counts
    return due, later, running, dead


def _groups(session: Session) -> list[Group]:
    count = func.count().label("n")
    kinds = session.execute(
        select(Job.name, Job.error, count)
        .where(Job.state == "dead")
        .group_by(Job.name, Job.error)
        .order_by(count.desc(), Job.name)
    ).all()
    found = []
    for name, error, number in kinds:
        newest = select(Job).where(Job.state == "dead", Job.name == name, Job.error == error)
        rows = list(session.scalars(newest.order_by(Job.id.desc()).limit(SHOWN)))
        found.append(Group(name, error or "", number, _lines(session, rows)))
    return found


def _lines(session: Session, rows: Sequence[Job]) -> list[JobLine]:
    orders = _orders(session, rows)
    numbers = _numbers(session, orders.values())
    return [
        JobLine(
            id=row.id, name=row.name, queue=queue_of(row.name), state=row.state,
            error=row.error or "", attempts=row.attempts,
            since=row.started_at or row.finished_at or row.due_at, worker=row.worker or "",
            order_id=orders.get(row.id) if orders.get(row.id) in numbers else None,
            order_number=numbers.get(orders.get(row.id, 0), ""),
        )
        for row in rows
    ]  # fmt: skip


def _orders(session: Session, rows: Iterable[Job]) -> dict[int, int]:
    """The order of each job: named itself, or by a parcel or an effect."""
    parcels: dict[int, int] = {}
    effects: dict[int, int] = {}
    found: dict[int, int] = {}
    for row in rows:
        if isinstance(order_id := row.args.get("order_id"), int):
            found[row.id] = order_id
        elif isinstance(parcel_id := _parcel(row.args), int):
            parcels[row.id] = parcel_id
        elif isinstance(effect_id := row.args.get("effect_id"), int):
            effects[row.id] = effect_id
    of_effect = select(Effect.id, Effect.parcel_id).where(Effect.id.in_(effects.values()))
    parcel_of = {id_: parcel_id for id_, parcel_id in session.execute(of_effect).all()}
    parcels |= {job: parcel_of[effect] for job, effect in effects.items() if effect in parcel_of}
    of_parcel = select(Parcel.id, Parcel.order_id).where(Parcel.id.in_(parcels.values()))
    order_of = {id_: order_id for id_, order_id in session.execute(of_parcel).all()}
    return found | {job: order_of[id_] for job, id_ in parcels.items() if id_ in order_of}


def _parcel(args: Mapping[str, Any]) -> object:
    """The parcel of a job, or the only one of several."""
    many = args.get("parcel_ids")
    return many[0] if isinstance(many, list) and len(many) == 1 else args.get("parcel_id")


def _numbers(session: Session, ids: Iterable[int]) -> dict[int, str]:
    rows = session.execute(select(Order.id, Order.number).where(Order.id.in_(set(ids)))).all()
    return {id_: number for id_, number in rows}
