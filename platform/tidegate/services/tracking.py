"""Scans: pulled from carriers with a cursor, kept once, the same in the end in whatever order they come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from tidegate.domain.tracking import RANKED, STATES, TrackingState, rank_of
from tidegate.errors import RemoteRetry
from tidegate.sdk.carrier import Carrier, CarrierScan
from tidegate.services import alerts
from tidegate.services.context import Context
from tidegate.services.handover import leave
from tidegate.services.states import allowed, is_final, move_order, move_parcel, record, take
from tidegate.services.work import enqueue
from tidegate.store.tables import Order, Parcel, Scan, SyncCursor
from tidegate.store.unit_of_work import UnitOfWork

AT_HOME = ("waybill", "printed")
ON_THE_ROAD = ("in_transit", "out_for_delivery")


def pull_scans(context: Context) -> int:
    """Read what every carrier has to tell; the number of new scans."""
    return sum(_pull(context, name, carrier) for name, carrier in context.carriers.items())


def spread_scans(context: Context) -> None:
    """The same, in a job for each carrier where there are several: one that is slow or away holds no other."""
    names = list(context.carriers)
    if len(names) <= 1:
        pull_scans(context)
        return
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        for name in names:
            key = f"scans:{name}"
            enqueue(work, "pull_scans_of", {"carrier": name}, due_at=now, now=now, key=key)
        work.commit()


def pull_scans_of(context: Context, name: str) -> int:
    """Read what one carrier has to tell; nothing while its account is paused or gone."""
    carrier = context.carriers.get(name)
    if carrier is None:
        return 0
    try:
        return _pull(context, name, carrier)
    except RemoteRetry as error:
        if error.code != "account.paused":
            raise
        return 0


def _pull(context: Context, source: str, carrier: Carrier) -> int:
    kept = 0
    while True:
        cursor = cursor_of(context, source)
        page = carrier.scans_since(cursor or "")
        kept += keep_scans(context, source, page.scans, page.cursor)
        if not page.more or page.cursor == cursor:
            return kept


def cursor_of(context: Context, source: str) -> str | None:
    """How far a source's scans were read; None before the first time."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return work.session.scalar(select(SyncCursor.cursor).where(SyncCursor.source == source))


def keep_scans(
    context: Context, source: str, scans: Sequence[CarrierScan], cursor: str | None = None
) -> int:
    """Store a page with the cursor after it, and look for alerts of what it touched; the number of new scans."""
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        touched, new = apply_scans(work, source, scans, now)
        if cursor is not None:
            remember(work, source, cursor, now)
        work.commit()
    alerts.watch(context, touched, "scan")
    return new


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
    consignments = _consignments(work, {scan.waybill_no for scan in scans})
    touched, new = [], 0
    for scan in scans:
        consignment = consignments.get(scan.waybill_no)
        if scan.event_id in known or consignment is None:
            continue
        known.add(scan.event_id)
        parcel = consignment.parcel
        applied = _apply(work, consignment, scan, now)
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


@dataclass(frozen=True, slots=True)
class _Consignment:
    """A scanned parcel, its order, and all parcels of that order."""

    parcel: Parcel
    order: Order
    family: Sequence[Parcel]


def _consignments(work: UnitOfWork, numbers: Collection[str]) -> dict[str, _Consignment]:
    """By waybill number. What many scans move goes out in few statements.

    Orders are kept from others before all their parcels are read: of two parcels that end at the same moment, each in a
    transaction of its own, the second one's sees that the first has ended.
    """
    scanned = work.session.scalars(select(Parcel).where(Parcel.waybill_no.in_(numbers))).all()
    ids = {parcel.order_id for parcel in scanned}
    orders = {row.id: row for row in work.session.scalars(select(Order).where(Order.id.in_(ids)))}
    take(work, orders.values(), ())
    families = _families(work, ids)
    alone = [id_ for id_ in ids if len(families[id_]) > 1 and ("order", id_) not in work.taken]
    if alone:
        held = select(Order.id).where(Order.id.in_(alone)).order_by(Order.id)
        work.session.execute(held.with_for_update(key_share=True))
        families |= _families(work, alone)
    take(work, (), scanned)
    return {
        parcel.waybill_no: _Consignment(parcel, orders[parcel.order_id], families[parcel.order_id])
        for parcel in scanned
        if parcel.waybill_no is not None and parcel.order_id in orders
    }


def _families(work: UnitOfWork, order_ids: Collection[int]) -> dict[int, list[Parcel]]:
    """The parcels of each order as they are now."""
    found = select(Parcel).where(Parcel.order_id.in_(order_ids)).order_by(Parcel.id)
    families: dict[int, list[Parcel]] = defaultdict(list)
    for parcel in work.session.scalars(found.execution_options(populate_existing=True)):
        families[parcel.order_id].append(parcel)
    return families


