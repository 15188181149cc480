"""What a person found out about a request whose outcome the platform can't know."""

from __future__ import annotations

from sqlalchemy import select

from tidegate.errors import InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.effect_rows import GONE, WAYBILL, WRITE_BACK
from tidegate.services.people import order_of, parcel_of, required_reason, wrong_state
from tidegate.services.states import record
from tidegate.services.work import enqueue_advance
from tidegate.services.write_back import tell_later
from tidegate.store.tables import Effect, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork

LONGEST_NUMBER = 60  # Parcel.waybill_no


def settle_waybill(
    context: Context, parcel_id: int, waybill_no: str | None, actor: str, reason: str
) -> None:
    """`waybill_no` is the number the carrier gave, or None when the carrier has none: then a new request is allowed.

    Raises:
        InputError: no reason, or a number that can't be one. NotFound: no such parcel or request.
        Conflict: its outcome is known.
    """
    told = required_reason(reason)
    number = _number(waybill_no)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        parcel = parcel_of(work, parcel_id)
        order = order_of(work, parcel.order_id)
        effect = _open(work, parcel, WAYBILL)
        current = effect.generation == parcel.generation
        if effect.state not in ("unknown", "confirmed") or (
            effect.state == "confirmed" and current
        ):
            raise wrong_state(parcel.number, effect.state, "unknown")
        effect.updated_at = now
        if number:
            _exists(order, parcel, effect, number)
            parcel.waybill_at = now
        else:
            effect.state, effect.error_code = "voided", None
            parcel.generation += int(current)
        record(
            work, "waybill_settled", order_id=parcel.order_id, parcel_id=parcel.id, now=now,
            actor_kind="person", actor=actor, data={"reason": told, "waybill_no": number or ""},
        )  # fmt: skip
        enqueue_advance(work, parcel.order_id, now)
        work.commit()


def settle_write_back(
    context: Context, parcel_id: int, told_before: bool, actor: str, reason: str
) -> None:
    """`told_before`: the shop shows the parcel's number. If not, it is told again.

    Raises:
        InputError: no reason. NotFound: no such parcel or nothing open. Conflict: its outcome is known.
    """
    said = required_reason(reason)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        parcel = parcel_of(work, parcel_id)
        effect = _open(work, parcel, WRITE_BACK)
        if effect.state not in ("unknown", "rejected"):
            raise wrong_state(parcel.number, effect.state, "unknown, rejected")
        effect.state, effect.updated_at = ("confirmed" if told_before else "intent"), now
        effect.error_code = None
        record(
            work, "write_back_settled", order_id=parcel.order_id, parcel_id=parcel.id, now=now,
            actor_kind="person", actor=actor, data={"reason": said, "told": told_before},
        )  # fmt: skip
        if not told_before:
            order = order_of(work, parcel.order_id)
            tell_later(work, parcel.id, order.shop_id, now)
        work.commit()


def _exists(order: Order, parcel: Parcel, effect: Effect, number: str) -> None:
    effect.state, effect.error_code = "confirmed", None
    effect.answer = {**effect.answer, "waybill_no": number}
    parcel.generation = effect.generation
    parcel.waybill_no = number
    parcel.service_code = order.manual_service = str(effect.answer["service"])


def _open(work: UnitOfWork, parcel: Parcel, kind: str) -> Effect:
    """The oldest request of the kind that is neither gone nor, for a shop, told."""
    found = work.session.scalar(
        select(Effect)
        .where(Effect.parcel_id == parcel.id, Effect.kind == kind)
        .where(Effect.state.not_in(GONE if kind == WAYBILL else ("voided",)))
        .order_by(Effect.generation if kind == WAYBILL else Effect.generation.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound(
            "waybill.nothing_open",
            zh=f"包裹 {parcel.number} 没有待核实的取号或回传。",
            en=f"Parcel {parcel.number} has no request whose outcome is open.",
            parcel=parcel.number,
        )
    return found


def _number(text: str | None) -> str | None:
    number = (text or "").strip().upper()
    if (
        len(number) > LONGEST_NUMBER
        or not number.isascii()
        or not number.replace("-", "0").isalnum()
    ):
        if not number:
            return None
        raise InputError(
            "waybill.number",
            zh="运单号只含字母、数字和横线, 最多 60 位; 请对照快递公司后台填写。",
            en="A waybill number has letters, digits and hyphens, at most 60; copy it from the carrier.",
            field="waybill_no",
        )
    return number or None
