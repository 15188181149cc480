"""Running jobs in hand: a batch where the kind has one, else one by one; whatever fails, fails alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import structlog

from tidegate.errors import RemoteRetry, TidegateError
from tidegate.jobs import fence, table
from tidegate.jobs.leases import Leases
from tidegate.jobs.names import BATCHES, FUNCTIONS
from tidegate.jobs.rows import Claimed
from tidegate.jobs.watching import watched
from tidegate.services.context import Context
from tidegate.services.job_kinds import args_now, readable

log = structlog.get_logger()
REMOVED = "jobs.kind_unknown"


def run(context: Context, jobs: Sequence[Claimed], leases: Leases | None = None) -> None:
    """Run jobs of one tenant and one name, and say in the table what became of each.

    A batch that fails is run one by one, so that one bad order does not stop the others.
    """
    fence.install()
    with leases.hold(jobs) if leases else nullcontext():
        known = [job for job in jobs if _known(context, job)]
        if len(known) > 1 and known[0].name in BATCHES and _try_batch(context, known):
            return
        for job in known:
            _run(context, job)
            if leases:
                leases.let_go(job)


def _known(context: Context, job: Claimed) -> bool:
    """A kind that was removed, or arguments too old to read, are parked for a person."""
    if job.name in FUNCTIONS and readable(job.name, job.v):
        return True
    table.bury(context.store, job, context.clock(), REMOVED)
    log.error("jobs.parked", name=job.name, job_id=job.id, v=job.v)
    return False


def _try_batch(context: Context, jobs: Sequence[Claimed]) -> bool:
    name = jobs[0].name
    try:
        args = [args_now(name, job.v, job.args) for job in jobs]
        with fence.holding(jobs), watched(context.tenant_id, name, args):
            BATCHES[name](context, args)
    except Exception as error:
        log.warning("jobs.batch_failed", name=name, error=type(error).__name__)
        return False
    table.finish(context.store, jobs, context.clock())
    return True


def _run(context: Context, job: Claimed) -> None:
    try:
        args = args_now(job.name, job.v, job.args)
        with fence.holding([job]), watched(context.tenant_id, job.name, [args], job.id):
            FUNCTIONS[job.name](context, args)
    except fence.LeaseLost:
        log.warning("jobs.lease_lost", name=job.name, job_id=job.id)
    except Exception as error:
        _failed(context, job, error)
    else:
        table.finish(context.store, [job], context.clock())


def _failed(context: Context, job: Claimed, error: Exception) -> None:
    ours = isinstance(error, TidegateError)
    told = error.code if isinstance(error, TidegateError) else type(error).__name__
    wait = error.fields.get("retry_after_s") if isinstance(error, TidegateError) else None
    at_least = float(wait) if isinstance(wait, int | float) else 0.0
    away = isinstance(error, RemoteRetry)
    dead = table.fail(context.store, job, context.clock(), told, at_least_s=at_least, away=away)
    if ours and not dead:
        log.warning("jobs.again", name=job.name, job_id=job.id, code=told)
    else:
        log.exception("jobs.failed", name=job.name, job_id=job.id, dead=dead)
