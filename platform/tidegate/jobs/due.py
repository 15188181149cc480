"""Which tenants have what to do: one question for all, answered from an index."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, Table, bindparam, exists, literal, select, true, union_all

from tidegate.jobs.rows import JOB, READY
from tidegate.services.job_kinds import kind_of
from tidegate.store.tables import Tenant
from tidegate.store.unit_of_work import Store

FRESH_S = 0.1
TENANT: Table = Tenant.__table__  # type: ignore[assignment]  # a declarative class says FromClause


def due(store: Store, names: Sequence[str], now: datetime) -> list[tuple[int, str]]:
    """(tenant, name) of every kind that has a job due.

    Arguments newer than this version understands are left to newer workers.
    """
    if not names:
        return []
    rows: Any = store.look_up(_question(tuple(names)), {"now": now})
    return [(tenant_id, name) for tenant_id, name in rows]


@lru_cache(maxsize=64)
def _question(names: tuple[str, ...]) -> Select[Any]:
    each = [
        select(literal(name).label("name"), literal(kind_of(name).v).label("v")) for name in names
    ]
    kinds = union_all(*each).subquery("kind")
    waiting = exists().where(
        JOB.c.tenant_id == TENANT.c.id, READY, JOB.c.name == kinds.c.name,
        JOB.c.due_at <= bindparam("now"), JOB.c.v <= kinds.c.v,
    )  # fmt: skip
    question = select(TENANT.c.id, kinds.c.name).select_from(TENANT.join(kinds, true()))
    return question.where(waiting)


class Look:
    """What is due, asked once for all threads of a process that have nothing to do.

    An answer serves whoever asks within `fresh_s`, unless a job was worked meanwhile.
    """

    def __init__(
        self,
        store: Store,
        names: Sequence[str],
        clock: Callable[[], datetime],
        fresh_s: float = FRESH_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._names, self._clock = store, tuple(names), clock
        self._fresh_s, self._monotonic = fresh_s, monotonic
        self._lock = threading.Lock()
        self._until: float | None = None  # None: the next one asks anew
        self._found: list[tuple[int, str]] = []

    def of(self, names: Collection[str]) -> list[tuple[int, str]]:
        """(tenant, name) of those of the names that have a job due."""
        with self._lock:
            if self._until is None or self._monotonic() >= self._until:
                self._until = None
                self._found = due(self._store, self._names, self._clock())
                self._until = self._monotonic() + self._fresh_s
            return [pair for pair in self._found if pair[1] in names]

    def worked(self) -> None:
        """Something is different from now on."""
        with self._lock:
            self._until = None
