"""The embedded runner: a few threads that drain the job table and keep the recurring jobs ticking."""

from __future__ import annotations

import threading

import structlog

from tidegate.errors import TidegateError
from tidegate.jobs import table
from tidegate.jobs.names import BATCHES, FUNCTIONS, RECURRING_S
from tidegate.jobs.watching import watched
from tidegate.services.context import Context
from tidegate.services.contexts import Contexts

log = structlog.get_logger()
POLL_S = 0.5
BATCH = 50
WORKERS = 2  # one may wait for a slow carrier while the other works on


class Runner:
    """Start once; stop waits for the jobs in hand."""

    def __init__(self, context: Context) -> None:
        self._contexts = Contexts(context)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, name=f"jobs-{n}", daemon=True)
            for n in range(1, WORKERS + 1)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is in hand, then stop."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                worked = sum([self._work(context) for context in self._contexts.every()])
            except Exception:  # a broken database must not end the runner; it tries again
                log.exception("jobs.loop_failed")
                worked = 0
            if not worked:
                self._stopping.wait(POLL_S)

    def _work(self, context: Context) -> int:
        """Some jobs of one tenant; whatever goes wrong there does not stop the others."""
        try:
            _tick(context)
            return drain_once(context)
        except Exception:
            log.exception("jobs.loop_failed", tenant_id=context.tenant_id)
            return 0


def _tick(context: Context) -> None:
    now = context.clock()
    for name, every_s in RECURRING_S.items():
        if table.tick(context.store, context.tenant_id, name, now, every_s):
            table.sweep(context.store, context.tenant_id, now)


def drain(context: Context, limit: int = 10_000) -> int:
    """Run due jobs until none is left; for commands and tests. The number run."""
    done = 0
    while done < limit and (ran := drain_once(context)):
        done += ran
    return done


def drain_once(context: Context) -> int:
    """Claim some due jobs of one name and run them; the number claimed.

    A batch that fails is run one by one, so that one bad order does not stop the others.
    """
    store, tenant_id = context.store, context.tenant_id
    jobs = table.claim(store, tenant_id, context.clock(), BATCH)
    if not jobs:
        return 0
    batch = BATCHES.get(jobs[0].name)
    if batch is not None and len(jobs) > 1 and _try_batch(context, jobs):
        return len(jobs)
    for job in jobs:
        _run(context, job)
    return len(jobs)


def _try_batch(context: Context, jobs: list[table.Claimed]) -> bool:
    try:
        with watched(context.tenant_id, jobs[0].name, [job.args for job in jobs]):
            BATCHES[jobs[0].name](context, [job.args for job in jobs])
    except Exception as error:
        log.warning("jobs.batch_failed", name=jobs[0].name, error=type(error).__name__)
        return False
    table.finish(context.store, context.tenant_id, jobs)
    return True


def _run(context: Context, job: table.Claimed) -> None:
    try:
        with watched(context.tenant_id, job.name, [job.args], job.id):
            FUNCTIONS[job.name](context, job.args)
    except Exception as error:
        told = error.code if isinstance(error, TidegateError) else type(error).__name__
        dead = table.fail(context.store, context.tenant_id, job, context.clock(), told)
        if isinstance(error, TidegateError) and not dead:
            log.warning("jobs.again", name=job.name, job_id=job.id, code=told)
        else:
            log.exception("jobs.failed", name=job.name, job_id=job.id, dead=dead)
        return
    table.finish(context.store, context.tenant_id, [job])
