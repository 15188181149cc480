"""A job's own transactions commit only while its lease holds.

A worker that was stopped for longer than its lease (SIGSTOP, a swapped-out machine) goes on where it stood, while
another does its job anew. Before each commit of a thread that runs jobs, the rows of those jobs are read in the same
transaction; on PostgreSQL they are locked against being claimed until it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from tidegate.errors import Conflict
from tidegate.jobs.rows import JOB, Claimed, held

_holding: ContextVar[Sequence[Claimed]] = ContextVar("holding", default=())


class LeaseLost(Conflict):
    """Somebody else has this job now; whatever was about to be committed is undone."""

    def __init__(self, missing: int) -> None:
        super().__init__(
            "jobs.lease_lost",
            zh=f"{missing} 个任务已由别的进程接手，这里的改动已撤销。",
            en=f"Another process took over {missing} job(s); the changes made here were undone.",
        )


@contextmanager
def holding(jobs: Sequence[Claimed]) -> Iterator[None]:
    """Commits inside succeed only while all these jobs are ours."""
    token = _holding.set(tuple(jobs))
    try:
        yield
    finally:
        _holding.reset(token)


def install() -> None:
    """Watch the commits of this process; once is enough."""
    if not event.contains(Session, "before_commit", _check):
        event.listen(Session, "before_commit", _check)


def _check(session: Session) -> None:
    jobs = _holding.get()
    if not jobs or session.get_bind().get_execution_options().get("readonly"):
        return
    ours = select(JOB.c.id).where(held(jobs)).with_for_update(read=True)
    found = len(session.connection().execute(ours).all())
    if found < len(jobs):
        raise LeaseLost(len(jobs) - found)
