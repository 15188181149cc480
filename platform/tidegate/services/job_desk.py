"""Dead jobs in the hands of people: tried again, one or all of a kind, or dropped with a reason."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, update

from tidegate.errors import Conflict, NotFound
from tidegate.services.context import Context
from tidegate.services.people import required_reason
from tidegate.store.tables import Job


def retry(context: Context, job_id: int, actor: str) -> None:
    """Try a dead job again now, with all its attempts.

    Raises:
        NotFound: there is no such job. Conflict: it is not dead (any more).
    """
    _change(context, job_id, _again(context.clock(), actor))


def retry_all(context: Context, name: str, actor: str, error: str = "") -> int:
    """Try all dead jobs of a kind again, or those that ended with this error; the number."""
    which = [Job.name == name, Job.state == "dead", *([Job.error == error] if error else [])]
    return _update(context, which, _again(context.clock(), actor))


def drop(context: Context, job_id: int, actor: str, reason: str) -> None:
    """Give a dead job up for good; who and why is kept with it for a month.

    Raises:
        InputError: no reason. NotFound: there is no such job. Conflict: it is not dead (any more).
    """
    now = context.clock()
    values = {"state": "dropped", "key": None, "finished_at": now, "noted_by": actor}
    _change(context, job_id, {**values, "note": required_reason(reason)})


def _again(now: datetime, actor: str) -> dict[str, Any]:
    """`attempts` starts anew: a dead job has no holder that it could be mistaken for."""
    return {
        "state": "ready", "due_at": now, "attempts": 0, "lease_until": None, "sent_at": None,
        "finished_at": None, "noted_by": actor,
    }  # fmt: skip


def _change(context: Context, job_id: int, values: dict[str, Any]) -> None:
    if _update(context, [Job.id == job_id, Job.state == "dead"], values):
        return
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = work.session.get(Job, job_id)
    if found is None:
        raise NotFound(
            "jobs.not_found",
            zh=f"没有任务 {job_id}；可能已完成并清理。",
            en=f"There is no job {job_id}; it may be done and forgotten.",
            id=job_id,
        )
    raise Conflict(
        "jobs.not_dead",
        zh=f"任务 {job_id} 现在是 {found.state}，不能这样处理；请刷新页面。",
        en=f"Job {job_id} is {found.state} now; reload the page.",
        id=job_id,
        state=found.state,
    )


def _update(context: Context, which: list[ColumnElement[bool]], values: dict[str, Any]) -> int:
    with context.store.begin(context.tenant_id) as work:
        changed = update(Job).where(*which).values(**values).returning(Job.id)
        done = work.session.execute(changed.execution_options(synchronize_session=False))
        count = len(done.scalars().all())
        work.commit()
    return count
