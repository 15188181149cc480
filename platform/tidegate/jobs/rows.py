"""A job in hand, and the table it is a row of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, literal_column, or_

from tidegate.store.tables import Job

JOB: Table = Job.__table__  # type: ignore[assignment]  # a declarative class says FromClause
READY = JOB.c.state == literal_column("'ready'")  # written out, so that the partial index serves
LEASED = JOB.c.state == literal_column("'leased'")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job in hand. `attempt` fences: only the holder of the newest attempt may finish it."""

    id: int
    tenant_id: int
    name: str
    args: Mapping[str, Any]
    attempt: int
    v: int
    lane: str | None = None


COLUMNS = (JOB.c.id, JOB.c.tenant_id, JOB.c.name, JOB.c.args, JOB.c.attempts, JOB.c.v, JOB.c.lane)


def held(jobs: Iterable[Claimed]) -> ColumnElement[bool]:
    """The rows of these jobs, as far as they are still held by these attempts."""
    by_attempt: dict[tuple[int, int], list[int]] = defaultdict(list)
    for job in jobs:
        by_attempt[job.tenant_id, job.attempt].append(job.id)
    same = [
        and_(JOB.c.tenant_id == tenant_id, JOB.c.attempts == attempt, JOB.c.id.in_(ids))
        for (tenant_id, attempt), ids in by_attempt.items()
    ]
    return and_(LEASED, or_(*same))


def claimed(rows: Iterable[Any]) -> list[Claimed]:
    """Jobs from rows of COLUMNS, oldest first."""
    return sorted((Claimed(*row) for row in rows), key=lambda job: job.id)
