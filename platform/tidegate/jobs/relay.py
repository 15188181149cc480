"""The relay of a scaled-out installation: tells workers which jobs are due, and keeps the table in order.

Any number may run. It sends at most WINDOW jobs of a queue ahead of its workers, so that a backlog stays in the
table and not in Redis; what Redis lost is sent again as soon as its queue is empty and the job still waits.
While Redis is away the relay does the work itself, slower, but it goes on.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import and_, func, literal_column, or_, select, update

from tidegate.jobs.clerk import Clerk
from tidegate.jobs.due import due
from tidegate.jobs.names import BATCHES, FUNCTIONS
from tidegate.jobs.rows import JOB, READY
from tidegate.jobs.runner import Runner, turned
from tidegate.jobs.table import send_again
from tidegate.services.context import Context
from tidegate.services.contexts import Contexts
from tidegate.services.job_kinds import QUEUES, kind_of, queue_of
from tidegate.store.database_clock import database_now
from tidegate.store.unit_of_work import Store

log = structlog.get_logger()
POLL_S = 1.0
BUSY_S = 0.05
WINDOW = 1000  # jobs of a queue that were sent and wait
PER_MESSAGE = 50
LOST_AFTER_S = 2.0  # with nothing waiting in Redis
AGAIN_AFTER_S = 60.0  # whatever Redis says
ALONE_AFTER_S = 3.0  # Redis is away for so long: work oneself


class Sender(Protocol):
    """What carries ids; `celery_app.Messenger`."""

    def send(self, queue: str, ids: Sequence[int]) -> None: ...
    def waiting(self, queue: str) -> int: ...
    def close(self) -> None: ...


class Relay:
    """`run` until `stop`."""

    def __init__(
        self,
        context: Context,
        sender: Sender,
        *,
        lease_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._store = context.store
        self._sender = sender
        self._lease_s = lease_s
        self._monotonic = monotonic
        self._clerk = Clerk(Contexts(context))
        self._stopping = threading.Event()
        self._away_since: float | None = None
        self._alone: Runner | None = None
        self._turn = 0

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        """Rounds until told to stop; what was sent stays sent."""
        self._clerk.begin()
        while not self._stopping.is_set():
            self._clerk.round()
            sent = self.round()
            self._stopping.wait(BUSY_S if sent else POLL_S)
        self._together()
        self._sender.close()

    def round(self) -> int:
        """Send what is due in every queue; the number of jobs sent. Never raises."""
        sent = 0
        for queue in QUEUES:
            try:
                sent += self._send(queue)
            except Exception as error:
                self._away(error)
                return sent
        self._together()
        return sent

    def _send(self, queue: str) -> int:
        names = [name for name in FUNCTIONS if queue_of(name) == queue]
        waiting = self._sender.waiting(queue)
        again_s = LOST_AFTER_S if waiting == 0 else AGAIN_AFTER_S
        now = self._context.clock()
        room = WINDOW - sent_and_waiting(self._store, names, now, again_s)
        pairs = due(self._store, names, now)
        self._turn += 1
        sent = 0
        for tenant_id, name in turned(pairs, self._turn):
            share = max(PER_MESSAGE, room // len(pairs))
            limit = min(share, room - sent)
            if limit <= 0:
                break
            if kind_of(name).lanes:
                messages: list[Sequence[int]] = unsent_in_lanes(
                    self._store, tenant_id, name, now, again_s
                )
            else:
                ids = unsent(self._store, tenant_id, name, now, again_s, limit)
                messages = list(bunches(ids, PER_MESSAGE if name in BATCHES else 1))
            for message in messages:
                self._post(queue, message)
                sent += len(message)
        return sent

    def _post(self, queue: str, message: Sequence[int]) -> None:
        """Marked first: a worker that is told while we write leaves the rows that we hold, and the message is lost."""
        mark_sent(self._store, message)
        try:
            self._sender.send(queue, message)
        except Exception:
            send_again(self._store, message)
            raise

    def _away(self, error: Exception) -> None:
        """Redis (or the database) does not answer."""
        self._sender.close()
        now = self._monotonic()
        if self._away_since is None:
            self._away_since = now
            log.warning("relay.cannot_send", error=type(error).__name__)
        if self._alone is None and now - self._away_since >= ALONE_AFTER_S:
            log.warning("relay.works_alone")
            self._alone = Runner(self._context, lease_s=self._lease_s)
            self._alone.start()

    def _together(self) -> None:
        """Redis answers again, or the relay ends."""
        if self._away_since is not None:
            log.info("relay.sends_again")
        self._away_since = None
        alone, self._alone = self._alone, None
        if alone is not None:
            alone.stop()


def work(context: Context, sender: Sender, *, lease_s: float, ready: Callable[[], None]) -> None:
    """Run a relay until it is told to end (SIGTERM, SIGINT). `ready` is called once it listens."""
    running = Relay(context, sender, lease_s=lease_s)
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: running.stop())
    ready()
    running.run()
    context.store.close()


def sent_and_waiting(store: Store, names: Sequence[str], now: datetime, again_s: float) -> int:
    """Jobs that were sent not long ago and that nobody claimed yet."""
    rows = and_(
        READY, JOB.c.name.in_(names), JOB.c.due_at <= now, JOB.c.sent_at > database_now(-again_s)
    )
    with store.unscoped(readonly=True) as session:
        found = session.connection().execute(select(func.count()).select_from(JOB).where(rows))
        return int(found.scalar_one())


def unsent(
    store: Store, tenant_id: int, name: str, now: datetime, again_s: float, limit: int
) -> list[int]:
    """Ids of due jobs of a tenant that were not sent, or so long ago that the message is lost."""
    lost = or_(JOB.c.sent_at.is_(None), JOB.c.sent_at <= database_now(-again_s))
    rows = and_(JOB.c.tenant_id == tenant_id, READY, JOB.c.name == name, JOB.c.due_at <= now, lost)
    question = select(JOB.c.id).where(rows).order_by(JOB.c.due_at, JOB.c.id).limit(limit)
    with store.unscoped(readonly=True) as session:
        return list(session.connection().execute(question).scalars())


def unsent_in_lanes(
    store: Store, tenant_id: int, name: str, now: datetime, again_s: float
) -> list[Sequence[int]]:
    """One message for each lane that nobody has in hand and none was sent for; who gets it works the lane off."""
    other = JOB.alias("other")
    sent = and_(
        other.c.state == literal_column("'ready'"), other.c.sent_at > database_now(-again_s)
    )
    # asked once for all: for each job of a lane, a backlog would be read as often as it is long
    busy = select(other.c.lane).where(
        other.c.tenant_id == tenant_id, other.c.lane.is_not(None),
        or_(other.c.state == literal_column("'leased'"), sent),
    )  # fmt: skip
    rows = and_(JOB.c.tenant_id == tenant_id, READY, JOB.c.name == name, JOB.c.due_at <= now)
    lost = or_(JOB.c.sent_at.is_(None), JOB.c.sent_at <= database_now(-again_s))
    free = or_(and_(JOB.c.lane.is_(None), lost), JOB.c.lane.not_in(busy))
    question = select(JOB.c.lane, JOB.c.id).where(rows, free).order_by(JOB.c.due_at, JOB.c.id)
    by_lane: dict[str | None, list[int]] = {}
    with store.unscoped(readonly=True) as session:
        for lane, id_ in session.connection().execute(question.limit(WINDOW)):
            by_lane.setdefault(lane, []).append(id_)
    size = min(PER_MESSAGE, kind_of(name).at_once)
    return [ids[:size] for ids in by_lane.values()]


def mark_sent(store: Store, ids: Sequence[int]) -> None:
    """Remember when."""
    if not ids:
        return
    rows = and_(JOB.c.id.in_(ids), READY)
    with store.unscoped() as session:
        session.connection().execute(update(JOB).where(rows).values(sent_at=database_now()))
        session.commit()


def bunches(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
