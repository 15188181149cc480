"""The waybill number told to the shop when the parcel has left: once, with the same key in every attempt.

An effect of the kind `write_back` per parcel and waybill generation. A shop without an API gets none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.carrier import DuplicateClass
from tidegate.sdk.shop import Shipment, ShipsOrders
from tidegate.services.backups.marking import write_back_key
from tidegate.services.context import Context
from tidegate.services.effect_rows import (
    IN_FLIGHT,
    UNCLEAR,
    WRITE_BACK,
    begin_again,
    born_sending,
    state_after,
    write_answer,
)
from tidegate.services.parcel_contents import shipped_items
from tidegate.services.side_by_side import side_by_side
from tidegate.services.states import record
from tidegate.services.work import enqueue
from tidegate.store.tables import Effect, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
RETRY_AFTER = timedelta(seconds=20)
FAR_BACK = timedelta(days=14)  # a shop that is connected later hears of what left in this time
DONE = ("confirmed", "rejected", "voided")
Answer = None | RemoteRetry | RemoteRefused | RemoteUnknown


@dataclass(frozen=True, slots=True)
class Telling:
    """One call under way; `attempt` fences its answer."""

    effect_id: int
    attempt: int
    order_id: int
    shop_id: int
    parcel_id: int
    shop: ShipsOrders
    shipment: Shipment
    was_unknown: bool


def tell_later(
    work: UnitOfWork, parcel_id: int, shop_id: int, now: datetime, due_at: datetime | None = None
) -> None:
    """Put the telling of a parcel into the change that let it go."""
    args, key = {"parcel_id": parcel_id}, f"write_back:{parcel_id}"
    lane = lane_of(shop_id)
    enqueue(work, "write_back", args, due_at=due_at or now, now=now, key=key, lane=lane)


def lane_of(shop_id: int) -> str:
    return f"shop:{shop_id}"


def write_back(context: Context, parcel_ids: Sequence[int]) -> None:
    """Tell shops of parcels; the calls are outside any transaction. Safe to repeat.

    Parcels of one order are told one after the other: shops refuse two changes of one order at a time.
    """
    with context.store.begin(context.tenant_id) as work:
        tellings = _begin(work, context, parcel_ids)
        work.commit()
    if not tellings:
        return
    until = context.clock() + IN_FLIGHT / 2
    answers = _call_all(tellings, lambda: context.clock() < until)
    with context.store.begin(context.tenant_id) as work:
        for telling, answer in answers:
            _finish(work, context, telling, answer)
        work.commit()


def _call_all(
    tellings: Sequence[Telling], in_time: Callable[[], bool]
) -> list[tuple[Telling, Answer]]:
    """A few orders at a time. What is not begun in time is not begun: others would take it for lost."""
    of_order: dict[int, list[Telling]] = {}
    for telling in tellings:
        of_order.setdefault(telling.order_id, []).append(telling)

    def tell(same: Sequence[Telling]) -> list[tuple[Telling, Answer]]:
        return [(one, _call(one) if in_time() else _too_late()) for one in same]

    return [answer for told in side_by_side(tell, list(of_order.values())) for answer in told]


def _too_late() -> RemoteRetry:
    return RemoteRetry(
        "shop.slow",
        zh="店铺接口太慢, 本次没有发出; 会自动重试。",
        en="The shop is slow, so nothing was sent this time; it is tried again.",
    )


def _begin(work: UnitOfWork, context: Context, parcel_ids: Sequence[int]) -> list[Telling]:
    """Write SENDING for each of which there is something to tell, somebody to tell it to, and for which it is time."""
    rows = work.session.execute(
        select(Parcel, Order)
        .join(Order, Order.id == Parcel.order_id)
        .where(Parcel.id.in_(parcel_ids), Parcel.handed_over_at.is_not(None))
        .where(Parcel.waybill_no.is_not(None), Order.shop_id.in_(context.shops))
        .order_by(Parcel.id)
    ).all()
    effects = _effects(work, [parcel.id for parcel, _ in rows])
    begun = []
    for parcel, order in rows:
        shop = context.shops[order.shop_id]
        effect = effects.get((parcel.id, parcel.generation))
        found = _take(work, effect, parcel, order, shop, context.clock())
        if found is not None:
            begun.append((*found, parcel, order, shop))
    work.session.flush()
    return [
        Telling(
            effect.id, effect.attempts, order.id, order.shop_id, parcel.id, shop,
            _shipment(work, effect, parcel, order), unclear,
        )
        for effect, unclear, parcel, order, shop in begun
    ]  # fmt: skip


def _take(
    work: UnitOfWork,
    effect: Effect | None,
    parcel: Parcel,
    order: Order,
    shop: ShipsOrders,
    now: datetime,
) -> tuple[Effect, bool] | None:
    """What is to be told and whether its outcome was unclear before; None when nothing may be told now."""
    if effect is None:
        key = write_back_key(work, parcel.id, parcel.generation)
        said = {"connector": shop.name, "waybill_no": parcel.waybill_no}
        return born_sending(work, parcel, WRITE_BACK, key, said, now), False
    if effect.state in DONE:
        return None
    unclear = effect.state in UNCLEAR
    return (effect, unclear) if _may_repeat(work, effect, parcel, order, shop, now) else None


def _shipment(work: UnitOfWork, effect: Effect, parcel: Parcel, order: Order) -> Shipment:
    return Shipment(
        client_key=effect.client_key,
        order_number=order.number,
        parcel_number=parcel.number,
        carrier=parcel.carrier or "",
        waybill_no=parcel.waybill_no or "",
        shipped_at=parcel.handed_over_at or effect.updated_at,
        items=shipped_items(work, parcel),
    )


def _may_repeat(
    work: UnitOfWork,
    effect: Effect,
    parcel: Parcel,
    order: Order,
    shop: ShipsOrders,
    now: datetime,
) -> bool:
    if effect.state == "sending" and now - effect.updated_at < IN_FLIGHT:
        tell_later(work, parcel.id, order.shop_id, now, effect.updated_at + IN_FLIGHT)
        return False
    if effect.state in UNCLEAR and shop.duplicates is DuplicateClass.NEITHER:
        effect.state, effect.updated_at = "unknown", now  # for a person: never told twice
        return False
    return begin_again(work, effect, now)


def _effects(work: UnitOfWork, parcel_ids: Sequence[int]) -> dict[tuple[int, int], Effect]:
    """By parcel and waybill generation."""
    found = work.session.scalars(
        select(Effect).where(Effect.parcel_id.in_(parcel_ids), Effect.kind == WRITE_BACK)
    )
    return {(effect.parcel_id, effect.generation): effect for effect in found}


def _call(telling: Telling) -> Answer:
    """Tell the shop. After an unknown outcome one that refuses repeats is asked first."""
    shop, shipment = telling.shop, telling.shipment
    query_first = telling.was_unknown and shop.duplicates is DuplicateClass.REFUSES_AND_QUERIES
    try:
        if not (query_first and _has_it(telling)):
            shop.ship(shipment)
    except RemoteRefused as error:
        return None if telling.was_unknown and _has_it(telling) else error
    except (RemoteRetry, RemoteUnknown) as error:
        return error
    except Exception as error:  # a broken connector must not lose what it may have told
        log.exception("write_back.connector_failed", parcel_id=telling.parcel_id)
        name = type(error).__name__
        return RemoteUnknown(
            "shop.broken", zh=f"店铺连接器出错 ({name})。", en=f"The connector broke ({name})."
        )
    return None


def _has_it(telling: Telling) -> bool:
    found = telling.shop.shipped(telling.shipment.order_number, telling.shipment.parcel_number)
    return found == telling.shipment.waybill_no


def _finish(work: UnitOfWork, context: Context, telling: Telling, answer: Answer) -> None:
    """Write what came back; a refusal is kept for a person, anything unclear is told again later."""
    now = context.clock()
    state = state_after(answer, was_unknown=telling.was_unknown)
    code = None if answer is None else answer.code
    number = telling.shipment.waybill_no
    said = {"connector": telling.shop.name, "waybill_no": number}
    if not write_answer(work, telling.effect_id, telling.attempt, state, now, code=code, said=said):
        return
    if answer is None or isinstance(answer, RemoteRefused):
        kind = "written_back" if answer is None else "write_back_refused"
        data = {"waybill_no": number} if code is None else {"code": code}
        record(
            work, kind, order_id=telling.order_id, parcel_id=telling.parcel_id, now=now,
            actor_kind="system", actor=telling.shop.name, data=data,
        )  # fmt: skip
        return
    parked = isinstance(answer, RemoteUnknown) and telling.shop.duplicates is DuplicateClass.NEITHER
    if not parked:
        due_at = now + _pause(answer, telling.attempt)
        tell_later(work, telling.parcel_id, telling.shop_id, now, due_at)


def _pause(error: RemoteRetry | RemoteUnknown, attempt: int) -> timedelta:
    wait = error.fields.get("retry_after_s")
    return timedelta(seconds=float(str(wait))) if wait else RETRY_AFTER * min(attempt, 15)


def untold(
    work: UnitOfWork, context: Context, before: datetime, limit: int
) -> list[tuple[int, int]]:
    """(parcel, shop) of what left a shop with an API before `before` and whose telling goes on."""
    if not context.shops:
        return []
    told = (
        select(Effect.id)
        .where(Effect.parcel_id == Parcel.id, Effect.kind == WRITE_BACK)
        .where(Effect.generation == Parcel.generation, Effect.state.in_((*DONE, "unknown")))
    )
    rows = work.session.execute(
        select(Parcel.id, Order.shop_id)
        .join(Order, Order.id == Parcel.order_id)
        .where(Order.shop_id.in_(context.shops), Parcel.waybill_no.is_not(None))
        .where(Parcel.handed_over_at.between(before - FAR_BACK, before), ~told.exists())
        .order_by(Parcel.handed_over_at)
        .limit(limit)
    )
    return [(parcel_id, shop_id) for parcel_id, shop_id in rows]
