"""What keeps the job table in order: schedules, leases that ended, clocks that jumped. Any number of processes may
do it at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from tidegate.jobs import rescue, schedules
from tidegate.jobs.names import FUNCTIONS
from tidegate.services.contexts import Contexts

log = structlog.get_logger()
TENANTS_EVERY_S = 30.0  # new tenants get their schedules, unknown jobs are parked
SET_BACK = timedelta(seconds=5)


class Clerk:
    """One round does what is due; it never raises."""

    def __init__(self, contexts: Contexts, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._contexts = contexts
        self._store = contexts.first.store
        self._clock = contexts.first.clock
        self._monotonic = monotonic
        self._looked: float | None = None
        self._latest: datetime | None = None

    def begin(self) -> None:
        """Take back what processes of this machine left when they died."""
        self._try(lambda: rescue.rescue_of_the_dead(self._store))

    def round(self) -> None:
        self._try(self._mind_the_clock)
        self._try(lambda: rescue.rescue(self._store))
        now = self._monotonic()
        if self._looked is None or now - self._looked >= TENANTS_EVERY_S:
            self._looked = now
            self._try(self._look_around)
        self._try(self._fire)

    def _mind_the_clock(self) -> None:
        now = self._clock()
        latest, self._latest = self._latest, now
        if latest is not None and now < latest - SET_BACK:
            moved = rescue.pull_in(self._store, now, latest)
            log.warning("jobs.clock_set_back", seconds=(latest - now).total_seconds(), moved=moved)

    def _look_around(self) -> None:
        for context in self._contexts.every():
            schedules.set_up(context)
        rescue.park_unknown(self._store, list(FUNCTIONS), self._clock())
        rescue.rescue_of_the_dead(self._store)

    def _fire(self) -> None:
        for tenant_id, names in schedules.due_schedules(self._store, self._clock()).items():
            schedules.fire(self._contexts.of(tenant_id), names)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception:  # the database is away: the next round tries again
            log.exception("jobs.clerk_failed")
