"""Tells an account of alerts. What was settled meanwhile is left out; nobody's name, phone or address is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import select

from tidegate.errors import RemoteCredentials
from tidegate.sdk.values import Notice
from tidegate.services.connection_names import NOBODY, Named, names_of
from tidegate.services.context import Context
from tidegate.services.remotes.carrying import mark
from tidegate.services.remotes.connected import connector_of, manifest_for
from tidegate.services.view_marks import OPEN_ALERT
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import Alert, Order
from tidegate.store.unit_of_work import UnitOfWork

PAGE = "/alerts"
About = tuple[str, str]  # order or connection, and what it is called
WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "one": "潮闸告警: {kind}", "many": "潮闸告警: {n} 条",
        "line": "[{severity}] {kind} · {about} · {at}", "order": "订单 {name}", "connection": "连接 {name}",
        "info": "提示", "warning": "警告", "critical": "严重",
    },
    "en": {
        "one": "Tidegate alert: {kind}", "many": "Tidegate: {n} alerts",
        "line": "[{severity}] {kind} · {about} · {at}", "order": "order {name}", "connection": "connection {name}",
        "info": "info", "warning": "warning", "critical": "critical",
    },
}  # fmt: skip


def send(context: Context, account_id: int, alert_ids: Sequence[int]) -> None:
    """Tell this account of these alerts; again it is the same notice under the same key.

    Raises:
        RemoteRetry, RemoteRefused, RemoteUnknown, RemoteBroken: as the connector; the job tries again.
        RemoteCredentials: likewise, and the account is marked as broken.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = work.session.get(ConnectorAccount, account_id)
        if row is None or row.state == "paused":
            return
        found = _open_alerts(work, alert_ids)
        work.session.expunge_all()
    if not found:
        return
    notice = _notice(context, row, found, f"alerts:{account_id}:{alert_ids[0]}-{alert_ids[-1]}")
    made, _ = connector_of(context, row)
    try:
        made.send_notice(notice)
    except RemoteCredentials as error:
        mark(context, account_id, "active", "broken", error.code)
        raise
    if row.state == "broken":
        mark(context, account_id, "broken", "active", "")


def language_of(row: ConnectorAccount) -> str:
    """zh or en, as the account says, else as its connector does."""
    about = manifest_for(row).settings.get("language")
    lang = row.settings.get("language") or (about.default if about else "")
    return lang if lang in WORDS else "zh"


def _open_alerts(work: UnitOfWork, ids: Sequence[int]) -> list[tuple[Alert, About]]:
    """With what each is about."""
    rows = work.session.execute(
        select(Alert, Order.number)
        .outerjoin(Order, Order.id == Alert.order_id)
        .where(Alert.id.in_(ids), Alert.state.in_(OPEN_ALERT))
        .order_by(Alert.id)
    ).all()
    named = names_of(work, [alert.subject_key for alert, number in rows if number is None])
    return [(alert, _about(alert, number, named)) for alert, number in rows]


def _about(alert: Alert, number: str | None, named: Mapping[str, Named]) -> About:
    if number is not None:
        return "order", number
    one = named.get(alert.subject_key, NOBODY)
    return "connection", one.called or one.address or "-"


def _notice(
    context: Context, row: ConnectorAccount, found: Sequence[tuple[Alert, About]], key: str
) -> Notice:
    lang = language_of(row)
    words, site = WORDS[lang], row.settings.get("site", "").rstrip("/")
    kinds = {alert.kind: context.rules.reason_text(alert.kind, lang) for alert, _ in found}
    title = words["one"].format(kind=kinds[found[0][0].kind])
    if len(found) > 1:
        title = words["many"].format(n=len(found))
    zone = ZoneInfo(context.timezone)
    lines = [
        words["line"].format(
            severity=words.get(alert.severity, alert.severity), kind=kinds[alert.kind],
            about=words[what].format(name=name), at=alert.raised_at.astimezone(zone).strftime("%m-%d %H:%M"),
        )
        for alert, (what, name) in found
    ]  # fmt: skip
    urgent = any(alert.severity == "critical" for alert, _ in found)
    return Notice(key, title, lines, site + PAGE if site else "", urgent)
