"""One call of a platform: proven, kept, answered. What it means is worked out later, by a job."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table

from tidegate.sdk.webhooks import (
    AnswersByBody,
    HookAnswer,
    HookEvent,
    HookRefused,
    HookRequest,
    WebhookReceiver,
)
from tidegate.services.context import Context
from tidegate.services.hooks.addresses import Door, count_refusal, secrets_of
from tidegate.services.work import enqueue
from tidegate.store.dialects import insert_of
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import HookMessage

MOST_BYTES = 1 << 20
LONGEST_ID = 120
UNREADABLE = "unreadable"
MESSAGE: Table = HookMessage.__table__  # type: ignore[assignment]  # a declarative class says FromClause


def receive(context: Context, door: Door, request: HookRequest) -> HookAnswer:
    """Keep what a signed call tells, committed before the answer; a repeat is only counted.

    A call that is signed but can't be read is kept too, for a person to see: refusing it would make the platform
    repeat it for ever.

    Raises:
        HookRefused: not signed by any secret of this address. It leaves a count and no row.
    """
    receiver, now = context.receivers[door.connector], context.clock()
    secrets = secrets_of(context, door)
    try:
        receiver.verify(request, secrets, now)
    except HookRefused as refusal:
        count_refusal(context, door.id, refusal.code)
        raise
    told = _events(receiver, request)
    if told:
        context.store.group(context.tenant_id, lambda work: _keep(work, context, door, told, now))
    if isinstance(receiver, AnswersByBody):
        return receiver.answer_to(request, secrets, now)
    return receiver.answer(secrets, now)


def source_of(door: Door) -> str:
    """Under what name ids of events are unique."""
    return f"{door.connector}/{door.id}"


def _events(receiver: WebhookReceiver, request: HookRequest) -> Sequence[HookEvent]:
    try:
        return receiver.events(request)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        body = base64.b64encode(request.body).decode("ascii")
        return [HookEvent("", UNREADABLE, {"body": body})]


def _keep(
    work: UnitOfWork, context: Context, door: Door, told: Sequence[HookEvent], now: datetime
) -> None:
    connection = work.session.connection()
    rows = {row["event_id"]: row for row in (_row(work, context, door, e, now) for e in told)}
    ordered = [rows[key] for key in sorted(rows)]  # two equal calls at once must not cross
    insert: Any = insert_of(connection.dialect)(MESSAGE).values(ordered)
    kept = connection.execute(
        insert.on_conflict_do_update(
            index_elements=[MESSAGE.c.tenant_id, MESSAGE.c.source, MESSAGE.c.event_id],
            set_={"repeats": MESSAGE.c.repeats + 1},
        ).returning(MESSAGE.c.id, MESSAGE.c.repeats, MESSAGE.c.state)
    ).all()
    new = [id_ for id_, repeats, state in kept if repeats == 0 and state == "waiting"]
    if new:
        enqueue(work, "work_hook_messages", {"ids": new}, due_at=now, now=now)


def _row(
    work: UnitOfWork, context: Context, door: Door, event: HookEvent, now: datetime
) -> dict[str, Any]:
    payload = dict(event.payload)
    unreadable = event.kind == UNREADABLE
    return {
        "tenant_id": work.tenant_id,
        "address_id": door.id,
        "source": source_of(door),
        "event_id": _id(event, payload),
        "kind": "".join(sign for sign in event.kind if sign.isprintable())[:60],
        "happened_at": event.at,
        "received_at": now,
        "repeats": 0,
        "payload": context.box.seal(payload),
        "state": "failed" if unreadable else "waiting",
        "attempts": 0,
        "due_at": now,
        "error": UNREADABLE if unreadable else None,
    }


def _id(event: HookEvent, payload: dict[str, Any]) -> str:
    plain = event.id.isascii() and event.id.isprintable() and len(event.id) <= LONGEST_ID
    if event.id and plain:
        return event.id
    told = event.id or json.dumps(payload, sort_keys=True)
    return "sha256:" + hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
