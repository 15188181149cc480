"""The difference between a platform's clock and ours, from the Date headers of its answers.

Signatures carry the platform's time and are refused when it is minutes off. A Date header has whole seconds and may
come from a cache, so the middle one of the last five counts, and differences below two seconds are none.
"""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta
from statistics import median

import structlog
from sqlalchemy import select, update

from tidegate.services.context import Context
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.unit_of_work import UnitOfWork

LEAST_S = 2.0
ALARM_S = 60.0
SLOW_MS = 5000  # such an answer says too little about the moment it was written
STEP_S = 2.0  # the stored offset is renewed when it changed by so much
log = structlog.get_logger()


class Skew:
    """For one account; safe to share between threads. Begins with what other processes measured."""

    def __init__(self, context: Context, account_id: int) -> None:
        self._context = context
        self._account_id = account_id
        self._seen: deque[float] = deque(maxlen=5)
        self._lock = threading.Lock()
        self._stored = self._load()

    def now(self) -> datetime:
        """The platform's time as well as we know it."""
        return self._context.clock() + timedelta(seconds=self.offset_s)

    @property
    def offset_s(self) -> float:
        """Theirs minus ours, 0 when it is too small to be known."""
        with self._lock:
            found = median(self._seen) if self._seen else (self._stored or 0.0)
        return found if abs(found) >= LEAST_S else 0.0

    def seen(self, server_at: datetime, took_ms: int) -> None:
        """An answer with this Date came just now, after `took_ms`."""
        if took_ms > SLOW_MS:
            return
        ours = self._context.clock() - timedelta(milliseconds=took_ms / 2)
        with self._lock:
            # half a second is what cutting to whole seconds takes away on average
            self._seen.append((server_at - ours).total_seconds() + 0.5)
            found = median(self._seen)
            known = self._stored
            if known is not None and abs(found - known) < STEP_S:
                return
            self._stored = found
        self._store(found, known)

    def _load(self) -> float | None:
        with self._context.store.begin(self._context.tenant_id, readonly=True) as work:
            found = work.session.scalar(
                select(ConnectorAccount.clock_offset_ms).where(
                    ConnectorAccount.id == self._account_id
                )
            )
        return None if found is None else found / 1000

    def _store(self, offset_s: float, before: float | None) -> None:
        if abs(offset_s) > ALARM_S >= abs(before or 0.0):
            log.warning("remote.clock_off", account_id=self._account_id, offset_s=round(offset_s))
        now = self._context.clock()

        def write(work: UnitOfWork) -> None:
            work.session.execute(
                update(ConnectorAccount)
                .where(ConnectorAccount.id == self._account_id)
                .values(clock_offset_ms=round(offset_s * 1000), clock_at=now)
                .execution_options(synchronize_session=False)
            )

        def lost(error: BaseException) -> None:
            log.warning(
                "remote.clock_not_kept", account_id=self._account_id, why=type(error).__name__
            )

        self._context.store.soon(self._context.tenant_id, write, lost)
