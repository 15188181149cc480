"""Marks of restored backups: until a mark is reconciled nothing new is asked of the outside."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey
from tidegate.store.tables import Base, TenantScoped


class RestoreMark(TenantScoped, Base):
    """This tenant's data came out of a backup at `restored_at`. What happened after the backup is not here, but
    carriers remember it: parcels with an id above `parcels_up_to` are new and get `tag` into their keys, so that
    no key of a parcel that was lost is used again.
    """

    __tablename__ = "restore_mark"
    __table_args__ = (Index("ix_restore_mark_tenant", "tenant_id", "restored_at"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    tag: Mapped[str] = mapped_column(String(12))
    parcels_up_to: Mapped[int] = mapped_column(BigInteger)
    backed_up_at: Mapped[datetime]
    restored_at: Mapped[datetime]
    reconciled_at: Mapped[datetime | None]
    asked: Mapped[int] = mapped_column(default=0)
    adopted: Mapped[int] = mapped_column(default=0)  # waybills made after the backup, found again
    parked: Mapped[int] = mapped_column(default=0)  # for a person, or for the next attempt to ask
