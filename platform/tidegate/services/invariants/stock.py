"""I6, I7: counters add up, nothing is promised twice, and reservations belong to orders that may hold them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import and_, case, func, or_, select

from tidegate.services.invariants.checks import Invariant, Look
from tidegate.store.stock_tables import StockMove
from tidegate.store.tables import Order, OrderLine, Reservation, Stock

HOLDING = ("allocated", "routed", "waybill", "printed")
MAY_HOLD = (*HOLDING, "on_hold", "received", "approved", "waiting_stock")
ACTIVE = Reservation.state == "active"


def _adds_up(look: Look) -> Iterator[str]:
    """I6. Reserved is the sum of what is promised, and never more than there is."""
    place = (Reservation.warehouse_id, Reservation.sku)
    promised = (
        select(*place, func.sum(Reservation.quantity).label("units"))
        .where(ACTIVE)
        .group_by(*place)
        .subquery()
    )
    here = and_(promised.c.warehouse_id == Stock.warehouse_id, promised.c.sku == Stock.sku)
    wrong = (
        select(Stock.id)
        .outerjoin(promised, here)
        .where(
            or_(
                Stock.reserved != func.coalesce(promised.c.units, 0),
                Stock.reserved > Stock.on_hand,
                Stock.reserved < 0,
            )
        )
    )
    yield from look.ids("stock", wrong)
    yield from _as_moved(look)
    row = select(Stock.id).where(
        Stock.warehouse_id == Reservation.warehouse_id, Stock.sku == Reservation.sku
    )
    yield from look.ids("reservation", select(Reservation.id).where(ACTIVE, ~row.exists()))


def _as_moved(look: Look) -> Iterator[str]:
    """On hand is what all moves since the opening add up to."""
    place = (StockMove.warehouse_id, StockMove.sku)
    moved = (
        select(*place, func.sum(StockMove.units).label("units"))
        .group_by(*place)
        .having(func.sum(case((StockMove.kind == "opening", 1), else_=0)) > 0)
        .subquery()
    )
    here = and_(moved.c.warehouse_id == Stock.warehouse_id, moved.c.sku == Stock.sku)
    wrong = select(Stock.id).join(moved, here).where(moved.c.units != Stock.on_hand)
    yield from look.ids("stock", wrong)


def _where_it_belongs(look: Look) -> Iterator[str]:
    """I7. An order that left or ended holds nothing; one on its way to the label holds every line."""
    ended = (
        select(Reservation.id)
        .join(Order, Order.id == Reservation.order_id)
        .where(ACTIVE, Order.state.not_in(MAY_HOLD))
    )
    yield from look.ids("reservation", ended)
    held = select(Reservation.id).where(Reservation.order_line_id == OrderLine.id, ACTIVE)
    short = (
        select(Order.id)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(Order.state.in_(HOLDING), ~held.exists())
        .distinct()
    )
    yield from look.ids("order", short)


INVARIANTS = (
    Invariant(
        "I6",
        {
            "zh": "占用数等于有效占用之和, 且不超过在库数; 在库数等于各次变动之和",
            "en": "Reserved is the sum of the promises, never more than on hand; on hand is the sum of its moves",
        },
        _adds_up,
    ),
    Invariant(
        "I7",
        {
            "zh": "只有待发货的订单占用库存, 已占库存到已打单的订单每行都有占用",
            "en": "Only orders that are to be shipped hold stock, and those hold every line",
        },
        _where_it_belongs,
    ),
)
