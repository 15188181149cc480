"""I3, I4, I5: one live waybill per parcel, none that nobody knows, and the same number everywhere."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import and_, func, or_, select

from tidegate.services.effect_rows import IN_FLIGHT, WAYBILL, WRITE_BACK
from tidegate.services.invariants.checks import SETTLED_AFTER, Invariant, Look
from tidegate.store.tables import Effect, Order, Parcel, PrintRecord

LABELLED = ("printed", "handed_over", "in_transit", "out_for_delivery", "delivered", "returning")
NUMBER = Effect.answer["waybill_no"].as_string()


def _one_alive(look: Look) -> Iterator[str]:
    """I3. Confirmed twice, or one number on two parcels of a carrier."""
    alive = (Effect.kind == WAYBILL, Effect.state == "confirmed")
    twice = select(Effect.parcel_id).where(*alive).group_by(Effect.parcel_id)
    yield from look.ids("parcel", twice.having(func.count() > 1))
    shared = (
        select(func.max(Effect.parcel_id))
        .where(*alive, NUMBER.is_not(None))
        .group_by(Effect.answer["connector"].as_string(), NUMBER)
    )
    yield from look.ids("parcel", shared.having(func.count() > 1))


def _known(look: Look) -> Iterator[str]:
    """I4. What may be alive at a carrier is the parcel's own waybill, is being voided, or waits for a person."""
    of_waybill = (Effect.kind == WAYBILL, Effect.parcel_id == Parcel.id)
    stray = and_(
        Effect.state == "confirmed",
        or_(Effect.generation != Parcel.generation, func.coalesce(Parcel.waybill_no, "") != NUMBER),
        Effect.error_code.is_(None),  # one that would not be voided is listed for a person
    )
    lost = and_(
        Effect.state == "sending",
        Effect.updated_at < look.now - IN_FLIGHT - SETTLED_AFTER,
        Parcel.state != "on_hold",
    )
    query = select(Parcel.id).join(Effect, and_(*of_waybill)).where(or_(stray, lost))
    yield from look.ids("parcel", query)
    forgotten = (
        select(Parcel.id)
        .join(Effect, and_(*of_waybill))
        .join(Order, Order.id == Parcel.order_id)
        .where(Effect.state == "unknown", Effect.updated_at < look.now - SETTLED_AFTER * 6)
        .where(Order.state.not_in(("on_hold", "routed", "cancelled", "rejected")))
    )
    yield from look.ids("parcel", forgotten)


def _same_number(look: Look) -> Iterator[str]:
    """I5. Label, waybill and what the shop was told."""
    last = (
        select(PrintRecord.parcel_id, func.max(PrintRecord.id).label("id"))
        .group_by(PrintRecord.parcel_id)
        .subquery()
    )
    label = (
        select(Parcel.id)
        .join(last, last.c.parcel_id == Parcel.id)
        .join(PrintRecord, PrintRecord.id == last.c.id)
        .where(Parcel.state.in_(LABELLED), PrintRecord.waybill_no != Parcel.waybill_no)
    )
    yield from look.ids("parcel", label)
    for kind in (WAYBILL, WRITE_BACK):
        told = (
            select(Parcel.id)
            .join(Effect, Effect.parcel_id == Parcel.id)
            .where(Effect.kind == kind, Effect.state == "confirmed")
            .where(Effect.generation == Parcel.generation, Parcel.state != "cancelled")
            .where(or_(Parcel.waybill_no.is_(None), Parcel.waybill_no != NUMBER))
        )
        yield from look.ids("parcel", told)
    bare = select(Parcel.id).where(Parcel.state.in_(LABELLED), Parcel.waybill_no.is_(None))
    yield from look.ids("parcel", bare)


INVARIANTS = (
    Invariant(
        "I3",
        {
            "zh": "每个包裹最多一张有效运单, 一个单号只属于一个包裹",
            "en": "A parcel has at most one live waybill, and a number belongs to one parcel",
        },
        _one_alive,
    ),
    Invariant(
        "I4",
        {
            "zh": "快递公司那边可能有效的运单, 我们都知道或正在人工核实",
            "en": "Whatever may be alive at a carrier is known to us or waits for a person",
        },
        _known,
    ),
    Invariant(
        "I5",
        {
            "zh": "面单号、运单号和回传店铺的单号一致",
            "en": "Label, waybill and the number told to the shop are the same",
        },
        _same_number,
    ),
)
