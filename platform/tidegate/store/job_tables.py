"""When recurring jobs come next."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey
from tidegate.store.tables import Base, TenantScoped


class Schedule(TenantScoped, Base):
    """One recurring job of a tenant. Whoever moves `next_at` on makes the job of that time: one wins."""

    __tablename__ = "schedule"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    next_at: Mapped[datetime]
    last_at: Mapped[datetime | None]
