"""Stock corrected by a person."""

from __future__ import annotations

from sqlalchemy import select, update

from tidegate.errors import InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.people import required_reason
from tidegate.services.reserving import record_moves
from tidegate.services.states import record
from tidegate.services.work import enqueue_advance
from tidegate.store.tables import Order, OrderLine, Stock, Warehouse


def adjust(
    context: Context, sku: str, warehouse_code: str, on_hand: int, actor: str, reason: str
) -> None:
    """Set the units on hand; more stock lets waiting orders go on.

    Raises:
        InputError: no reason, or fewer units than are reserved. NotFound: no such stock row.
    """
    told = required_reason(reason)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = work.session.scalar(
            select(Stock)
            .join(Warehouse, Warehouse.id == Stock.warehouse_id)
            .where(Stock.sku == sku, Warehouse.code == warehouse_code)
        )
        if row is None:
            raise NotFound(
                "stock.not_found",
                zh=f"仓库 {warehouse_code} 没有编码 {sku} 的库存。",
                en=f"Warehouse {warehouse_code} has no stock row for {sku}.",
                sku=sku,
            )
        before, missing = row.on_hand, row.missing
        changed = work.session.execute(
            update(Stock)
            .where(Stock.id == row.id, Stock.reserved <= on_hand)
            .values(on_hand=on_hand, missing=0, updated_at=now)
            .execution_options(synchronize_session=False)
        )
        if on_hand < 0 or changed.rowcount != 1:  # type: ignore[attr-defined]
            raise InputError(
                "stock.below_reserved",
                zh=f"{sku} 已有 {row.reserved} 件被占用, 在库不能少于它; 先释放订单或填更大的数。",
                en=f"{row.reserved} units of {sku} are reserved; on hand can't be less."
                " Release orders first or enter a larger number.",
                field="on_hand",
                sku=sku,
                reserved=row.reserved,
            )
        changes = [((sku, row.warehouse_id), on_hand - before + missing, None)]
        record_moves(work, "counted", changes, now, actor)
        data = {
            "sku": sku,
            "warehouse": warehouse_code,
            "from": before,
            "to": on_hand,
            "reason": told,
        }
        record(
            work,
            "stock_adjusted",
            order_id=None,
            now=now,
            actor_kind="person",
            actor=actor,
            data=data,
        )
        if on_hand > before:
            waiting = (
                select(Order.id)
                .join(OrderLine, OrderLine.order_id == Order.id)
                .where(Order.state == "waiting_stock", OrderLine.sku == sku)
                .order_by(Order.state_since)
            )
            for order_id in dict.fromkeys(work.session.scalars(waiting)):
                enqueue_advance(work, order_id, now)
        work.commit()
