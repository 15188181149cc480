"""Jobs that follow from a change, put into the same transaction as the change."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Executable, Table, bindparam, case, delete, select, update

from tidegate.store.dialects import INSERTS, Insert
from tidegate.store.tables import Job
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.telemetry.tracing import carry

JOB: Table = Job.__table__  # type: ignore[assignment]  # a declarative class says FromClause


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job to be: what `enqueue` is told of it."""

    key: str
    args: Mapping[str, object]
    due_at: datetime
    lane: str | None = None


def _upsert(insert: Insert, told: bool = True) -> Executable:
    """A new job; one that already waits under the key keeps the earlier due time. `told`: its id comes back."""
    row = insert(JOB)
    earlier = case((JOB.c.due_at <= row.excluded.due_at, JOB.c.due_at), else_=row.excluded.due_at)
    kept = row.on_conflict_do_update(
        index_elements=[JOB.c.tenant_id, JOB.c.key],
        set_={"due_at": earlier},
        where=JOB.c.state == "ready",
    )
    return kept.returning(JOB.c.id) if told else kept


_UPSERT = {dialect: _upsert(insert) for dialect, insert in INSERTS.items()}
_UPSERT_MANY = {dialect: _upsert(insert, told=False) for dialect, insert in INSERTS.items()}
_LET_GO = (
    update(JOB)
    .where(JOB.c.tenant_id == bindparam("of_tenant"), JOB.c.key == bindparam("of_key"))
    .values(key=None)
)


def enqueue(
    work: UnitOfWork,
    name: str,
    args: Mapping[str, object],
    *,
    due_at: datetime,
    now: datetime,
    key: str | None = None,
    lane: str | None = None,
) -> None:
    """Add a job; with a `key` there is at most one open job, and the earlier due time wins.

    `lane` names whom it calls (an account, a shop): of a lane one batch runs at a time, so that a slow one
    keeps one pair of hands busy and not all.
    """
    connection = work.session.connection()
    values = _row(work, name, args, key, lane, due_at, now)
    insert = _UPSERT[connection.dialect.name]
    if connection.execute(insert, values).first() is None:
        # The job of this key is running or over: what changed since needs a run of its own.
        connection.execute(_LET_GO, {"of_tenant": work.tenant_id, "of_key": key})
        connection.execute(insert, values)


def enqueue_many(work: UnitOfWork, name: str, wanted: Sequence[Wanted], now: datetime) -> None:
    """As `enqueue` for each of them, in one statement as far as it goes."""
    if not wanted:
        return
    connection = work.session.connection()
    rows = [_row(work, name, one.args, one.key, one.lane, one.due_at, now) for one in wanted]
    upsert = _UPSERT_MANY[connection.dialect.name]
    connection.execute(upsert, rows)
    # the statement holds the rows of all keys: those that do not wait now run or are over
    waiting = _open(work, [one.key for one in wanted], ("ready",))
    again = [row for row in rows if row["key"] not in waiting]
    if again:
        over = [{"of_tenant": work.tenant_id, "of_key": row["key"]} for row in again]
        connection.execute(_LET_GO, over)
        connection.execute(upsert, again)


def drop_waiting(work: UnitOfWork, keys: Collection[str]) -> None:
    """Jobs of these keys that nobody has begun are not needed any more."""
    mine = (JOB.c.tenant_id == work.tenant_id, JOB.c.key.in_(keys))
    work.session.connection().execute(delete(JOB).where(*mine, _in_state("ready")))


def _row(
    work: UnitOfWork,
    name: str,
    args: Mapping[str, object],
    key: str | None,
    lane: str | None,
    due_at: datetime,
    now: datetime,
) -> dict[str, object]:
    return {
        "tenant_id": work.tenant_id,
        "name": name,
        "args": carry(args),
        "key": key,
        "lane": lane,
        "state": "ready",
        "due_at": due_at,
        "attempts": 0,
        "created_at": now,
    }


def enqueue_advance(work: UnitOfWork, order_id: int, now: datetime) -> None:
    """Let the chain look at this order."""
    args = {"order_id": order_id}
    enqueue(work, "advance_order", args, due_at=now, now=now, key=f"advance:{order_id}")


def open_keys(work: UnitOfWork, keys: Collection[str]) -> set[str]:
    """Which of these keys have a job that waits or runs."""
    return _open(work, keys, ("ready", "leased"))


def _in_state(*states: str) -> ColumnElement[bool]:
    """Not `state IN …`: SQLite, to which the many jobs without a key are one key, would look through all jobs of a
    state rather than for their keys.
    """
    return case((JOB.c.state.in_(states), 1), else_=0) == 1


def _open(work: UnitOfWork, keys: Collection[str], states: Sequence[str]) -> set[str]:
    mine = (JOB.c.tenant_id == work.tenant_id, JOB.c.key.in_(keys))
    found = select(JOB.c.key).where(*mine, _in_state(*states))
    return {str(key) for key in work.session.connection().execute(found).scalars()}


def watch_later(work: UnitOfWork, parcel_ids: Sequence[int], trigger: str, now: datetime) -> None:
    """Let the alert rules look at parcels whose facts just changed."""
    if parcel_ids:
        args = {"parcel_ids": list(parcel_ids), "trigger": trigger}
        enqueue(work, "watch_parcels", args, due_at=now, now=now)
