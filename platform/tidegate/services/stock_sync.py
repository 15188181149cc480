"""Stock as another system counts it: what is promised stays promised, and a count below it is never silent.

A count of fewer units than are reserved keeps `on_hand` at what is reserved and notes the difference as `missing`:
nothing more can be promised, the order's time line is untouched, and an event names SKU, warehouse and numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from tidegate.errors import InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.reference_stock import wake_waiting
from tidegate.services.reserving import Level, record_moves
from tidegate.services.states import record
from tidegate.services.stock_missing import watch_promised
from tidegate.store.stock_tables import StockMove
from tidegate.store.tables import Stock, Warehouse
from tidegate.store.unit_of_work import UnitOfWork

MOST = 1_000  # levels per call
MOST_UNITS = 999_999_999


@dataclass(frozen=True, slots=True)
class Told:
    """What a system says of one SKU in one warehouse (code): its count, or how it changed."""

    sku: str
    warehouse: str
    on_hand: int | None = None
    change: int | None = None


@dataclass(frozen=True, slots=True)
class StockLevel:
    """A level after it was told. `missing` of the reserved units are not there; `repeated`: told before."""

    sku: str
    warehouse: str
    on_hand: int
    reserved: int
    missing: int
    repeated: bool


def sync_stock(
    context: Context, told: Sequence[Told], *, source: str, reference: str | None = None
) -> list[StockLevel]:
    """Take over levels, all or none, in the order they were told. A call repeated under its reference changes nothing.

    Raises:
        InputError: neither a count nor a change, a SKU twice, or a number out of range.
        NotFound: there is no such warehouse, or a change of a level that is not there.
    """
    _check(told)
    return context.store.group(
        context.tenant_id,
        lambda work: _sync(work, told, source[:80], reference, context.clock()),
    )


def _sync(
    work: UnitOfWork, told: Sequence[Told], source: str, reference: str | None, now: datetime
) -> list[StockLevel]:
    houses = {row.code: row.id for row in work.session.scalars(select(Warehouse))}
    wanted = {(one.sku, _house(houses, one)): one for one in told}
    rows = _rows(work, wanted)
    raised: set[str] = set()
    changed: set[Level] = set()
    found: dict[Level, StockLevel] = {}
    for level, one in sorted(wanted.items()):
        row = rows.get(level)
        mark = f"{reference} {one.warehouse}/{one.sku}" if reference else None
        repeated = mark is not None and _known(work, source, mark)
        if not repeated:
            free = row.on_hand - row.reserved if row else 0
            before = row.missing if row else 0
            row = _apply(work, level, one, row, source, mark, now)
            raised |= {one.sku} if row.on_hand - row.reserved > free else set()
            changed |= {level} if row.missing != before else set()
        assert row is not None  # noqa: S101  a repeated level was made the first time
        found[level] = StockLevel(
            one.sku, one.warehouse, row.on_hand, row.reserved, row.missing, repeated
        )
    work.session.flush()
    wake_waiting(work, raised, now)
    watch_promised(work, changed, now)
    return [found[one.sku, houses[one.warehouse]] for one in told]


def _apply(
    work: UnitOfWork,
    level: Level,
    one: Told,
    row: Stock | None,
    source: str,
    mark: str | None,
    now: datetime,
) -> Stock:
    sku, house = level
    if row is None:
        if one.on_hand is None:
            raise _no_level(one)
        row = Stock(warehouse_id=house, sku=sku, on_hand=0, reserved=0, missing=0, updated_at=now)
        work.add(row)
    before = row.on_hand - row.missing
    count = before + (one.change or 0) if one.on_hand is None else one.on_hand
    row.on_hand = max(count, row.reserved)
    row.missing = row.on_hand - count
    row.updated_at = now
    kind = "counted" if one.on_hand is not None else "moved"
    if count != before or mark is not None:
        record_moves(work, kind, [(level, count - before, None)], now, source, mark)
    if row.missing:
        data = {
            "sku": sku, "warehouse": one.warehouse, "told": count, "reserved": row.reserved,
            "missing": row.missing,
        }  # fmt: skip
        record(
            work, "stock_below_reserved", order_id=None, now=now, actor_kind="source",
            actor=source, data=data,
        )  # fmt: skip
    return row


def _rows(work: UnitOfWork, wanted: Mapping[Level, Told]) -> dict[Level, Stock]:
    """The levels that are there, locked in the order in which everybody takes them."""
    skus = sorted({sku for sku, _ in wanted})
    found = work.session.scalars(
        select(Stock)
        .where(Stock.sku.in_(skus), Stock.warehouse_id.in_({house for _, house in wanted}))
        .order_by(Stock.sku, Stock.warehouse_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {(row.sku, row.warehouse_id): row for row in found}


def _known(work: UnitOfWork, source: str, mark: str) -> bool:
    statement = select(StockMove.id).where(StockMove.source == source, StockMove.reference == mark)
    return work.session.scalar(statement) is not None


def _check(told: Sequence[Told]) -> None:
    twice = [
        level for level, n in Counter((one.sku, one.warehouse) for one in told).items() if n > 1
    ]
    if twice:
        sku, house = twice[0]
        raise InputError(
            "stock.told_twice",
            zh=f"仓库 {house} 的 {sku} 出现了两次; 每个编码在一次请求里只写一次。",
            en=f"{sku} in warehouse {house} is there twice; name each level once per call.",
            field="levels", sku=sku,
        )  # fmt: skip
    for n, one in enumerate(told):
        number = one.change if one.on_hand is None else one.on_hand
        both = one.on_hand is not None and one.change is not None
        least = 0 if one.on_hand is not None else -MOST_UNITS
        if both or number is None or not least <= number <= MOST_UNITS:
            raise InputError(
                "stock.not_told",
                zh=f"{one.sku}: 请写 on_hand(盘点数, 不小于 0)或 change(增减数), 二选一。",
                en=f"{one.sku}: give either on_hand, a count of 0 or more, or change.",
                field=f"levels[{n}]", sku=one.sku,
            )  # fmt: skip


def _house(houses: Mapping[str, int], one: Told) -> int:
    if one.warehouse not in houses:
        raise NotFound(
            "stock.no_warehouse",
            zh=f"没有仓库 {one.warehouse}; 请先导入仓库, 或更正编码。",
            en=f"There is no warehouse {one.warehouse!r}; import warehouses first, or correct the code.",
            field="warehouse",
            warehouse=one.warehouse,
        )
    return houses[one.warehouse]


def _no_level(one: Told) -> NotFound:
    return NotFound(
        "stock.not_found",
        zh=f"仓库 {one.warehouse} 没有编码 {one.sku} 的库存; 第一次请用 on_hand 写盘点数。",
        en=f"Warehouse {one.warehouse} has no stock row for {one.sku}; tell its count (on_hand) first.",
        field="change",
        sku=one.sku,
    )
