"""Webhooks in (addresses we give to platforms, what they told us) and out (endpoints, events, deliveries)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey, JsonColumn
from tidegate.store.tables import Base, TenantScoped


class HookAddress(TenantScoped, Base):
    """An address that one account of a platform may call. The token is found by its hash and shown from the box.

    `secrets` holds, sealed, what the platform signs with: the new one and, until `old_until`, the one before.
    """

    __tablename__ = "hook_address"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_hook_address_old_token", "old_token_hash"),
        Index("ix_hook_address_tenant", "tenant_id", "removed_at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    connector: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(80))  # the account or shop, in a person's words
    account: Mapped[str] = mapped_column(String(40))  # under which its scans are known
    token_hash: Mapped[str] = mapped_column(String(64))
    token: Mapped[str] = mapped_column(Text)  # sealed
    old_token_hash: Mapped[str | None] = mapped_column(String(64))
    secrets: Mapped[str] = mapped_column(Text)  # sealed
    old_until: Mapped[datetime | None]  # the former token and secret end here
    refused: Mapped[int] = mapped_column(Integer, default=0)
    refused_at: Mapped[datetime | None]
    refused_code: Mapped[str | None] = mapped_column(String(40))
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class HookMessage(TenantScoped, Base):
    """One event that a platform told us, kept before we answered. state: waiting, done, ignored, failed.

    `payload` is sealed and forgotten after a while; the row stays, so that a repeat is recognised.
    """

    __tablename__ = "hook_message"
    __table_args__ = (
        UniqueConstraint("tenant_id", "source", "event_id"),
        Index("ix_hook_message_state", "tenant_id", "state", "due_at"),
        Index("ix_hook_message_subject", "tenant_id", "subject"),
        Index("ix_hook_message_address", "address_id", "received_at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("hook_address.id"))
    source: Mapped[str] = mapped_column(String(80))
    event_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str | None] = mapped_column(String(200))  # of an order: channel, shop, number
    happened_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    repeats: Mapped[int] = mapped_column(Integer, default=0)
    payload: Mapped[str | None] = mapped_column(Text)  # sealed
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime]
    error: Mapped[str | None] = mapped_column(String(80))
    worked_at: Mapped[datetime | None]


class WebhookEndpoint(TenantScoped, Base):
    """An address of somebody else's that wants to hear. state: active, paused, disabled (by us; `why` says it)."""

    __tablename__ = "webhook_endpoint"
    __table_args__ = (Index("ix_webhook_endpoint_state", "tenant_id", "state"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(500))
    events: Mapped[list[Any]] = mapped_column(JsonColumn, default=list)  # ids of the catalogue
    personal: Mapped[bool] = mapped_column(Boolean, default=False)  # may receive recipients
    state: Mapped[str] = mapped_column(String(10), default="active")
    why: Mapped[str | None] = mapped_column(String(40))
    secrets: Mapped[str] = mapped_column(Text)  # sealed: [{secret, until}]
    failing_since: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class WebhookEvent(TenantScoped, Base):
    """Something that happened and somebody wants to hear of, written with the change itself.

    `sequence` counts per order from 1 and is given when the event is spread to the endpoints; until then NULL.
    """

    __tablename__ = "webhook_event"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("tenant_id", "order_id", "sequence"),
        Index("ix_webhook_event_spread", "tenant_id", "spread_at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(40))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("sales_order.id"))
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"))
    at: Mapped[datetime]
    sequence: Mapped[int | None] = mapped_column(Integer)
    spread_at: Mapped[datetime | None]


class WebhookDelivery(TenantScoped, Base):
    """One event for one endpoint. state: waiting, delivered, dead, dropped (the endpoint was removed).

    `body` is sealed and the same in every attempt. `tries` counts since the last replay, `attempts` all.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id"),
        Index("ix_webhook_delivery_state", "tenant_id", "state", "due_at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoint.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("webhook_event.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("sales_order.id"))
    body: Mapped[str | None] = mapped_column(Text)  # sealed
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    tries: Mapped[int] = mapped_column(Integer, default=0)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime]
    status: Mapped[int | None] = mapped_column(Integer)  # of the last answer
    error: Mapped[str | None] = mapped_column(String(40))  # of the last attempt
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class WebhookAttempt(TenantScoped, Base):
    """One call. `answer` is the beginning of what was said, long numbers masked."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (Index("ix_webhook_attempt_delivery", "delivery_id", "id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("webhook_delivery.id"))
    at: Mapped[datetime]
    took_ms: Mapped[int] = mapped_column(Integer)
    status: Mapped[int | None] = mapped_column(Integer)
    error: Mapped[str | None] = mapped_column(String(40))
    answer: Mapped[str] = mapped_column(String(300), default="")
