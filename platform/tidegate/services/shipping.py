"""Waybills exactly once: INTENT → SENDING → CONFIRMED / REJECTED / UNKNOWN (docs/promises.md).

SENDING is committed before the first byte leaves; the client key is the same in every attempt of a parcel's
generation, and a new generation asks only after the old waybill is known to be gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from sqlalchemy import CursorResult, Table, bindparam, select, update

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.carrier import (
    Carrier,
    Contact,
    DuplicateClass,
    ParcelItem,
    Waybill,
    WaybillRequest,
)
from tidegate.services.context import Context
from tidegate.services.people import order_of, required_reason, wrong_state
from tidegate.services.states import move_order, move_parcel, record, states_before
from tidegate.services.subjects import Subject, load_subjects
from tidegate.services.voiding import GONE, IN_FLIGHT, WAYBILL, drop_waybill, withdraw
from tidegate.services.work import enqueue
from tidegate.store.tables import CarrierService, Effect, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
RETRY_AFTER = timedelta(seconds=20)
NO_ACCOUNT_AFTER = timedelta(minutes=5)
IN_PARALLEL = 4  # calls to carriers at a time
UNCLEAR = ("sending", "unknown")  # the other side may have acted
EFFECT: Table = Effect.__table__  # type: ignore[assignment]  # a declarative class says FromClause
_FENCED = (
    update(EFFECT)
    .where(
        EFFECT.c.id == bindparam("of_id"),
        EFFECT.c.tenant_id == bindparam("of_tenant"),
        EFFECT.c.state == "sending",
        EFFECT.c.attempts == bindparam("of_attempt"),
    )
    .values(
        state=bindparam("to_state"),
        updated_at=bindparam("at"),
        error_code=bindparam("code"),
        answer=bindparam("said"),
    )
)
Answer = Waybill | RemoteRetry | RemoteRefused | RemoteUnknown


@dataclass(frozen=True, slots=True)
class Sending:
    """One request under way; `attempt` fences its answer against a later attempt's."""

    effect_id: int
    attempt: int
    parcel_id: int
    connector: str
    carrier: Carrier
    request: WaybillRequest
    was_unknown: bool  # an earlier attempt may have been accepted


def request_waybills(context: Context, order_ids: Iterable[int]) -> None:
    """Get waybills for the routed parcels of these orders; the calls are outside any transaction."""
    with context.store.begin(context.tenant_id) as work:
        requests = _begin(work, context, list(order_ids))
        work.commit()
    if not requests:
        return
    until = context.clock() + IN_FLIGHT / 2
    answers = _call_all(requests, lambda: context.clock() < until)
    with context.store.begin(context.tenant_id) as work:
        ids = [sending.parcel_id for sending in requests]
        with_orders = select(Parcel, Order).join(Order, Order.id == Parcel.order_id)
        loaded = work.session.execute(with_orders.where(Parcel.id.in_(ids))).all()
        for sending, answer in zip(requests, answers, strict=True):
            _finish(work, context, sending, answer)
        del loaded  # it kept the rows in the session's memory, one query for all
        work.commit()


def cancel_order(context: Context, order_id: int, actor: str, reason: str) -> None:
    """A person cancels an order that has not left: waybill voided, stock free again.

    Raises:
        InputError: no reason. NotFound: no such order. Conflict: it has left the house.
    """
    told = required_reason(reason)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        order = order_of(work, order_id)
        if order.state not in (wanted := states_before("order", "cancelled")):
            raise wrong_state(order.number, order.state, ", ".join(wanted))
        withdraw(work, order, now)
        by = {"actor_kind": "person", "actor": actor}
        move_order(work, order, "cancelled", now=now, **by, reason=told)
        work.commit()


