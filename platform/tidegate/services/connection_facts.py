"""Facts of the gate `connection`: accounts at platforms and carriers, and the addresses webhooks are sent to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select

from tidegate.errors import TidegateError
from tidegate.services.remotes.connected import manifest_for
from tidegate.store.remote_tables import AccountToken, ConnectorAccount, RemoteBreaker
from tidegate.store.sync_tables import AccountSync, SyncRun
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import WebhookDelivery, WebhookEndpoint

Facts = dict[str, Any]
GONE = 410  # HTTP: it was here and will not come back


@dataclass(frozen=True, slots=True)
class Connection:
    """`key` is the subject of its alerts: `account:3`, `webhook:7`."""

    key: str
    facts: Facts
    endpoint: WebhookEndpoint | None = None
    account: ConnectorAccount | None = None


def account_connections(work: UnitOfWork) -> list[Connection]:
    """Every account of the tenant."""
    accounts = work.session.scalars(select(ConnectorAccount).order_by(ConnectorAccount.id)).all()
    tasks: dict[int, list[AccountSync]] = {}
    for row in work.session.scalars(select(AccountSync)):
        tasks.setdefault(row.account_id, []).append(row)
    held = select(AccountToken.account_id, AccountToken.authorised_until)
    until = {id_: at for id_, at in work.session.execute(held)}
    stopped: dict[int, list[RemoteBreaker]] = {}
    away = or_(RemoteBreaker.state != "closed", RemoteBreaker.held)
    for breaker in work.session.scalars(select(RemoteBreaker).where(away)):
        stopped.setdefault(breaker.account_id, []).append(breaker)
    return [
        Connection(
            f"account:{row.id}",
            _account(work, row, tasks.get(row.id, ()), stopped, until.get(row.id)),
            account=row,
        )
        for row in accounts
    ]


def endpoint_connection(work: UnitOfWork, endpoint: WebhookEndpoint) -> Connection:
    """What was given up, and whether it said that it is gone, count since it fails."""
    given_up, gone = 0, False
    if endpoint.failing_since is not None:
        given_up, gone = _given_up(work, endpoint)
    known = {
        "kind": "subscriber",
        "code": endpoint.name,
        "state": endpoint.state,
        "failing_since": endpoint.failing_since,
        "last_ok_at": endpoint.delivered_at,
        "given_up": given_up,
        "answered_gone": gone,
    }
    return Connection(f"webhook:{endpoint.id}", _known(known), endpoint)


def endpoint_connections(work: UnitOfWork) -> list[Connection]:
    """Every address that is not removed."""
    rows = work.session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.removed_at.is_(None))
        .order_by(WebhookEndpoint.id)
    ).all()
    return [endpoint_connection(work, row) for row in rows]


def _account(
    work: UnitOfWork,
    row: ConnectorAccount,
    tasks: Sequence[AccountSync],
    stopped: Mapping[int, Sequence[RemoteBreaker]],
    authorised_until: datetime | None,
) -> Facts:
    breakers = stopped.get(row.id, ())
    done = [task.ok_at for task in tasks if task.ok_at is not None]
    offset = row.clock_offset_ms
    return _known(
        {
            "kind": _kind(row),
            "code": row.code,
            "connector": row.connector,
            "state": row.state,
            "failing_since": _failing_since(work, tasks),
            "last_ok_at": max(done, default=None),
            "stopped_since": min((one.since_at for one in breakers), default=None),
            "held": any(one.held for one in breakers),
            "failures": max((task.failures for task in tasks), default=0),
            "authorised_until": authorised_until,
            "clock_off_s": None if offset is None else round(abs(offset) / 1000),
        }
    )


def _kind(row: ConnectorAccount) -> str | None:
    try:
        return manifest_for(row).kinds[0]
    except TidegateError:  # its connector is not installed any more
        return None


def _failing_since(work: UnitOfWork, tasks: Sequence[AccountSync]) -> datetime | None:
    """The first failure after the last success of whichever task has failed longest; a run that got on before it failed
    is a success too.
    """
    found = []
    for task in tasks:
        if not task.failures or (task.ok_at and task.last_at and task.ok_at >= task.last_at):
            continue
        failed = select(func.min(SyncRun.at)).where(
            SyncRun.account_id == task.account_id, SyncRun.task == task.task, SyncRun.code != ""
        )
        if task.ok_at is not None:
            failed = failed.where(SyncRun.at > task.ok_at)
        found.append(work.session.scalar(failed) or task.last_at)
    return min((at for at in found if at is not None), default=None)


def _given_up(work: UnitOfWork, endpoint: WebhookEndpoint) -> tuple[int, bool]:
    said_gone = func.sum(case((WebhookDelivery.status == GONE, 1), else_=0))
    dead = select(func.count(), said_gone).where(
        WebhookDelivery.endpoint_id == endpoint.id,
        WebhookDelivery.state == "dead",
        WebhookDelivery.ended_at >= endpoint.failing_since,
    )
    count, gone = work.session.execute(dead).one()
    return int(count), bool(gone)


def _known(values: Mapping[str, Any]) -> Facts:
    return {"connection": {k: v for k, v in values.items() if v is not None}}
