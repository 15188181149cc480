"""Waybills for routed parcels, and orders that a person cancels (docs/reliability/effects-and-faults.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import structlog
from sqlalchemy import select

from tidegate.errors import Conflict, RemoteRetry
from tidegate.sdk.carrier import Waybill
from tidegate.services.context import Context
from tidegate.services.effect_rows import IN_FLIGHT
from tidegate.services.people import order_of, required_reason, wrong_state
from tidegate.services.states import move_order, states_before, take
from tidegate.services.voiding import withdraw
from tidegate.services.waybills.asking import begin
from tidegate.services.waybills.calling import Answer, Sending, call_all
from tidegate.services.waybills.finishing import finish
from tidegate.services.waybills.ordering import go_on, stand_back
from tidegate.store.tables import Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
Answered = Sequence[tuple[Sending, Answer]]


def request_waybills(
    context: Context, order_ids: Iterable[int], only: Collection[int] | None = None
) -> None:
    """Get waybills for the routed parcels of these orders (`only` these parcels, if said); the calls are outside
    any transaction.
    """
    with context.store.begin(context.tenant_id) as work:
        requests = begin(work, context, list(order_ids), only)
        work.commit()
    if not requests:
        return
    until = context.clock() + IN_FLIGHT / 2
    answers = call_all(requests, lambda: context.clock() < until)
    answered = list(zip(requests, answers, strict=True))
    try:
        _write(context, answered)
    except (
        Conflict
    ):  # somebody moved one of them meanwhile: the others' answers must not be lost with it
        for one in answered:
            _write_alone(context, one)


def _write(context: Context, answered: Answered) -> None:
    with context.store.begin(context.tenant_id) as work:
        ids = [sending.parcel_id for sending, _ in answered]
        with_orders = select(Parcel, Order).join(Order, Order.id == Parcel.order_id)
        loaded = work.session.execute(with_orders.where(Parcel.id.in_(ids))).all()
        take(work, [order for _, order in loaded], [parcel for parcel, _ in loaded])
        for sending, answer in answered:
            finish(work, context, sending, answer)
        del loaded  # it kept the rows in the session's memory, one query for all
        answering = {s.connector for s, answer in answered if isinstance(answer, Waybill)}
        go_on(work, answering, context.clock())
        stand_back(work, _away(work, answered), context.clock())
        work.commit()


def _away(work: UnitOfWork, answered: Answered) -> Mapping[str, Parcel]:
    """Carriers where nothing of this could even be sent, each with a parcel that waits for it."""
    reached = {sending.connector for sending, answer in answered if not _unsent(answer)}
    found: dict[str, Parcel] = {}
    for sending, _ in answered:
        if sending.connector not in reached and sending.connector not in found:
            found[sending.connector] = work.session.get_one(Parcel, sending.parcel_id)
    return found


def _unsent(answer: Answer) -> bool:
    """Nobody listened, or nothing is sent for now because nobody listened."""
    kind = answer.code.rpartition(".")[2] if isinstance(answer, RemoteRetry) else ""
    return kind in ("unreachable", "breaker_open")


def _write_alone(context: Context, one: tuple[Sending, Answer]) -> None:
    """After a Conflict the rows are read again; a second one means that a person acts on the order right now."""
    try:
        _write(context, [one])
    except Conflict:
        _write(context, [one])


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