def _begin(work: UnitOfWork, context: Context, order_ids: list[int]) -> list[Sending]:
    """Write SENDING for every parcel that needs a waybill and may ask for one."""
    subjects = load_subjects(work, order_ids).values()
    wanted = [(s, parcel) for s in subjects for parcel in s.parcels if parcel.state == "routed"]
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
            _no_account(work, subject.order, parcel, context.clock())
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
            request=_request(subject, parcel, effect.client_key),
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
        if "confirmed" in older:  # the carrier did not void it
            _hold(work, order, parcel, "waybill_not_voided", now)
        return None
    effect = next((e for e in effects if e.generation == parcel.generation), None)
    if effect is None or effect.state in GONE:  # after a definite no a new generation asks anew
        parcel.generation += int(effect is not None)
        return _new(work, context, parcel, service, now), False
    unclear = effect.state in UNCLEAR
    if effect.state == "confirmed":
        number, code = effect.answer.get("waybill_no", ""), effect.answer.get("sort_code", "")
        _confirm(work, order, parcel, Waybill(str(number), str(code)), now)
        return None
    if effect.state == "sending" and now - effect.updated_at < IN_FLIGHT:
        return None
    if unclear and carrier.duplicates is DuplicateClass.NEITHER:
        effect.state, effect.updated_at = "unknown", now
        _hold(work, order, parcel, "waybill_unknown", now)
        return None
    return (effect, unclear) if _ours(work, effect, now) else None


