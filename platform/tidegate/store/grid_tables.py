"""What a table was before its last save, so that one save can be undone."""

from __future__ import annotations

from sqlalchemy import Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey
from tidegate.store.tables import Base, TenantScoped


class TableUndo(TenantScoped, Base):
    """`before` is the text of the whole set; good while the draft is of `version`."""

    __tablename__ = "table_undo"
    __table_args__ = (UniqueConstraint("tenant_id", "set_id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    set_id: Mapped[str] = mapped_column(String(80))
    table_id: Mapped[str] = mapped_column(String(80))
    version: Mapped[int] = mapped_column(Integer)
    before: Mapped[str] = mapped_column(Text)
