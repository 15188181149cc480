"""Endpoints that fail: noted, told to a person, switched off after days, well again with the first success."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from tidegate.store.tables import Alert
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import WebhookEndpoint

DISABLE_AFTER = timedelta(days=5)  # longer than the ten attempts of one delivery take
DEAD, DISABLED = "webhook_dead", "webhook_disabled"  # kinds of alerts


def failing(work: UnitOfWork, endpoint: WebhookEndpoint, now: datetime) -> None:
    """One more failure; after days without a success the endpoint is switched off."""
    endpoint.failing_since = endpoint.failing_since or now
    if now - endpoint.failing_since >= DISABLE_AFTER:
        disable(work, endpoint, "failing", now)


def disable(work: UnitOfWork, endpoint: WebhookEndpoint, why: str, now: datetime) -> None:
    """Send nothing more until a person switches it on; `why` is gone or failing."""
    if endpoint.state in ("active", "paused"):
        endpoint.state, endpoint.why = "disabled", why
        endpoint.failing_since = endpoint.failing_since or now
        _raise(work, endpoint, DISABLED, "critical", now)


def dead(work: UnitOfWork, endpoint: WebhookEndpoint, now: datetime) -> None:
    """A delivery was given up: somebody has to know."""
    _raise(work, endpoint, DEAD, "warning", now)


def recovered(work: UnitOfWork, endpoint: WebhookEndpoint, now: datetime) -> None:
    """An attempt succeeded."""
    endpoint.delivered_at = now
    if endpoint.failing_since is not None:
        endpoint.failing_since = None
        quiet(work, endpoint, now)


def quiet(work: UnitOfWork, endpoint: WebhookEndpoint, now: datetime) -> None:
    """What was said about this endpoint is settled."""
    for alert in work.session.scalars(
        select(Alert).where(Alert.subject_key == _key(endpoint), Alert.state != "resolved")
    ):
        alert.state, alert.resolved_at = "resolved", now


def _raise(
    work: UnitOfWork, endpoint: WebhookEndpoint, kind: str, severity: str, now: datetime
) -> None:
    known = select(Alert.id).where(
        Alert.subject_key == _key(endpoint), Alert.kind == kind, Alert.state != "resolved"
    )
    if work.session.scalar(known) is None:
        work.add(
            Alert(
                subject_key=_key(endpoint), kind=kind, rule_id=f"webhooks.{endpoint.id}",
                severity=severity, desk="operations", state="open", raised_at=now,
            )
        )  # fmt: skip
        work.session.flush()


def _key(endpoint: WebhookEndpoint) -> str:
    return f"webhook:{endpoint.id}"
