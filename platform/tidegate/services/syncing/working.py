"""One run of one task of one account, from taking the turn to the line in the log. It never fails as a job: what went
wrong is in the log, and the next time comes by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select

from tidegate.errors import Conflict, RemoteCredentials, RemoteWait, TidegateError, Unavailable
from tidegate.sdk.manifest import Manifest
from tidegate.services.context import Context
from tidegate.services.remotes.carrying import mark
from tidegate.services.remotes.connected import connector_of, manifest_for
from tidegate.services.syncing import following, order_runs, runs, stock_runs, turns
from tidegate.services.syncing.pacing import paced
from tidegate.services.syncing.runs import Done
from tidegate.services.syncing.turns import Turn, tasks_of
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import Shop

log = structlog.get_logger()
BROKE = "sync.connector_broke"
ALWAYS_LOGGED = ("orders", "stock", "push_stock")


@dataclass(frozen=True, slots=True)
class Opened:
    """An account at work."""

    row: ConnectorAccount
    manifest: Manifest
    made: Any


Task = Callable[[Context, Opened, Done], None]
TASKS: Mapping[str, Task] = {
    "orders": lambda context, one, done: order_runs.pull(
        context, one.row, one.made, one.manifest.sync, done
    ),
    "messages": lambda context, one, done: order_runs.follow(context, one.row, one.made, done),
    "stock": lambda context, one, done: stock_runs.pull(context, one.row, one.made, done),
    "push_stock": lambda context, one, done: stock_runs.push(context, one.row, one.made, done),
    "scans": lambda context, one, done: following.pull_scans(context, one.row, one.made, done),
    "track": lambda context, one, done: following.track(
        context, one.row, one.manifest, one.made, done
    ),
    "subscribe": lambda context, one, done: following.subscribe(
        context, one.row, one.manifest, one.made, done
    ),
}


def spread(context: Context) -> int:
    """Ask for a run of whatever is due; the number asked for."""
    wanted: dict[int, Mapping[str, int]] = {}
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = turns.active(work)
    for row in rows:
        try:
            wanted[row.id] = tasks_of(manifest_for(row), row.settings)
        except TidegateError as error:  # not installed any more, or its manifest is wrong
            log.warning("sync.no_manifest", account=row.code, code=error.code)
    found = turns.due(context, wanted)
    if not found:
        return 0
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        for turn in found:
            turns.put_off(work, turn, now)
            turns.ask(work, turn.account_id, turn.task, now)
        work.commit()
    return len(found)


def run(context: Context, account_id: int, task: str, began_by: str = "") -> Done | None:
    """One run. None: the account is gone, does not run, does no such thing, or somebody else is at it."""
    row = _row(context, account_id)
    if row is None or row.state != "active":
        return None
    every_s = _tasks(row).get(task)
    if every_s is None or not turns.begin(context, account_id, task):
        return None
    at, started, done = context.clock(), time.monotonic(), Done()
    code, wait_s = _try(context, row, task, done)
    took_ms = round((time.monotonic() - started) * 1000)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        if task in ALWAYS_LOGGED or code or not done.empty or began_by:
            runs.note(
                work, account_id, task, done, at=at, took_ms=took_ms, code=code, began_by=began_by
            )
        turns.end(
            work, account_id, task, now, every_s=every_s, code=code, wait_s=wait_s,
            behind=done.behind, got_on=not done.empty,
            more=done.accepted > 0 and task != "track",  # which begins anew each time
        )  # fmt: skip
        work.commit()
    return done


def _try(
    context: Context, row: ConnectorAccount, task: str, done: Done
) -> tuple[str, float | None]:
    """The code of what went wrong ("" for nothing) and how long the other side has to be left alone."""
    try:
        made, _ = connector_of(context, row, _shop(context, row), paced=paced)
        TASKS[task](context, Opened(row, manifest_for(row), made), done)
    except Conflict as error:
        log.info("sync.moved", account=row.code, task=task)
        return error.code, None
    except RemoteCredentials as error:
        mark(context, row.id, "active", "broken", error.code)
        return error.code, None
    except RemoteWait as error:  # a limit is reached: nothing is wrong, and there is more to do
        done.behind = True
        return "", float(str(error.fields.get("retry_after_s") or turns.SOON_S))
    except Unavailable as error:  # our own database, not the other side: no reason to stay away
        log.warning("sync.stopped", account=row.code, task=task, code=error.code)
        return error.code, turns.SOON_S
    except TidegateError as error:
        wait = error.fields.get("retry_after_s")
        log.warning("sync.stopped", account=row.code, task=task, code=error.code)
        return error.code, float(wait) if isinstance(wait, int | float) else None
    except Exception as error:  # a connector's mistake must not end up in a log with what it read
        log.error("sync.connector_broke", account=row.code, task=task, error=type(error).__name__)
        return BROKE, None
    return "", None


def _tasks(row: ConnectorAccount) -> Mapping[str, int]:
    try:
        return tasks_of(manifest_for(row), row.settings)
    except TidegateError:
        return {}


def _row(context: Context, account_id: int) -> ConnectorAccount | None:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return work.session.scalar(
            select(ConnectorAccount).where(ConnectorAccount.id == account_id)
        )


def _shop(context: Context, row: ConnectorAccount) -> str:
    if row.shop_id is None:
        return ""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return work.session.scalar(select(Shop.name).where(Shop.id == row.shop_id)) or ""


__all__ = ["TASKS", "Turn", "run", "spread"]
