"""Deliveries: at least once, signed in each attempt, ten attempts over three days, then dead until a person replays."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update

from tidegate.errors import ConfigError
from tidegate.services.connection_alerts import watch_endpoint
from tidegate.services.connection_facts import GONE
from tidegate.services.context import Context
from tidegate.services.webhooks.guarded import Heard
from tidegate.services.webhooks.signing import headers, live_secrets
from tidegate.services.work import enqueue
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

log = structlog.get_logger()
_H = 3600
# Seconds from an attempt to the next one: 10 attempts in all.
WAITS_S = (5, 300, 1800, 2 * _H, 5 * _H, 10 * _H, 14 * _H, 20 * _H, 24 * _H)
LONGEST_WAIT_S = 24 * _H  # whatever Retry-After asks for
IN_HAND = timedelta(seconds=120)  # who died with a delivery in hand is followed after this
AT_ONCE = 8  # endpoints that are called side by side
BUDGET_S = 45.0  # a job ends well before its lease does
ASK_AGAIN_S = 30  # a delivery that had to stand behind a slow one
USER_AGENT = "Tidegate-Webhooks/1"
_LONG_NUMBER = re.compile(r"\d{5,}")


@dataclass(frozen=True, slots=True)
class _Call:
    """An attempt that was claimed and committed; now it may be made."""

    id: int
    endpoint_id: int
    url: str
    body: bytes
    headers: Mapping[str, str]
    at: datetime


def deliver(context: Context, ids: Sequence[int]) -> None:
    """Send what is due among these: endpoints side by side, so that a slow one delays no other."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(
            select(WebhookDelivery.id, WebhookDelivery.endpoint_id)
            .where(WebhookDelivery.id.in_(ids), WebhookDelivery.state == "waiting")
            .order_by(WebhookDelivery.id)
        ).all()
    lanes: dict[int, list[int]] = {}
    for id_, endpoint_id in rows:
        lanes.setdefault(endpoint_id, []).append(id_)
    if not lanes:
        return
    end = time.monotonic() + BUDGET_S
    with ThreadPoolExecutor(min(AT_ONCE, len(lanes)), thread_name_prefix="webhooks") as pool:
        for done in [pool.submit(_lane, context, lane, end) for lane in lanes.values()]:
            done.result()


def _lane(context: Context, ids: Sequence[int], end: float) -> None:
    """Deliveries of one endpoint, one after the other; the rest comes later when it is slow or time is up.

    Raises:
        ConfigError: some could not be opened for want of the key; they wait, the others were sent.
    """
    sealed: ConfigError | None = None
    for at, id_ in enumerate(ids):
        if time.monotonic() > end:
            _postpone(context, ids[at:])
            break
        try:
            call = _claim(context, id_)
        except ConfigError as error:
            sealed = error
            continue
        if call is None:
            continue
        heard = context.caller.post(call.url, call.body, call.headers)
        _keep(context, call, heard)
        if heard.error in ("timeout", "no_connection") and ids[at + 1 :]:
            _postpone(context, ids[at + 1 :])
            break
    if sealed is not None:
        raise sealed


def _claim(context: Context, delivery_id: int) -> _Call | None:
    """Take an attempt, committed before the first byte leaves; None when it is not (or no longer) to be made.

    Raises:
        ConfigError: the key does not fit; no attempt is used up.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        taken = work.session.execute(
            update(WebhookDelivery)
            .where(
                WebhookDelivery.id == delivery_id,
                WebhookDelivery.state == "waiting",
                WebhookDelivery.due_at <= now,
                WebhookDelivery.endpoint_id.in_(
                    select(WebhookEndpoint.id).where(WebhookEndpoint.state == "active")
                ),
            )
            .values(
                due_at=now + IN_HAND,
                tries=WebhookDelivery.tries + 1,
                attempts=WebhookDelivery.attempts + 1,
            )
            .execution_options(synchronize_session=False)
            .returning(WebhookDelivery.endpoint_id, WebhookDelivery.event_id, WebhookDelivery.body)
        ).first()
        if taken is None or taken.body is None:
            return None
        endpoint = work.session.get_one(WebhookEndpoint, taken.endpoint_id)
        event = work.session.get_one(WebhookEvent, taken.event_id)
        document = context.box.open(taken.body)
        keys = live_secrets(context.box, endpoint.secrets, now)
        work.commit()
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    signed = headers(event.public_id, now, body, keys)
    more = {"Content-Type": "application/json; charset=utf-8", "User-Agent": USER_AGENT}
    return _Call(delivery_id, endpoint.id, endpoint.url, body, {**more, **signed}, now)


def _keep(context: Context, call: _Call, heard: Heard) -> None:
    """What came of an attempt, and what follows from it."""
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        delivery = work.session.get_one(WebhookDelivery, call.id, with_for_update=True)
        endpoint = work.session.get_one(WebhookEndpoint, call.endpoint_id)
        work.add(
            WebhookAttempt(
                delivery_id=delivery.id, at=call.at, took_ms=heard.took_ms, status=heard.status,
                error=_error(heard), answer=_shown(heard.answer),
            )
        )  # fmt: skip
        delivery.status, delivery.error = heard.status, _error(heard)
        if _error(heard) is None:
            delivery.state, delivery.ended_at = "delivered", now
            endpoint.delivered_at = now
            if endpoint.failing_since is not None:
                endpoint.failing_since = None
                watch_endpoint(work, context, endpoint, now)
        elif delivery.state == "waiting":
            _failed(work, endpoint, delivery, heard, now)
            watch_endpoint(work, context, endpoint, now)
        work.commit()


def _failed(
    work: UnitOfWork,
    endpoint: WebhookEndpoint,
    delivery: WebhookDelivery,
    heard: Heard,
    now: datetime,
) -> None:
    log.info("webhooks.failed", delivery_id=delivery.id, status=heard.status, code=_error(heard))
    endpoint.failing_since = endpoint.failing_since or now
    if heard.status == GONE or delivery.tries > len(WAITS_S):
        delivery.state, delivery.ended_at = "dead", now
        return
    wait_s = WAITS_S[delivery.tries - 1]
    if heard.status in (429, 503) and heard.retry_after_s is not None:
        wait_s = max(wait_s, min(heard.retry_after_s, LONGEST_WAIT_S))
    delivery.due_at = now + timedelta(seconds=wait_s)
    _enqueue(work, [delivery.id], delivery.due_at, now)


def _postpone(context: Context, ids: Sequence[int]) -> None:
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        _enqueue(work, ids, now + timedelta(seconds=ASK_AGAIN_S), now)
        work.commit()


def _enqueue(work: UnitOfWork, ids: Sequence[int], due_at: datetime, now: datetime) -> None:
    enqueue(work, "deliver_webhooks", {"ids": list(ids)}, due_at=due_at, now=now)


def _error(heard: Heard) -> str | None:
    if heard.error:
        return heard.error
    if heard.status is not None and 200 <= heard.status < 300:
        return None
    return "redirect" if heard.status is not None and 300 <= heard.status < 400 else "status"


def _shown(answer: str) -> str:
    """The beginning of an answer for people: no long numbers, nothing that a table refuses."""
    masked = _LONG_NUMBER.sub("•••", answer.replace("\0", ""))
    return masked.encode("utf-8", "replace").decode()[:300]
