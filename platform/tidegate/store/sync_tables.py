"""Synchronisation of accounts: when each task comes next, what its runs did, mappings, samples, opened recipients."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey, JsonColumn
from tidegate.store.tables import Base, TenantScoped


class AccountSync(TenantScoped, Base):
    """One task of an account (`orders`, `stock` …). Whoever sets `running_until` works; it ends by itself."""

    __tablename__ = "account_sync"
    __table_args__ = (UniqueConstraint("account_id", "task"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("connector_account.id"))
    task: Mapped[str] = mapped_column(String(20))
    next_at: Mapped[datetime]
    last_at: Mapped[datetime | None]  # the last run, whatever came of it
    ok_at: Mapped[datetime | None]  # the last one without an error
    failures: Mapped[int] = mapped_column(Integer, default=0)  # in a row
    code: Mapped[str] = mapped_column(String(80), default="")
    behind: Mapped[bool] = mapped_column(Boolean, default=False)  # there was more to read at once
    running_until: Mapped[datetime | None]


class SyncRun(TenantScoped, Base):
    """One run in the sync log. `reasons` counts codes of rejected rows, `rows` names the first of them."""

    __tablename__ = "sync_run"
    __table_args__ = (Index("ix_sync_run_list", "account_id", "id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("connector_account.id"))
    task: Mapped[str] = mapped_column(String(20))
    began_by: Mapped[str] = mapped_column(String(80), default="")  # "" by schedule, else who
    at: Mapped[datetime]
    window_start: Mapped[datetime | None]
    window_end: Mapped[datetime | None]
    pages: Mapped[int] = mapped_column(Integer, default=0)
    read: Mapped[int] = mapped_column(Integer, default=0)
    accepted: Mapped[int] = mapped_column(Integer, default=0)
    rejected: Mapped[int] = mapped_column(Integer, default=0)
    created: Mapped[int] = mapped_column(Integer, default=0)
    updated: Mapped[int] = mapped_column(Integer, default=0)
    reasons: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    rows: Mapped[list[Any]] = mapped_column(JsonColumn, default=list)
    took_ms: Mapped[int] = mapped_column(Integer, default=0)
    code: Mapped[str] = mapped_column(String(80), default="")
    behind: Mapped[bool] = mapped_column(Boolean, default=False)


class AccountMapping(TenantScoped, Base):
    """What a person changed of a manifest's field mapping; the newest version counts, `{}` is the manifest's own."""

    __tablename__ = "account_mapping"
    __table_args__ = (UniqueConstraint("account_id", "version"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("connector_account.id"))
    version: Mapped[int] = mapped_column(Integer)
    overlay: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    changed_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]


class AccountSample(TenantScoped, Base):
    """The newest documents of an account as they came, sealed; they are for the mapping editor."""

    __tablename__ = "account_sample"
    __table_args__ = (UniqueConstraint("account_id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("connector_account.id"))
    sealed: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(String(16))
    taken_at: Mapped[datetime]


class OpenedRecipient(TenantScoped, Base):
    """A recipient that a platform opened for a person, sealed; removed when its time is over."""

    __tablename__ = "opened_recipient"
    __table_args__ = (UniqueConstraint("order_id"), Index("ix_opened_recipient_old", "opened_at"))
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("sales_order.id"))
    sealed: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(String(16))
    opened_by: Mapped[str] = mapped_column(String(80))
    opened_at: Mapped[datetime]
    valid_until: Mapped[datetime | None]  # of a virtual number


class FollowedParcel(TenantScoped, Base):
    """A parcel whose scans an account was asked to push."""

    __tablename__ = "followed_parcel"
    __table_args__ = (UniqueConstraint("account_id", "parcel_id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("connector_account.id"))
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"))
    waybill_no: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]
