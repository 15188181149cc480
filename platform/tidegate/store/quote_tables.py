"""What carriers said a parcel would cost, kept for a while by lane and weight."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey, JsonColumn
from tidegate.store.tables import Base, TenantScoped


class CarrierQuote(TenantScoped, Base):
    """One question of an account and its answer. state: asked, answered, failed (with `code`).

    `lane` names two regions, nobody. Until `until_at` nothing is asked again; `prices` has the platform's product ->
    minor units, currency and hours.
    """

    __tablename__ = "carrier_quote"
    __table_args__ = (
        UniqueConstraint("tenant_id", "account", "lane", "weight_g"),
        Index("ix_carrier_quote_old", "until_at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account: Mapped[str] = mapped_column(String(40))
    lane: Mapped[str] = mapped_column(String(200))
    weight_g: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10))
    code: Mapped[str] = mapped_column(String(80), default="")
    prices: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    asked_at: Mapped[datetime]
    until_at: Mapped[datetime]
