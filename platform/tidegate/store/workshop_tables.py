"""Rule sets in the making and in force: drafts, versions, reviews, what a shadow would have done, who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey, JsonColumn
from tidegate.store.tables import Base, TenantScoped


class RuleDraft(TenantScoped, Base):
    """The one open draft of a set. `version` grows with every save; a save names the one it began with.

    state: editing, in_review, approved.
    """

    __tablename__ = "rule_draft"
    __table_args__ = (UniqueConstraint("tenant_id", "set_id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    set_id: Mapped[str] = mapped_column(String(80))
    version: Mapped[int] = mapped_column(Integer, default=1)
    state: Mapped[str] = mapped_column(String(12), default="editing")
    text: Mapped[str] = mapped_column(Text)
    text_before: Mapped[str | None] = mapped_column(Text)  # before the last save, to take it back
    hash: Mapped[str] = mapped_column(String(64))
    base_hash: Mapped[str] = mapped_column(String(64), default="")
    author: Mapped[str] = mapped_column(String(120))
    authors: Mapped[list[Any]] = mapped_column(JsonColumn, default=list)  # everyone who changed it
    approved_by: Mapped[str | None] = mapped_column(String(120))
    started_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(120))
    changed_at: Mapped[datetime]


class RuleVersion(TenantScoped, Base):
    """A published version; never changed, except that `withdrawn_at` may be set.

    In force is, of the versions of a set that have begun and neither ended nor been withdrawn, the
    one that began last. `mode` shadow: it decides beside the live one and does not act.
    """

    __tablename__ = "rule_version"
    __table_args__ = (UniqueConstraint("tenant_id", "set_id", "number"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    set_id: Mapped[str] = mapped_column(String(80))
    number: Mapped[int] = mapped_column(Integer)
    hash: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(String(8), default="live")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    published_by: Mapped[str] = mapped_column(String(120))
    approved_by: Mapped[str | None] = mapped_column(String(120))
    published_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text, default="")
    summary: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)


class RuleAudit(TenantScoped, Base):
    """Who did what to which set and when. `data` holds codes, ids and numbers."""

    __tablename__ = "rule_audit"
    __table_args__ = (Index("ix_rule_audit_set", "tenant_id", "set_id", "id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    set_id: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(120))
    act: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)


class ShadowDecision(TenantScoped, Base):
    """What a version in shadow would have decided beside the live one, where the two differ."""

    __tablename__ = "shadow_decision"
    __table_args__ = (Index("ix_shadow_decision_version", "tenant_id", "version_id", "id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("rule_version.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("sales_order.id"))
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"))
    at: Mapped[datetime]
    live: Mapped[str] = mapped_column(String(40))
    shadow: Mapped[str] = mapped_column(String(40))
    same: Mapped[bool]


class AcceptedFinding(TenantScoped, Base):
    """A finding of the check that somebody accepted with a reason; `key` is the same in later versions."""

    __tablename__ = "accepted_finding"
    __table_args__ = (Index("ix_accepted_finding_set", "tenant_id", "set_id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    set_id: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(300))
    reason: Mapped[str] = mapped_column(Text)
    accepted_by: Mapped[str] = mapped_column(String(120))
    accepted_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    hash: Mapped[str] = mapped_column(String(64), default="", server_default="")
    withdrawn_by: Mapped[str | None] = mapped_column(String(120))
