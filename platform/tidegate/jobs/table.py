"""The lease-based job table: claim, finish, fail. The row is the truth; a lost worker's lease runs out."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from tidegate.store.tables import Job
from tidegate.store.unit_of_work import Store

LEASE = timedelta(seconds=120)
ATTEMPTS = 8
KEEP_DONE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job in hand. `attempt` fences: only the holder of the newest attempt may finish it."""

    id: int
    name: str
    args: Mapping[str, Any]
    attempt: int


def claim(store: Store, tenant_id: int, now: datetime, limit: int) -> list[Claimed]:
    """Lease due jobs of one name (the oldest one's), also those whose lease ran out."""
    due = or_(
        and_(Job.state == "ready", Job.due_at <= now),
        and_(Job.state == "leased", Job.lease_until < now),
    )
    with store.begin(tenant_id) as work:
        session = work.session
        session.execute(  # a job that kills its worker again and again must stop somewhere
            update(Job)
            .where(Job.state == "leased", Job.lease_until < now, Job.attempts >= ATTEMPTS)
            .values(state="dead", error="lease_expired", lease_until=None)
            .execution_options(synchronize_session=False)
        )
        name = session.scalar(select(Job.name).where(due).order_by(Job.due_at, Job.id).limit(1))
        if name is None:
            work.commit()
            return []
        chosen = (
            select(Job.id).where(due, Job.name == name).order_by(Job.due_at, Job.id).limit(limit)
        )
        if store.engine.dialect.name == "postgresql":
            chosen = chosen.with_for_update(skip_locked=True)
        ids = list(session.scalars(chosen))
        rows = session.execute(
            update(Job)
            .where(Job.id.in_(ids))
            .values(state="leased", lease_until=now + LEASE, attempts=Job.attempts + 1)
            .returning(Job.id, Job.name, Job.args, Job.attempts)
            .execution_options(synchronize_session=False)
        ).all()
        work.commit()
    return sorted((Claimed(*row) for row in rows), key=lambda found: found.id)


def finish(store: Store, tenant_id: int, jobs: list[Claimed]) -> None:
    """Mark jobs done, unless a newer attempt holds them."""
    kept = case((Job.key.contains("@"), Job.key), else_=None)  # a tick stays taken
    with store.begin(tenant_id) as work:
        for job in jobs:
            work.session.execute(
                _mine(job).values(state="done", key=kept, lease_until=None, error=None)
            )
        work.commit()


def fail(store: Store, tenant_id: int, job: Claimed, now: datetime, error: str) -> bool:
    """Try again later with full jitter; after the last attempt the job is dead. True when dead."""
    dead = job.attempt >= ATTEMPTS
    wait = timedelta(seconds=random.uniform(1, min(600, 2 ** (job.attempt + 1))))  # noqa: S311
    values: dict[str, Any] = {"error": error, "lease_until": None}
    values |= {"state": "dead"} if dead else {"state": "ready", "due_at": now + wait}
    with store.begin(tenant_id) as work:
        work.session.execute(_mine(job).values(**values))
        work.commit()
    return dead


def tick(store: Store, tenant_id: int, name: str, now: datetime, every_s: int) -> bool:
    """Enqueue a recurring job once per period, whoever asks first; True when it was us."""
    slot = int(now.timestamp()) // every_s
    key = f"{name}@{slot}"
    with store.begin(tenant_id) as work:
        open_one = work.session.scalar(
            select(Job.id)
            .where(Job.name == name, or_(Job.key == key, Job.state.in_(("ready", "leased"))))
            .limit(1)
        )
        if open_one is not None:
            return False
        work.add(Job(name=name, args={}, key=key, due_at=now, created_at=now))
        try:
            work.commit()
        except IntegrityError:
            return False
    return True


def sweep(store: Store, tenant_id: int, now: datetime) -> None:
    """Forget jobs that were done a while ago."""
    with store.begin(tenant_id) as work:
        work.session.execute(
            delete(Job)
            .where(Job.state == "done", Job.due_at < now - KEEP_DONE)
            .execution_options(synchronize_session=False)
        )
        work.commit()


def _mine(job: Claimed) -> Any:
    return (
        update(Job)
        .where(Job.id == job.id, Job.attempts == job.attempt, Job.state == "leased")
        .execution_options(synchronize_session=False)
    )
