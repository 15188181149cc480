"""The embedded runner: crews that drain the job table, one for each queue, and a clerk that keeps it in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence

import structlog

from tidegate.jobs import table
from tidegate.jobs.clerk import Clerk
from tidegate.jobs.crew import MOST, POLL_S, Crew
from tidegate.jobs.due import Look
from tidegate.jobs.leases import Leases
from tidegate.jobs.names import FUNCTIONS
from tidegate.jobs.pace import Pace
from tidegate.jobs.rescue import worker_name
from tidegate.jobs.running import run
from tidegate.services.context import Context
from tidegate.services.contexts import Contexts
from tidegate.services.job_kinds import QUEUES, kind_of, queue_of

log = structlog.get_logger()
BATCH = 50  # of a drain
GRACE_S = 20.0  # how long jobs in hand may take to finish when the process ends


class Runner:
    """Start once; stop lets the jobs in hand finish and hands back what takes too long."""

    def __init__(
        self,
        context: Context,
        queues: Mapping[str, int] = QUEUES,
        *,
        lease_s: float = table.LEASE_S,
        grace_s: float = GRACE_S,
    ) -> None:
        self._contexts = Contexts(context)
        self._store = context.store
        self._clock = context.clock
        self._lease_s = lease_s
        self._grace_s = grace_s
        self._stopping = threading.Event()
        self._leases = Leases(context.store, lease_s)
        self._pace = Pace()
        self._clerk = Clerk(self._contexts)
        self._look = Look(context.store, list(FUNCTIONS), context.clock)
        self._crews = [self._crew(queue, slots) for queue, slots in queues.items()]
        self._keeper = threading.Thread(target=self._keep, name="jobs-clerk", daemon=True)

    def start(self) -> None:
        self._leases.start()
        for crew in self._crews:
            crew.start()
        self._keeper.start()

    def stop(self) -> None:
        """Claim no more, finish what is in hand for a while, hand back the rest."""
        self._stopping.set()
        end = time.monotonic() + self._grace_s
        for crew in self._crews:
            crew.join(end)
        if self._keeper.is_alive():
            self._keeper.join(timeout=max(0.1, end - time.monotonic()))
        self._leases.stop()
        if handed_back := self._leases.release():
            log.warning("jobs.handed_back", count=handed_back)

    def _crew(self, queue: str, slots: int) -> Crew:
        names = [name for name in FUNCTIONS if queue_of(name) == queue]
        most = MOST if any(kind_of(name).lanes for name in names) else slots
        return Crew(queue, slots, lambda turn: self._round(names, turn), self._stopping, most=most)

    def _round(self, names: Sequence[str], turn: int) -> int:
        """A batch of every tenant and kind that has work; another one begins each time."""
        worked = 0
        for tenant_id, name in turned(self._look.of(names), turn):
            if self._stopping.is_set():
                break
            worked += self._work(tenant_id, name)
        if worked:
            self._look.worked()
        return worked

    def _work(self, tenant_id: int, name: str) -> int:
        """Some jobs of one tenant; whatever goes wrong there does not stop the others."""
        try:
            context = self._contexts.of(tenant_id)
            kind, key = kind_of(name), (tenant_id, name)
            most = self._pace.size(key, kind.at_once) if kind.judges else kind.at_once
            jobs = table.claim(
                self._store, tenant_id, self._clock(), most, names=[name],
                worker=worker_name(), lease_s=self._lease_s,
            )  # fmt: skip
            if jobs:
                began = time.monotonic()
                run(context, jobs, self._leases)
                self._pace.ran(key, len(jobs), time.monotonic() - began)
            return len(jobs)
        except Exception:
            log.exception("jobs.loop_failed", tenant_id=tenant_id)
            return 0

    def _keep(self) -> None:
        self._clerk.begin()
        while True:
            self._clerk.round()
            for crew in self._crews:
                crew.reinforce()
            if self._stopping.wait(POLL_S):
                return


def turned(pairs: Sequence[tuple[int, str]], turn: int) -> Iterable[tuple[int, str]]:
    """The same in a row that begins elsewhere each turn, so that nobody is always last."""
    start = turn % len(pairs) if pairs else 0
    return [*pairs[start:], *pairs[:start]]


def drain(context: Context, limit: int = 10_000) -> int:
    """Run due jobs of a tenant until none is left; for commands and tests. The number run."""
    done = 0
    while done < limit and (ran := drain_once(context)):
        done += ran
    return done


def drain_once(context: Context) -> int:
    """Claim some due jobs of one name and run them; the number claimed."""
    jobs = table.claim(
        context.store, context.tenant_id, context.clock(), BATCH, worker=worker_name()
    )
    if jobs:
        run(context, jobs)
    return len(jobs)
