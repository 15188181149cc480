"""The chain over what people did: each link seals one row and the link before it, per tenant."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey
from tidegate.store.tables import Base, TenantScoped


class AuditLink(TenantScoped, Base):
    """`number` counts from 1 without gaps. `digest` is of the row, `hash` of the link before and the digest."""

    __tablename__ = "audit_link"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        Index("ix_audit_link_row", "tenant_id", "source", "row_id"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(40))  # the table of the row
    row_id: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The end of a tenant's chain; whoever adds to it holds this row until the commit."""

    __tablename__ = "audit_head"
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
