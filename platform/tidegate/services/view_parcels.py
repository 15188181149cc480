"""Parcels of an order with waybill, weights, prints and scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tidegate.domain.money import Money
from tidegate.domain.tracking import STATES
from tidegate.services.context import Context
from tidegate.services.effect_rows import WAYBILL, WRITE_BACK
from tidegate.services.view_names import Words, same, state_title
from tidegate.store.tables import CarrierService, Effect, Parcel, PrintRecord, Scan, Warehouse


@dataclass(frozen=True, slots=True)
class ScanLine:
    """`applied` is False for a scan that came too late to change anything."""

    at: datetime
    title: Words
    place: str
    description: str
    applied: bool


@dataclass(frozen=True, slots=True)
class PrintLine:
    at: datetime
    reprint_no: int
    reason: str


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A waybill (`waybill`) or a telling of the shop (`write_back`) whose outcome only a person can find out."""

    kind: str
    state: str
    code: str
    since: datetime
    waybill_no: str


@dataclass(frozen=True, slots=True)
class ParcelCard:
    id: int
    number: str
    state: str
    state_title: Words
    warehouse: str
    service: Words
    service_code: str | None
    waybill_no: str | None
    waybill_error: str | None
    weight_g: int | None
    cost: Money | None
    cost_source: str | None
    insured: Money | None
    packaging: str | None
    notes: Sequence[str]
    prints: Sequence[PrintLine]
    scans: Sequence[ScanLine]
    open_requests: Sequence[OpenRequest]


def parcel_cards(session: Session, order_id: int) -> list[ParcelCard]:
    """Parcels in the order they were made; scans newest first."""
    parcels = session.scalars(select(Parcel).where(Parcel.order_id == order_id).order_by(Parcel.id))
    return [_card(session, parcel) for parcel in parcels.all()]


def service_names(session: Session) -> dict[str, Words]:
    """Names of the carrier services by code."""
    rows = session.scalars(select(CarrierService))
    return {row.code: {"zh": row.name_zh, "en": row.name_en} for row in rows}


def _card(session: Session, parcel: Parcel) -> ParcelCard:
    warehouse = session.scalar(select(Warehouse).where(Warehouse.id == parcel.warehouse_id))
    scans = session.scalars(
        select(Scan).where(Scan.parcel_id == parcel.id).order_by(Scan.at.desc(), Scan.id.desc())
    )
    prints = session.scalars(
        select(PrintRecord).where(PrintRecord.parcel_id == parcel.id).order_by(PrintRecord.id)
    )
    effect = session.scalar(
        select(Effect)
        .where(Effect.parcel_id == parcel.id, Effect.kind == WAYBILL)
        .order_by(Effect.id.desc())
        .limit(1)
    )

    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, parcel.currency)

    return ParcelCard(
        id=parcel.id,
        number=parcel.number,
        state=parcel.state,
        state_title=state_title(parcel.state, "parcel"),
        warehouse=warehouse.name if warehouse else "-",
        service=service_names(session).get(
            parcel.service_code or "", same(parcel.service_code or "-")
        ),
        service_code=parcel.service_code,
        waybill_no=parcel.waybill_no,
        waybill_error=effect.error_code
        if effect and effect.state in ("rejected", "unknown")
        else None,
        weight_g=parcel.weight_g,
        cost=money(parcel.cost_minor),
        cost_source=parcel.cost_source,
        insured=money(parcel.insured_minor),
        packaging=parcel.packaging,
        notes=[str(note) for note in parcel.label_notes],
        prints=[PrintLine(row.printed_at, row.reprint_no, row.reason or "") for row in prints],
        scans=[_scan(row) for row in scans],
        open_requests=[_open(row) for row in open_effects(session, parcel)],
    )


def open_effects(session: Session, parcel: Parcel) -> list[Effect]:
    """Requests of unknown outcome, waybills that would not be voided, and tellings that a shop refused."""
    alive = (Effect.kind == WAYBILL) & (
        (Effect.state == "unknown")
        | ((Effect.state == "confirmed") & (Effect.generation != parcel.generation))
    )
    untold = (Effect.kind == WRITE_BACK) & Effect.state.in_(("unknown", "rejected"))
    found = select(Effect).where(Effect.parcel_id == parcel.id, alive | untold).order_by(Effect.id)
    return list(session.scalars(found))


def _open(effect: Effect) -> OpenRequest:
    return OpenRequest(
        kind=effect.kind,
        state=effect.state,
        code=effect.error_code or "",
        since=effect.updated_at,
        waybill_no=str(effect.answer.get("waybill_no", "")),
    )


def _scan(row: Scan) -> ScanLine:
    known = STATES.get(row.state)
    return ScanLine(
        at=row.at,
        title={"zh": known.zh, "en": known.en} if known else same(row.state),
        place=row.place or "",
        description=row.description or "",
        applied=row.applied,
    )


def active_services(context: Context) -> list[tuple[str, Words]]:
    """Carrier services a person may choose, by code."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        active = set(
            work.session.scalars(select(CarrierService.code).where(CarrierService.active.is_(True)))
        )
        names = service_names(work.session)
    return [(code, names[code]) for code in sorted(active)]
