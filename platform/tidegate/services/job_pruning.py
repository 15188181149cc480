"""Jobs that are over are forgotten after a while, in small bites."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, delete, or_, select

from tidegate.services.context import Context
from tidegate.store.tables import Job

KEEP_DONE = timedelta(hours=1)
KEEP_DROPPED = timedelta(days=30)
CHUNK = 1000


def prune_jobs(context: Context) -> int:
    """Delete done jobs after an hour and dropped ones after a month; dead ones stay. The number deleted."""
    now, total = context.clock(), 0
    old = or_(
        and_(Job.state == "done", Job.finished_at < now - KEEP_DONE),
        and_(Job.state == "done", Job.finished_at.is_(None), Job.due_at < now - KEEP_DONE),
        and_(Job.state == "dropped", Job.finished_at < now - KEEP_DROPPED),
    )
    while True:
        with context.store.begin(context.tenant_id) as work:
            ids = work.session.scalars(select(Job.id).where(old).limit(CHUNK)).all()
            work.session.execute(
                delete(Job).where(Job.id.in_(ids)).execution_options(synchronize_session=False)
            )
            work.commit()
        total += len(ids)
        if len(ids) < CHUNK:
            return total
