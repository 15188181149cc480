"""Who is told of alerts: a job per account, written with what raised them; none where nobody asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from tidegate.sdk import discovery
from tidegate.services.work import enqueue
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import Alert
from tidegate.store.unit_of_work import UnitOfWork

SEVERITIES = ("info", "warning", "critical")
Risen = tuple[Alert, str]  # an alert and its severity before, "" for a new one


def tell(work: UnitOfWork, risen: Sequence[Risen], now: datetime) -> None:
    """Let each active account that asked for such alerts tell of them, those of this transaction in one notice.

    An alert is told to an account once: when it is raised at, or first reaches, the account's lowest severity.
    """
    if not risen:
        return
    work.session.flush()  # alerts get their ids
    for account in _listening(work):
        ids = [alert.id for alert, before in risen if _reaches(alert, before, _lowest(account))]
        if ids:
            args = {"account_id": account.id, "alert_ids": ids}
            key = f"notice:{account.id}:{ids[0]}-{ids[-1]}:{now.isoformat()}"
            lane = f"notice:{account.id}"
            enqueue(work, "send_notice", args, due_at=now, now=now, key=key, lane=lane)


def _listening(work: UnitOfWork) -> list[ConnectorAccount]:
    able = [
        name
        for name in discovery.installed()
        if "send_notice" in discovery.manifest_of(name).capabilities
    ]
    return list(
        work.session.scalars(
            select(ConnectorAccount)
            .where(ConnectorAccount.state == "active", ConnectorAccount.connector.in_(able))
            .order_by(ConnectorAccount.id)
        )
    )


def _lowest(account: ConnectorAccount) -> str:
    about = discovery.manifest_of(account.connector).settings.get("severity")
    return account.settings.get("severity") or (about.default if about else "") or SEVERITIES[0]


def _reaches(alert: Alert, before: str, lowest: str) -> bool:
    return _rank(alert.severity) >= _rank(lowest) and not (
        before and _rank(before) >= _rank(lowest)
    )


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else 1
