"""Recipients behind a platform's token or mask, opened for a person who may and says why.

What the platform tells is kept sealed for a month, shown once per reason, and never written into the order: labels go
by the platform's own waybill API. Each opening is an access in the order's time line and in the tenant's audit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from tidegate.errors import RemoteRefused
from tidegate.sdk.capabilities import OpensRecipients
from tidegate.sdk.values import Recipient, RecipientToken
from tidegate.services.accounts import events
from tidegate.services.closed_recipients import PARTS, is_closed, token_of
from tidegate.services.context import Context
from tidegate.services.remotes.carrying import paused
from tidegate.services.remotes.connected import connector_of, manifest_for
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.sync_tables import OpenedRecipient
from tidegate.store.tables import Order, Shop
from tidegate.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Opened:
    """Personal data: show it once, keep it nowhere else."""

    name: str
    phone: str
    address: str
    valid_until: datetime | None

    def __repr__(self) -> str:
        return "Opened(…)"


@dataclass(frozen=True, slots=True)
class _Way:
    row: ConnectorAccount
    shop: str
    token: RecipientToken


def can_open(context: Context, order_id: int) -> bool:
    """Whether the order's recipient is closed and an account of its shop can open it."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        order = work.session.get(Order, order_id)
        return order is not None and _way(work, order) is not None


def open_recipient(context: Context, order_id: int, actor: str, reason: str) -> Opened | None:
    """In clear, from what was opened before or from the platform; None where nobody can open it.

    The access is kept before the platform is asked. The caller has checked the permission and the reason.

    Raises:
        The remote families; RemoteRefused also when the platform keeps the recipient closed.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        order = work.session.get(Order, order_id)
        way = _way(work, order) if order is not None else None
        number = order.number if order is not None else ""
        kept = work.session.scalar(
            select(OpenedRecipient).where(OpenedRecipient.order_id == order_id)
        )
    if way is None:
        return None
    now = context.clock()
    fresh = kept is not None and (kept.valid_until is None or kept.valid_until > now)
    _note(context, number, actor, reason, way.row.code, "kept" if fresh else "platform")
    if fresh and kept is not None:
        return _opened(context.box.open(kept.sealed), kept.valid_until)
    found = _ask(context, way)
    _keep(context, order_id, found, actor)
    return Opened(found.name, found.phone, found.address, found.valid_until)


def _way(work: UnitOfWork, order: Order) -> _Way | None:
    """Which account opens it, and with what; an account of the shop counts before one of all shops."""
    if not is_closed(order):
        return None
    shop = work.session.get_one(Shop, order.shop_id)
    rows = work.session.scalars(
        select(ConnectorAccount)
        .where((ConnectorAccount.shop_id == shop.id) | ConnectorAccount.shop_id.is_(None))
        .order_by(ConnectorAccount.shop_id.is_(None), ConnectorAccount.id)
    )
    for row in rows:
        manifest = manifest_for(row)
        if "open_recipients" not in manifest.capabilities or manifest.channel != order.channel:
            continue
        token = token_of(order.number, order.extra, manifest)
        if token is not None:
            return _Way(row, shop.name, token)
    return None


def _ask(context: Context, way: _Way) -> Recipient:
    if way.row.state != "active":
        raise paused(way.row.code)
    made, _ = connector_of(context, way.row, way.shop)
    found = made.open_recipients([way.token])[0] if isinstance(made, OpensRecipients) else None
    if found is None:
        raise RemoteRefused(
            "recipient.stays_closed",
            zh="平台不提供这个收件人的明文；面单请用平台的取号接口。",
            en="The platform keeps this recipient closed; labels are made through its own waybill API.",
        )
    return found


def _keep(context: Context, order_id: int, found: Recipient, actor: str) -> None:
    now = context.clock()
    sealed = context.box.seal({part: getattr(found, part) for part in PARTS})
    with context.store.begin(context.tenant_id) as work:
        row = work.session.scalar(
            select(OpenedRecipient).where(OpenedRecipient.order_id == order_id)
        )
        if row is None:
            row = OpenedRecipient(
                order_id=order_id, sealed="", key_id="", opened_by="", opened_at=now
            )
            work.add(row)
        row.sealed, row.key_id, row.opened_by = sealed, context.box.key_id, actor[:80]
        row.opened_at, row.valid_until = now, found.valid_until
        work.commit()


def _note(
    context: Context, number: str, actor: str, reason: str, account: str, source: str
) -> None:
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        events.note(
            work.session, work.tenant_id, now, "recipient_opened", actor, number[:80],
            reason=reason[:200], account=account, source=source,
        )  # fmt: skip
        work.commit()


def _opened(document: Mapping[str, str], until: datetime | None) -> Opened:
    return Opened(document["name"], document["phone"], document["address"], until)
