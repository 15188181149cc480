"""From events to deliveries: who wants what, the body fixed once, a number per order that only grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from tidegate.services.context import Context
from tidegate.services.webhooks.payloads import envelope, order_states
from tidegate.services.work import enqueue
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import WebhookDelivery, WebhookEndpoint, WebhookEvent

GROUP = 200  # events per transaction
LISTENING = ("active", "paused")  # a paused endpoint gets everything once it goes on


def spread(context: Context) -> int:
    """Make deliveries of what waits; the number of events taken."""
    taken = 0
    while True:
        with context.store.begin(context.tenant_id) as work:
            events = _spread(work, context, context.clock())
            work.commit()
        taken += events
        if events < GROUP:
            return taken


def _spread(work: UnitOfWork, context: Context, now: datetime) -> int:
    session = work.session
    # The lock makes spreaders of a tenant take turns: a state is read and numbered by one at a time, so that of
    # two bodies of an order the one with the higher sequence is never the older.
    endpoints = session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.state.in_(LISTENING))
        .order_by(WebhookEndpoint.id)
        .with_for_update(key_share=True)
    ).all()
    events = session.scalars(
        select(WebhookEvent)
        .where(WebhookEvent.spread_at.is_(None))
        .order_by(WebhookEvent.id)
        .limit(GROUP)
    ).all()
    order_ids = {event.order_id for event in events if event.order_id is not None}
    numbers = _numbers(work, order_ids)
    states = {
        right: order_states(work, order_ids, personal=right)
        for right in {endpoint.personal for endpoint in endpoints}
    }
    made: dict[int, list[WebhookDelivery]] = {}
    for event in events:
        order_id = event.order_id or 0
        numbers[order_id] = event.sequence = numbers.get(order_id, 0) + 1
        event.spread_at = now
        for endpoint in endpoints:
            if event.kind in endpoint.events:
                told = _told(event, states[endpoint.personal])
                made.setdefault(endpoint.id, []).append(
                    add_delivery(work, context, endpoint, event, told, now)
                )
    session.flush()
    for endpoint in endpoints:
        if endpoint.id in made and endpoint.state == "active":
            ids = [delivery.id for delivery in made[endpoint.id]]
            enqueue(work, "deliver_webhooks", {"ids": ids}, due_at=now, now=now)
    return len(events)


def add_delivery(
    work: UnitOfWork,
    context: Context,
    endpoint: WebhookEndpoint,
    event: WebhookEvent,
    body: Mapping[str, Any],
    now: datetime,
) -> WebhookDelivery:
    """One event for one endpoint, its body fixed."""
    delivery = WebhookDelivery(
        endpoint_id=endpoint.id, event_id=event.id, order_id=event.order_id,
        body=context.box.seal(body), state="waiting", tries=0, attempts=0, due_at=now, created_at=now,
    )  # fmt: skip
    work.add(delivery)
    return delivery


def _told(event: WebhookEvent, states: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    order = states.get(event.order_id or 0)
    data = {"sequence": event.sequence, "parcel_id": event.parcel_id, "order": order}
    return envelope(event.kind, event.at, data)


def _numbers(work: UnitOfWork, order_ids: Sequence[int] | set[int]) -> dict[int, int]:
    rows = work.session.execute(
        select(WebhookEvent.order_id, func.max(WebhookEvent.sequence))
        .where(WebhookEvent.order_id.in_(order_ids))
        .group_by(WebhookEvent.order_id)
    )
    return {order_id: most or 0 for order_id, most in rows if order_id is not None}
