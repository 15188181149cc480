"""Nothing can be forgotten: whatever lost its job gets another within minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from tidegate.services.context import Context
from tidegate.services.expiring import expire_reservations
from tidegate.services.voiding import void_later
from tidegate.services.waybills.ordering import asked_for
from tidegate.services.work import enqueue_advance, open_keys
from tidegate.services.write_back import tell_later, untold
from tidegate.store.tables import Effect, Order
from tidegate.store.unit_of_work import UnitOfWork

MOVING = ("received", "approved", "allocated", "routed")  # nobody need do anything for these
FORGOTTEN_AFTER = timedelta(minutes=2)
SWEEP = 500  # orders per sweep; the next one is a minute away


def sweep(context: Context) -> int:
    """A job for everything that should be moving by itself and has none; the number made.

    Stock that a rule promised for a while only is given back.
    """
    now = context.clock()
    expire_reservations(context)
    late = now - FORGOTTEN_AFTER
    with context.store.begin(context.tenant_id) as work:
        made = _advance(work, late, now) + _void(work, late, now)
        made += _tell(work, untold(work, context, late, SWEEP), now)
        work.commit()
    return made


def _advance(work: UnitOfWork, late: datetime, now: datetime) -> int:
    orders = work.session.scalars(
        select(Order.id)
        .where(Order.state.in_(MOVING), Order.state_since < late, ~asked_for())
        .order_by(Order.state_since)
        .limit(SWEEP)
    ).all()
    busy = open_keys(work, {f"advance:{id_}" for id_ in orders})
    missing = [id_ for id_ in orders if f"advance:{id_}" not in busy]
    for id_ in missing:
        enqueue_advance(work, id_, now)
    return len(missing)


def _void(work: UnitOfWork, late: datetime, now: datetime) -> int:
    voiding = select(Effect).where(Effect.state == "voiding", Effect.updated_at < late)
    effects = work.session.scalars(voiding).all()
    busy = open_keys(work, {f"void:{effect.id}" for effect in effects})
    missing = [effect for effect in effects if f"void:{effect.id}" not in busy]
    for effect in missing:
        void_later(work, effect, now, now)
    return len(missing)


def _tell(work: UnitOfWork, parcels: Sequence[tuple[int, int]], now: datetime) -> int:
    busy = open_keys(work, {f"write_back:{parcel_id}" for parcel_id, _ in parcels})
    missing = [row for row in parcels if f"write_back:{row[0]}" not in busy]
    for parcel_id, shop_id in missing:
        tell_later(work, parcel_id, shop_id, now)
    return len(missing)
