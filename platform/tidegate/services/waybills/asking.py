"""What is written before a call: SENDING for every parcel that needs a waybill and may ask for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import select

from tidegate.sdk.carrier import (
    Carrier,
    ClosedRecipient,
    Contact,
    DuplicateClass,
    ParcelItem,
    Waybill,
    WaybillRequest,
)
from tidegate.services.backups.marking import waybill_key
from tidegate.services.closed_recipients import (
    NEEDS_PLATFORM,
    closed_recipient,
    is_closed,
    takes,
)
from tidegate.services.context import Context
from tidegate.services.effect_rows import (
    GONE,
    IN_FLIGHT,
    UNCLEAR,
    WAYBILL,
    begin_again,
    born_sending,
)
from tidegate.services.subjects import Subject, load_subjects
from tidegate.services.waybills.calling import Sending
from tidegate.services.waybills.finishing import confirm, hold, no_account
from tidegate.services.waybills.ordering import GRACE, request_again
from tidegate.store.tables import CarrierService, Effect, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork


def begin(
    work: UnitOfWork, context: Context, order_ids: list[int], only: Collection[int] | None = None
) -> list[Sending]:
    """Write SENDING for every parcel (of `only`, if said) that needs a waybill and may ask for one."""
    subjects = load_subjects(work, order_ids).values()
    wanted = [
        (s, parcel)
        for s in subjects
        for parcel in s.parcels
        if parcel.state == "routed" and (only is None or parcel.id in only)
    ]
    if not wanted:
        return []
    services = {row.code: row for row in work.session.scalars(select(CarrierService))}
    effects: dict[int, list[Effect]] = defaultdict(list)
    for effect in work.session.scalars(
        select(Effect).where(
            Effect.parcel_id.in_([parcel.id for _, parcel in wanted]), Effect.kind == WAYBILL
        )
    ):
        effects[effect.parcel_id].append(effect)
    begun = []
    for subject, parcel in wanted:
        service = services.get(parcel.service_code or "")
        carrier = context.carriers.get(service.connector) if service else None
        if service is None or carrier is None:
            no_account(work, parcel, service, context.clock())
            continue
        if not takes(work, subject.order, service.code):
            hold(work, subject.order, parcel, NEEDS_PLATFORM, context.clock())
            continue
        found = _take(work, context, subject.order, parcel, effects[parcel.id], service, carrier)
        if found is not None:
            begun.append((*found, subject, parcel, service, carrier))
    work.session.flush()
    return [
        Sending(
            effect_id=effect.id,
            attempt=effect.attempts,
            parcel_id=parcel.id,
            connector=service.connector,
            carrier=carrier,
            request=waybill_request(
                subject, parcel, effect.client_key, closed_recipient(work, subject.order)
            ),
            was_unknown=unclear,
        )
        for effect, unclear, subject, parcel, service, carrier in begun
    ]


def _take(
    work: UnitOfWork,
    context: Context,
    order: Order,
    parcel: Parcel,
    effects: Sequence[Effect],
    service: CarrierService,
    carrier: Carrier,
) -> tuple[Effect, bool] | None:
    """The request to send and whether its outcome was unclear before; None when nothing may be sent now.

    A new request is born SENDING: that only one can be inserted per generation makes it ours.
    """
    now = context.clock()
    older = {e.state for e in effects if e.generation < parcel.generation} - set(GONE)
    if older:
        if older & {"confirmed", "unknown"}:  # the carrier did not void it
            hold(work, order, parcel, "waybill_not_voided", now)
        return None
    effect = next((e for e in effects if e.generation == parcel.generation), None)
    if effect is None or effect.state in GONE:  # after a definite no a new generation asks anew
        parcel.generation += int(effect is not None)
        return _new(work, parcel, service, now), False
    unclear = effect.state in UNCLEAR
    if effect.state == "confirmed":
        number, code = effect.answer.get("waybill_no", ""), effect.answer.get("sort_code", "")
        confirm(work, order, parcel, Waybill(str(number), str(code)), now)
        return None
    pause = {"sending": IN_FLIGHT, "unknown": GRACE}.get(effect.state)
    if pause is not None and now - effect.updated_at < pause:
        request_again(work, parcel, service.connector, effect.updated_at + pause, now)
        return None
    if unclear and carrier.duplicates is DuplicateClass.NEITHER:
        effect.state, effect.updated_at = "unknown", now
        hold(work, order, parcel, "waybill_unknown", now)
        return None
    return (effect, unclear) if begin_again(work, effect, now) else None


def _new(work: UnitOfWork, parcel: Parcel, service: CarrierService, now: datetime) -> Effect:
    key = waybill_key(work, parcel.id, parcel.generation)
    said = {"connector": service.connector, "service": service.code}
    return born_sending(work, parcel, WAYBILL, key, said, now)


def waybill_request(
    subject: Subject, parcel: Parcel, client_key: str, closed: ClosedRecipient | None = None
) -> WaybillRequest:
    """What the carrier is asked; of a closed recipient only the region is said, never its masks."""
    order, warehouse = subject.order, subject.warehouses[parcel.warehouse_id]
    return WaybillRequest(
        client_key=client_key,
        service_code=parcel.service_code or "",
        order_number=order.number,
        parcel_number=parcel.number,
        sender=Contact(
            name=warehouse.contact or warehouse.name, phone=warehouse.phone or "",
            province=warehouse.province or "", city=warehouse.city or "",
            district=warehouse.district or "", address=warehouse.address or "",
        ),
        recipient=_recipient(order),
        closed=closed,
        items=tuple(_items(subject)),
        weight_g=max(1, parcel.weight_g or 1),
        currency=parcel.currency,
        cod_minor=order.cod_minor or 0,
        insured_minor=parcel.insured_minor or 0,
        remark=" ".join(parcel.label_notes),
    )  # fmt: skip


def _recipient(order: Order) -> Contact:
    region = {
        "province": order.province or "", "city": order.city or "", "district": order.district or "",
        "postcode": order.postcode or "",
    }  # fmt: skip
    if is_closed(order):
        return Contact("", "", address="", **region)
    street = " ".join(part for part in (order.town, order.address) if part)
    return Contact(
        order.recipient_name or "", order.recipient_phone or "", address=street, **region
    )


def _items(subject: Subject) -> Iterable[ParcelItem]:
    lines = sorted(subject.lines, key=lambda line: (line.sku or "", line.title or ""))
    for (sku, title), same in groupby(lines, key=lambda line: (line.sku or "", line.title or "")):
        yield ParcelItem(sku, title, sum(line.quantity for line in same))
