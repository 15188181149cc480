"""Stock for an approved order: the rules say allocate or hold, conditional updates never oversell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.orm.attributes import set_committed_value

from tidegate.domain.addresses import same_city
from tidegate.services.context import Context
from tidegate.services.decisions import Verdict, add_tags, ask
from tidegate.services.facts import (
    full_warehouses,
    order_facts,
    order_weight_g,
    stock_facts,
    wanted_units,
)
from tidegate.services.states import move_order, record
from tidegate.services.subjects import Subject
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

TRIES = 3  # how often stock may be snatched away before the order waits
STOCK: Table = Stock.__table__  # type: ignore[assignment]  # a declarative class says FromClause
_ROW = (
    STOCK.c.tenant_id == bindparam("of_tenant"),
    STOCK.c.warehouse_id == bindparam("of_warehouse"),
    STOCK.c.sku == bindparam("of_sku"),
)
_TAKE = (  # of what is free; negative units give back
    update(STOCK)
    .where(*_ROW, STOCK.c.on_hand - STOCK.c.reserved >= bindparam("units"))
    .values(reserved=STOCK.c.reserved + bindparam("units"), updated_at=bindparam("at"))
)
_GIVE = (
    update(STOCK)
    .where(*_ROW)
    .values(
        reserved=STOCK.c.reserved - bindparam("units"),
        on_hand=STOCK.c.on_hand - bindparam("gone"),
        updated_at=bindparam("at"),
    )
)
Ranking = Callable[[Subject, Warehouse, list[Stock]], tuple[object, ...]]


def run_inventory(
    work: UnitOfWork, context: Context, subject: Subject, now: datetime, trigger: str
) -> Parcel | None:
    """Ask the inventory rules and carry the answer out; the parcel when stock was reserved."""
    order = subject.order
    for _ in range(TRIES):
        facts = order_facts(subject) | stock_facts(subject)
        found = ask(
            work, context, "inventory", facts, now=now, trigger=trigger, order_id=order.id,
            again=subject.judged,
        )  # fmt: skip
        add_tags(order, found)
        allocate = found.first("allocate")
        if allocate is None:
            break
        warehouse = reserve(work, subject, str(allocate.args.get("prefer", "nearest")), now)
        if warehouse is not None:
            order.hold_reason = order.hold_queue = None
            at = {"to_warehouse": warehouse.code}
            move_order(work, order, "allocated", now=now, actor=allocate.rule, **at)
            return _parcel(work, subject, warehouse, now)
        for row in [row for rows in subject.stock.values() for row in rows]:
            work.session.refresh(row)  # somebody was faster: ask again with what is left
    _replenish(work, subject, found, facts["stock"], now)
    _wait(work, order, found, now)
    return None


def _wait(work: UnitOfWork, order: Order, found: Verdict, now: datetime) -> None:
    """Wait for stock if a rule says so; anything else that we can't carry out is for a person."""
    wait = found.first("hold_for_stock")
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


def reserve(work: UnitOfWork, subject: Subject, prefer: str, now: datetime) -> Warehouse | None:
    """Reserve every line in one warehouse, or nothing. None when no warehouse has it all any more."""
    ranking = RANKINGS[prefer]
    candidates = sorted(
        full_warehouses(subject), key=lambda found: ranking(subject, found[0], found[1])
    )
    for warehouse, _ in candidates:
        if _take(work, subject, warehouse, now):
            return warehouse
    return None


def _take(work: UnitOfWork, subject: Subject, warehouse: Warehouse, now: datetime) -> bool:
    """Conditional update per SKU, SKUs sorted so that nobody locks crosswise: all or none."""
    connection = work.session.connection()
    at = {"of_tenant": work.tenant_id, "of_warehouse": warehouse.id, "at": now}
    done: list[tuple[str, int]] = []
    for sku, units in sorted(wanted_units(subject).items()):
        if connection.execute(_TAKE, {**at, "of_sku": sku, "units": units}).rowcount != 1:
            for taken, back in done:
                connection.execute(_TAKE, {**at, "of_sku": taken, "units": -back})
            return False
        done.append((sku, units))
    for line in subject.lines:
        work.add(
            Reservation(
                order_id=subject.order.id,
                order_line_id=line.id,
                warehouse_id=warehouse.id,
                sku=line.sku or "",
                quantity=line.quantity,
                state="active",
                created_at=now,
            )
        )
    for sku, units in done:  # the next order of this transaction must see what is left
        subject.own[warehouse.id, sku] = subject.own.get((warehouse.id, sku), 0) + units
        for row in subject.stock[sku]:
            if row.warehouse_id == warehouse.id:
                set_committed_value(row, "reserved", row.reserved + units)
    return True


def release_stock(work: UnitOfWork, order: Order, now: datetime) -> int:
    """Give an order's reserved units back; the number of units."""
    units = 0
    for held in _active(work, order.id):
        _change(work, held, on_hand=0, now=now)
        held.state, held.ended_at = "released", now
        units += held.quantity
    return units


def consume_stock(
    work: UnitOfWork, order: Order, now: datetime, held: Sequence[Reservation] | None = None
) -> int:
    """The goods left the house: on hand and reserved fall together; the number of units.

    `held` is what `promised` found for the order, where it was read for many.
    """
    units = 0
    for row in _active(work, order.id) if held is None else held:
        _change(work, row, on_hand=row.quantity, now=now)
        row.state, row.ended_at = "consumed", now
        units += row.quantity
    return units


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


def _change(work: UnitOfWork, held: Reservation, *, on_hand: int, now: datetime) -> None:
    values = {
        "of_tenant": work.tenant_id, "of_warehouse": held.warehouse_id, "of_sku": held.sku,
        "units": held.quantity, "gone": on_hand, "at": now,
    }  # fmt: skip
    work.session.connection().execute(_GIVE, values)


def _active(work: UnitOfWork, order_id: int) -> list[Reservation]:
    return promised(work, [order_id])[order_id]


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
