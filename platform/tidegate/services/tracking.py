"""Scans: pulled from carriers with a cursor, kept once, applied only forwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from tidegate.domain.tracking import STATES, TrackingState
from tidegate.sdk.carrier import Carrier, CarrierScan
from tidegate.services import alerts
from tidegate.services.context import Context
from tidegate.services.handover import leave
from tidegate.services.states import allowed, is_final, move_order, move_parcel, record
from tidegate.store.tables import Order, Parcel, Scan, SyncCursor
from tidegate.store.unit_of_work import UnitOfWork

AT_HOME = ("waybill", "printed")


def pull_scans(context: Context) -> int:
    """Read what every carrier has to tell; the number of new scans."""
    return sum(_pull(context, name, carrier) for name, carrier in context.carriers.items())


def _pull(context: Context, source: str, carrier: Carrier) -> int:
    kept = 0
    while True:
        with context.store.begin(context.tenant_id, readonly=True) as work:
            cursor = work.session.scalar(
                select(SyncCursor.cursor).where(SyncCursor.source == source)
            )
        page = carrier.scans_since(cursor or "")
        with context.store.begin(context.tenant_id) as work:
            touched, new = apply_scans(work, source, page.scans, context.clock())
            _remember(work, source, page.cursor, context.clock())
            work.commit()
        kept += new
        alerts.watch(context, touched, "scan")
        if not page.more or page.cursor == cursor:
            return kept


def apply_scans(
    work: UnitOfWork, source: str, scans: Sequence[CarrierScan], now: datetime
) -> tuple[list[int], int]:
    """Store each scan once and move parcels and orders forwards; (parcels touched, new scans).

    A scan that comes late or makes no sense is kept with `applied=False` and moves nothing.
    """
    if not scans:
        return [], 0
    known = set(
        work.session.scalars(
            select(Scan.event_id).where(
                Scan.source == source, Scan.event_id.in_([scan.event_id for scan in scans])
            )
        )
    )
    parcels = {
        parcel.waybill_no: parcel
        for parcel in work.session.scalars(
            select(Parcel).where(Parcel.waybill_no.in_({scan.waybill_no for scan in scans}))
        )
    }
    touched, new = [], 0
    for scan in scans:
        parcel = parcels.get(scan.waybill_no)
        if scan.event_id in known or parcel is None:
            continue
        known.add(scan.event_id)
        order = work.session.get(Order, parcel.order_id)
        applied = order is not None and _apply(work, order, parcel, scan, now)
        work.add(
            Scan(
                parcel_id=parcel.id, source=source, event_id=scan.event_id, at=scan.at,
                code=scan.code, state=scan.state, place=scan.place,
                description=scan.description, applied=applied, received_at=now,
            )
        )  # fmt: skip
        touched.append(parcel.id)
        new += 1
    return list(dict.fromkeys(touched)), new


def _apply(
    work: UnitOfWork, order: Order, parcel: Parcel, scan: CarrierScan, now: datetime
) -> bool:
    state = STATES.get(scan.state)
    if state is None:
        return False
    late = parcel.last_scan_at is not None and scan.at < parcel.last_scan_at
    _note(parcel, scan, state)
    to = state.parcel_state
    if late or is_final("parcel", parcel.state):
        return False
    if to is not None and parcel.state in AT_HOME:
        leave(work, order, parcel, scan.at, "carrier", parcel.carrier or "")
    if to is not None and to != parcel.state and not allowed("parcel", parcel.state, to):
        data = {"from": parcel.state, "to": to, "scan": scan.event_id}
        record(
            work, "move_refused", order_id=order.id, parcel_id=parcel.id, now=now,
            actor_kind="carrier", actor=parcel.carrier or "", data=data,
        )  # fmt: skip
        return False
    if to is not None:
        by = {"actor_kind": "carrier", "actor": parcel.carrier or ""}
        move_parcel(work, parcel, to, now=now, **by)
        if _all_are(work, order, parcel, to):
            move_order(work, order, to, now=now, **by)
    return True


def _note(parcel: Parcel, scan: CarrierScan, state: TrackingState) -> None:
    """What a scan proves whenever it arrives: the same in every order of arrival."""
    if parcel.last_scan_at is None or scan.at >= parcel.last_scan_at:
        parcel.last_scan_at, parcel.last_scan_state = scan.at, scan.state
    if state.parcel_state is not None:  # whoever carries a parcel has picked it up
        parcel.picked_up_at = min(parcel.picked_up_at or scan.at, scan.at)
    if scan.state == "out_for_delivery":
        parcel.out_for_delivery_at = min(parcel.out_for_delivery_at or scan.at, scan.at)
    elif scan.state == "delivery_attempted":
        parcel.failed_deliveries += 1
    elif state.parcel_state == "delivered":
        parcel.delivered_at = min(parcel.delivered_at or scan.at, scan.at)


def _all_are(work: UnitOfWork, order: Order, parcel: Parcel, to: str) -> bool:
    """An order is delivered (or ended) when all its parcels are; before that it follows any of them."""
    if not is_final("order", to):
        return True
    others = work.session.scalars(
        select(Parcel.state).where(
            Parcel.order_id == order.id, Parcel.id != parcel.id, Parcel.state != "cancelled"
        )
    )
    return all(state == to for state in others)


def _remember(work: UnitOfWork, source: str, cursor: str, now: datetime) -> None:
    kept = work.session.scalar(select(SyncCursor).where(SyncCursor.source == source))
    if kept is None:
        work.add(SyncCursor(source=source, cursor=cursor, updated_at=now))
    else:
        kept.cursor, kept.updated_at = cursor, now
