"""Recurring jobs without a scheduler process: anybody may make the job of a time, the database lets one do it.

An interval counts from the last time; a daily time is shop time. What a stop or a jump of the clock skipped is made
up once, not once per time missed. A clock set back repeats no daily job and silences no interval.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, or_, select, update

from tidegate.jobs.names import DAILY, RECURRING_S
from tidegate.jobs.rows import JOB
from tidegate.services.context import Context
from tidegate.services.work import enqueue
from tidegate.store.dialects import insert_of
from tidegate.store.job_tables import Schedule
from tidegate.store.unit_of_work import Store, UnitOfWork

SCHEDULE: Table = Schedule.__table__  # type: ignore[assignment]  # a declarative class says FromClause
DAY_S = 86_400
SLACK_S = 3_600


def names() -> tuple[str, ...]:
    return (*RECURRING_S, *DAILY)


def next_time(name: str, zone: ZoneInfo, after: datetime) -> datetime:
    """The first time after `after`: intervals from it, daily times at shop time."""
    if name in RECURRING_S:
        return after + timedelta(seconds=RECURRING_S[name])
    return daily(time.fromisoformat(DAILY[name]), zone, after)


def daily(at: time, zone: ZoneInfo, after: datetime) -> datetime:
    """The first `at` of the shop's clock after an instant.

    An hour that comes twice counts the first time; one that is left out counts as if it had not been.
    """
    today = after.astimezone(zone).date()
    for days in range(-1, 3):
        local = datetime.combine(today + timedelta(days=days), at, zone)  # fold=0
        instant = datetime.fromtimestamp(local.timestamp(), after.tzinfo)
        if instant > after:
            return instant
    raise AssertionError("a day has passed and no time of day came")


def set_up(context: Context) -> None:
    """Rows for schedules the tenant does not have yet; an interval is due at once."""
    now, zone = context.clock(), ZoneInfo(context.timezone)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        there = set(work.session.connection().execute(_of_tenant(context.tenant_id)).scalars())
    missing = [name for name in names() if name not in there]
    if not missing:
        return
    with context.store.begin(context.tenant_id) as work:
        connection = work.session.connection()
        for name in missing:
            first = now if name in RECURRING_S else next_time(name, zone, now)
            row = {"tenant_id": context.tenant_id, "name": name, "next_at": first}
            connection.execute(
                insert_of(connection.dialect)(SCHEDULE).values(row).on_conflict_do_nothing()
            )
        work.commit()


def due_schedules(store: Store, now: datetime) -> dict[int, list[str]]:
    """Names of schedules whose time has come, by tenant."""
    with store.unscoped(readonly=True) as session:
        question = select(SCHEDULE.c.tenant_id, SCHEDULE.c.name).where(_due(names(), now))
        rows = session.connection().execute(question).all()
    found: dict[int, list[str]] = {}
    for tenant_id, name in rows:
        found.setdefault(tenant_id, []).append(name)
    return found


def fire(context: Context, due: Iterable[str]) -> list[str]:
    """Make the jobs of schedules that are due; the names that this call made."""
    made = []
    for name in due:
        with context.store.begin(context.tenant_id) as work:
            if _fire(work, context, name):
                made.append(name)
            work.commit()
    return made


def tick(context: Context) -> list[str]:
    """Set up and fire whatever is due for one tenant; the names made."""
    set_up(context)
    now = context.clock()
    return fire(context, due_schedules(context.store, now).get(context.tenant_id, []))


def _fire(work: UnitOfWork, context: Context, name: str) -> bool:
    """Move the schedule on; who moved it makes the job, unless the last one is still open."""
    now, connection = context.clock(), work.session.connection()
    mine = and_(SCHEDULE.c.tenant_id == work.tenant_id, SCHEDULE.c.name == name)
    seen = connection.execute(select(SCHEDULE.c.next_at).where(mine, _due([name], now))).scalar()
    if seen is None:
        return False
    values = {"next_at": next_time(name, ZoneInfo(context.timezone), now)}
    set_back = seen > now
    values |= {} if set_back and name in DAILY else {"last_at": now if set_back else seen}
    moved = update(SCHEDULE).where(mine, SCHEDULE.c.next_at == seen).values(values)
    if connection.execute(moved).rowcount == 0:
        return False
    if (set_back and name in DAILY) or _open(connection, work.tenant_id, name):
        return False
    key = f"{name}@{seen.isoformat()}"
    if name in DAILY and _made(connection, work.tenant_id, key):
        return False  # a clock that was ahead made it before
    enqueue(work, name, {}, due_at=now, now=now, key=key)
    return True


def _due(names: Iterable[str], now: datetime) -> ColumnElement[bool]:
    """The time has come, or it is further away than it can be: the clock was set back."""
    far = [
        and_(SCHEDULE.c.name == name, SCHEDULE.c.next_at > now + timedelta(seconds=_far_s(name)))
        for name in names
    ]
    return or_(SCHEDULE.c.next_at <= now, *far)


def _far_s(name: str) -> int:
    return 2 * RECURRING_S[name] if name in RECURRING_S else 2 * DAY_S + SLACK_S


def _open(connection: Connection, tenant_id: int, name: str) -> bool:
    waiting = select(JOB.c.id).where(
        JOB.c.tenant_id == tenant_id, JOB.c.name == name, JOB.c.state.in_(("ready", "leased"))
    )
    return connection.execute(waiting.limit(1)).first() is not None


def _made(connection: Connection, tenant_id: int, key: str) -> bool:
    same = select(JOB.c.id).where(JOB.c.tenant_id == tenant_id, JOB.c.key == key)
    return connection.execute(same).first() is not None


def _of_tenant(tenant_id: int) -> Select[Any]:
    return select(SCHEDULE.c.name).where(SCHEDULE.c.tenant_id == tenant_id)