def _ours(work: UnitOfWork, effect: Effect, now: datetime) -> bool:
    """Whether we, and no other worker, made the next attempt."""
    taken = work.session.execute(
        update(Effect)
        .where(
            Effect.id == effect.id, Effect.state == effect.state, Effect.attempts == effect.attempts
        )
        .values(state="sending", attempts=effect.attempts + 1, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    work.session.refresh(effect)
    return isinstance(taken, CursorResult) and taken.rowcount == 1


def _new(
    work: UnitOfWork, context: Context, parcel: Parcel, service: CarrierService, now: datetime
) -> Effect:
    effect = Effect(
        parcel_id=parcel.id,
        kind=WAYBILL,
        generation=parcel.generation,
        client_key=f"T{context.tenant_id}-P{parcel.id}-G{parcel.generation}",
        state="sending",
        attempts=1,
        answer={"connector": service.connector, "service": service.code},
        updated_at=now,
    )
    work.add(effect)
    return effect


def _call_all(requests: Sequence[Sending], in_time: Callable[[], bool]) -> list[Answer]:
    """Ask for all, a few at a time. What is not begun in time is not begun: others would take it for lost."""

    def ask(sending: Sending) -> Answer:
        return _call(sending) if in_time() else _too_late()

    if len(requests) == 1:
        return [ask(requests[0])]
    with ThreadPoolExecutor(IN_PARALLEL, thread_name_prefix="carrier") as pool:
        return list(pool.map(ask, requests))


def _too_late() -> RemoteRetry:
    return RemoteRetry(
        "carrier.slow",
        zh="快递接口太慢, 本次没有发出; 会自动重试。",
        en="The carrier is slow, so nothing was sent this time; it is tried again.",
    )


def _call(sending: Sending) -> Answer:
    """Ask the carrier. After an unknown outcome, one that refuses repeats is queried first; and a refusal is
    believed only when a query finds nothing.
    """
    carrier, key = sending.carrier, sending.request.client_key
    query_first = sending.was_unknown and carrier.duplicates is DuplicateClass.REFUSES_AND_QUERIES
    try:
        found = carrier.query_waybill(key) if query_first else None
        return found or carrier.create_waybill(sending.request)
    except RemoteRefused as error:
        return (_made_before(sending) or error) if sending.was_unknown else error
    except (RemoteRetry, RemoteUnknown) as error:
        return error
    except Exception as error:  # a broken connector must not lose what it may have sent
        log.exception("waybill.connector_failed", parcel_id=sending.parcel_id)
        name = type(error).__name__
        return RemoteUnknown(
            "carrier.broken", zh=f"连接器出错 ({name})。", en=f"The connector broke ({name})."
        )


def _made_before(sending: Sending) -> Answer | None:
    try:
        return sending.carrier.query_waybill(sending.request.client_key)
    except (RemoteRetry, RemoteRefused, RemoteUnknown) as error:
        return RemoteUnknown(error.code, zh=error.text("zh"), en=error.text("en"))


def _finish(work: UnitOfWork, context: Context, sending: Sending, answer: Answer) -> None:
    """Write what came back; a result that lost the race to a newer attempt is dropped."""
    now = context.clock()
    told = _plain(answer)
    state = {
        Waybill: "confirmed",
        RemoteRetry: "unknown" if sending.was_unknown else "intent",
        RemoteRefused: "rejected",
    }.get(type(answer), "unknown")
    values = {
        "of_id": sending.effect_id,
        "of_tenant": work.tenant_id,
        "of_attempt": sending.attempt,
        "to_state": state,
        "at": now,
        "code": None if isinstance(answer, Waybill) else answer.code,
        "said": {
            "connector": sending.connector,
            "service": sending.request.service_code,
            **told,
        },
    }
    if work.session.connection().execute(_FENCED, values).rowcount != 1:
        return
    parcel = work.session.get_one(Parcel, sending.parcel_id)
    order = work.session.get_one(Order, parcel.order_id)
    if isinstance(answer, Waybill):
        _confirm(work, order, parcel, answer, now)
    elif isinstance(answer, RemoteRefused):
        record(
            work, "waybill_refused", order_id=order.id, parcel_id=parcel.id, now=now,
            actor_kind="carrier", actor=parcel.carrier or "", data=told,
        )  # fmt: skip
        _hold(work, order, parcel, "waybill_refused", now)
    else:
        _later(work, order, parcel, answer, sending, now)


def _confirm(
    work: UnitOfWork, order: Order, parcel: Parcel, waybill: Waybill, now: datetime
) -> None:
    parcel.waybill_no, parcel.sort_code = waybill.waybill_no, waybill.sort_code
    parcel.waybill_at = parcel.waybill_at or now
    told = {"waybill_no": waybill.waybill_no}
    by = {"actor_kind": "carrier", "actor": parcel.carrier or ""}
    if parcel.state == "cancelled":
        # Withdrawn while the carrier was answering: the number must not stay alive.
        drop_waybill(work, parcel, now)
    elif parcel.state == "routed":
        move_parcel(work, parcel, "waybill", now=now, **by, **told)
        move_order(work, order, "waybill", now=now, **by, **told)


def _hold(work: UnitOfWork, order: Order, parcel: Parcel, reason: str, now: datetime) -> None:
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
    if isinstance(error, RemoteUnknown) and sending.carrier.duplicates is DuplicateClass.NEITHER:
        _hold(work, order, parcel, "waybill_unknown", now)
        return
    wait = error.fields.get("retry_after_s")
    delay = timedelta(seconds=float(str(wait))) if wait else RETRY_AFTER * min(sending.attempt, 15)
    _again(work, order, parcel, now + delay, now)


def _no_account(work: UnitOfWork, order: Order, parcel: Parcel, now: datetime) -> None:
    """Nothing is wrong with the parcel: it waits until an operator sets the connection up."""
    log.warning("waybill.no_account", parcel_id=parcel.id, service=parcel.service_code)
    _again(work, order, parcel, now + NO_ACCOUNT_AFTER, now)


def _again(work: UnitOfWork, order: Order, parcel: Parcel, due_at: datetime, now: datetime) -> None:
    args = {"order_id": order.id}
    enqueue(work, "advance_order", args, due_at=due_at, now=now, key=f"waybill:{parcel.id}")


def _request(subject: Subject, parcel: Parcel, client_key: str) -> WaybillRequest:
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
        recipient=Contact(
            name=order.recipient_name or "", phone=order.recipient_phone or "",
            province=order.province or "", city=order.city or "", district=order.district or "",
            address=" ".join(part for part in (order.town, order.address) if part),
            postcode=order.postcode or "",
        ),
        items=tuple(_items(subject)),
        weight_g=max(1, parcel.weight_g or 1),
        currency=parcel.currency,
        cod_minor=order.cod_minor or 0,
        insured_minor=parcel.insured_minor or 0,
        remark=" ".join(parcel.label_notes),
    )  # fmt: skip


def _items(subject: Subject) -> Iterable[ParcelItem]:
    lines = sorted(subject.lines, key=lambda line: (line.sku or "", line.title or ""))
    for (sku, title), same in groupby(lines, key=lambda line: (line.sku or "", line.title or "")):
        yield ParcelItem(sku, title, sum(line.quantity for line in same))


def _plain(answer: Answer) -> dict[str, object]:
    if isinstance(answer, Waybill):
        return {"waybill_no": answer.waybill_no, "sort_code": answer.sort_code}
    return {"code": answer.code}
