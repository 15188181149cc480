"""What changing stock means: never below what is promised, and waiting orders are asked again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, select, update

from tidegate.services.reference_cells import problem_of
from tidegate.services.reserving import record_moves
from tidegate.services.work import enqueue_advance
from tidegate.store.tables import Order, OrderLine, Stock
from tidegate.store.unit_of_work import UnitOfWork

FILE = "file"
CHUNK = 500  # values per IN list


def change_stock(work: UnitOfWork, row: Stock, changed: dict[str, Any], now: datetime) -> bool:
    """Write a count, compared with what is reserved at this moment by the database itself.

    Returns whether the units on hand rose.

    Raises:
        CellProblem: more units are reserved than there would be.
    """
    session = work.session
    on_hand: int = changed.get("on_hand", row.on_hand)
    missing = 0 if "on_hand" in changed else row.missing
    outcome = session.execute(
        update(Stock)
        .where(Stock.id == row.id, Stock.reserved <= on_hand)
        .values(**changed, missing=missing, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    if isinstance(outcome, CursorResult) and outcome.rowcount:
        counted = on_hand - missing - (row.on_hand - row.missing)
        if counted:
            record_moves(work, "counted", [((row.sku, row.warehouse_id), counted, None)], now, FILE)
        return on_hand > row.on_hand
    reserved = session.scalar(select(Stock.reserved).where(Stock.id == row.id))
    raise problem_of(
        "on_hand",
        "below_reserved",
        f"在库 {on_hand} 少于已占用的 {reserved} 件; 请先释放订单占用, 或核对数量。",
        f"{on_hand} on hand is less than the {reserved} units reserved; release orders first,"
        " or check the count.",
    )


def wake_waiting(work: UnitOfWork, skus: set[str], now: datetime) -> int:
    """Let the chain look again at each order that waits for one of them; how many do."""
    waiting: set[int] = set()
    for some in chunks(sorted(skus)):
        waiting |= set(
            work.session.scalars(
                select(OrderLine.order_id)
                .join(Order, Order.id == OrderLine.order_id)
                .where(Order.state == "waiting_stock", OrderLine.sku.in_(some))
            )
        )
    for order_id in sorted(waiting):
        enqueue_advance(work, order_id, now)
    return len(waiting)


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
