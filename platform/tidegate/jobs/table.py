"""The lease-based job table: claim, finish, fail, release. The row is the truth; a lost worker's lease runs out.

What is due is judged by the clock of whoever asks, leases by the database's.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    case,
    exists,
    literal_column,
    or_,
    select,
    update,
)

from tidegate.jobs.rows import COLUMNS, JOB, READY, Claimed, claimed, held
from tidegate.services.job_kinds import KINDS, kind_of
from tidegate.store.database_clock import database_now
from tidegate.store.unit_of_work import Store

LEASE_S = 60.0
ALONE_FROM = (
    3  # lost or failed so often: it is claimed by itself, so that it takes no others with it
)
_NEWER = {name: kind.v for name, kind in KINDS.items() if kind.v > 1}
_READABLE = JOB.c.v <= (case(_NEWER, value=JOB.c.name, else_=1) if _NEWER else 1)
JITTER = random.Random()  # noqa: S311 - spreads retries, guards nothing


def claim(
    store: Store,
    tenant_id: int,
    now: datetime,
    limit: int,
    *,
    names: Sequence[str] | None = None,
    lane: str | None = None,
    worker: str = "",
    lease_s: float = LEASE_S,
) -> list[Claimed]:
    """Lease due jobs of one name and lane (the oldest one's) out of `names`, oldest first.

    A lane of which jobs are in hand elsewhere waits for them; `lane` asks for jobs of this one only.
    """
    due = [JOB.c.tenant_id == tenant_id, READY, JOB.c.due_at <= now, _READABLE]
    due += [] if names is None else [JOB.c.name.in_(names)]
    due += [] if lane is None else [JOB.c.lane == lane]
    if names is None or any(kind_of(name).lanes for name in names):
        due.append(_free(tenant_id))
    oldest = select(JOB.c.name, JOB.c.attempts, JOB.c.lane).where(*due)
    oldest = oldest.order_by(JOB.c.due_at, JOB.c.id).limit(1)
    if not store.look_up(oldest):
        return []  # most that is due may wait for its lane: looking takes nobody's turn to write
    with store.begin(tenant_id) as work:
        connection = work.session.connection()
        first = connection.execute(oldest).first()
        if first is None:
            return []
        alone = first.attempts >= ALONE_FROM
        same_lane = JOB.c.lane.is_(None) if first.lane is None else JOB.c.lane == first.lane
        chosen = select(JOB.c.id).where(*due, JOB.c.name == first.name, same_lane)
        chosen = chosen if alone else chosen.where(JOB.c.attempts < ALONE_FROM)
        chosen = chosen.order_by(JOB.c.due_at, JOB.c.id).limit(1 if alone else limit)
        found = _lease(connection, chosen, worker, now, lease_s)
        work.commit()
    return found


def claim_ids(
    store: Store, ids: Sequence[int], now: datetime, *, worker: str, lease_s: float = LEASE_S
) -> list[Claimed]:
    """Lease those of these jobs that are still waiting, of whatever tenant."""
    with store.unscoped() as session:
        chosen = select(JOB.c.id).where(JOB.c.id.in_(ids), READY, JOB.c.due_at <= now, _READABLE)
        found = _lease(session.connection(), chosen.order_by(JOB.c.id), worker, now, lease_s)
        session.commit()
    return found


def send_again(store: Store, ids: Collection[int]) -> None:
    """A message about these came to nothing: those that still wait are sent anew."""
    if not ids:
        return
    with store.unscoped() as session:
        waiting = update(JOB).where(JOB.c.id.in_(ids), READY)
        session.connection().execute(waiting.values(sent_at=None))
        session.commit()


def _free(tenant_id: int) -> ColumnElement[bool]:
    """Nobody works in the job's lane; two that look at the same moment may both begin, which is allowed."""
    other = JOB.alias("other")
    busy = (other.c.tenant_id == tenant_id, other.c.state == literal_column("'leased'"))
    return or_(
        JOB.c.lane.is_(None), ~exists().where(*busy, other.c.lane == JOB.c.lane).correlate(JOB)
    )


def finish(store: Store, jobs: Sequence[Claimed], now: datetime) -> None:
    """Mark jobs done, unless a newer attempt holds them."""
    kept = case((JOB.c.key.contains("@"), JOB.c.key), else_=None)  # a tick stays taken
    _set(store, jobs, state="done", key=kept, lease_until=None, error=None, finished_at=now)


def fail(
    store: Store,
    job: Claimed,
    now: datetime,
    error: str,
    *,
    at_least_s: float = 0.0,
    away: bool = False,
    rng: random.Random = JITTER,
) -> bool:
    """Try again later with full jitter; after the last attempt of its kind it is dead. True when dead.

    `away`: somebody could not be reached; a kind that recurs is left to its next job then.
    """
    kind = kind_of(job.name)
    if job.attempt >= kind.attempts and kind.recurs and away:
        _set(
            store, [job], state="dropped", key=None, lease_until=None, error=error, finished_at=now
        )
        return False
    if job.attempt >= kind.attempts:
        bury(store, job, now, error)
        return True
    wait = rng.uniform(1, min(kind.longest_wait_s, 2 ** (job.attempt + 1)))
    due_at = now + timedelta(seconds=max(wait, at_least_s))
    _set(store, [job], state="ready", due_at=due_at, lease_until=None, error=error, sent_at=None)
    return False


def bury(store: Store, job: Claimed, now: datetime, error: str) -> None:
    """It is dead: nobody tries it again before a person says so."""
    _set(store, [job], state="dead", lease_until=None, error=error, finished_at=now)


def release(store: Store, jobs: Sequence[Claimed]) -> None:
    """Hand back what is not done: due at once, for anybody."""
    _set(store, jobs, state="ready", lease_until=None, sent_at=None)


def hand_back(store: Store, jobs: Sequence[Claimed]) -> None:
    """Hand back what was not begun: as if it had not been claimed. Only whoever claimed it may, and forgets it."""
    _set(store, jobs, state="ready", lease_until=None, sent_at=None, attempts=JOB.c.attempts - 1)


def renew(store: Store, jobs: Sequence[Claimed], lease_s: float = LEASE_S) -> set[int]:
    """Lease held jobs anew; the ids that are still ours."""
    if not jobs:
        return set()
    with store.unscoped() as session:
        again = update(JOB).where(held(jobs)).values(lease_until=database_now(lease_s))
        kept = set(session.connection().execute(again.returning(JOB.c.id)).scalars())
        session.commit()
    return kept


def _lease(
    connection: Connection, chosen: Select[Any], worker: str, now: datetime, lease_s: float
) -> list[Claimed]:
    if connection.dialect.name == "postgresql":
        chosen = chosen.with_for_update(skip_locked=True)
    taken = chosen.cte("chosen")
    leased = (
        update(JOB)
        .where(JOB.c.id.in_(select(taken.c.id)))
        .values(
            state="leased",
            lease_until=database_now(lease_s),
            attempts=JOB.c.attempts + 1,
            worker=worker or None,
            started_at=now,
        )
        .returning(*COLUMNS)
    )
    return claimed(connection.execute(leased))


def _set(store: Store, jobs: Sequence[Claimed], **values: Any) -> None:
    if not jobs:
        return
    with store.unscoped() as session:
        session.connection().execute(update(JOB).where(held(jobs)).values(**values))
        session.commit()
