"""Do the books of stock add up? For `doctor`, for tests, and after every fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from tidegate.store.stock_tables import StockMove
from tidegate.store.tables import Reservation, Stock
from tidegate.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Difference:
    """A level whose counters do not fit its history. Units."""

    sku: str
    warehouse_id: int
    on_hand: int
    moved: int  # what the moves add up to, plus what is noted as missing
    reserved: int
    held: int  # what active reservations add up to


def differences(work: UnitOfWork) -> list[Difference]:
    """Levels where on hand (less what is missing) is not the sum of its moves, or reserved not that of its
    reservations; also levels that only their reservations know.
    """
    moved = _sums(work, StockMove, StockMove.units)
    held = _sums(work, Reservation, Reservation.quantity, Reservation.state == "active")
    found = []
    seen = set()
    for row in work.session.scalars(select(Stock).order_by(Stock.sku, Stock.warehouse_id)):
        level = (row.sku, row.warehouse_id)
        seen.add(level)
        one = Difference(
            row.sku, row.warehouse_id, row.on_hand, moved.get(level, 0) + row.missing,
            row.reserved, held.get(level, 0),
        )  # fmt: skip
        if one.on_hand != one.moved or one.reserved != one.held:
            found.append(one)
    lost = {level: units for level, units in held.items() if level not in seen}
    return found + [Difference(*level, 0, 0, 0, units) for level, units in sorted(lost.items())]


def _sums(work: UnitOfWork, table: Any, units: Any, *where: Any) -> dict[tuple[str, int], int]:
    rows = work.session.execute(
        select(table.sku, table.warehouse_id, func.sum(units))
        .where(*where)
        .group_by(table.sku, table.warehouse_id)
    )
    return {(sku, house): int(total) for sku, house, total in rows}
