"""The heartbeat: leases of jobs in hand are renewed while they run, for as long as their kind may take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from tidegate.jobs import table
from tidegate.jobs.rows import Claimed
from tidegate.services.job_kinds import kind_of
from tidegate.store.unit_of_work import Store

log = structlog.get_logger()
BEATS = 4  # per lease: three may fail before it ends


class Leases:
    """The jobs this process holds. Start once; `release` hands back what is still in hand."""

    def __init__(
        self,
        store: Store,
        lease_s: float = table.LEASE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._lease_s = lease_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._held: dict[int, tuple[Claimed, float]] = {}  # by id, with the end of its patience
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="jobs-leases", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No more heartbeats; leases end by themselves unless they are released."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    @contextmanager
    def hold(self, jobs: Sequence[Claimed]) -> Iterator[None]:
        """These jobs are being run."""
        now = self._monotonic()
        with self._lock:
            for job in jobs:
                self._held[job.id] = (job, now + kind_of(job.name).longest_s)
        try:
            yield
        finally:
            with self._lock:
                for job in jobs:
                    self._held.pop(job.id, None)

    def let_go(self, job: Claimed) -> None:
        """It is over, though others of its batch are not: nobody took it from us."""
        with self._lock:
            self._held.pop(job.id, None)

    def release(self) -> int:
        """Hand back what is not done; the number."""
        with self._lock:
            jobs = [job for job, _ in self._held.values()]
        table.release(self._store, jobs)
        return len(jobs)

    def renew(self) -> int:
        """Renew once; the number of jobs that are not ours any more."""
        now = self._monotonic()
        with self._lock:
            jobs = [job for job, until in self._held.values() if now < until]
        kept = table.renew(self._store, jobs, self._lease_s)
        with self._lock:
            return sum(1 for job in jobs if job.id not in kept and job.id in self._held)

    def _beat(self) -> None:
        while not self._stopping.wait(self._lease_s / BEATS):
            try:
                lost = self.renew()
            except Exception:  # the database is away: the next beat tries again
                log.exception("jobs.renewal_failed")
                continue
            if lost:
                log.warning("jobs.leases_lost", count=lost)
