"""Endpoints of others: made, changed, paused, tested, given new secrets, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from tidegate.errors import InputError, NotFound
from tidegate.services.accounts import events as account_events
from tidegate.services.context import Context
from tidegate.services.people import one_line
from tidegate.services.ringing import quiet
from tidegate.services.webhooks import signing
from tidegate.services.webhooks.catalogue import KINDS, TEST
from tidegate.services.webhooks.outbox import new_event_id
from tidegate.services.webhooks.payloads import envelope
from tidegate.services.webhooks.spreading import add_delivery
from tidegate.services.work import enqueue
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import WebhookDelivery, WebhookEndpoint, WebhookEvent

MOST = 50  # endpoints per tenant


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. state: active, paused, disabled; why: gone, failing. Its secret is never read again."""

    id: int
    name: str
    url: str
    events: tuple[str, ...]
    personal: bool
    state: str
    why: str | None
    failing_since: datetime | None
    delivered_at: datetime | None
    waiting: int
    dead: int
    created_by: str
    created_at: datetime


def create(
    context: Context, name: str, url: str, events: Sequence[str], actor: str, *,
    personal: bool = False,
) -> tuple[int, str]:  # fmt: skip
    """A new endpoint: its id, and the secret that is shown this once.

    Raises:
        InputError: no name, an address that can't be called, or no event that there is.
    """
    called, address, wanted = _name(name), context.caller.check(_address(url)), _kinds(events)
    secret, now = signing.new_secret(), context.clock()
    with context.store.begin(context.tenant_id) as work:
        live = select(func.count()).select_from(WebhookEndpoint)
        if (work.session.scalar(live.where(WebhookEndpoint.removed_at.is_(None))) or 0) >= MOST:
            raise InputError(
                "webhooks.too_many",
                zh=f"最多 {MOST} 个推送地址；请先删除不用的。",
                en=f"There can be {MOST} endpoints at most; remove one that is not used.",
                field="url",
            )
        row = WebhookEndpoint(
            name=called, url=address, events=wanted, personal=personal, state="active",
            secrets=signing.seal_first(context.box, secret), created_by=actor, created_at=now,
        )  # fmt: skip
        work.add(row)
        _note(work, context, "webhook_created", actor, row, personal=personal)
        work.commit()
        return row.id, secret


def change(
    context: Context, endpoint_id: int, name: str, url: str, events: Sequence[str], actor: str, *,
    personal: bool,
) -> None:  # fmt: skip
    """Another name, address, choice of events or right.

    Raises:
        NotFound: no such endpoint. InputError: as for create.
    """
    called, address, wanted = _name(name), context.caller.check(_address(url)), _kinds(events)
    with context.store.begin(context.tenant_id) as work:
        row = _row(work, endpoint_id)
        row.name, row.url, row.events, row.personal = called, address, wanted, personal
        _note(work, context, "webhook_changed", actor, row, personal=personal)
        work.commit()


def pause(context: Context, endpoint_id: int, actor: str) -> None:
    """Keep events for later and send nothing.

    Raises:
        NotFound: no such endpoint.
    """
    with context.store.begin(context.tenant_id) as work:
        row = _row(work, endpoint_id)
        if row.state == "active":
            row.state = "paused"
            _note(work, context, "webhook_paused", actor, row)
        work.commit()


def resume(context: Context, endpoint_id: int, actor: str) -> None:
    """Send again, what waits first; also after we switched it off.

    Raises:
        NotFound: no such endpoint.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = _row(work, endpoint_id)
        if row.state != "active":
            row.state, row.why, row.failing_since = "active", None, None
            quiet(work, f"webhook:{row.id}", now)
            work.session.execute(
                update(WebhookDelivery)
                .where(WebhookDelivery.endpoint_id == row.id, WebhookDelivery.state == "waiting")
                .values(due_at=now)
                .execution_options(synchronize_session=False)
            )
            ids = work.session.scalars(
                select(WebhookDelivery.id)
                .where(WebhookDelivery.endpoint_id == row.id, WebhookDelivery.state == "waiting")
                .order_by(WebhookDelivery.id)
            ).all()
            for start in range(0, len(ids), 100):
                args = {"ids": list(ids[start : start + 100])}
                enqueue(work, "deliver_webhooks", args, due_at=now, now=now)
            _note(work, context, "webhook_resumed", actor, row)
        work.commit()


def rotate(context: Context, endpoint_id: int, actor: str) -> str:
    """A new secret, shown this once; the former one signs beside it for a day.

    Raises:
        NotFound: no such endpoint.
    """
    secret = signing.new_secret()
    with context.store.begin(context.tenant_id) as work:
        row = _row(work, endpoint_id)
        row.secrets = signing.seal_next(context.box, row.secrets, secret, context.clock())
        _note(work, context, "webhook_rotated", actor, row)
        work.commit()
    return secret


def remove(context: Context, endpoint_id: int, actor: str) -> None:
    """Nothing more is sent; what waits is dropped, what was sent stays in the list.

    Raises:
        NotFound: no such endpoint.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = _row(work, endpoint_id)
        row.state, row.removed_at = "removed", now
        work.session.execute(
            update(WebhookDelivery)
            .where(WebhookDelivery.endpoint_id == row.id, WebhookDelivery.state == "waiting")
            .values(state="dropped", ended_at=now, body=None)
            .execution_options(synchronize_session=False)
        )
        quiet(work, f"webhook:{row.id}", now)
        _note(work, context, "webhook_removed", actor, row)
        work.commit()


