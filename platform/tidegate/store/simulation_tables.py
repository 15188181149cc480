"""Simulations of rule sets over past orders, and the orders on which the two versions differ."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey, JsonColumn, MaybeJson
from tidegate.store.tables import Base, TenantScoped


class Simulation(TenantScoped, Base):
    """One run. Both texts are kept, so that a run says years later what was compared.

    state: queued, running, cancelled, done, failed. `shops` are those whose orders were judged;
    nobody who may not see all of them sees the run. `beat_at` moves while somebody works on it.
    """

    __tablename__ = "simulation"
    __table_args__ = (
        Index("ix_simulation_set", "tenant_id", "set_id", "id"),
        Index("ix_simulation_draft", "tenant_id", "set_id", "draft_hash", "state"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    set_id: Mapped[str] = mapped_column(String(80))
    gate: Mapped[str] = mapped_column(String(20))
    draft_hash: Mapped[str] = mapped_column(String(64))
    draft_text: Mapped[str] = mapped_column(Text)
    against: Mapped[str] = mapped_column(String(12))  # live, or the number of a version
    against_hash: Mapped[str] = mapped_column(String(64))
    against_text: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(10))  # orders, file
    period_from: Mapped[datetime | None]
    period_to: Mapped[datetime | None]
    channels: Mapped[list[Any]] = mapped_column(JsonColumn, default=list)
    shops: Mapped[list[Any]] = mapped_column(JsonColumn, default=list)
    sample: Mapped[int | None] = mapped_column(Integer)
    options: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int | None] = mapped_column(Integer)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    cancel_asked: Mapped[bool] = mapped_column(Boolean, default=False)
    asked_by: Mapped[str] = mapped_column(String(120))
    asked_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    beat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(MaybeJson)
    result: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)


class SimulationChange(TenantScoped, Base):
    """A subject on which the versions differ. `row_key` names it to a person (an order number).

    `facts` only for rows of a file, without personal fields; an order's facts are read again.
    """

    __tablename__ = "simulation_change"
    __table_args__ = (
        Index("ix_simulation_change_cell", "simulation_id", "before", "after", "id"),
        Index("ix_simulation_change_page", "simulation_id", "id"),
        Index("ix_simulation_change_cost", "simulation_id", "delta_minor"),
        Index("ix_simulation_change_order", "order_id"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    simulation_id: Mapped[int] = mapped_column(ForeignKey("simulation.id", ondelete="CASCADE"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("sales_order.id"))
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    row_key: Mapped[str] = mapped_column(String(120))
    channel: Mapped[str] = mapped_column(String(40), default="")
    at: Mapped[datetime]
    before: Mapped[str] = mapped_column(String(80))
    after: Mapped[str] = mapped_column(String(80))
    rules: Mapped[str] = mapped_column(Text, default="")  # |rule-a|rule-b|
    currency: Mapped[str | None] = mapped_column(String(3))
    before_minor: Mapped[int | None] = mapped_column(BigInteger)
    after_minor: Mapped[int | None] = mapped_column(BigInteger)
    delta_minor: Mapped[int | None] = mapped_column(BigInteger)
    rebuilt: Mapped[bool] = mapped_column(Boolean, default=False)
    facts: Mapped[dict[str, Any] | None] = mapped_column(MaybeJson)
