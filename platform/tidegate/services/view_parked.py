"""What was asked of others and stopped without a clear end: nothing goes on before a person says what they found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from tidegate.services.effect_rows import WAYBILL, WRITE_BACK
from tidegate.services.work import JOB
from tidegate.store.tables import Effect, Order, Parcel

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Parked:
    """`what`: waybill_unknown, void_refused, write_back_unknown or write_back_refused; `code` of the other side's
    answer, empty when there was none.
    """

    what: str
    order_id: int
    order_number: str
    parcel_number: str
    account: str
    waybill_no: str
    code: str
    since: datetime


def parked(session: Session, tenant_id: int) -> list[Parked]:
    """The oldest first."""
    old = Effect.generation < Parcel.generation
    waits = or_(
        and_(Effect.kind == WAYBILL, old, Effect.state.in_(("confirmed", "unknown"))),
        and_(Effect.kind == WAYBILL, Effect.state == "unknown", Parcel.state == "on_hold"),
        and_(Effect.kind == WRITE_BACK, ~old, Effect.state.in_(("rejected", "unknown"))),
    )
    rows = session.execute(
        select(Effect, Parcel, Order)
        .join(Parcel, Parcel.id == Effect.parcel_id)
        .join(Order, Order.id == Parcel.order_id)
        .where(waits)
        .order_by(Effect.updated_at, Effect.id)
        .limit(SHOWN)
    ).all()
    told_again = _told_again(session, tenant_id, [effect for effect, _, _ in rows])
    return [
        Parked(
            what=_what(effect, parcel), order_id=order.id, order_number=order.number,
            parcel_number=parcel.number, account=str(effect.answer.get("connector", "")),
            waybill_no=str(effect.answer.get("waybill_no", "")), code=effect.error_code or "",
            since=effect.updated_at,
        )
        for effect, parcel, order in rows
        if effect.id not in told_again
    ]  # fmt: skip


def _what(effect: Effect, parcel: Parcel) -> str:
    if effect.kind == WRITE_BACK:
        return f"write_back_{'refused' if effect.state == 'rejected' else 'unknown'}"
    return "void_refused" if effect.generation < parcel.generation else "waybill_unknown"


def _told_again(session: Session, tenant_id: int, effects: Iterable[Effect]) -> set[int]:
    """Unclear tellings that a job repeats by itself."""
    keys = {
        f"write_back:{one.parcel_id}": one.id
        for one in effects
        if one.kind == WRITE_BACK and one.state == "unknown"
    }
    waiting = select(JOB.c.key).where(
        JOB.c.tenant_id == tenant_id, JOB.c.key.in_(keys), JOB.c.state.in_(("ready", "leased"))
    )
    return {keys[key] for key in session.connection().execute(waiting).scalars()}
