"""Stock per SKU and warehouse, wishes for more, and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tidegate.services.context import Context
from tidegate.store.tables import Order, Product, Replenishment, Stock, Warehouse

SHOWN_ROWS = 100
RISKY_START = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run such a cell as a formula


@dataclass(frozen=True, slots=True)
class StockRow:
    sku: str
    title: str
    warehouse_code: str
    warehouse: str
    on_hand: int
    reserved: int
    missing: int
    safety: int
    location: str
    expected_at: datetime | None
    expected_units: int | None
    updated_at: datetime

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved

    @property
    def mark(self) -> str:
        """none, missing (promised, yet not there), low (under the safety stock) or out."""
        if self.missing:
            return "missing"
        if self.available <= 0:
            return "out"
        return "low" if self.available < self.safety else "none"


@dataclass(frozen=True, slots=True)
class Wish:
    sku: str
    title: str
    units: int
    state: str
    at: datetime
    order_id: int | None
    order_number: str


@dataclass(frozen=True, slots=True)
class StockPage:
    """`next_after` is (sku, warehouse code) of the last row; None at the end."""

    rows: Sequence[StockRow]
    next_after: tuple[str, str] | None
    wishes: Sequence[Wish]
    warehouses: Sequence[tuple[str, str]]


def stock_page(
    context: Context,
    text: str = "",
    warehouse: str = "",
    only: str = "",
    after: tuple[str, str] | None = None,
) -> StockPage:
    """By SKU, then warehouse. `only` is "", short (missing, low or out)."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        session = work.session
        statement = _filtered(text, warehouse, only)
        if after is not None:
            sku, code = after
            later = or_(Stock.sku > sku, (Stock.sku == sku) & (Warehouse.code > code))
            statement = statement.where(later)
        found = session.execute(statement.limit(SHOWN_ROWS + 1)).all()
        rows = [_row(stock, house, product) for stock, house, product in found[:SHOWN_ROWS]]
        more = len(found) > SHOWN_ROWS
        return StockPage(
            rows=rows,
            next_after=(rows[-1].sku, rows[-1].warehouse_code) if more else None,
            wishes=_wishes(session),
            warehouses=[
                (row.code, row.name)
                for row in session.scalars(select(Warehouse).order_by(Warehouse.priority))
            ],
        )


def stock_csv(
    context: Context, headings: Sequence[str], text: str = "", warehouse: str = ""
) -> bytes:
    """All matching rows under these nine headings, UTF-8 with BOM so that spreadsheets read Chinese."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = work.session.execute(_filtered(text, warehouse, "")).all()
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([safe_cell(each) for each in headings])
    for row in (_row(stock, house, product) for stock, house, product in found):
        cells: list[object] = [row.sku, row.title, row.warehouse_code, row.warehouse, row.location]
        numbers = [row.on_hand, row.reserved, row.available, row.missing]
        writer.writerow([*(safe_cell(str(cell)) for cell in cells), *numbers])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


def safe_cell(text: str) -> str:
    """A quote before what a spreadsheet would run as a formula (CWE-1236)."""
    return f"'{text}" if text.startswith(RISKY_START) else text


def _filtered(text: str, warehouse: str, only: str) -> Any:
    same_product = (Product.sku == Stock.sku) & (Product.tenant_id == Stock.tenant_id)
    statement: Any = (
        select(Stock, Warehouse, Product)
        .join(Warehouse, Warehouse.id == Stock.warehouse_id)
        .outerjoin(Product, same_product)
        .order_by(Stock.sku, Warehouse.code)
    )
    if text.strip():
        wanted = text.strip()
        in_sku = Stock.sku.icontains(wanted, autoescape=True)
        statement = statement.where(in_sku | Product.title.icontains(wanted, autoescape=True))
    if warehouse:
        statement = statement.where(Warehouse.code == warehouse)
    if only == "short":
        free = Stock.on_hand - Stock.reserved
        statement = statement.where((free <= 0) | (free < Product.safety_stock))
    return statement


def _row(stock: Stock, warehouse: Warehouse, product: Product | None) -> StockRow:
    return StockRow(
        sku=stock.sku,
        title=(product.title if product else None) or "-",
        warehouse_code=warehouse.code,
        warehouse=warehouse.name,
        on_hand=stock.on_hand,
        reserved=stock.reserved,
        missing=stock.missing,
        safety=product.safety_stock if product else 0,
        location=stock.location or "",
        expected_at=stock.expected_at,
        expected_units=stock.expected_units,
        updated_at=stock.updated_at,
    )


def _wishes(session: Session) -> list[Wish]:
    rows = session.execute(
        select(Replenishment, Product.title, Order.number)
        .outerjoin(
            Product,
            (Product.sku == Replenishment.sku) & (Product.tenant_id == Replenishment.tenant_id),
        )
        .outerjoin(Order, Order.id == Replenishment.order_id)
        .where(Replenishment.state.in_(("open", "ordered")))
        .order_by(Replenishment.requested_at, Replenishment.id)
        .limit(SHOWN_ROWS)
    )
    return [
        Wish(
            row.sku,
            title or "-",
            row.units_short,
            row.state,
            row.requested_at,
            row.order_id,
            number or "-",
        )
        for row, title, number in rows
    ]
