"""Units of stock promised, given back and shipped: conditional updates that can't oversell, for one order or many.

Reservations are written first and the counter of a SKU last, so that a row that everybody wants is locked for as
short as possible; rows are taken in the order (SKU, warehouse), so that nobody waits crosswise. The database itself
refuses `reserved > on_hand` should anybody get this wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, case, delete, insert, select, tuple_, update
from sqlalchemy.orm.attributes import set_committed_value

from tidegate.errors import Conflict
from tidegate.store.stock_tables import StockMove
from tidegate.store.tables import Reservation, Stock
from tidegate.store.unit_of_work import UnitOfWork

Level = tuple[str, int]  # SKU, warehouse id
STOCK: Table = Stock.__table__  # type: ignore[assignment]  # a declarative class says FromClause
HELD: Table = Reservation.__table__  # type: ignore[assignment]
MOVES: Table = StockMove.__table__  # type: ignore[assignment]
_ROW = (
    STOCK.c.tenant_id == bindparam("of_tenant"),
    STOCK.c.warehouse_id == bindparam("of_warehouse"),
    STOCK.c.sku == bindparam("of_sku"),
)
_TAKE = (
    update(STOCK)
    .where(*_ROW, STOCK.c.on_hand - STOCK.c.reserved >= bindparam("units"))
    .values(reserved=STOCK.c.reserved + bindparam("units"), updated_at=bindparam("at"))
)
# Units that were promised but are missing (services/stock_sync.py) are not free again when the promise ends.
_GONE = case((STOCK.c.missing < bindparam("units"), STOCK.c.missing), else_=bindparam("units"))
_GIVE = (
    update(STOCK)
    .where(*_ROW)
    .values(
        reserved=STOCK.c.reserved - bindparam("units"),
        on_hand=STOCK.c.on_hand - _GONE,
        missing=STOCK.c.missing - _GONE,
        updated_at=bindparam("at"),
    )
)
_SHIP = (
    update(STOCK)
    .where(*_ROW)
    .values(
        reserved=STOCK.c.reserved - bindparam("units"),
        on_hand=STOCK.c.on_hand - bindparam("units"),
        updated_at=bindparam("at"),
    )
)
_WRITE = insert(HELD)
_MOVE = insert(MOVES)


@dataclass(frozen=True, slots=True)
class Want:
    """What one order wants of one warehouse, all of it or nothing: (order line id, SKU, units) per line."""

    order_id: int
    warehouse_id: int
    lines: tuple[tuple[int, str, int], ...]
    expires_at: datetime | None = None

    def levels(self) -> Counter[Level]:
        found: Counter[Level] = Counter()
        for _, sku, units in self.lines:
            found[sku, self.warehouse_id] += units
        return found


def reserve_all(work: UnitOfWork, wants: Sequence[Want], now: datetime) -> list[bool]:
    """Reserve what there is, first come first served; for each want whether it was reserved.

    Raises:
        IntegrityError: a line is reserved already; the transaction must be rolled back.
    """
    if not wants or _attempt(work, wants, now):
        return [True] * len(wants)
    if len(wants) == 1:
        return [False]
    chosen = _fitting(work, wants)
    some = [want for want, fits in zip(wants, chosen, strict=True) if fits]
    if some and not _attempt(work, some, now):  # the rows are locked, so this can't happen
        raise RuntimeError("stock changed under a lock")
    return chosen


def give_back(
    work: UnitOfWork, held: Iterable[Reservation], now: datetime, *, state: str = "released"
) -> int:
    """End reservations; their units can be promised again. The number of units.

    Raises:
        Conflict: somebody else ended one meanwhile.
    """
    return _end(work, held, now, state=state, shipped=False)


def ship(work: UnitOfWork, held: Iterable[Reservation], now: datetime) -> int:
    """The goods left the house: on hand and reserved fall together. The number of units.

    Raises:
        Conflict: somebody else ended one meanwhile.
    """
    return _end(work, held, now, state="consumed", shipped=True)


def _attempt(work: UnitOfWork, wants: Sequence[Want], now: datetime) -> bool:
    """All wants, or nothing at all."""
    connection = work.session.connection()
    rows = [
        {
            "tenant_id": work.tenant_id, "order_id": want.order_id, "order_line_id": line_id,
            "warehouse_id": want.warehouse_id, "sku": sku, "quantity": units, "state": "active",
            "created_at": now, "expires_at": want.expires_at,
        }
        for want in wants
        for line_id, sku, units in want.lines
    ]  # fmt: skip
    connection.execute(_WRITE, rows)
    done: list[tuple[Level, int]] = []
    for level, units in sorted(_sum(want.levels() for want in wants).items()):
        values = _values(work, level, units, now)
        if connection.execute(_TAKE, values).rowcount == 1:
            done.append((level, units))
            continue
        for taken, back in done:
            connection.execute(_GIVE, _values(work, taken, back, now))
        lines = [row["order_line_id"] for row in rows]
        mine = (HELD.c.tenant_id == work.tenant_id, HELD.c.order_line_id.in_(lines))
        connection.execute(delete(HELD).where(*mine, HELD.c.state == "active"))
        return False
    return True


def _fitting(work: UnitOfWork, wants: Sequence[Want]) -> list[bool]:
    """Which wants can be met one after the other, by what is free now; nobody else changes it any more."""
    levels = sorted(_sum(want.levels() for want in wants))
    statement = (
        select(STOCK.c.sku, STOCK.c.warehouse_id, STOCK.c.on_hand - STOCK.c.reserved)
        .where(
            STOCK.c.tenant_id == work.tenant_id,
            tuple_(STOCK.c.sku, STOCK.c.warehouse_id).in_(levels),
        )
        .order_by(STOCK.c.sku, STOCK.c.warehouse_id)
        .with_for_update()
    )
    free = {
        (sku, house): units for sku, house, units in work.session.connection().execute(statement)
    }
    chosen = []
    for want in wants:
        wanted = want.levels()
        fits = all(free.get(level, 0) >= units for level, units in wanted.items())
        if fits:
            for level, units in wanted.items():
                free[level] -= units
        chosen.append(fits)
    return chosen


def _end(
    work: UnitOfWork,
    held: Iterable[Reservation],
    now: datetime,
    *,
    state: str,
    shipped: bool,
) -> int:
    connection = work.session.connection()
    rows = [row for row in held if row.state == "active"]
    ended: Counter[Level] = Counter()
    for row in rows:
        ended[row.sku, row.warehouse_id] += row.quantity
    if rows:
        _end_rows(work, rows, state, now)
    for level, units in sorted(ended.items()):
        connection.execute(_SHIP if shipped else _GIVE, _values(work, level, units, now))
    if shipped:
        record_moves(
            work, "shipped",
            [((row.sku, row.warehouse_id), -row.quantity, row.order_id) for row in rows],
            now, "handover",
        )  # fmt: skip
    return sum(ended.values())


def _end_rows(work: UnitOfWork, rows: Sequence[Reservation], state: str, now: datetime) -> None:
    """Raises Conflict when somebody else ended one of them: units are given back once."""
    ids = [row.id for row in rows]
    ended = work.session.connection().execute(
        update(HELD)
        .where(HELD.c.tenant_id == work.tenant_id, HELD.c.id.in_(ids), HELD.c.state == "active")
        .values(state=state, ended_at=now)
    )
    if ended.rowcount != len(ids):
        raise Conflict(
            "stock.ended_meanwhile",
            zh="库存占用刚被别处释放或出库, 请刷新后重试。",
            en="The reservation was ended meanwhile; reload and try again.",
        )
    for row in rows:
        set_committed_value(row, "state", state)
        set_committed_value(row, "ended_at", now)


def record_moves(
    work: UnitOfWork,
    kind: str,
    changes: Sequence[tuple[Level, int, int | None]],
    now: datetime,
    source: str,
    reference: str | None = None,
) -> None:
    """Put changes of the units on hand, (level, units, order id), into the history."""
    if changes:
        work.session.connection().execute(
            _MOVE,
            [
                {
                    "tenant_id": work.tenant_id, "warehouse_id": house, "sku": sku, "kind": kind,
                    "units": units, "order_id": order_id, "at": now, "source": source[:80],
                    "reference": reference,
                }
                for (sku, house), units, order_id in changes
            ],
        )  # fmt: skip


def _values(work: UnitOfWork, level: Level, units: int, now: datetime) -> dict[str, Any]:
    sku, house = level
    return {
        "of_tenant": work.tenant_id, "of_warehouse": house, "of_sku": sku, "units": units, "at": now,
    }  # fmt: skip


def _sum(parts: Iterable[Mapping[Level, int]]) -> Counter[Level]:
    found: Counter[Level] = Counter()
    for part in parts:
        found.update(part)
    return found
