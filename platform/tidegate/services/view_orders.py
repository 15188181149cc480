"""Lists of orders: search, filters and keyset pages; recipients are masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, cast, func, or_, select
from sqlalchemy.orm import Session

from tidegate.domain.money import Money
from tidegate.services.context import Context
from tidegate.services.view_marks import is_stuck
from tidegate.services.view_masks import masked_name, masked_phone
from tidegate.services.view_names import (
    Words,
    open_states,
    order_states,
    reason_title,
    same,
    state_title,
)
from tidegate.store.tables import (
    CarrierService,
    Order,
    OrderLine,
    Parcel,
    Reservation,
    Shop,
    Warehouse,
)

PAGE_ROWS = 50
PHONE_TAIL = 4


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """What to look for. `before` is the id below which the page starts; `since` and `until` bound the order time."""

    text: str = ""
    states: tuple[str, ...] = ()
    channel: str = ""
    shop_id: int | None = None
    only: str = ""  # "", issues, stuck
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class OrderRow:
    id: int
    number: str
    channel: str
    shop: str
    state: str
    state_title: Words
    state_since: datetime
    ordered_at: datetime | None
    ship_by: datetime | None
    total: Money | None
    recipient: str  # masked name
    phone: str  # masked
    place: str
    goods: str  # first line's title or SKU
    units: int
    carrier: Words | None
    waybill_no: str | None
    issues: int
    hold_reason: str | None
    hold_title: Words
    version: int


@dataclass(frozen=True, slots=True)
class OrderPage:
    """`next_before` starts the following page; None at the end. `per_state` counts orders that are not over yet: what
    is over grows for ever.
    """

    rows: Sequence[OrderRow]
    next_before: int | None
    per_state: Mapping[str, int]
    channels: Sequence[str]
    shops: Sequence[tuple[int, str, str]]
    states: Mapping[str, Words] = field(default_factory=order_states)


def search_orders(context: Context, query: OrderQuery, limit: int = PAGE_ROWS) -> OrderPage:
    """Newest first, `limit` at a time."""
    now = context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        session = work.session
        statement = _filtered(select(Order), query, now).order_by(Order.id.desc())
        if query.before is not None:
            statement = statement.where(Order.id < query.before)
        found = session.scalars(statement.limit(limit + 1)).all()
        counted = select(Order.state, func.count()).where(Order.state.in_(open_states()))
        per_state = session.execute(counted.group_by(Order.state))
        shops = session.scalars(select(Shop).order_by(Shop.channel, Shop.name)).all()
        return OrderPage(
            rows=order_rows(session, found[:limit]),
            next_before=found[limit - 1].id if len(found) > limit else None,
            per_state={state: count for state, count in per_state},
            channels=sorted({shop.channel for shop in shops}),
            shops=[(shop.id, shop.channel, shop.name) for shop in shops],
        )


def held_orders(context: Context, reason: str | None, limit: int = 200) -> list[OrderRow]:
    """Orders that wait for a person, longest first; `reason` None is every reason."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        statement = select(Order).where(Order.state == "on_hold")
        if reason is not None:
            known = Order.hold_reason == reason if reason else Order.hold_reason.is_(None)
            statement = statement.where(known)
        found = work.session.scalars(statement.order_by(Order.state_since, Order.id).limit(limit))
        return order_rows(work.session, found.all())


def _filtered(statement: Select[Any], query: OrderQuery, now: datetime) -> Select[Any]:
    if query.states:
        statement = statement.where(Order.state.in_(query.states))
    if query.channel:
        statement = statement.where(Order.channel == query.channel)
    if query.shop_id is not None:
        statement = statement.where(Order.shop_id == query.shop_id)
    if query.reason is not None:
        statement = statement.where(Order.hold_reason == query.reason)
    if query.since is not None:
        statement = statement.where(Order.ordered_at >= query.since)
    if query.until is not None:
        statement = statement.where(Order.ordered_at < query.until)
    if query.only == "issues":
        statement = statement.where(cast(Order.issues, String) != "[]")
    if query.only == "stuck":
        statement = statement.where(is_stuck(now))
    return _worded(statement, query.text.strip())