def _apply(work: UnitOfWork, of: _Consignment, scan: CarrierScan, now: datetime) -> bool:
    parcel, state = of.parcel, STATES.get(scan.state)
    if state is None:
        return False
    newest = parcel.last_scan_at
    _note(parcel, scan, state)
    if is_final("parcel", parcel.state):
        return False
    if newest is None or scan.at > newest:
        return _move(work, of, state.parcel_state, scan, now)
    to = _settled(work, parcel, scan)
    moved = to not in (None, parcel.state) and _move(work, of, to, scan, now)
    return moved or scan.at == newest


def _move(
    work: UnitOfWork, of: _Consignment, to: str | None, scan: CarrierScan, now: datetime
) -> bool:
    order, parcel = of.order, of.parcel
    by = {"actor_kind": "carrier", "actor": parcel.carrier or ""}
    if to is not None and parcel.state in AT_HOME:
        leave(work, order, parcel, parcel.picked_up_at or scan.at, "carrier", parcel.carrier or "")
    if to is not None and to != parcel.state and not allowed("parcel", parcel.state, to):
        data = {"from": parcel.state, "to": to, "scan": scan.event_id}
        record(
            work, "move_refused", order_id=order.id, parcel_id=parcel.id, now=now, data=data, **by
        )
        return False
    if to is not None:
        move_parcel(work, parcel, to, now=now, **by)
        order_to = _order_state(of.family)
        if order_to is not None and allowed("order", order.state, order_to):
            move_order(work, order, order_to, now=now, **by)
    return True


def _settled(work: UnitOfWork, parcel: Parcel, scan: CarrierScan) -> str | None:
    """Where all scans of a parcel lead in the order in which they happened, not in which they came.

    Of two terminal states the first to come stays: a terminal state is never left.
    """
    told = {(each.at, rank_of(each.state), each.event_id) for each in _scans(work, parcel)}
    told.add((scan.at, rank_of(scan.state), scan.event_id))
    state = "handed_over"
    for _, rank, _ in sorted(told):
        to = RANKED[rank].parcel_state if rank >= 0 else None
        if to is not None and allowed("parcel", state, to):
            state = to
    return None if state == "handed_over" else state


def _scans(work: UnitOfWork, parcel: Parcel) -> Sequence[Scan]:
    return work.session.scalars(select(Scan).where(Scan.parcel_id == parcel.id)).all()


def _note(parcel: Parcel, scan: CarrierScan, state: TrackingState) -> None:
    """What a scan proves whenever it arrives: the same in every order of arrival."""
    newest = (parcel.last_scan_at, rank_of(parcel.last_scan_state or ""))
    if newest[0] is None or (scan.at, rank_of(scan.state)) >= newest:
        parcel.last_scan_at, parcel.last_scan_state = scan.at, scan.state
    if state.parcel_state is not None:  # whoever carries a parcel has picked it up
        by_scan = parcel.handed_over_at is not None and parcel.handed_over_at == parcel.picked_up_at
        parcel.picked_up_at = min(parcel.picked_up_at or scan.at, scan.at)
        if by_scan:  # no person handed it over, so the first scan says when it left
            parcel.handed_over_at = parcel.picked_up_at
    if scan.state == "out_for_delivery":
        parcel.out_for_delivery_at = min(parcel.out_for_delivery_at or scan.at, scan.at)
    elif scan.state == "delivery_attempted":
        parcel.failed_deliveries += 1
    elif state.parcel_state == "delivered":
        parcel.delivered_at = min(parcel.delivered_at or scan.at, scan.at)


def _order_state(family: Sequence[Parcel]) -> str | None:
    """Where an order goes by its parcels: it ends when all have ended alike, comes back when one does, and else
    follows the one that was scanned last."""
    every = [(each.state, each.last_scan_at) for each in family if each.state != "cancelled"]
    states = {state for state, _ in every}
    if len(states) == 1:
        return every[0][0]
    if states & {"returning", "returned"}:
        return "returning"
    moving = [(at, state) for state, at in every if state in ON_THE_ROAD and at is not None]
    return max(moving)[1] if moving else None


def remember(work: UnitOfWork, source: str, cursor: str, now: datetime) -> None:
    kept = work.session.scalar(select(SyncCursor).where(SyncCursor.source == source))
    if kept is None:
        work.add(SyncCursor(source=source, cursor=cursor, updated_at=now))
    else:
        kept.cursor, kept.updated_at = cursor, now
