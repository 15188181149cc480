"""What happened to the units on hand, and answers kept for programs that ask again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey, JsonColumn
from tidegate.store.tables import Base, TenantScoped


class StockMove(TenantScoped, Base):
    """One change of the units on hand; never changed or removed. kind: opening, counted, moved, shipped.

    The units of a SKU in a warehouse add up to `stock.on_hand`. What is promised is in `reservation`, which
    keeps its rows as well. A repeat of what a source told is found by (source, reference).
    """

    __tablename__ = "stock_move"
    __table_args__ = (
        Index("ix_stock_move_level", "tenant_id", "sku", "warehouse_id", "id"),
        UniqueConstraint("tenant_id", "source", "reference"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    sku: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(10))
    units: Mapped[int] = mapped_column(Integer)  # more (or, negative, fewer) on hand
    order_id: Mapped[int | None] = mapped_column(ForeignKey("sales_order.id"))
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(80))  # who says so: a login, a token, a system
    reference: Mapped[str | None] = mapped_column(String(160))


class KeptAnswer(TenantScoped, Base):
    """What was answered to an Idempotency-Key, committed with what was done. `scope` is who asked."""

    __tablename__ = "kept_answer"
    __table_args__ = (
        UniqueConstraint("tenant_id", "scope", "key"),
        Index("ix_kept_answer_age", "tenant_id", "created_at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    scope: Mapped[str] = mapped_column(String(120))
    key: Mapped[str] = mapped_column(String(255))
    asked: Mapped[str] = mapped_column(String(64))  # SHA-256 of the request
    answer: Mapped[list[Any]] = mapped_column(JsonColumn)
    created_at: Mapped[datetime]
