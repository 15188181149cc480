"""Stock of an account: levels that it counts taken over, or ours told to it; a person chooses which, by account."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import case, func, select

from tidegate.errors import RemoteBroken
from tidegate.sdk.capabilities import PullsStock, PushesStock
from tidegate.sdk.source import RowProblem
from tidegate.sdk.values import StockLevel
from tidegate.services.context import Context
from tidegate.services.stock_sync import MOST_UNITS, Told, sync_stock
from tidegate.services.syncing.runs import Done
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import Stock, SyncCursor, Warehouse
from tidegate.store.unit_of_work import UnitOfWork

MOST_PAGES = 100  # a run
AT_ONCE = 50  # levels of one push
OVERLAP = timedelta(seconds=60)
NO_WAREHOUSE, NO_SKU, NO_COUNT = "stock.no_warehouse", "stock.no_sku", "stock.no_count"


def pull(context: Context, row: ConnectorAccount, made: PullsStock, done: Done) -> None:
    """Take over what the platform counts, page by page. A warehouse it does not name is the account's `warehouse`.

    Raises:
        The remote families; what was read before is kept, and the next run goes on behind it.
    """
    source = f"{row.code}/stock"
    cursor = _kept(context, source)
    houses, usual = _houses(context, str(row.settings.get("warehouse", "")))
    while done.pages < MOST_PAGES:
        page = made.pull_stock(cursor)
        if page.cursor is not None and page.cursor in ("", cursor):
            raise _repeats(row)
        told = _told(page.levels, houses, usual, done)
        for start in range(0, len(told), AT_ONCE):
            sync_stock(context, told[start : start + AT_ONCE], source=row.code)
        done.pages += 1
        done.read += len(page.levels)
        cursor = page.cursor or ""
        _keep(context, source, cursor)
        if not cursor:
            return
    done.behind = True


def push(context: Context, row: ConnectorAccount, made: PushesStock, done: Done) -> None:
    """Tell what may be sold of every SKU that moved since the last run: units on hand that nobody was promised.

    Raises:
        The remote families; the next run tells the same again.
    """
    source, began = f"{row.code}/push", context.clock()
    since = _kept(context, source)
    levels = _moved(context, str(row.settings.get("warehouse", "")), since)
    for start in range(0, len(levels), AT_ONCE):
        some = levels[start : start + AT_ONCE]
        answers = made.push_stock(some)
        if len(answers) != len(some):
            raise _repeats(row)
        done.pages += 1
        done.read += len(some)
        done.accepted += sum(1 for one in answers if not one.code)
        done.refuse(
            RowProblem("stock", start + n + 1, level.sku[:60], one.code[:80])
            for n, (level, one) in enumerate(zip(some, answers, strict=True))
            if one.code
        )
    _keep(context, source, began.isoformat())


def _told(
    levels: Sequence[StockLevel], houses: Mapping[str, str], usual: str, done: Done
) -> list[Told]:
    """One count per SKU and warehouse of ours: several of the platform's may be one of ours."""
    counts: dict[tuple[str, str], int] = {}
    for n, level in enumerate(levels, 1):
        house = houses.get(level.warehouse, usual)
        wrong = NO_SKU if not level.sku else "" if house else NO_WAREHOUSE
        if not wrong and not 0 <= level.available <= MOST_UNITS:
            wrong = NO_COUNT
        if wrong:
            done.refuse([RowProblem("stock", n, "item.sku", wrong)])
            continue
        counts[level.sku, house] = counts.get((level.sku, house), 0) + level.available
        done.accepted += 1
    return [Told(sku, house, on_hand=units) for (sku, house), units in counts.items()]


def _houses(context: Context, usual: str) -> tuple[dict[str, str], str]:
    """Our codes, and the one of levels that name none of them."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        codes = list(work.session.scalars(select(Warehouse.code)))
    chosen = usual if usual in codes else codes[0] if len(codes) == 1 else ""
    return {code: code for code in codes}, chosen


def _moved(context: Context, house: str, since: str) -> list[StockLevel]:
    free = case((Stock.on_hand > Stock.reserved, Stock.on_hand - Stock.reserved), else_=0)
    wanted = select(Stock.sku, func.sum(free)).group_by(Stock.sku).order_by(Stock.sku)
    if house:
        wanted = wanted.join(Warehouse, Warehouse.id == Stock.warehouse_id)
        wanted = wanted.where(Warehouse.code == house)
    if since:
        wanted = wanted.having(
            func.max(Stock.updated_at) >= datetime.fromisoformat(since) - OVERLAP
        )
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return [StockLevel(sku, int(units)) for sku, units in work.session.execute(wanted)]


def _kept(context: Context, source: str) -> str:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = _cursor(work, source)
    return "" if row is None else str(json.loads(row.cursor or '""'))


def _keep(context: Context, source: str, cursor: str) -> None:
    with context.store.begin(context.tenant_id) as work:
        row = _cursor(work, source)
        if row is None:
            row = SyncCursor(source=source, cursor="", updated_at=context.clock())
            work.add(row)
        row.cursor, row.updated_at = json.dumps(cursor), context.clock()
        work.commit()


def _cursor(work: UnitOfWork, source: str) -> SyncCursor | None:
    return work.session.scalar(select(SyncCursor).where(SyncCursor.source == source))


def _repeats(row: ConnectorAccount) -> RemoteBroken:
    return RemoteBroken(
        "sync.page",
        zh=f"账号 {row.code} 的库存分页不正确；请把调用记录发给连接器的维护者。",
        en=f"A page of stock of {row.code} is wrong; send its calls to whoever keeps the connector.",
        source=row.code,
    )
