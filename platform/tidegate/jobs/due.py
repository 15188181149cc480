"""Which tenants have what to do: one question for all, answered from an index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Table, exists, literal, select, true, union_all

from tidegate.jobs.rows import JOB, READY
from tidegate.services.job_kinds import kind_of
from tidegate.store.tables import Tenant
from tidegate.store.unit_of_work import Store

TENANT: Table = Tenant.__table__  # type: ignore[assignment]  # a declarative class says FromClause


def due(store: Store, names: Sequence[str], now: datetime) -> list[tuple[int, str]]:
    """(tenant, name) of every kind that has a job due.

    Arguments newer than this version understands are left to newer workers.
    """
    each = [
        select(literal(name).label("name"), literal(kind_of(name).v).label("v")) for name in names
    ]
    if not each:
        return []
    kinds = union_all(*each).subquery("kind")
    waiting = exists().where(
        JOB.c.tenant_id == TENANT.c.id, READY, JOB.c.name == kinds.c.name, JOB.c.due_at <= now,
        JOB.c.v <= kinds.c.v,
    )  # fmt: skip
    question = select(TENANT.c.id, kinds.c.name).select_from(TENANT.join(kinds, true()))
    with store.unscoped(readonly=True) as session:
        rows = session.connection().execute(question.where(waiting)).all()
    return [(tenant_id, name) for tenant_id, name in rows]
