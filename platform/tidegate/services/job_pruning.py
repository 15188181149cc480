"""Jobs that are over are forgotten after a while."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, or_

from tidegate.services.context import Context
from tidegate.services.pruning import delete_rows
from tidegate.store.tables import Job

KEEP_DONE = timedelta(hours=1)
KEEP_DROPPED = timedelta(days=30)


def prune_jobs(context: Context) -> int:
    """Delete done jobs after an hour and dropped ones after a month; dead ones stay. The number deleted."""
    now = context.clock()
    old = or_(
        and_(Job.state == "done", Job.finished_at < now - KEEP_DONE),
        and_(Job.state == "done", Job.finished_at.is_(None), Job.due_at < now - KEEP_DONE),
        and_(Job.state == "dropped", Job.finished_at < now - KEEP_DROPPED),
    )
    return delete_rows(context, Job, old)