def send_test(context: Context, endpoint_id: int) -> int:
    """A delivery that says nothing but that it works; its id.

    Raises:
        NotFound: no such endpoint. InputError: it is not active.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = _row(work, endpoint_id)
        if row.state != "active":
            raise InputError(
                "webhooks.not_active",
                zh="这个推送地址没有启用；请先恢复，再发测试。",
                en="This endpoint is not active; switch it on before testing.",
                field="state",
            )
        event = WebhookEvent(public_id=new_event_id(), kind=TEST, at=now, spread_at=now)
        work.add(event)
        work.session.flush()
        body = envelope(TEST, now, {"endpoint": row.name})
        delivery = add_delivery(work, context, row, event, body, now)
        work.session.flush()
        enqueue(work, "deliver_webhooks", {"ids": [delivery.id]}, due_at=now, now=now)
        work.commit()
        return delivery.id


def endpoints(context: Context) -> tuple[Endpoint, ...]:
    """The tenant's endpoints, the oldest first."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.scalars(
            select(WebhookEndpoint)
            .where(WebhookEndpoint.removed_at.is_(None))
            .order_by(WebhookEndpoint.id)
        ).all()
        many = {
            (row[0], row[1]): row[2]
            for row in work.session.execute(
                select(WebhookDelivery.endpoint_id, WebhookDelivery.state, func.count())
                .where(WebhookDelivery.state.in_(("waiting", "dead")))
                .group_by(WebhookDelivery.endpoint_id, WebhookDelivery.state)
            )
        }
    return tuple(
        Endpoint(
            id=row.id, name=row.name, url=row.url, events=tuple(row.events), personal=row.personal,
            state=row.state, why=row.why, failing_since=row.failing_since,
            delivered_at=row.delivered_at, waiting=many.get((row.id, "waiting"), 0),
            dead=many.get((row.id, "dead"), 0), created_by=row.created_by, created_at=row.created_at,
        )
        for row in rows
    )  # fmt: skip


def endpoint(context: Context, endpoint_id: int) -> Endpoint:
    """One endpoint.

    Raises:
        NotFound: no such endpoint.
    """
    for found in endpoints(context):
        if found.id == endpoint_id:
            return found
    raise _not_found()


def _row(work: UnitOfWork, endpoint_id: int) -> WebhookEndpoint:
    found = work.session.get(WebhookEndpoint, endpoint_id)
    if found is None or found.removed_at is not None:
        raise _not_found()
    return found


def _not_found() -> NotFound:
    return NotFound(
        "webhooks.not_found",
        zh="这里没有这个推送地址；请刷新。",
        en="There is no such endpoint here; reload the page.",
    )


def _note(
    work: UnitOfWork, context: Context, kind: str, actor: str, row: WebhookEndpoint, **data: Any
) -> None:
    account_events.note(
        work.session, work.tenant_id, context.clock(), kind, actor, row.name, **data
    )


def _name(name: str) -> str:
    called = one_line(name)
    if not called:
        raise InputError(
            "webhooks.name_missing",
            zh="请写明推给谁，例如“ERP”。",
            en="Say who listens, for example ERP.",
            field="name",
        )
    return called


def _address(url: str) -> str:
    found = url.strip()
    if len(found) > 500:
        raise InputError(
            "webhooks.address_long",
            zh="地址最长 500 个字符。",
            en="An address has at most 500 characters.",
            field="url",
        )
    return found


def _kinds(events: Sequence[str]) -> list[str]:
    wanted = [kind for kind in KINDS if kind in set(events)]
    strange = sorted(set(events) - set(KINDS))
    if strange or not wanted:
        named = strange[0][:40] if strange else ""
        raise InputError(
            "webhooks.events",
            zh=f"没有事件 {named}；请从列表中选择。" if named else "请至少选择一种事件。",
            en=f"There is no event {named!r}; choose from the list."
            if named
            else "Choose at least one kind of event.",
            field="events",
        )
    return wanted
