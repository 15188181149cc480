"""What is written after a call: the answer, and where parcel and order go with it."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.carrier import DuplicateClass, Waybill
from tidegate.services import carrier_labels
from tidegate.services.context import Context
from tidegate.services.effect_rows import GONE, state_after, write_answer
from tidegate.services.states import move_order, move_parcel, record
from tidegate.services.voiding import drop_waybill, void_later
from tidegate.services.waybills.calling import Answer, Sending
from tidegate.services.waybills.ordering import request_again
from tidegate.store.tables import CarrierService, Effect, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
RETRY_AFTER = timedelta(seconds=20)
NO_ACCOUNT_AFTER = timedelta(minutes=5)


def finish(work: UnitOfWork, context: Context, sending: Sending, answer: Answer) -> None:
    """Write what came back; a result that lost the race to a newer attempt changes nothing but for an orphan."""
    now = context.clock()
    told = _plain(answer)
    error = None if isinstance(answer, Waybill) else answer
    state = state_after(error, was_unknown=sending.was_unknown)
    code = None if error is None else error.code
    said = {"connector": sending.connector, "service": sending.request.service_code, **told}
    ours = write_answer(work, sending.effect_id, sending.attempt, state, now, code=code, said=said)
    if not ours:
        if isinstance(answer, Waybill):
            _orphan(work, sending, answer, now)
        return
    parcel = work.session.get_one(Parcel, sending.parcel_id)
    order = work.session.get_one(Order, parcel.order_id)
    if isinstance(answer, Waybill):
        confirm(work, order, parcel, answer, now)
    elif isinstance(answer, RemoteRefused):
        record(
            work, "waybill_refused", order_id=order.id, parcel_id=parcel.id, now=now,
            actor_kind="carrier", actor=parcel.carrier or "", data=told,
        )  # fmt: skip
        hold(work, order, parcel, "waybill_refused", now)
    else:
        _later(work, order, parcel, answer, sending, now)


def _orphan(work: UnitOfWork, sending: Sending, waybill: Waybill, now: datetime) -> None:
    """A number that came after the request was given up: it is alive at the carrier, so it is voided."""
    effect = work.session.get_one(Effect, sending.effect_id)
    work.session.refresh(effect)
    if effect.state not in GONE:
        return  # a newer attempt asks under the same key, or a void is under way: the same waybill
    parcel = work.session.get_one(Parcel, sending.parcel_id)
    record(
        work, "waybill_orphan", order_id=parcel.order_id, parcel_id=parcel.id, now=now,
        actor_kind="carrier", actor=sending.connector,
        data={"waybill_no": waybill.waybill_no, "generation": effect.generation},
    )  # fmt: skip
    void_later(work, effect, now, now)


def confirm(
    work: UnitOfWork, order: Order, parcel: Parcel, waybill: Waybill, now: datetime
) -> None:
    parcel.waybill_no, parcel.sort_code = waybill.waybill_no, waybill.sort_code
    parcel.waybill_at = parcel.waybill_at or now
    told = {"waybill_no": waybill.waybill_no}
    by = {"actor_kind": "carrier", "actor": parcel.carrier or ""}
    carrier_labels.fetch_later(work, order, parcel, now)
    if parcel.state == "cancelled":
        # Withdrawn while the carrier was answering: the number must not stay alive.
        drop_waybill(work, parcel, now)
    elif parcel.state == "routed":
        move_parcel(work, parcel, "waybill", now=now, **by, **told)
        move_order(work, order, "waybill", now=now, **by, **told)


def hold(work: UnitOfWork, order: Order, parcel: Parcel, reason: str, now: datetime) -> None:
    """Only a person can go on from here."""
    order.hold_reason, order.hold_queue = reason, "warehouse"
    by = {"actor_kind": "system", "actor": "shipping"}
    move_parcel(work, parcel, "on_hold", now=now, **by, reason=reason)
    move_order(work, order, "on_hold", now=now, **by, reason=reason)


def _later(
    work: UnitOfWork,
    order: Order,
    parcel: Parcel,
    error: RemoteRetry | RemoteUnknown,
    sending: Sending,
    now: datetime,
) -> None:
    log.warning("waybill.not_yet", parcel_id=parcel.id, code=error.code, attempt=sending.attempt)
    unasked = sending.carrier.duplicates is DuplicateClass.NEITHER
    if isinstance(error, RemoteUnknown) and (unasked or error.fields.get("for_person")):
        hold(work, order, parcel, "waybill_unknown", now)
        return
    wait = error.fields.get("retry_after_s")
    delay = timedelta(seconds=float(str(wait))) if wait else RETRY_AFTER * min(sending.attempt, 15)
    request_again(work, parcel, sending.connector, now + delay, now)


def no_account(
    work: UnitOfWork, parcel: Parcel, service: CarrierService | None, now: datetime
) -> None:
    """Nothing is wrong with the parcel: it waits until an operator sets the connection up."""
    log.warning("waybill.no_account", parcel_id=parcel.id, service=parcel.service_code)
    lane = service.connector if service else None
    request_again(work, parcel, lane, now + NO_ACCOUNT_AFTER, now)


def _plain(answer: Answer) -> dict[str, object]:
    if isinstance(answer, Waybill):
        return {"waybill_no": answer.waybill_no, "sort_code": answer.sort_code}
    return {"code": answer.code}
