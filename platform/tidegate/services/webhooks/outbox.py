"""Events for others, written in the transaction of the change. Nothing is written when nobody subscribes."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, insert, select

from tidegate.services.webhooks.catalogue import kind_of
from tidegate.services.work import enqueue
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import WebhookEndpoint, WebhookEvent

WANTED = "webhook_kinds"  # in session.info, for as long as the transaction lasts
ENDPOINT: Table = WebhookEndpoint.__table__  # type: ignore[assignment]  # a declarative class says FromClause
EVENT: Table = WebhookEvent.__table__  # type: ignore[assignment]
_SUBSCRIBED = select(ENDPOINT.c.events).where(
    ENDPOINT.c.tenant_id == bindparam("of_tenant"), ENDPOINT.c.state.in_(("active", "paused"))
)


def note(
    work: UnitOfWork,
    entry: str,
    data: Mapping[str, object],
    *,
    order_id: int | None,
    parcel_id: int | None,
    now: datetime,
) -> None:
    """Tell of an entry on the time line, if an endpoint wants its kind."""
    kind = kind_of(entry, str(data.get("to", "")))
    if kind is None or order_id is None or kind not in _wanted(work):
        return
    _write(work, [_row(work, kind, order_id, parcel_id, now)], now)


def note_received(work: UnitOfWork, order_ids: Iterable[int], now: datetime) -> None:
    """Tell of new orders."""
    if "order.received" not in _wanted(work):
        return
    rows = [_row(work, "order.received", order_id, None, now) for order_id in order_ids]
    if rows:
        _write(work, rows, now)


def new_event_id() -> str:
    return "evt_" + secrets.token_hex(12)


def _wanted(work: UnitOfWork) -> frozenset[str]:
    """Kinds that endpoints want: asked once per transaction."""
    connection = work.session.connection()
    transaction = connection.get_transaction()
    kept = work.session.info.get(WANTED)
    if kept is None or kept[0] is not transaction:
        rows = connection.execute(_SUBSCRIBED, {"of_tenant": work.tenant_id}).scalars()
        kept = (transaction, frozenset(kind for events in rows for kind in events))
        work.session.info[WANTED] = kept
    found: frozenset[str] = kept[1]
    return found


def _row(
    work: UnitOfWork, kind: str, order_id: int, parcel_id: int | None, now: datetime
) -> dict[str, Any]:
    return {
        "tenant_id": work.tenant_id,
        "public_id": new_event_id(),
        "kind": kind,
        "order_id": order_id,
        "parcel_id": parcel_id,
        "at": now,
    }


def _write(work: UnitOfWork, rows: list[dict[str, Any]], now: datetime) -> None:
    connection = work.session.connection()
    connection.execute(insert(EVENT), rows)
    told = f"{WANTED}_job"
    if work.session.info.get(told) is not connection.get_transaction():  # one job per transaction
        work.session.info[told] = connection.get_transaction()
        enqueue(work, "spread_webhooks", {}, due_at=now, now=now)
