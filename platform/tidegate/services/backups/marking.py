"""Restored data is marked, so that nothing is asked of a carrier before it was asked what it knows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from tidegate.services.work import enqueue
from tidegate.store.backup_tables import RestoreMark
from tidegate.store.tables import Parcel, Tenant
from tidegate.store.unit_of_work import Store, UnitOfWork

JOB = "reconcile_restore"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def mark_restored(store: Store, backed_up_at: datetime, now: datetime) -> None:
    """A mark and the job that reconciles it, for every tenant."""
    with store.unscoped(readonly=True) as session:
        tenants = list(session.scalars(select(Tenant.id).order_by(Tenant.id)))
    for tenant_id in tenants:
        with store.begin(tenant_id) as work:
            last = work.session.scalar(select(func.max(Parcel.id))) or 0
            work.add(
                RestoreMark(
                    tag=_tag(now), parcels_up_to=last, backed_up_at=backed_up_at, restored_at=now,
                )
            )  # fmt: skip
            enqueue(work, JOB, {}, due_at=now, now=now, key=JOB)
            work.commit()


def reconciling(store: Store) -> bool:
    """Whether some tenant's restored data was not compared with the carriers yet."""
    with store.unscoped(readonly=True) as session:
        open_one = select(RestoreMark.id).where(RestoreMark.reconciled_at.is_(None)).limit(1)
        return session.scalar(open_one) is not None


def waybill_key(work: UnitOfWork, parcel_id: int, generation: int) -> str:
    """The client key of a parcel's generation: the same in every attempt, never one of a lost parcel."""
    return _key(work, parcel_id, f"G{generation}")


def write_back_key(work: UnitOfWork, parcel_id: int, generation: int) -> str:
    """The key that a shop is told a waybill by; as for the waybill."""
    return _key(work, parcel_id, f"S{generation}")


def _key(work: UnitOfWork, parcel_id: int, what: str) -> str:
    """After a restore ids are given out again that parcels made after the backup had; the tag keeps them apart."""
    marks = work.session.info.get("restore_marks")
    if marks is None:
        rows = select(RestoreMark.parcels_up_to, RestoreMark.tag).order_by(RestoreMark.id)
        marks = work.session.info["restore_marks"] = [
            tuple(row) for row in work.session.execute(rows)
        ]
    key = f"T{work.tenant_id}-P{parcel_id}-{what}"
    tags = [tag for up_to, tag in marks if parcel_id > up_to]
    return f"{key}-R{tags[-1]}" if tags else key


def _tag(now: datetime) -> str:
    """The second of the restore, short: a second restore has another."""
    number, said = int(now.timestamp()), ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        said = DIGITS[digit] + said
    return said
