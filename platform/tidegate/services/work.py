"""Jobs that follow from a change, put into the same transaction as the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from tidegate.store.tables import Job
from tidegate.store.unit_of_work import UnitOfWork


def enqueue(
    work: UnitOfWork,
    name: str,
    args: Mapping[str, object],
    *,
    due_at: datetime,
    now: datetime,
    key: str | None = None,
) -> None:
    """Add a job; with a `key` there is at most one open job, and the earlier due time wins."""
    if key is not None:
        found = work.session.scalar(select(Job).where(Job.key == key))
        if found is not None:
            if found.state == "ready":
                found.due_at = min(found.due_at, due_at)
                return
            found.key = None  # it is running or over: what changed since needs a run of its own
            work.session.flush()
    work.add(Job(name=name, args=dict(args), key=key, due_at=due_at, created_at=now))


def enqueue_advance(work: UnitOfWork, order_id: int, now: datetime) -> None:
    """Let the chain look at this order."""
    args = {"order_id": order_id}
    enqueue(work, "advance_order", args, due_at=now, now=now, key=f"advance:{order_id}")


def watch_later(work: UnitOfWork, parcel_ids: Sequence[int], trigger: str, now: datetime) -> None:
    """Let the alert rules look at parcels whose facts just changed."""
    if parcel_ids:
        args = {"parcel_ids": list(parcel_ids), "trigger": trigger}
        enqueue(work, "watch_parcels", args, due_at=now, now=now)
