"""Whether this process may be given work: asked every few seconds by whoever spreads requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Lock

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from tidegate.errors import Unavailable
from tidegate.services.context import Context
from tidegate.services.health.places import free_share, wal_bytes
from tidegate.store.dialects import insert_of
from tidegate.store.health_tables import WriteProbe
from tidegate.store.revisions import current_revision, newest_revision
from tidegate.store.tables import Job

LEAST_FREE = 0.05  # of the disk
MOST_WAL_BYTES = 256 * 1024 * 1024
OLDEST_DUE = timedelta(minutes=15)
KEPT_S = 1.0  # one answer serves whoever asks meanwhile: a probe must not be a load
JOBS = "jobs.behind"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not: a stable code, and figures or a revision, never data."""

    code: str
    said: str


class Readiness:
    """The answer of one process. `stop` switches it off for good, before the process ends."""

    def __init__(self, context: Context, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._context = context
        self._monotonic = monotonic
        self._stopping = Event()
        self._lock = Lock()
        self._asked: tuple[float, tuple[Reason, ...]] | None = None

    def stop(self) -> None:
        self._stopping.set()

    def reasons(self) -> tuple[Reason, ...]:
        """What speaks against it; empty when ready."""
        if self._stopping.is_set():
            return (Reason("process.stopping", "this process is ending"),)
        with self._lock:
            now = self._monotonic()
            if self._asked is None or now - self._asked[0] >= KEPT_S:
                self._asked = (now, tuple(_reasons(self._context)))
            return self._asked[1]


def _reasons(context: Context) -> Iterator[Reason]:
    try:
        yield from _database(context)
        yield from _write(context)
    except (SQLAlchemyError, Unavailable) as error:
        yield Reason("database.unreachable", type(error).__name__)
        return
    free = free_share(context.data_dir)
    if free < LEAST_FREE:
        yield Reason("disk.full", f"{free:.1%} free, at least {LEAST_FREE:.0%} are needed")


def _database(context: Context) -> Iterator[Reason]:
    engine = context.store.engine
    with context.store.unscoped(readonly=True) as session:
        current, newest = current_revision(session.connection()), newest_revision()
        if current != newest:
            yield Reason("database.revision", f"is at {current}, this version needs {newest}")
            return
        now = context.clock()
        due = select(func.min(Job.due_at)).where(Job.state == "ready", Job.due_at <= now)
        oldest = session.scalar(due)
    if oldest is not None and now - oldest > OLDEST_DUE:
        yield Reason(JOBS, f"the oldest due job waits for {int((now - oldest).total_seconds())} s")
    if engine.dialect.name == "sqlite" and (wal := wal_bytes(engine)) > MOST_WAL_BYTES:
        yield Reason("database.wal", f"{wal} bytes are not checkpointed")


def _write(context: Context) -> Iterator[Reason]:
    """A row written and committed; a read-only stand-by or a full disk shows here."""
    try:
        with context.store.unscoped() as session:
            dialect = session.get_bind().dialect
            if dialect.name == "postgresql":
                session.execute(text("SET LOCAL lock_timeout = '2s'"))
                session.execute(text("SET LOCAL statement_timeout = '3s'"))
            row = insert_of(dialect)(WriteProbe).values(id=1, written_at=context.clock())
            row = row.on_conflict_do_update(
                index_elements=["id"], set_={"written_at": row.excluded.written_at}
            )
            session.execute(row)
            session.commit()
    except (SQLAlchemyError, Unavailable) as error:
        yield Reason("database.write", type(error).__name__)
