"""Import of the Online Retail lines against a plain `csv` + SQLAlchemy Core bulk insert of the
same rows.

Both read the same compressed CSV, fill the same columns of the same two tables on a fresh SQLite
file with the same
pragmas, and commit as often. The plain one trusts its input: no mapping, no encoding, no checks,
no grouping of rows
that lie apart, no hashes, no time line. Wanted: import speed at least 0.4 of it.

    .venv/bin/python benchmarks/imports.py [--profile] [FILE.csv[.xz]]
"""

from __future__ import annotations

import cProfile
import csv
import lzma
import pstats
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil
from sqlalchemy import Engine, func, insert, select

from tidegate.services.context import Context
from tidegate.services.intake import import_source
from tidegate.store.tables import Base, Order, OrderLine, Shop, Tenant
from tidegate.store.unit_of_work import Store, open_engine
from tidegate_connectors.files import open_source

WANTED = 0.4
COMMIT_ROWS = 20_000
DATA = (
    Path(__file__).parents[2] / "shared/data/online_retail/online_retail_2_2009-12_2010-12.csv.xz"
)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def fresh_engine() -> Engine:
    """An empty database with our tables and one tenant."""
    engine = open_engine(f"sqlite:///{tempfile.mkdtemp(prefix='tidegate-bench-')}/bench.db")
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        about = {
            "id": 1,
            "code": "main",
            "name": "bench",
            "timezone": "Europe/London",
            "currency": "GBP",
        }
        connection.execute(insert(Tenant).values(**about, created_at=NOW))
    return engine


def plain(engine: Engine, path: Path) -> tuple[int, int]:
    """The reference: csv.reader and Core inserts of dictionaries; (orders, lines)."""
    zone = ZoneInfo("Europe/London")
    with engine.begin() as connection:
        connection.execute(
            insert(Shop).values(tenant_id=1, id=1, channel="online-retail", name="Online Retail")
        )
    known: dict[str, int] = {}
    positions: dict[int, int] = {}
    orders: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    blank_order = {column.name: None for column in Order.__table__.columns if column.name != "id"}
    blank_line = {
        column.name: None for column in OrderLine.__table__.columns if column.name != "id"
    }

    def flush() -> None:
        with engine.begin() as connection:
            if orders:
                connection.execute(insert(Order), orders)
            connection.execute(insert(OrderLine), lines)
        orders.clear()
        lines.clear()

    opened = lzma.open if path.suffix == ".xz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for invoice, sku, title, quantity, at, price, customer, country in rows:
            units = int(quantity)
            if units < 0 and not invoice.startswith("C"):
                continue
            order_id = known.get(invoice)
            if order_id is None:
                order_id = known[invoice] = len(known) + 1
                orders.append(
                    blank_order
                    | {
                        "id": order_id,
                        "tenant_id": 1,
                        "shop_id": 1,
                        "channel": "online-retail",
                        "number": invoice,
                        "kind": "normal",
                        "state": "delivered",
                        "state_since": NOW,
                        "version": 1,
                        "currency": "GBP",
                        "ordered_at": datetime.fromisoformat(at).replace(tzinfo=zone),
                        "buyer": customer or None,
                        "country": country,
                        "recipient_kind": "plain",
                        "source_hash": "",
                        "imported_at": NOW,
                        "updated_at": NOW,
                        "tags": [],
                        "issues": [],
                        "extra": {},
                        "edited": [],
                        "manual_review": "none",
                    }
                )
            positions[order_id] = position = positions.get(order_id, 0) + 1
            each = int(Decimal(price).scaleb(2))
            lines.append(
                blank_line
                | {
                    "tenant_id": 1,
                    "order_id": order_id,
                    "position": position,
                    "sku": sku,
                    "title": title or None,
                    "quantity": abs(units),
                    "unit_price_minor": each,
                    "line_total_minor": each * abs(units),
                }
            )
            if len(lines) >= COMMIT_ROWS:
                flush()
    flush()
    return counts(engine)


def ours(engine: Engine, path: Path) -> tuple[int, int]:
    """The whole import as the command runs it."""
    context = Context(
        store=Store(engine),
        tenant_id=1,
        rules=None,  # type: ignore[arg-type]  # intake asks no rule
        carriers={},
        clock=lambda: NOW,
        data_dir=Path(tempfile.gettempdir()),
    )
    report = import_source(context, open_source([str(path)], "online-retail"), run_chain=False)
    assert report.read == report.accepted + len(report.rejected)
    return counts(engine)


def counts(engine: Engine) -> tuple[int, int]:
    """(orders, lines) in the database."""
    with engine.connect() as connection:
        orders = connection.scalar(select(func.count()).select_from(Order)) or 0
        lines = connection.scalar(select(func.count()).select_from(OrderLine)) or 0
        return orders, lines


class Memory:
    """Highest resident memory of this process while watching, above the start (MB)."""

    def __enter__(self) -> Memory:
        self._process = psutil.Process()
        self._start = self.peak = self._process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self.peak = max(self.peak, self._process.memory_info().rss)

    @property
    def grown_mb(self) -> float:
        return (self.peak - self._start) / 1e6


def timed(run: Any, path: Path) -> tuple[float, tuple[int, int]]:
    """Seconds on a fresh database, and what was stored."""
    engine = fresh_engine()
    started = time.perf_counter()
    stored = run(engine, path)
    took = time.perf_counter() - started
    engine.dispose()
    return took, stored


def where_time_goes(path: Path) -> Iterator[str]:
    """Own time per module, slowed down by the profiler: read the shares, not the seconds."""
    profile = cProfile.Profile()
    profile.enable()
    timed(ours, path)
    profile.disable()
    totals: dict[str, float] = {}
    for (file, line, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        place = name if file == "~" else Path(file).name
        totals[place] = totals.get(place, 0.0) + own
        del line
    whole = sum(totals.values())
    for place, own in sorted(totals.items(), key=lambda item: -item[1])[:14]:
        yield f"  {own / whole:6.1%}  {place[:80]}"


def main() -> int:
    """Print the figures; 1 when the ratio is below what is wanted."""
    given = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    path = Path(given[0]) if given else DATA
    if not path.is_file():
        print(f"imports: no data at {path}; name a file as argument")
        return 0
    plain_s, plain_stored = timed(plain, path)
    with Memory() as memory:
        ours_s, ours_stored = timed(ours, path)
    if plain_stored != ours_stored:
        print(f"imports: not the same rows: plain {plain_stored}, import {ours_stored}")
        return 1
    lines = ours_stored[1]
    ratio = plain_s / ours_s
    print(f"plain csv + Core bulk insert: {lines / plain_s:>9,.0f} lines/s  ({plain_s:.2f} s)")
    print(f"orders import:                {lines / ours_s:>9,.0f} lines/s  ({ours_s:.2f} s)")
    print(f"ratio {ratio:.2f} (wanted {WANTED}); memory grew by {memory.grown_mb:.0f} MB")
    if "--profile" in sys.argv:
        print("where the import's time goes:")
        for line in where_time_goes(path):
            print(line)
    return 0 if ratio >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