def _worded(statement: Select[Any], text: str) -> Select[Any]:
    """Order number (its beginning), waybill or parcel number, last four digits of the phone, or full name."""
    if not text:
        return statement
    parcels = select(Parcel.order_id).where(or_(Parcel.waybill_no == text, Parcel.number == text))
    meant = [Order.number.startswith(text, autoescape=True), Order.id.in_(parcels)]
    if text.isascii() and text.isdigit() and len(text) == PHONE_TAIL:
        meant.append(Order.recipient_phone.endswith(text, autoescape=True))
    elif not text.isascii():
        meant.append(Order.recipient_name == text)
    return statement.where(or_(*meant))


def order_rows(session: Session, orders: Sequence[Order]) -> list[OrderRow]:
    """Rows for these orders, with three further queries however many there are."""
    ids = [order.id for order in orders]
    shops = {shop.id: shop.name for shop in session.scalars(select(Shop))}
    parcels = {
        parcel.order_id: parcel
        for parcel in session.scalars(select(Parcel).where(Parcel.order_id.in_(ids)))
    }
    lines: dict[int, list[OrderLine]] = {}
    rows = session.scalars(
        select(OrderLine).where(OrderLine.order_id.in_(ids)).order_by(OrderLine.position)
    )
    for line in rows:
        lines.setdefault(line.order_id, []).append(line)
    names = {
        row.code: {"zh": row.name_zh, "en": row.name_en}
        for row in session.scalars(select(CarrierService))
    }
    return [
        _row(order, shops[order.shop_id], lines.get(order.id, []), parcels.get(order.id), names)
        for order in orders
    ]


def _row(
    order: Order,
    shop: str,
    lines: Sequence[OrderLine],
    parcel: Parcel | None,
    names: Mapping[str, Words],
) -> OrderRow:
    first = lines[0] if lines else None
    service = (parcel.service_code or parcel.carrier) if parcel else None
    return OrderRow(
        id=order.id,
        number=order.number,
        channel=order.channel,
        shop=shop,
        state=order.state,
        state_title=state_title(order.state),
        state_since=order.state_since,
        ordered_at=order.ordered_at,
        ship_by=order.ship_by,
        total=None if order.total_minor is None else Money(order.total_minor, order.currency),
        recipient=masked_name(order.recipient_name),
        phone=masked_phone(order.recipient_phone),
        place=place(order),
        goods=(first.title or first.sku or "-") if first else "-",
        units=sum(line.quantity for line in lines),
        carrier=names.get(service) or same(service) if service else None,
        waybill_no=parcel.waybill_no if parcel else None,
        issues=len(order.issues),
        hold_reason=order.hold_reason,
        hold_title=reason_title(order.hold_reason),
        version=order.version,
    )


def place(order: Order) -> str:
    """Province, city and district: not personal by themselves; a city that repeats its province is said once."""
    parts = [part for part in (order.province, order.city, order.district) if part]
    if len(parts) > 1 and parts[0].removesuffix("市") == parts[1].removesuffix("市"):
        parts = parts[1:]
    return " ".join(parts) or "-"


def reserved_at(session: Session, order_id: int) -> Mapping[int, tuple[str, int]]:
    """Units promised per order line, with the warehouse's name."""
    rows = session.execute(
        select(Reservation.order_line_id, Warehouse.name, func.sum(Reservation.quantity))
        .join(Warehouse, Warehouse.id == Reservation.warehouse_id)
        .where(Reservation.order_id == order_id, Reservation.state != "released")
        .group_by(Reservation.order_line_id, Warehouse.name)
    )
    return {line: (name, int(units)) for line, name, units in rows}


def order_numbers(context: Context, ids: Sequence[int]) -> Mapping[int, str]:
    """Order numbers by id; ids that are not this tenant's are absent."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(select(Order.id, Order.number).where(Order.id.in_(ids)))
        return {id_: number for id_, number in rows}
