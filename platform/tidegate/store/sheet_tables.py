"""Spreadsheets of shops without an interface: files that wait or were brought, kept mappings, waybill files.

What people upload is sealed (services/secrets_box.py) and removed after a week; mappings hold headers, no person.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey, JsonColumn, MaybeJson
from tidegate.store.tables import Base, TenantScoped


class SheetFile(TenantScoped, Base):
    """One uploaded file. state: new, waiting (for its job), running, done, failed.

    `tried` is the dry run and which layout it was of, `report` what the import said; neither holds a personal value.
    `trial_…` is a dry run by a job: which one counts; waiting, running, stopped, failed, done; what was wrong.
    """

    __tablename__ = "sheet_file"
    __table_args__ = (
        Index("ix_sheet_file_list", "account_id", "id"),
        Index("ix_sheet_file_old", "tenant_id", "uploaded_at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("connector_account.id"))
    name: Mapped[str] = mapped_column(String(120))
    digest: Mapped[str] = mapped_column(
        String(64)
    )  # SHA-256 of the bytes: the same file brought again
    size_bytes: Mapped[int] = mapped_column(Integer)
    sealed: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(String(16))
    layout: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    mapping_id: Mapped[int | None] = mapped_column(BigKey)  # the kept one it was recognised by
    state: Mapped[str] = mapped_column(String(10), default="new")
    code: Mapped[str] = mapped_column(String(80), default="")  # what went wrong
    tried: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    trial_run: Mapped[str] = mapped_column(String(32), default="", server_default="")
    trial_state: Mapped[str] = mapped_column(String(10), default="", server_default="")
    trial_read: Mapped[int] = mapped_column(Integer, default=0, server_default="0")  # rows
    trial_said: Mapped[dict[str, Any] | None] = mapped_column(MaybeJson)
    report: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    uploaded_by: Mapped[str] = mapped_column(String(80))
    uploaded_at: Mapped[datetime]
    began_at: Mapped[datetime | None]  # its import
    finished_at: Mapped[datetime | None]


class SheetMapping(TenantScoped, Base):
    """How files of one shape are read. `shape` is a hash of their headers, so that the next one is recognised."""

    __tablename__ = "sheet_mapping"
    __table_args__ = (UniqueConstraint("account_id", "name"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("connector_account.id"))
    name: Mapped[str] = mapped_column(String(80))
    shape: Mapped[str] = mapped_column(String(64))
    layout: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    uses: Mapped[int] = mapped_column(Integer, default=0)
    changed_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]


class WaybillFile(TenantScoped, Base):
    """Waybill numbers that were handed to a person as a file: which parcels, so that it can be had again."""

    __tablename__ = "waybill_file"
    __table_args__ = (Index("ix_waybill_file_list", "account_id", "id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("connector_account.id"))
    parcels: Mapped[list[Any]] = mapped_column(JsonColumn)
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]
