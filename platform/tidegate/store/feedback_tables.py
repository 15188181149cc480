"""How often rules fired, day by day, and which ideas for rules somebody put aside."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey
from tidegate.store.tables import Base, TenantScoped


class RuleHitDay(TenantScoped, Base):
    """Decisions of one day in which a rule fired; in `acted` of them what it asked for came about.

    `day` is a day of the tenant's time zone. Made from `decision`; may be emptied together with its mark at any time.
    """

    __tablename__ = "rule_hit_day"
    __table_args__ = (UniqueConstraint("tenant_id", "set_id", "rule_id", "day"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    set_id: Mapped[str] = mapped_column(String(80))
    rule_id: Mapped[str] = mapped_column(String(160))
    day: Mapped[date] = mapped_column(Date)
    hits: Mapped[int] = mapped_column(Integer)
    acted: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[datetime]


class RuleHitMark(TenantScoped, Base):
    """Decisions up to and including `decision_id` are counted in `rule_hit_day`."""

    __tablename__ = "rule_hit_mark"
    __table_args__ = (UniqueConstraint("tenant_id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    decision_id: Mapped[int] = mapped_column(BigInteger)


class DismissedIdea(TenantScoped, Base):
    """An idea for a rule that somebody put aside, with the reason; `key` is the same while the habit is."""

    __tablename__ = "dismissed_idea"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    set_id: Mapped[str] = mapped_column(String(80))
    what: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    dismissed_by: Mapped[str] = mapped_column(String(120))
    dismissed_at: Mapped[datetime]
