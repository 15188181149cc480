"""Waybills nobody wants any more: voided at the carrier by a job, and never replaced before that is certain."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from tidegate.errors import RemoteRefused
from tidegate.sdk.capabilities import CancelsIssued
from tidegate.sdk.carrier import Carrier, DuplicateClass, Issued
from tidegate.services.context import Context
from tidegate.services.effect_rows import GONE, IN_FLIGHT, UNCLEAR, WAYBILL
from tidegate.services.inventory import release_stock
from tidegate.services.people import order_of, parcel_of, parcels_of
from tidegate.services.states import move_parcel, record
from tidegate.services.work import enqueue, enqueue_advance, watch_later
from tidegate.store.tables import Effect, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork


def effect_of(work: UnitOfWork, parcel: Parcel) -> Effect | None:
    """The request for this parcel's present generation."""
    return work.session.scalar(
        select(Effect).where(
            Effect.parcel_id == parcel.id,
            Effect.kind == WAYBILL,
            Effect.generation == parcel.generation,
        )
    )


def drop_waybill(work: UnitOfWork, parcel: Parcel, now: datetime) -> None:
    """Begin a new generation; what the old one has at the carrier is voided by a job first."""
    effect = effect_of(work, parcel)
    if effect is None:
        return
    if effect.state == "intent":
        effect.state = "voided"  # nothing was sent, or the carrier said that nothing was done
    elif effect.state not in GONE:
        under_way = effect.state in UNCLEAR
        due = max(now, effect.updated_at + IN_FLIGHT) if under_way else now
        void_later(work, effect, due, now)
    effect.updated_at = now
    parcel.generation += 1
    parcel.waybill_no = parcel.sort_code = parcel.waybill_at = None


def void_later(work: UnitOfWork, effect: Effect, due_at: datetime, now: datetime) -> None:
    """Let a job tell the carrier, not before `due_at`: a call under way must have landed."""
    effect.state, effect.updated_at = "voiding", now
    args = {"effect_id": effect.id}
    account = str(effect.answer.get("connector", "")) or None
    key = f"void:{effect.id}"
    enqueue(work, "void_waybill", args, due_at=due_at, now=now, key=key, lane=account)


def withdraw(work: UnitOfWork, order: Order, now: datetime) -> None:
    """Take back what an order holds: waybills, parcels, reserved stock. Waiting orders may have it."""
    parcels = parcels_of(work, order)
    watch_later(work, [parcel.id for parcel in parcels], "withdrawn", now)
    for parcel in parcels:
        drop_waybill(work, parcel, now)
        move_parcel(work, parcel, "cancelled", now=now, actor_kind="system", actor="shipping")
    if release_stock(work, order, now):
        for waiting in work.session.scalars(
            select(Order.id).where(Order.state == "waiting_stock").order_by(Order.state_since)
        ):
            enqueue_advance(work, waiting, now)


def void_waybill(context: Context, effect_id: int) -> None:
    """Tell the carrier that a waybill is not wanted any more; safe to repeat.

    Raises:
        RemoteRetry, RemoteUnknown: tell it again later.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        effect = work.session.get(Effect, effect_id)
        if effect is None or effect.state != "voiding":
            return
        number = order_of(work, parcel_of(work, effect.parcel_id).order_id).number
    carrier = context.carriers.get(str(effect.answer.get("connector", "")))
    refused = None if carrier is None else _cancel(carrier, effect, number)
    with context.store.begin(context.tenant_id) as work:
        again = work.session.get(Effect, effect_id)
        if again is None or again.state != "voiding":
            return
        again.state, again.updated_at = _after_void(again, refused), context.clock()
        again.error_code = refused
        parcel = parcel_of(work, again.parcel_id)
        kind = "waybill_voided" if refused is None else "void_refused"
        record(
            work, kind, order_id=parcel.order_id, parcel_id=parcel.id, now=again.updated_at,
            actor_kind="carrier", actor=str(again.answer.get("connector", "")),
            data={"generation": again.generation, **({"code": refused} if refused else {})},
        )  # fmt: skip
        enqueue_advance(work, parcel.order_id, again.updated_at)
        work.commit()


def _after_void(effect: Effect, refused: str | None) -> str:
    """A waybill that would not go is as alive as before; of a request without a number nobody knows."""
    if refused is None:
        return "voided"
    return "confirmed" if effect.answer.get("waybill_no") else "unknown"


def _cancel(carrier: Carrier, effect: Effect, order_number: str) -> str | None:
    """None when nothing is alive under the key any more, else the code of the refusal."""
    try:
        _tell(carrier, effect, order_number)
    except RemoteRefused as error:
        if carrier.duplicates is DuplicateClass.NEITHER:
            return error.code
        try:
            return None if carrier.query_waybill(effect.client_key) is None else error.code
        except RemoteRefused:  # it can't be asked: what it refused to void counts as alive
            return error.code
    return None


def _tell(carrier: Carrier, effect: Effect, order_number: str) -> None:
    if not isinstance(carrier, CancelsIssued):
        return carrier.cancel_waybill(effect.client_key)
    told = {name: str(effect.answer.get(name) or "") for name in ("waybill_no", "service")}
    return carrier.cancel_issued(
        Issued(effect.client_key, told["waybill_no"], told["service"], order_number)
    )
