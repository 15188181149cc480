"""Orders per second through the whole embedded chain, with the profile of where the time goes.

    python benchmarks/chain.py [ORDERS]

SQLite file, shipped rules, the demo merchant, and the sandbox carrier over HTTP on loopback in a process of its own.
"""

from __future__ import annotations

import cProfile
import pstats
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import requests
from sqlalchemy import event, func, select

sys.path.insert(0, str(Path(__file__).parent))
from shared.servers import sandbox_carrier

from tidegate.bootstrap import open_carriers, open_context, sandbox_secret
from tidegate.jobs.runner import drain
from tidegate.logs import configure_logs
from tidegate.services.context import Context
from tidegate.services.demo import seed_demo
from tidegate.services.demo_orders import demo_orders
from tidegate.services.handover import hand_over
from tidegate.services.intake import import_orders
from tidegate.services.labels import print_labels
from tidegate.services.stock_sync import MOST, Told, sync_stock
from tidegate.settings import Settings
from tidegate.store.tables import Effect, Order, Parcel, Stock, Warehouse

SEED = 20261111
ORDERS = 1000
TARGET_PER_S = 100


def main(count: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(
            Settings.from_environment(None),
            data_dir=Path(folder),
            database_url=f"sqlite:///{folder}/bench.db",
        )
        with sandbox_carrier(sandbox_secret(settings)) as url:
            settings = replace(settings, sandbox_url=url)
            context = open_context(settings, carriers=open_carriers(settings))
            return measure(context, count, Path(folder), url)


def measure(context: Context, count: int, folder: Path, url: str) -> int:
    seed_demo(context)
    plenty(context)
    drafts = [order.draft for order in demo_orders(count, SEED, context.clock())]
    took = {}
    commits = [0]
    event.listen(context.store.engine, "commit", lambda _: commits.append(1))
    took["import"] = timed(lambda: import_orders(context, drafts, source="bench"))
    profile = cProfile.Profile(time.process_time) if "--profile" in sys.argv else None
    if profile:
        profile.enable()
    took["to the waybill"] = timed(lambda: drain(context, 10**9))
    if profile:
        profile.disable()
    took["labels"] = timed(lambda: print_labels(context, None, "bench"))
    took["hand-over"] = timed(lambda: hand_over(context, printed(context), "bench"))
    took["alerts"] = timed(lambda: drain(context, 10**9))
    states = Counter(order_states(context))
    took["whole chain"] = (sum(w for w, _ in took.values()), sum(c for _, c in took.values()))
    for name, (wall, cpu) in took.items():
        rates = f"{count / wall:7.0f} orders/s on the wall {count / cpu:7.0f} per core second"
        print(f"{name:16} {wall:6.2f} s {rates}")
    print(f"target: {TARGET_PER_S} orders/s")
    floor(folder, url, sum(commits), waybills(context), took["whole chain"][0])
    print("ended as", dict(states.most_common()))
    if profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats("tidegate", 45)
    if not states["handed_over"]:
        print("no order went through: nothing was measured")
        return 1
    return 0


def floor(folder: Path, url: str, commits: int, calls: int, chain_s: float) -> None:
    """What the same commits and calls cost bare: a row each, one after the other, nothing decided."""
    database = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for setting in ("journal_mode=WAL", "synchronous=FULL"):
        database.execute(f"PRAGMA {setting}")
    database.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, body TEXT)")

    def commit() -> None:
        database.execute("INSERT INTO bare (body) VALUES (?)", ("x" * 200,))

    session = requests.Session()
    commit_s = timed(lambda: [commit() for _ in range(commits)])[0]
    call_s = timed(lambda: [session.get(f"{url}/", timeout=10) for _ in range(calls)])[0]
    print(
        f"at least: {commits} commits {commit_s:.2f} s and {calls} calls {call_s:.2f} s bare; "
        f"the chain takes {chain_s / (commit_s + call_s):.1f} times as long"
    )


def waybills(context: Context) -> int:
    """Each was one call to the carrier."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        made = (Effect.kind == "waybill", Effect.state == "confirmed")
        return int(work.session.scalar(select(func.count(Effect.id)).where(*made)) or 0)


def plenty(context: Context) -> None:
    """Stock is not what is measured: every level is counted as a million."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        of = select(Stock.sku, Warehouse.code).join(Warehouse, Warehouse.id == Stock.warehouse_id)
        told = [Told(sku, house, on_hand=10**6) for sku, house in work.session.execute(of)]
    for start in range(0, len(told), MOST):
        sync_stock(context, told[start : start + MOST], source="bench")


def printed(context: Context) -> list[int]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return list(work.session.scalars(select(Parcel.id).where(Parcel.state == "printed")))


def order_states(context: Context) -> list[str]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return list(work.session.scalars(select(Order.state)))


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """(seconds on the wall, seconds of our own processor time): the second does not mind a busy machine."""
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    configure_logs("ERROR")
    numbers = [int(arg) for arg in sys.argv[1:] if arg.isdigit()]
    sys.exit(main(numbers[0] if numbers else ORDERS))
