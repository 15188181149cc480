"""Connections that fail: rules ring, switch off, and what works again is resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from tidegate.services.accounts import events
from tidegate.services.connection_facts import (
    Connection,
    account_connections,
    endpoint_connection,
    endpoint_connections,
)
from tidegate.services.context import Context
from tidegate.services.decisions import Verdict, ask
from tidegate.services.notices.spreading import Risen, tell
from tidegate.services.ringing import ring, unresolved
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import WebhookEndpoint

GATE = "connection"
SENDING = ("active", "paused")


def watch_connections(context: Context) -> None:
    """Ask the rules about every connection of the tenant."""
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        _watch(
            work, context, [*account_connections(work), *endpoint_connections(work)], now, "time"
        )
        work.commit()


def watch_endpoint(
    work: UnitOfWork, context: Context, endpoint: WebhookEndpoint, now: datetime
) -> None:
    """Something changed about this address; asked within the change itself."""
    work.session.flush()
    _watch(work, context, [endpoint_connection(work, endpoint)], now, "changed")


def _watch(
    work: UnitOfWork, context: Context, many: Sequence[Connection], now: datetime, trigger: str
) -> None:
    if GATE not in context.rules.vocabulary.gates:  # a folder of rules with its own, older words
        return
    known = unresolved(work, [one.key for one in many])
    risen: list[Risen] = []
    for one in many:
        found = _ask(work, context, one, now, trigger)
        off = found.first("switch_off")
        if off is not None and _switch_off(work, one, str(off.args["reason"]), off.rule, now):
            found = _ask(work, context, _again(work, one), now, trigger)
        risen += ring(work, one.key, found, known[one.key], now)
    tell(work, risen, now)


def _ask(
    work: UnitOfWork, context: Context, one: Connection, now: datetime, trigger: str
) -> Verdict:
    return ask(
        work, context, GATE, one.facts, now=now, trigger=trigger, order_id=None,
        subject_key=one.key, keep_quiet=True,
    )  # fmt: skip


def _switch_off(work: UnitOfWork, one: Connection, reason: str, rule: str, now: datetime) -> bool:
    """Send nothing more until a person switches it on; whether anything changed."""
    endpoint, account = one.endpoint, one.account
    if endpoint is not None and endpoint.state in SENDING:
        endpoint.state, endpoint.why = "disabled", reason[:40]
        endpoint.failing_since = endpoint.failing_since or now
        events.note(
            work.session,
            work.tenant_id,
            now,
            "webhook_disabled",
            rule,
            endpoint.name,
            reason=reason,
        )
        return True
    if account is not None and account.state == "active":
        account.state, account.reason, account.updated_at = "paused", reason[:200], now
        account.changed_by = rule[:80]
        events.note(
            work.session,
            work.tenant_id,
            now,
            "connection_paused",
            rule,
            account.code,
            reason=reason,
        )
        return True
    return False


def _again(work: UnitOfWork, one: Connection) -> Connection:
    """The same after it was switched off."""
    work.session.flush()
    if one.endpoint is not None:
        return endpoint_connection(work, one.endpoint)
    state = one.account.state if one.account is not None else ""
    connection: Mapping[str, object] = one.facts["connection"]
    return Connection(one.key, {"connection": {**connection, "state": state}}, None, one.account)
