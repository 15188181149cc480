"""Accounts at platforms and carriers, their tokens, breakers, and the record of calls.

Credentials and tokens are sealed (services/secrets_box.py); `key_id` names the key they are sealed with.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey, JsonColumn
from tidegate.store.tables import Base, TenantScoped


class ConnectorAccount(TenantScoped, Base):
    """One account at a platform. state: active, paused (by a person), broken (its credentials were refused)."""

    __tablename__ = "connector_account"
    __table_args__ = (UniqueConstraint("tenant_id", "code"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(40))  # what CarrierService.connector names
    connector: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(120))
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))  # None: serves all shops
    settings: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    credentials: Mapped[str] = mapped_column(Text, default="")  # sealed
    key_id: Mapped[str] = mapped_column(String(16), default="")
    state: Mapped[str] = mapped_column(String(10), default="active")
    reason: Mapped[str] = mapped_column(String(200), default="")  # a person's words, or a code
    version: Mapped[int] = mapped_column(Integer, default=1)  # of settings and credentials
    clock_offset_ms: Mapped[int | None] = mapped_column(Integer)  # theirs minus ours
    clock_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    check_code: Mapped[str] = mapped_column(String(80), default="")  # "" when the check was fine
    changed_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class AccountToken(TenantScoped, Base):
    """The tokens in use. `version` goes up with each pair; the lease is held by whoever asks for the next one."""

    __tablename__ = "account_token"
    __table_args__ = (UniqueConstraint("account_id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("connector_account.id"))
    sealed: Mapped[str] = mapped_column(Text, default="")
    key_id: Mapped[str] = mapped_column(String(16), default="")
    version: Mapped[int] = mapped_column(Integer, default=0)  # 0: there are none yet
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    authorised_until: Mapped[
        datetime | None
    ]  # when the shop's owner has to agree again, where known
    lease: Mapped[str] = mapped_column(String(32), default="")
    lease_until: Mapped[datetime | None]


class AccountGrant(TenantScoped, Base):
    """A shop's owner was sent to the platform's page. Good once, for the browser that began, until `expires_at`.

    `state` and `browser` are SHA-256 of random words; `outcome` is "" while it is open, `done`, or a code.
    """

    __tablename__ = "account_grant"
    __table_args__ = (UniqueConstraint("state"), Index("ix_account_grant_old", "expires_at"))
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("connector_account.id"))
    state: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(64))
    redirect_uri: Mapped[str] = mapped_column(String(300))
    started_by: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(80), default="")


class RemoteBreaker(TenantScoped, Base):
    """Whether a group of an account's calls is let through. state: closed, open, half_open.

    Failures before `since_at` don't count; `held` stays open until a person closes it.
    """

    __tablename__ = "remote_breaker"
    __table_args__ = (UniqueConstraint("account_id", "api_group"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("connector_account.id"))
    api_group: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10), default="closed")
    since_at: Mapped[datetime]
    until_at: Mapped[datetime | None]  # open: when one call may probe
    probe_until: Mapped[datetime | None]  # half open: when a probe counts as lost
    open_s: Mapped[int] = mapped_column(Integer, default=0)
    opened: Mapped[int] = mapped_column(Integer, default=0)  # how often
    held: Mapped[bool] = mapped_column(Boolean, default=False)
    actor: Mapped[str] = mapped_column(String(80), default="")
    reason: Mapped[str] = mapped_column(String(200), default="")
    updated_at: Mapped[datetime]


class RemoteCall(TenantScoped, Base):
    """One call that left, or tried to. Bodies are masked before they come here; old rows are removed.

    outcome: ok, refused (4xx), throttled, not_sent, unclear, broken.
    """

    __tablename__ = "remote_call"
    __table_args__ = (
        Index("ix_remote_call_recent", "account_id", "api_group", "at"),
        Index("ix_remote_call_list", "account_id", "id"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("connector_account.id"))
    api: Mapped[str] = mapped_column(String(80))
    api_group: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(10))
    status: Mapped[int | None] = mapped_column(Integer)
    code: Mapped[str] = mapped_column(String(80), default="")
    took_ms: Mapped[int] = mapped_column(Integer)
    attempt: Mapped[int] = mapped_column(Integer, default=1)
    request: Mapped[str] = mapped_column(Text, default="")
    answer: Mapped[str] = mapped_column(Text, default="")
