"""Stock for an approved order: the rules say allocate or hold, conditional updates never oversell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm.attributes import set_committed_value

from tidegate.domain.addresses import same_city
from tidegate.engine.decisions import Outcome
from tidegate.services.context import Context
from tidegate.services.decisions import Verdict, add_tags, ask
from tidegate.services.facts import (
    full_warehouses,
    order_facts,
    order_weight_g,
    stock_facts,
)
from tidegate.services.reserving import Want, give_back, reserve_all, ship
from tidegate.services.states import move_order, record
from tidegate.services.subjects import Subject
from tidegate.services.work import enqueue_advance
from tidegate.store.tables import (
    Order,
    OrderLine,
    Parcel,
    Replenishment,
    Reservation,
    Stock,
    Warehouse,
)
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.telemetry.meters import meters

TRIES = 3  # how often stock may be snatched away before the order waits
Ranking = Callable[[Subject, Warehouse, list[Stock]], tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class _Promise:
    """What an order was promised in mind, before the database has said yes."""

    subject: Subject
    warehouse: Warehouse
    action: Outcome
    want: Want


def run_inventories(
    work: UnitOfWork, context: Context, subjects: Sequence[Subject], now: datetime, trigger: str
) -> None:
    """Ask the inventory rules about each order, then reserve for all of them at once.

    An order whose stock somebody else took meanwhile is asked again with what is left.
    """
    waiting = list(subjects)
    for _ in range(TRIES):
        promises = [
            found
            for subject in waiting
            if (found := _ask(work, context, subject, now, trigger)) is not None
        ]
        reserved = reserve_all(work, [promise.want for promise in promises], now)
        lost = [one for one, done in zip(promises, reserved, strict=True) if not done]
        for promise, done in zip(promises, reserved, strict=True):
            if done:
                _allocated(work, promise, now)
        if not lost:
            return
        _forget(work, lost)
        waiting = [promise.subject for promise in lost]
    for subject in waiting:  # the shelf is fought over: another run asks again
        enqueue_advance(work, subject.order.id, now)


def _ask(
    work: UnitOfWork, context: Context, subject: Subject, now: datetime, trigger: str
) -> _Promise | None:
    """What the rules say about one order: a promise, or None when it waits or is for a person."""
    order = subject.order
    facts = order_facts(subject) | stock_facts(subject)
    found = ask(
        work, context, "inventory", facts, now=now, trigger=trigger, order_id=order.id,
        again=subject.judged,
    )  # fmt: skip
    add_tags(order, found)
    allocate = found.first("allocate")
    if allocate is None or found.first("hold") is not None:
        _replenish(work, subject, found, facts["stock"], now)
        _wait(work, order, found, now)
        return None
    warehouse = _choose(subject, str(allocate.args.get("prefer", "nearest")))
    if warehouse is None:
        _replenish(work, subject, found, facts["stock"], now)
        _wait(work, order, found, now)
        return None
    lines = tuple((line.id, line.sku or "", line.quantity) for line in subject.lines)
    want = Want(order.id, warehouse.id, lines, _expiry(allocate, now))
    _mind(subject, want, 1)
    return _Promise(subject, warehouse, allocate, want)


def _expiry(allocate: Outcome, now: datetime) -> datetime | None:
    hours = allocate.args.get("for_hours")
    return None if hours is None else now + timedelta(hours=float(str(hours)))


def _choose(subject: Subject, prefer: str) -> Warehouse | None:
    """The best warehouse that holds all of it."""
    ranking = RANKINGS[prefer]
    candidates = sorted(
        full_warehouses(subject), key=lambda found: ranking(subject, found[0], found[1])
    )
    return candidates[0][0] if candidates else None


def _mind(subject: Subject, want: Want, sign: int) -> None:
    """The next order of this transaction must see what is left."""
    for (sku, house), units in want.levels().items():
        subject.own[house, sku] = subject.own.get((house, sku), 0) + sign * units
        for row in subject.stock[sku]:
            if row.warehouse_id == house:
                set_committed_value(row, "reserved", row.reserved + sign * units)


def _forget(work: UnitOfWork, lost: Sequence[_Promise]) -> None:
    """Read anew what is left of everything that these orders wanted."""
    rows: dict[int, Stock] = {}
    for promise in lost:
        _mind(promise.subject, promise.want, -1)
        rows |= {row.id: row for found in promise.subject.stock.values() for row in found}
    for row in rows.values():
        work.session.refresh(row)


def _allocated(work: UnitOfWork, promise: _Promise, now: datetime) -> None:
    order = promise.subject.order
    order.hold_reason = order.hold_queue = None
    at = {"to_warehouse": promise.warehouse.code}
    move_order(work, order, "allocated", now=now, actor=promise.action.rule, **at)
    _parcel(work, promise.subject, promise.warehouse, now)


def _wait(work: UnitOfWork, order: Order, found: Verdict, now: datetime) -> None:
    """Wait for stock if a rule says so; anything else that we can't carry out is for a person."""
    meters().reservations_failed.inc()
    wait, hold = found.first("hold_for_stock"), found.first("hold")
    if hold is not None:
        order.hold_reason, order.hold_queue = str(hold.args["reason"]), str(hold.args["queue"])
        move_order(work, order, "on_hold", now=now, actor=hold.rule, reason=order.hold_reason)
        return
    if wait is not None:
        reason = order.hold_reason = str(wait.args.get("reason", "out_of_stock"))
        if order.state != "waiting_stock":
            move_order(work, order, "waiting_stock", now=now, actor=wait.rule, reason=reason)
        return
    asked = found.first("split", "backorder")
    reason = order.hold_reason = found.failed or (asked.action if asked else "no_rule_decided")
    order.hold_queue = "warehouse"
    actor = asked.rule if asked else "chain"
    move_order(work, order, "on_hold", now=now, actor=actor, reason=reason)


