"""The lines of an order with what the warehouses hold of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tidegate.domain.money import Money
from tidegate.services.view_orders import reserved_at
from tidegate.store.tables import Order, OrderLine, Product, Stock


@dataclass(frozen=True, slots=True)
class GoodsLine:
    """`available` are units free in all warehouses; None: the SKU is unknown or absent."""

    position: int
    title: str
    spec: str
    sku: str
    quantity: int
    total: Money | None
    warehouse: str
    reserved: int
    available: int | None
    below_safety: int | None
    fragile: bool
    hazardous: bool


def goods(session: Session, order: Order) -> Sequence[GoodsLine]:
    lines = session.scalars(
        select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.position)
    ).all()
    skus = [line.sku for line in lines if line.sku]
    products = {
        row.sku: row for row in session.scalars(select(Product).where(Product.sku.in_(skus)))
    }
    free = func.sum(Stock.on_hand - Stock.reserved)
    rows = session.execute(select(Stock.sku, free).where(Stock.sku.in_(skus)).group_by(Stock.sku))
    stock = {sku: units for sku, units in rows}
    held = reserved_at(session, order.id)
    return [
        _line(line, order.currency, products.get(line.sku or ""), stock, held.get(line.id))
        for line in lines
    ]


def _line(
    line: OrderLine,
    currency: str,
    product: Product | None,
    stock: dict[str, int],
    held: tuple[str, int] | None,
) -> GoodsLine:
    total = line.line_total_minor
    if total is None and line.unit_price_minor is not None:
        total = line.unit_price_minor * line.quantity
    available = stock.get(line.sku or "")
    safety = product.safety_stock if product else 0
    warehouse, reserved = held or ("", 0)
    return GoodsLine(
        position=line.position,
        title=line.title or (product.title if product else None) or line.sku or "-",
        spec=line.spec or "",
        sku=line.sku or "",
        quantity=line.quantity,
        total=None if total is None else Money(total, currency),
        warehouse=warehouse,
        reserved=reserved,
        available=None if available is None else int(available),
        below_safety=safety if available is not None and available < safety else None,
        fragile=bool(product and product.fragile),
        hazardous=bool(product and product.hazardous),
    )
