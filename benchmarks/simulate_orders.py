"""A simulation over a shop's own past orders, as the page runs it: 100,000 orders with their kept decisions.

    .venv/bin/python benchmarks/simulate_orders.py [orders]

The orders of the demo shop are copied until there are enough, their lines and decisions with them. The draft moves one
threshold of the shipped review. Printed: orders a second, the largest memory of this process and its children, how
soon a cancel is heeded, and that nothing but the simulation's own tables changed.
"""

from __future__ import annotations

import logging
import re
import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import structlog
from sqlalchemy import func, insert, select

from tidegate.bootstrap import open_context
from tidegate.services.chain import advance_many
from tidegate.services.context import Context
from tidegate.services.demo import demo_feed, feed_step, seed_demo
from tidegate.services.workshop import drafts, simulating, simulation_run
from tidegate.services.workshop.simulating import Request
from tidegate.settings import Settings
from tidegate.store.simulation_tables import Simulation
from tidegate.store.tables import Decision, Order, OrderLine

BASE, STEP = 60, 5_000
SET = "review"
NOW = datetime(2026, 11, 17, 22, 10, tzinfo=UTC)


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        context = a_shop(Path(folder))
        count = multiplied(context, wanted)
        draft = drafts.start(context, SET, "bench")
        old, new = a_threshold(draft.text)
        drafts.save_text(context, SET, draft.version, draft.text.replace(old, new, 1), "bench")
        print(f"{count:,} orders; {old!r} becomes {new!r}")
        before = counts(context)
        watch = Watch()
        began = time.perf_counter()
        made = simulating.start(context, SET, Request(days=365), "bench")
        simulation_run.run(context, made)
        took = time.perf_counter() - began
        peak = watch.stop()
        found = simulating.summary(context, made)
        print(
            f"{found.subjects:,} judged by both versions, {found.changed:,} changed: {took:.1f} s, "
            f"{found.subjects / took:,.0f} a second; at most {peak / 2**20:.0f} MB in all processes"
        )
        assert counts(context) == before, "a simulation may change nothing of the shop"
        print(f"a cancel is heeded after {cancelled(context):.2f} s")
        context.store.close()


def a_shop(folder: Path) -> Context:
    settings = replace(
        Settings.from_environment(None), data_dir=folder, patterns="own",
        database_url=f"sqlite:///{folder / 'bench.db'}",
    )  # fmt: skip
    now = NOW
    context = open_context(settings, carriers={}, clock=lambda: now)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    seed_demo(context)
    feed = demo_feed(context, BASE)
    while feed_step(context, feed):
        now += timedelta(minutes=40)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        orders = list(work.session.scalars(select(Order.id)))
    advance_many(context, orders, "received")
    return context


def rows_of(context: Context, table: type[Any]) -> int:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return int(work.session.scalar(select(func.count()).select_from(table)) or 0)


def counts(context: Context) -> dict[str, int]:
    return {table.__name__: rows_of(context, table) for table in (Order, OrderLine, Decision)}


def multiplied(context: Context, wanted: int) -> int:
    """Copies of what is there, with numbers of their own."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        orders = [plain(row) for row in work.session.scalars(select(Order))]
        lines = [plain(row) for row in work.session.scalars(select(OrderLine))]
        judged = [
            plain(row)
            for row in work.session.scalars(
                select(Decision).where(Decision.gate == "review", Decision.order_id.is_not(None))
            )
        ]
    most = max(row["id"] for row in orders)
    copies = -(-(wanted - len(orders)) // len(orders))
    for first in range(1, copies + 1, STEP // len(orders)):
        turns = range(first, min(copies + 1, first + STEP // len(orders)))
        with context.store.unscoped() as session:
            for table, rows, key in (
                (Order, orders, "id"),
                (OrderLine, lines, "order_id"),
                (Decision, judged, "order_id"),
            ):
                made = []
                for turn in turns:
                    for row in rows:
                        copy = row | {key: row[key] + turn * most}
                        if table is Order:
                            copy["number"] = f"{row['number']}-{turn}"
                            copy["ordered_at"] = row["ordered_at"] - timedelta(minutes=turn)
                        else:
                            del copy["id"]
                        made.append(copy)
                session.execute(insert(table), made)
            session.commit()
    return rows_of(context, Order)


def plain(row: Any) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__mapper__.column_attrs}


def a_threshold(text: str) -> tuple[str, str]:
    """The amount from which an order counts as dear, and another."""
    found = re.search(r"high_value:.*?value: ([0-9.]+ CNY)", text, re.DOTALL)
    assert found, text[:2_000]
    return found.group(0), found.group(0).removesuffix(found.group(1)) + "150 CNY"


def cancelled(context: Context) -> float:
    """Seconds from the wish to the end."""
    made = simulating.start(context, SET, Request(days=364), "bench")
    thread = threading.Thread(target=simulation_run.run, args=(context, made))
    thread.start()
    time.sleep(3)
    began = time.perf_counter()
    simulating.cancel(context, made)
    thread.join()
    took = time.perf_counter() - began
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = work.session.get(Simulation, made)
        print(f"state {row.state if row else '?'}", end="; ")
    return took


class Watch:
    """The most memory that this process and its children had together, a look every fifth of a second."""

    def __init__(self) -> None:
        self._most, self._end = 0, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._end.wait(0.2):
            held = 0
            for one in (me, *me.children(recursive=True)):
                try:
                    held += one.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self._most = max(self._most, held)

    def stop(self) -> int:
        self._end.set()
        self._thread.join()
        return self._most


if __name__ == "__main__":
    main()