def release_stock(work: UnitOfWork, order: Order, now: datetime) -> int:
    """Give an order's reserved units back; the number of units."""
    return give_back(work, promised(work, [order.id])[order.id], now)


def consume_stock(
    work: UnitOfWork, order: Order, now: datetime, held: Sequence[Reservation] | None = None
) -> int:
    """The goods left the house: on hand and reserved fall together; the number of units.

    `held` is what `promised` found for the order, where it was read for many.
    """
    rows = promised(work, [order.id])[order.id] if held is None else held
    return ship(work, rows, now)


def promised(work: UnitOfWork, order_ids: Collection[int]) -> dict[int, list[Reservation]]:
    """What is reserved and has not left, by order."""
    found: dict[int, list[Reservation]] = defaultdict(list)
    for row in work.session.scalars(
        select(Reservation)
        .where(Reservation.order_id.in_(order_ids), Reservation.state == "active")
        .order_by(Reservation.sku)
    ):
        found[row.order_id].append(row)
    return found


def _parcel(work: UnitOfWork, subject: Subject, warehouse: Warehouse, now: datetime) -> Parcel:
    order = subject.order
    goods = order.goods_total_minor
    subject.parcels_made += 1
    parcel = Parcel(
        order_id=order.id,
        number=f"P{order.id:08d}-{subject.parcels_made}",
        warehouse_id=warehouse.id,
        state="allocated",
        state_since=now,
        currency=order.currency,
        goods_value_minor=order.total_minor if goods is None else goods,
        weight_g=order_weight_g(subject),
        label_notes=[],
    )
    work.add(parcel)
    subject.parcels.append(parcel)
    record(
        work, "parcel_made", order_id=order.id, now=now, actor_kind="system", actor="chain",
        data={"parcel": parcel.number, "warehouse": warehouse.code},
    )  # fmt: skip
    return parcel


def _replenish(
    work: UnitOfWork, subject: Subject, found: Verdict, stock: Mapping[str, object], now: datetime
) -> None:
    """One open wish per SKU: what all waiting orders lack together. Asking twice changes nothing."""
    wish = found.first("request_replenishment")
    if wish is None:
        return
    days = wish.args.get("cover_days")
    short = stock.get("short_skus")
    for sku in short if isinstance(short, tuple) else ():
        free = sum(row.on_hand - row.reserved for row in subject.stock.get(sku, ()))
        units = max(1, _units_waited_for(work, subject, sku) - free)
        open_wish = work.session.scalar(
            select(Replenishment).where(Replenishment.sku == sku, Replenishment.state == "open")
        )
        if open_wish is not None:
            open_wish.units_short = units
            continue
        work.add(
            Replenishment(
                sku=sku,
                order_id=subject.order.id,
                units_short=units,
                cover_days=int(str(days)) if days is not None else None,
                state="open",
                requested_at=now,
            )
        )
        work.session.flush()


def _units_waited_for(work: UnitOfWork, subject: Subject, sku: str) -> int:
    """Units of a SKU in this order and in every other order that waits for stock."""
    others = work.session.scalar(
        select(func.coalesce(func.sum(OrderLine.quantity), 0))
        .join(Order, Order.id == OrderLine.order_id)
        .where(OrderLine.sku == sku, Order.state == "waiting_stock", Order.id != subject.order.id)
    )
    own = sum(line.quantity for line in subject.lines if (line.sku or "") == sku)
    return own + int(others or 0)


def _nearest(subject: Subject, warehouse: Warehouse, rows: list[Stock]) -> tuple[object, ...]:
    order = subject.order
    home = same_city((warehouse.province, warehouse.city), (order.province, order.city))
    del rows
    return (not home, warehouse.province != order.province, warehouse.priority, warehouse.id)


def _most_stock(subject: Subject, warehouse: Warehouse, rows: list[Stock]) -> tuple[object, ...]:
    return (-min(subject.free(row) for row in rows), warehouse.priority, warehouse.id)


def _priority(subject: Subject, warehouse: Warehouse, rows: list[Stock]) -> tuple[object, ...]:
    del subject, rows
    return (warehouse.priority, warehouse.id)


RANKINGS: dict[str, Ranking] = {
    "nearest": _nearest,
    "most_stock": _most_stock,
    "priority": _priority,
}
