"""Deliveries for people: what went out, what was answered, and sending it once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from tidegate.errors import NotFound
from tidegate.services.context import Context
from tidegate.services.work import enqueue
from tidegate.store.tables import Order
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

STATES = ("waiting", "delivered", "dead", "dropped")
SHOWN = 50
REPLAYED = 1_000  # at most so many dead ones at once


@dataclass(frozen=True, slots=True)
class Attempt:
    at: datetime
    took_ms: int
    status: int | None
    error: str | None
    answer: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """state: waiting, delivered, dead, dropped; `event_id` is what the receiver saw as webhook-id."""

    id: int
    endpoint_id: int
    endpoint: str
    event_id: str
    kind: str
    order_id: int | None
    order_number: str | None
    sequence: int | None
    state: str
    attempts: int
    status: int | None
    error: str | None
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None
    tried: tuple[Attempt, ...]


def deliveries(
    context: Context, endpoint_id: int | None = None, state: str = "", limit: int = SHOWN
) -> tuple[Delivery, ...]:
    """The newest deliveries first, with their attempts."""
    statement = _every().order_by(WebhookDelivery.id.desc()).limit(limit)
    if endpoint_id is not None:
        statement = statement.where(WebhookDelivery.endpoint_id == endpoint_id)
    if state in STATES:
        statement = statement.where(WebhookDelivery.state == state)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return _read(work, statement)


def delivery(context: Context, delivery_id: int) -> Delivery:
    """One delivery.

    Raises:
        NotFound: no such delivery.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = _read(work, _every().where(WebhookDelivery.id == delivery_id))
    if not found:
        raise _not_found()
    return found[0]


def replay(context: Context, delivery_id: int) -> None:
    """Send it again under the same webhook-id, with ten new attempts.

    Raises:
        NotFound: no such delivery, its endpoint was removed, or its body was forgotten.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = work.session.get(WebhookDelivery, delivery_id)
        if row is None or row.body is None or row.state not in ("dead", "delivered"):
            raise _not_found()
        _again(work, [row], now)
        work.commit()


def replay_dead(context: Context, endpoint_id: int) -> int:
    """Send everything that an endpoint's attempts were given up for; how many."""
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        rows = work.session.scalars(
            select(WebhookDelivery)
            .where(
                WebhookDelivery.endpoint_id == endpoint_id,
                WebhookDelivery.state == "dead",
                WebhookDelivery.body.is_not(None),
            )
            .order_by(WebhookDelivery.id)
            .limit(REPLAYED)
        ).all()
        _again(work, rows, now)
        work.commit()
    return len(rows)


def _again(work: UnitOfWork, rows: Sequence[WebhookDelivery], now: datetime) -> None:
    for row in rows:
        row.state, row.tries, row.due_at, row.ended_at = "waiting", 0, now, None
    for start in range(0, len(rows), 100):
        args = {"ids": [row.id for row in rows[start : start + 100]]}
        enqueue(work, "deliver_webhooks", args, due_at=now, now=now)


def _every() -> Any:
    return (
        select(WebhookDelivery, WebhookEvent, WebhookEndpoint.name, Order.number)
        .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .outerjoin(Order, Order.id == WebhookDelivery.order_id)
    )


def _read(work: UnitOfWork, statement: Any) -> tuple[Delivery, ...]:
    rows = work.session.execute(statement).all()
    tried: dict[int, list[Attempt]] = {}
    for one in work.session.scalars(
        select(WebhookAttempt)
        .where(WebhookAttempt.delivery_id.in_([row[0].id for row in rows]))
        .order_by(WebhookAttempt.id)
    ):
        tried.setdefault(one.delivery_id, []).append(
            Attempt(one.at, one.took_ms, one.status, one.error, one.answer)
        )
    return tuple(
        Delivery(
            id=row.id, endpoint_id=row.endpoint_id, endpoint=name, event_id=event.public_id,
            kind=event.kind, order_id=row.order_id, order_number=number, sequence=event.sequence,
            state=row.state, attempts=row.attempts, status=row.status, error=row.error,
            created_at=row.created_at, due_at=row.due_at, ended_at=row.ended_at,
            tried=tuple(tried.get(row.id, ())),
        )
        for row, event, name, number in rows
    )  # fmt: skip


def _not_found() -> NotFound:
    return NotFound(
        "webhooks.no_delivery",
        zh="没有这次推送，或它的内容已清除，不能再发。",
        en="There is no such delivery, or its body was forgotten, so it can't be sent.",
    )
