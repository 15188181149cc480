"""A row that is written to learn whether the database takes writes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.tables import Base


class WriteProbe(Base):
    """One row, `id` 1; `written_at` is when readiness was last asked and the database took the write."""

    __tablename__ = "write_probe"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    written_at: Mapped[datetime]
