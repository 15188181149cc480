"""When a task of an account comes next, and who does it: one at a time, later after a failure, at once while behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, and_, or_, select, update

from tidegate.sdk.manifest import Manifest
from tidegate.services.context import Context
from tidegate.services.work import enqueue
from tidegate.store.dialects import insert_of
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.sync_tables import AccountSync
from tidegate.store.unit_of_work import UnitOfWork

JOB = "sync_account"
LONGEST = timedelta(seconds=180)  # a run that died lets others begin after so long
LONGEST_PAUSE_S = 900
SOON_S = 5.0
STOCK_EVERY_S, SCANS_EVERY_S, FOLLOW_EVERY_S, TRACK_EVERY_S = 300, 30, 60, 900
MESSAGES_EVERY_S = 10
STOCK_SETTING = "stock"  # of an account: pull, push, or nothing


@dataclass(frozen=True, slots=True)
class Turn:
    """A task that is due for an account."""

    account_id: int
    task: str
    every_s: int


def tasks_of(manifest: Manifest, settings: Mapping[str, Any]) -> dict[str, int]:
    """Tasks that an account does by itself, with the seconds between two runs."""
    able, found = manifest.capabilities, {}
    if "pull_orders" in able:
        found["orders"] = manifest.sync.every_s
    if "messages" in able:
        found["messages"] = MESSAGES_EVERY_S
    stock = settings.get(STOCK_SETTING, "")
    if stock == "pull" and "pull_stock" in able:
        found["stock"] = STOCK_EVERY_S
    if stock == "push" and "push_stock" in able:
        found["push_stock"] = STOCK_EVERY_S
    if "scans" in able and "create_waybill" not in able:  # carriers' scans have a job of their own
        found["scans"] = SCANS_EVERY_S
    if "subscribe" in able:
        found["subscribe"] = FOLLOW_EVERY_S
    if "track" in able and "scans" not in able:
        found["track"] = TRACK_EVERY_S
    return found


def ask(work: UnitOfWork, account_id: int, task: str, now: datetime, began_by: str = "") -> None:
    """Put a run into the job table, in the lane of the account; one waits at most."""
    args = {"account_id": account_id, "task": task, "began_by": began_by}
    lane = f"sync:{account_id}"
    enqueue(work, JOB, args, due_at=now, now=now, key=f"sync:{task}:{account_id}", lane=lane)


def due(context: Context, wanted: Mapping[int, Mapping[str, int]]) -> list[Turn]:
    """Those of the wanted tasks (account -> task -> seconds) whose time has come; one never run is due."""
    now = context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = {
            (row.account_id, row.task): row for row in work.session.scalars(select(AccountSync))
        }
    found = []
    for account_id, tasks in wanted.items():
        for task, every_s in tasks.items():
            row = rows.get((account_id, task))
            if row is None or row.next_at <= now or row.next_at > now + timedelta(
                seconds=2 * max(every_s, LONGEST_PAUSE_S)
            ):  # fmt: skip
                found.append(Turn(account_id, task, every_s))
    return found


def begin(context: Context, account_id: int, task: str) -> bool:
    """Take the turn; False while somebody else has it."""
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        ensure(work, account_id, task, now)
        free = or_(
            AccountSync.running_until.is_(None),
            AccountSync.running_until <= now,
            AccountSync.running_until > now + 2 * LONGEST,  # the clock was set back
        )
        taken = _changed(work, account_id, task, free, running_until=now + LONGEST, last_at=now)
        work.commit()
    return taken


def end(
    work: UnitOfWork,
    account_id: int,
    task: str,
    now: datetime,
    *,
    every_s: int,
    code: str,
    wait_s: float | None,
    behind: bool,
    got_on: bool = False,
    more: bool = False,
) -> None:
    """Give the turn back and say when the next one is.

    A failure waits longer each time, up to a quarter of an hour. One that `got_on` before it failed counts as the first
    after a success, and is tried again soon where there is `more` to read. Without a code `wait_s` says that a limit is
    reached: no failure, and a success only for one that got on.
    """
    row = work.session.scalar(select(AccountSync).where(_mine(account_id, task)))
    if row is None:  # the account was removed meanwhile
        return
    row.running_until = None
    waits = not code and wait_s is not None
    if got_on or not waits:
        row.failures = 0 if not code else 1 if got_on else row.failures + 1
        row.code = code[:80]
        row.ok_at = now if got_on or not code else row.ok_at
    row.behind = behind
    pause_s = _pause_s(row.failures, every_s, wait_s, behind)
    if code and more and wait_s is None:
        pause_s = min(pause_s, SOON_S)
    row.next_at = now + timedelta(seconds=pause_s)
    if behind and not code and not waits:
        ask(work, account_id, task, now)


def put_off(work: UnitOfWork, turn: Turn, now: datetime) -> None:
    """The run is asked for: the next time counts from now, unless the run itself says otherwise."""
    ensure(work, turn.account_id, turn.task, now)
    _changed(work, turn.account_id, turn.task, next_at=now + timedelta(seconds=turn.every_s))


def ensure(work: UnitOfWork, account_id: int, task: str, now: datetime) -> None:
    work.session.execute(
        insert_of(work.session.connection().dialect)(AccountSync)
        .values(
            tenant_id=work.tenant_id, account_id=account_id, task=task, next_at=now, failures=0,
            code="", behind=False,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip


def active(work: UnitOfWork) -> list[ConnectorAccount]:
    """Accounts that may call: neither paused nor with refused credentials."""
    wanted = select(ConnectorAccount).where(ConnectorAccount.state == "active")
    return list(work.session.scalars(wanted.order_by(ConnectorAccount.id)))


def _pause_s(failures: int, every_s: int, wait_s: float | None, behind: bool) -> float:
    if not failures and wait_s is None:
        return 0 if behind else every_s
    backoff = min(every_s * 2 ** min(failures - 1, 10), LONGEST_PAUSE_S)
    return max(float(wait_s) if wait_s is not None else backoff, 1.0)


def _mine(account_id: int, task: str) -> Any:
    return and_(AccountSync.account_id == account_id, AccountSync.task == task)


def _changed(work: UnitOfWork, account_id: int, task: str, *where: Any, **values: Any) -> bool:
    done: CursorResult[Any] = work.session.execute(  # type: ignore[assignment]  # an UPDATE has it
        update(AccountSync)
        .where(_mine(account_id, task), *where)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return done.rowcount == 1
