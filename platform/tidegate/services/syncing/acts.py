"""What a person asks of an account: read now, read again from a moment on."""

from __future__ import annotations

from datetime import datetime, timedelta

from tidegate.errors import Conflict, InputError
from tidegate.services.accounts import events
from tidegate.services.context import Context
from tidegate.services.remotes.accounts import account_row
from tidegate.services.remotes.connected import manifest_for
from tidegate.services.syncing import position, turns
from tidegate.services.syncing.order_runs import source_name
from tidegate.services.syncing.turns import tasks_of
from tidegate.store.remote_tables import ConnectorAccount

FARTHEST = timedelta(days=365)


def pull_now(context: Context, code: str, actor: str) -> tuple[str, ...]:
    """Ask for a run of every task the account has; their names.

    Raises:
        NotFound: no such account. Conflict: it is paused or its credentials are refused.
        InputError: it does nothing by itself.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = account_row(work, code)
        tasks = _tasks(row)
        for task in tasks:
            turns.ask(work, row.id, task, now, actor)
        work.commit()
    return tasks


def replay(context: Context, code: str, since: datetime, actor: str) -> None:
    """Read the orders changed since a moment (aware) once more: they are upserted, nothing doubles.

    Raises:
        As `pull_now`; InputError: the moment is not in the past year. Conflict: a run moved on meanwhile.
    """
    now = context.clock()
    if not now - FARTHEST <= since < now:
        raise InputError(
            "sync.since",
            zh="请填过去一年内的时间。",
            en="Give a moment within the past year.",
            field="since",
        )
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = account_row(work, code)
    if "orders" not in _tasks(row):
        raise _nothing(code)
    position.reset(context, source_name(row), since)
    with context.store.begin(context.tenant_id) as work:
        events.note(
            work.session, work.tenant_id, now, "sync_replayed", actor, code, since=since.isoformat()
        )
        turns.ask(work, row.id, "orders", now, actor)
        work.commit()


def _tasks(row: ConnectorAccount) -> tuple[str, ...]:
    if row.state != "active":
        raise Conflict(
            "account.stopped",
            zh=f"账号 {row.code} 已暂停或授权失效；先恢复它。",
            en=f"The account {row.code} is paused or its credentials are refused; mend that first.",
            account=row.code,
        )
    found = tuple(tasks_of(manifest_for(row), row.settings))
    if not found:
        raise _nothing(row.code)
    return found


def _nothing(code: str) -> InputError:
    return InputError(
        "account.no_tasks",
        zh=f"账号 {code} 没有可以自动拉取的内容。",
        en=f"The account {code} has nothing to pull by itself.",
        field="account",
    )
