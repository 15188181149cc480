"""What nobody works on any more comes back: leases that ended, workers that died, clocks that were set back."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, not_, or_, select, update

from tidegate.jobs.rows import JOB, LEASED, READY
from tidegate.services.job_kinds import DEFAULT, KINDS
from tidegate.store.database_clock import database_now
from tidegate.store.unit_of_work import Store

FAR_S = 3600.0  # no lease is so long: the database's clock was set back since
UNKNOWN_AFTER = timedelta(minutes=10)  # newer workers of a rolling upgrade had their time
LEASE_ENDED = "jobs.lease_expired"


def rescue(store: Store) -> int:
    """Jobs whose lease ended wait again; those that ended too many workers are dead. The number.

    A job that kills its worker again and again must stop somewhere.
    """
    ended = and_(
        LEASED, or_(JOB.c.lease_until < database_now(), JOB.c.lease_until > database_now(FAR_S))
    )
    return _back(store, ended)


def rescue_of_the_dead(store: Store) -> int:
    """Jobs held by processes of this machine that are gone; a restart need not wait for their leases."""
    mine = f"{_place()}:%"
    with store.unscoped(readonly=True) as session:
        holders = select(JOB.c.worker).where(LEASED, JOB.c.worker.like(mine)).distinct()
        names = [name for name in session.connection().execute(holders).scalars() if name]
    gone = [name for name in names if not _alive(name)]
    return _back(store, and_(LEASED, JOB.c.worker.in_(gone))) if gone else 0


def release_of(store: Store, worker: str) -> int:
    """Hand back what a worker of this name still holds; it is ending."""
    with store.unscoped() as session:
        rows = and_(LEASED, JOB.c.worker == worker)
        values = {"state": "ready", "lease_until": None, "sent_at": None}
        done = session.connection().execute(update(JOB).where(rows).values(**values))
        session.commit()
    return done.rowcount


def park_unknown(store: Store, known: Collection[str], now: datetime) -> int:
    """Jobs of a kind that no running version knows are dead letters after a while."""
    nobody = and_(READY, JOB.c.due_at < now - UNKNOWN_AFTER, not_(JOB.c.name.in_(known)))
    values = {"state": "dead", "error": "jobs.kind_unknown", "finished_at": now}
    return _change(store, nobody, values)


def pull_in(store: Store, now: datetime, latest: datetime) -> int:
    """The clock went back from `latest` to `now`: what was due in between does not wait for it again."""
    due_once = and_(READY, JOB.c.due_at > now, JOB.c.due_at <= latest)
    return _change(store, due_once, {"due_at": now})


def worker_name(pid: int | None = None) -> str:
    """This process: machine, process space (a container has its own), number."""
    return f"{_place()}:{pid or os.getpid()}"


def _back(store: Store, which: ColumnElement[bool]) -> int:
    most = case(
        {name: kind.attempts for name, kind in KINDS.items()},
        value=JOB.c.name,
        else_=DEFAULT.attempts,
    )
    spent = JOB.c.attempts >= most
    values: dict[str, object] = {
        "state": case((spent, "dead"), else_="ready"),
        "error": LEASE_ENDED,
        "finished_at": case((spent, database_now()), else_=None),
        "lease_until": None,
        "sent_at": None,
    }
    return _change(store, which, values)


def _change(store: Store, which: ColumnElement[bool], values: Mapping[str, object]) -> int:
    """Look first: on SQLite a change takes the write lock even when there is nothing to change."""
    with store.unscoped(readonly=True) as session:
        ids = list(
            session.connection().execute(select(JOB.c.id).where(which).limit(1000)).scalars()
        )
    if not ids:
        return 0
    with store.unscoped() as session:
        rows = update(JOB).where(JOB.c.id.in_(ids), which).values(values)
        changed = session.connection().execute(rows).rowcount
        session.commit()
    return changed


def _place() -> str:
    try:
        space = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        space = 0
    return f"{socket.gethostname()[:60]}:{space}"


def _alive(worker: str) -> bool:
    pid = worker.rpartition(":")[2]
    if not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
