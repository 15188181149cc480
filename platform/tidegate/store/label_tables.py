"""Labels that carriers gave."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey
from tidegate.store.tables import Base, TenantScoped


class KeptLabel(TenantScoped, Base):
    """A label of a waybill as its carrier gave it, sealed (it may name a person); removed when its time is over.

    kind: pdf, png, print_data. `account` is the code of the account that gave it.
    """

    __tablename__ = "kept_label"
    __table_args__ = (
        UniqueConstraint("parcel_id", "waybill_no"),
        Index("ix_kept_label_old", "fetched_at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"))
    waybill_no: Mapped[str] = mapped_column(String(60))
    account: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20))
    template: Mapped[str] = mapped_column(String(300))
    sealed: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(String(16))
    fetched_at: Mapped[datetime]
