"""Everything a gate may ask about some orders, loaded together: lines, shop, products, stock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from tidegate.errors import NotFound
from tidegate.store.tables import (
    Decision,
    Order,
    OrderLine,
    Parcel,
    Product,
    Reservation,
    Shop,
    Stock,
    Warehouse,
)
from tidegate.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class PastOrder:
    """Another order to the same phone or address, as little of it as rules look at."""

    id: int
    shop_id: int
    shop: str
    channel: str
    buyer: str | None
    phone_key: str | None
    address_key: str | None
    at: datetime
    total_minor: int | None
    currency: str
    skus: frozenset[str]
    returned_at: datetime | None  # when a parcel of it came back or turned back


@dataclass
class Subject:
    """One order with what belongs to it. `own` is what this order has reserved, by (warehouse, sku).

    `parcels` are the live ones, `parcels_made` counts the cancelled too; `judged`: a gate has decided before;
    `past` is None until it is read.
    """

    order: Order
    shop: Shop
    lines: list[OrderLine] = field(default_factory=list)
    products: dict[str, Product] = field(default_factory=dict)
    stock: dict[str, list[Stock]] = field(default_factory=dict)
    own: dict[tuple[int, str], int] = field(default_factory=dict)
    parcels: list[Parcel] = field(default_factory=list)
    warehouses: dict[int, Warehouse] = field(default_factory=dict)
    parcels_made: int = 0
    judged: bool = False
    past: list[PastOrder] | None = None

    def product(self, line: OrderLine) -> Product | None:
        return self.products.get(line.sku or "")

    def free(self, stock: Stock) -> int:
        """Units that can be promised to this order: not reserved, or reserved by itself."""
        own = self.own.get((stock.warehouse_id, stock.sku), 0)
        return stock.on_hand - stock.reserved + own

    def weight_of(self, line: OrderLine) -> int | None:
        """Grams of one unit: what the source says, else what the product says."""
        found = self.product(line)
        return line.weight_g if line.weight_g is not None else (found.weight_g if found else None)


def load_subjects(work: UnitOfWork, order_ids: Sequence[int]) -> dict[int, Subject]:
    """Subjects by order id; ids of other tenants are simply not there."""
    session = work.session
    orders = session.scalars(select(Order).where(Order.id.in_(order_ids))).all()
    shops = {shop.id: shop for shop in session.scalars(select(Shop))}
    found = {order.id: Subject(order, shops[order.shop_id]) for order in orders}
    for line in session.scalars(
        select(OrderLine).where(OrderLine.order_id.in_(found)).order_by(OrderLine.position)
    ):
        found[line.order_id].lines.append(line)
    for parcel in session.scalars(
        select(Parcel).where(Parcel.order_id.in_(found)).order_by(Parcel.id)
    ):
        found[parcel.order_id].parcels_made += 1
        if parcel.state != "cancelled":
            found[parcel.order_id].parcels.append(parcel)
    for order_id in session.scalars(
        select(Decision.order_id).where(Decision.order_id.in_(found)).distinct()
    ):
        found[order_id or 0].judged = True
    for held in session.scalars(
        select(Reservation).where(Reservation.order_id.in_(found), Reservation.state == "active")
    ):
        own = found[held.order_id].own
        key = (held.warehouse_id, held.sku)
        own[key] = own.get(key, 0) + held.quantity
    skus = {line.sku for subject in found.values() for line in subject.lines if line.sku}
    products = _by_sku(session.scalars(select(Product).where(Product.sku.in_(skus))))
    stock: dict[str, list[Stock]] = defaultdict(list)
    for row in session.scalars(select(Stock).where(Stock.sku.in_(skus))):
        stock[row.sku].append(row)
    warehouses = {row.id: row for row in session.scalars(select(Warehouse))}
    for subject in found.values():
        own_skus = {line.sku for line in subject.lines if line.sku}
        subject.products = {sku: products[sku] for sku in own_skus if sku in products}
        subject.stock = {sku: stock[sku] for sku in own_skus if sku in stock}
        subject.warehouses = warehouses
    return found


def load_subject(work: UnitOfWork, order_id: int) -> Subject:
    """One subject.

    Raises:
        NotFound: this tenant has no such order.
    """
    found = load_subjects(work, [order_id])
    if order_id not in found:
        raise NotFound(
            "order.not_found",
            zh=f"没有订单 {order_id}; 可能已删除或属于别的商家。",
            en=f"There is no order {order_id} here.",
            id=order_id,
        )
    return found[order_id]


def _by_sku(products: Iterable[Product]) -> dict[str, Product]:
    return {product.sku: product for product in products}
