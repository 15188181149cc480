"""The demo shop: seeds a plausible merchant, then lets orders flow in while somebody watches."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import select

from tidegate.domain.orders import OrderDraft
from tidegate.errors import ConfigError
from tidegate.services.context import Context
from tidegate.services.demo_orders import BATCH, FIRST_BATCH, demo_orders
from tidegate.services.demo_warehouse import warehouse_step
from tidegate.services.demo_words import demo_table
from tidegate.services.intake import import_orders
from tidegate.services.reference_data import import_tables
from tidegate.store.tables import Order, Stock, Warehouse

ORDERS = 300
SEED = 20261111  # 11 November, the longest night of the year
SOURCE = "demo"
KINDS = ("warehouses", "products", "services", "zones", "rates", "stock")


class DemoShop:
    """What a running demo has left to do; `step()` every few seconds does the next bit."""

    def __init__(self, context: Context, feed: Iterator[Sequence[OrderDraft]]) -> None:
        self._context = context
        self._feed = feed
        self._restocked = False

    def step(self) -> None:
        """Let a batch of orders in and the warehouse work; once all are in, new stock arrives."""
        if not feed_step(self._context, self._feed) and not self._restocked:
            restock(self._context)
            self._restocked = True
        warehouse_step(self._context)


def open_demo(context: Context, orders: int = ORDERS, seed: int = SEED) -> DemoShop:
    """Seed what is missing and carry on where an earlier run stopped."""
    seed_demo(context)
    return DemoShop(context, demo_feed(context, orders, seed))


def seed_demo(context: Context) -> None:
    """Warehouses, products, services, zones, prices and stock; only into an empty house."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        if work.session.scalar(select(Warehouse.id).limit(1)) is not None:
            return
    for kind in KINDS:
        report = import_tables(context, kind, [demo_table(f"{kind}.csv")])
        if report.rejected:
            first = report.rejected[0]
            raise ConfigError(
                "demo.data",
                zh=f"演示数据 {first.file} 第 {first.row} 行不可用: {first.zh} 请重新安装潮闸。",
                en=f"Demo data {first.file} row {first.row} is unusable: {first.en} "
                "Install Tidegate again.",
            )


def demo_feed(
    context: Context, orders: int = ORDERS, seed: int = SEED
) -> Iterator[Sequence[OrderDraft]]:
    """Batches of orders that are not there yet: first a morning's worth, then a few at a time."""
    start = _started_at(context, seed)
    known = _known_numbers(context)
    left = deque(
        order.draft
        for order in demo_orders(orders, seed, start)
        if (order.draft.channel, order.draft.number) not in known
    )
    size = FIRST_BATCH if not known else BATCH
    while left:
        yield [left.popleft() for _ in range(min(size, len(left)))]
        size = BATCH


def feed_step(context: Context, feed: Iterator[Sequence[OrderDraft]]) -> bool:
    """Import the next batch; False when there is none left."""
    batch = next(feed, None)
    if batch is None:
        return False
    import_orders(context, batch, source=SOURCE)
    return True


def restock(context: Context) -> None:
    """A delivery for some of the SKUs that ran short, unless it came before."""
    table = demo_table("restock.csv")
    sku = table.headers.index("商家编码")
    wanted = {row.cells[sku] for row in table.rows}
    with context.store.begin(context.tenant_id, readonly=True) as work:
        held = work.session.scalars(select(Stock.on_hand).where(Stock.sku.in_(wanted))).all()
    if len(held) == len(wanted) and max(held) <= 1:
        import_tables(context, "stock", [table])


def _started_at(context: Context, seed: int) -> datetime:
    """When the first run with this seed began; kept, so that its orders stay the same."""
    path = context.data_dir / f"demo-{seed}.json"
    if path.is_file():
        kept: str = json.loads(path.read_text(encoding="utf-8"))["started_at"]
        return datetime.fromisoformat(kept)
    start = context.clock().replace(microsecond=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"started_at": start.isoformat()}), encoding="utf-8")
    return start


def _known_numbers(context: Context) -> set[tuple[str, str]]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return {
            (row.channel, row.number)
            for row in work.session.execute(select(Order.channel, Order.number))
        }
