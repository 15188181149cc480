"""Orders per second through the whole embedded chain, with the profile of where the time goes.

    python benchmarks/chain.py [ORDERS]

SQLite file, shipped rules, the demo merchant, and the sandbox carrier over HTTP on loopback in a process of its own.
"""

from __future__ import annotations

import cProfile
import multiprocessing
import pstats
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import select, update

from tidegate.bootstrap import open_carriers, open_context, sandbox_secret
from tidegate.jobs.runner import drain
from tidegate.logs import configure_logs
from tidegate.services.context import Context
from tidegate.services.demo import seed_demo
from tidegate.services.demo_orders import demo_orders
from tidegate.services.handover import hand_over
from tidegate.services.intake import import_orders
from tidegate.services.labels import print_labels
from tidegate.settings import Settings
from tidegate.store.tables import Order, Parcel, Stock

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
        here, there = multiprocessing.Pipe()
        carrier = multiprocessing.Process(
            target=serve, args=(there, sandbox_secret(settings)), daemon=True
        )
        carrier.start()
        settings = replace(settings, sandbox_url=here.recv())
        try:
            return measure(open_context(settings, carriers=open_carriers(settings)), count)
        finally:
            here.send("stop")
            carrier.join(10)


def serve(pipe: Connection, secret: str) -> None:
    """The sandbox carrier, until told to stop."""
    from tidegate_connectors.sandbox import start_server

    with start_server(secret=secret) as server:
        pipe.send(server.url)
        pipe.recv()


def measure(context: Context, count: int) -> int:
    seed_demo(context)
    plenty(context)
    drafts = [order.draft for order in demo_orders(count, SEED, context.clock())]
    took = {}
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
    print("ended as", dict(states.most_common()))
    if profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats("tidegate", 45)
    if not states["handed_over"]:
        print("no order went through: nothing was measured")
        return 1
    return 0


def plenty(context: Context) -> None:
    """Stock is not what is measured."""
    with context.store.begin(context.tenant_id) as work:
        work.session.execute(update(Stock).values(on_hand=10**6))
        work.commit()


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
