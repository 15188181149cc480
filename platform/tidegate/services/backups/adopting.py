"""What a carrier said about a restored parcel becomes the parcel's state again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from tidegate.sdk.carrier import Waybill
from tidegate.services.effect_rows import GONE, WAYBILL
from tidegate.services.people import order_of, parcel_of
from tidegate.services.states import move_order, move_parcel, record
from tidegate.services.work import enqueue_advance
from tidegate.store.tables import Effect, Parcel
from tidegate.store.unit_of_work import UnitOfWork

OPEN = ("intent", "sending", "unknown")
BY = {"actor_kind": "system", "actor": "restore"}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a parcel: of which connectors (with a service of each), for which generations' keys."""

    parcel_id: int
    routed: bool  # the backup knows its carrier
    asked: Mapping[str, str]
    keys: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Alive:
    """A waybill a carrier has under one of the keys."""

    generation: int
    key: str
    connector: str
    service: str
    waybill: Waybill


def keep(work: UnitOfWork, question: Question, alive: Sequence[Alive] | None, now: datetime) -> str:
    """Write what was learnt: same, adopted (a waybill of after the backup), or parked (a person, or asked again
    before it is sent)."""
    parcel = parcel_of(work, question.parcel_id)
    effects = {
        effect.generation: effect
        for effect in work.session.scalars(
            select(Effect).where(Effect.parcel_id == parcel.id, Effect.kind == WAYBILL)
        )
    }
    if alive is None:
        return _nobody_knows(work, question, parcel, effects, now)
    if not alive:
        return _nothing_there(work, question, parcel, effects, now)
    newest = alive[-1]
    if not question.routed:  # which of the carrier's services it was only a person can see
        parcel.generation = newest.generation
        _write(work, parcel, effects, newest, "unknown", now)
        return _park(work, parcel, now)
    for generation, effect in effects.items():
        if effect.state not in GONE and generation not in {one.generation for one in alive}:
            effect.state, effect.updated_at = "voided", now
    for one in alive:
        _write(work, parcel, effects, one, "confirmed", now)
    number = newest.waybill.waybill_no
    known = parcel.waybill_no == number and parcel.generation == newest.generation
    parcel.generation = newest.generation
    enqueue_advance(work, parcel.order_id, now)
    if known:
        return "same"
    record(
        work, "waybill_adopted", order_id=parcel.order_id, parcel_id=parcel.id, now=now, **BY,
        data={"waybill_no": number, "generation": newest.generation},
    )  # fmt: skip
    if parcel.state in ("waybill", "printed"):
        _change_number(work, parcel, newest.waybill, now)
    return "adopted"


def _nothing_there(
    work: UnitOfWork,
    question: Question,
    parcel: Parcel,
    effects: Mapping[int, Effect],
    now: datetime,
) -> str:
    effect = effects.get(parcel.generation)
    if effect is None or effect.state in GONE:
        return "same"
    if effect.state in OPEN:  # it never arrived: it may be sent, with the same key
        effect.state, effect.updated_at = "intent", now
        enqueue_advance(work, parcel.order_id, now)
        return "same"
    effect.state, effect.updated_at = "unknown", now  # what the backup calls made is gone
    return _park(work, parcel, now)


def _nobody_knows(
    work: UnitOfWork,
    question: Question,
    parcel: Parcel,
    effects: Mapping[int, Effect],
    now: datetime,
) -> str:
    effect = effects.get(parcel.generation)
    if effect is not None and effect.state in ("confirmed", *GONE):
        return "same"
    if effect is None:
        connector, service = next(iter(question.asked.items()), ("", ""))
        key = dict(question.keys)[parcel.generation]
        effect = Effect(
            parcel_id=parcel.id, kind=WAYBILL, generation=parcel.generation, client_key=key, attempts=0,
            answer={"connector": connector, "service": service}, state="unknown", updated_at=now,
        )  # fmt: skip
        work.add(effect)
    else:
        effect.state, effect.updated_at = "unknown", now
    return _park(work, parcel, now)


def _write(
    work: UnitOfWork,
    parcel: Parcel,
    effects: Mapping[int, Effect],
    one: Alive,
    state: str,
    now: datetime,
) -> None:
    told = {
        "connector": one.connector, "service": one.service,
        "waybill_no": one.waybill.waybill_no, "sort_code": one.waybill.sort_code,
    }  # fmt: skip
    effect = effects.get(one.generation)
    if effect is None:
        effect = Effect(
            parcel_id=parcel.id, kind=WAYBILL, generation=one.generation, client_key=one.key,
            attempts=1, updated_at=now,
        )  # fmt: skip
        work.add(effect)
    effect.state, effect.answer, effect.error_code, effect.updated_at = state, told, None, now


def _change_number(work: UnitOfWork, parcel: Parcel, waybill: Waybill, now: datetime) -> None:
    """The label on the table carries a number that is no longer alive: it is printed again."""
    parcel.waybill_no, parcel.sort_code, parcel.waybill_at = (
        waybill.waybill_no,
        waybill.sort_code,
        now,
    )
    if parcel.state == "printed":
        order = order_of(work, parcel.order_id)
        move_parcel(work, parcel, "waybill", now=now, **BY, reason="waybill_adopted")
        move_order(work, order, "waybill", now=now, **BY, reason="waybill_adopted")


def _park(work: UnitOfWork, parcel: Parcel, now: datetime) -> str:
    """A person looks at the carrier's book."""
    order = order_of(work, parcel.order_id)
    order.hold_reason, order.hold_queue = "waybill_unknown", "warehouse"
    if parcel.state != "on_hold":
        move_parcel(work, parcel, "on_hold", now=now, **BY, reason="waybill_unknown")
    if order.state != "on_hold":
        move_order(work, order, "on_hold", now=now, **BY, reason="waybill_unknown")
    return "parked"
