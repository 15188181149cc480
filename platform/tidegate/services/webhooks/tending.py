"""What keeps both directions going and small: lost jobs are made again, old bodies forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import aliased

from tidegate.services.context import Context
from tidegate.services.pruning import delete_rows
from tidegate.services.work import enqueue
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import (
    HookMessage,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

FORGOTTEN_AFTER = timedelta(minutes=2)
KEEP_MESSAGES = timedelta(days=7)  # bodies of worked messages; failed ones keep theirs for a month
KEEP_FAILED = timedelta(days=30)
KEEP_DELIVERIES = timedelta(days=30)
KEEP_LAST = timedelta(days=400)  # of an order; nothing happens to one for so long
MOST_EVENTS = 20_000  # per run; the next one is two minutes away
GROUP = 100


def tend(context: Context) -> None:
    """Nothing waits for a job that is gone; nothing is kept longer than it is of use."""
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        _wake(work, now)
        _forget(work, now)
        work.commit()
    delete_rows(context, WebhookEvent, _told(now), most=MOST_EVENTS)


def _wake(work: UnitOfWork, now: datetime) -> None:
    late = now - FORGOTTEN_AFTER
    messages = work.session.scalars(
        select(HookMessage.id).where(HookMessage.state == "waiting", HookMessage.due_at < late)
    ).all()
    for start in range(0, len(messages), GROUP):
        args = {"ids": list(messages[start : start + GROUP])}
        enqueue(work, "work_hook_messages", args, due_at=now, now=now)
    active = select(WebhookEndpoint.id).where(WebhookEndpoint.state == "active")
    deliveries = work.session.scalars(
        select(WebhookDelivery.id).where(
            WebhookDelivery.state == "waiting",
            WebhookDelivery.due_at < late,
            WebhookDelivery.endpoint_id.in_(active),
        )
    ).all()
    for start in range(0, len(deliveries), GROUP):
        args = {"ids": list(deliveries[start : start + GROUP])}
        enqueue(work, "deliver_webhooks", args, due_at=now, now=now)
    waits = select(WebhookEvent.id).where(WebhookEvent.spread_at.is_(None), WebhookEvent.at < late)
    if work.session.scalar(waits.limit(1)) is not None:
        enqueue(work, "spread_webhooks", {}, due_at=now, now=now)


def _forget(work: UnitOfWork, now: datetime) -> None:
    worked = HookMessage.state.in_(("done", "ignored")) & (
        HookMessage.received_at < now - KEEP_MESSAGES
    )
    given_up = (HookMessage.state == "failed") & (HookMessage.received_at < now - KEEP_FAILED)
    _run(
        work,
        update(HookMessage)
        .where(HookMessage.payload.is_not(None), worked | given_up)
        .values(payload=None),
    )
    old = WebhookDelivery.state.in_(("delivered", "dead", "dropped")) & (
        WebhookDelivery.created_at < now - KEEP_DELIVERIES
    )
    mine = select(WebhookDelivery.id).where(old)
    _run(work, delete(WebhookAttempt).where(WebhookAttempt.delivery_id.in_(mine)))
    _run(work, delete(WebhookDelivery).where(old))


def _told(now: datetime) -> ColumnElement[bool]:
    """Events that were spread long ago and are delivered. Of an order the last one stays as long as more may come:
    the next is numbered after it.
    """
    later = aliased(WebhookEvent)
    newer = exists().where(
        later.order_id == WebhookEvent.order_id, later.sequence > WebhookEvent.sequence
    )
    owed = exists().where(WebhookDelivery.event_id == WebhookEvent.id)
    old = WebhookEvent.spread_at < now - KEEP_DELIVERIES
    ancient = WebhookEvent.spread_at < now - KEEP_LAST
    return old & ~owed & (newer | ancient | WebhookEvent.order_id.is_(None))


def _run(work: UnitOfWork, statement: Any) -> None:
    work.session.execute(statement.execution_options(synchronize_session=False))
