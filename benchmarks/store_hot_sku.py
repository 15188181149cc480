"""One SKU that everybody wants: reservations a second against the bare conditional UPDATE in one run.

Eight processes want three times what is there. Ours is `services.reserving` inside a unit of work; the bare one is
the driver itself: INSERT of the reservation, UPDATE … WHERE on_hand - reserved >= 1, COMMIT. Same tables, same
durability, same number of processes. Each run ends with exactly the units that were there. Wanted: ratio >= 0.6.

    .venv/bin/python benchmarks/store_hot_sku.py [--own-postgres] [--units 4000] [--processes 8]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, insert, select
from sqlalchemy.engine import make_url

sys.path.insert(0, str(Path(__file__).parent))
from shared.servers import postgres_and_redis

from tidegate.services.reserving import Want, reserve_all
from tidegate.services.stock_sync import Told, _sync
from tidegate.store.schema import Base
from tidegate.store.tables import Order, OrderLine, Reservation, Shop, Stock, Tenant, Warehouse
from tidegate.store.unit_of_work import Store, open_engine

NOW = datetime(2026, 11, 11, tzinfo=UTC)
WANTED = 0.6
BATCH = 50


def prepare(url: str, units: int, orders: int) -> None:
    """Empty tables, one SKU with `units`, and `orders` orders of one unit each (ids from 1)."""
    engine = open_engine(url)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(Tenant).values(id=1, code="a", name="a", created_at=NOW))
        connection.execute(insert(Shop).values(id=1, tenant_id=1, channel="x", name="x"))
        connection.execute(insert(Warehouse).values(id=1, tenant_id=1, code="w", name="w"))
        common = {
            "tenant_id": 1, "shop_id": 1, "channel": "x", "state": "approved", "state_since": NOW,
            "currency": "CNY", "source_hash": "", "imported_at": NOW, "updated_at": NOW,
        }  # fmt: skip
        connection.execute(
            insert(Order), [{**common, "id": n, "number": f"N{n}"} for n in range(1, orders + 1)]
        )
        connection.execute(
            insert(OrderLine),
            [
                {"id": n, "tenant_id": 1, "order_id": n, "position": 1, "sku": "HOT", "quantity": 1}
                for n in range(1, orders + 1)
            ],
        )
    store = Store(engine)
    store.group(1, lambda work: _sync(work, [Told("HOT", "w", on_hand=units)], "bench", None, NOW))
    store.close()


def share(orders: int, processes: int, n: int) -> list[int]:
    return list(range(n + 1, orders + 1, processes))


def ours(url: str, mine: list[int], batch: int) -> Callable[[], int]:
    store = Store(open_engine(url))
    wants = [Want(n, 1, ((n, "HOT", 1),)) for n in mine]

    def run() -> int:
        done = 0
        for start in range(0, len(wants), batch):
            with store.begin(1) as work:
                sold = sum(reserve_all(work, wants[start : start + batch], NOW))
                if sold:
                    work.commit()
                done += sold
        return done

    with store.engine.connect():
        return run


def bare(url: str, mine: list[int], batch: int) -> Callable[[], int]:
    if url.startswith("sqlite"):
        return _bare_sqlite(url, mine, batch)
    return _bare_postgres(url, mine, batch)


HOLD = (
    "INSERT INTO reservation (tenant_id, order_id, order_line_id, warehouse_id, sku, quantity, state, created_at)"
    " VALUES (1, {0}, {0}, 1, 'HOT', 1, 'active', {0})"
)
TAKE = (
    "UPDATE stock SET reserved = reserved + {0} WHERE tenant_id = 1 AND warehouse_id = 1 AND sku = 'HOT'"
    " AND on_hand - reserved >= {0}"
)


def _bare_sqlite(url: str, mine: list[int], batch: int) -> Callable[[], int]:
    import sqlite3

    connection = sqlite3.connect(
        make_url(url).database or "", timeout=60, isolation_level=None, check_same_thread=False
    )
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    hold = HOLD.format("?")

    def run() -> int:
        done = 0
        for start in range(0, len(mine), batch):
            some = mine[start : start + batch]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(hold, [(n, n, str(NOW)) for n in some])
            if connection.execute(TAKE.format(len(some))).rowcount == 1:
                connection.execute("COMMIT")
                done += len(some)
            else:
                connection.execute("ROLLBACK")
        return done

    return run


def _bare_postgres(url: str, mine: list[int], batch: int) -> Callable[[], int]:
    import psycopg

    address = make_url(url).set(drivername="postgresql")
    connection = psycopg.connect(address.render_as_string(hide_password=False))
    hold = HOLD.format("%s")

    def run() -> int:
        done = 0
        with connection.cursor() as cursor:
            for start in range(0, len(mine), batch):
                some = mine[start : start + batch]
                if len(some) == 1:
                    cursor.execute(hold, (some[0], some[0], NOW))
                else:
                    cursor.executemany(hold, [(n, n, NOW) for n in some])
                if cursor.execute(TAKE.format(len(some))).rowcount == 1:
                    connection.commit()
                    done += len(some)
                else:
                    connection.rollback()
        return done

    return run


def worker(given: dict[str, Any]) -> None:
    """One process: gets ready, waits for the word, and tells when it sold its last unit."""
    made = ours if given["how"] == "ours" else bare
    run = made(given["url"], given["mine"], given["batch"])
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.time()
    done = run()
    print(json.dumps({"done": done, "begun": begun, "ended": time.time()}), flush=True)


def measure(url: str, how: str, units: int, processes: int, batch: int, demand: int) -> float:
    """Reservations a second until everything was asked for; checks that exactly the stock was sold."""
    orders = units * demand
    prepare(url, units, orders)
    children = []
    for n in range(processes):
        child = subprocess.Popen(
            [sys.executable, __file__, "--worker"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        given = {"url": url, "how": how, "mine": share(orders, processes, n), "batch": batch}
        assert child.stdin
        child.stdin.write(json.dumps(given) + "\n")
        child.stdin.flush()
        children.append(child)
    for child in children:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin
        child.stdin.write("\n")
        child.stdin.flush()
    told = [json.loads(child.communicate()[0]) for child in children]
    sold = sum(one["done"] for one in told)
    span = max(one["ended"] for one in told) - min(one["begun"] for one in told)
    engine = create_engine(url)
    with engine.connect() as connection:
        reserved = connection.execute(select(Stock.reserved)).scalar_one()
        rows = connection.execute(select(func.count()).select_from(Reservation)).scalar_one()
    engine.dispose()
    exact = batch == 1 or how == "ours"  # the bare batch gives up a whole batch at the end
    if sold != reserved or rows != sold or sold > units or (demand > 1 and exact and sold != units):
        raise SystemExit(f"{how}: {sold} sold, {reserved} reserved, {rows} rows of {units} units")
    return sold / span


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", action="store_true")
    parser.add_argument(
        "--own-postgres", action="store_true", help="PostgreSQL from its wheel, too"
    )
    parser.add_argument("--units", type=int, default=4_000)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if asked.worker:
        worker(json.loads(sys.stdin.readline()))
        return 0
    folder = tempfile.mkdtemp(prefix="tidegate-hot-")
    worst = compare("SQLite", f"sqlite:///{Path(folder) / 'hot.db'}", asked)
    if asked.own_postgres:
        with (
            tempfile.TemporaryDirectory(prefix="tidegate-bench-") as place,
            postgres_and_redis(Path(place)) as servers,
        ):
            worst = min(worst, compare("PostgreSQL", servers["TIDEGATE_DATABASE_URL"], asked))
    return 0 if worst >= WANTED else 1


def compare(name: str, url: str, asked: argparse.Namespace) -> float:
    """The lower ratio of the two sizes of transaction."""
    worst = 10.0
    for batch, units in ((1, asked.units), (BATCH, asked.units * 5)):
        best = {
            how: max(
                measure(url, how, units, asked.processes, batch, 1) for _ in range(asked.rounds)
            )
            for how in ("ours", "bare")
        }
        ratio = best["ours"] / best["bare"]
        worst = min(worst, ratio)
        print(
            f"{name}, {batch} per transaction: ours {best['ours']:,.0f}/s,"
            f" bare {best['bare']:,.0f}/s, ratio {ratio:.2f} (wanted {WANTED})"
        )
    sold_out = measure(url, "ours", asked.units, asked.processes, 1, 3)
    print(f"{name}, demand 3x, to the last unit: exactly {asked.units:,}; {sold_out:,.0f} sold/s")
    return worst


if __name__ == "__main__":
    sys.exit(main())
