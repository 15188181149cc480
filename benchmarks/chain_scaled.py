"""The chain scaled out: orders a second to the waybill with one worker process and with more, in one run.

    python benchmarks/chain_scaled.py [ORDERS]    (2,000 a run: the start of the workers counts little; some minutes)

PostgreSQL and Redis from wheels, `tidegate relay` and `tidegate worker --processes N` as an operator starts them, and
the sandbox carrier in a process of its own, which takes 5 ms for each call. All orders are there and become due at
once; the rate counts from then until the last of them has a waybill or waits for a person, by the database's own
record of their moves. Aims (B8): 150 orders a second, 0 invariants broken.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, update

sys.path.insert(0, str(Path(__file__).parent))
from chain import order_states, plenty
from shared.servers import postgres_and_redis, sandbox_carrier

from tidegate.bootstrap import open_context, sandbox_secret
from tidegate.logs import configure_logs
from tidegate.services.context import Context
from tidegate.services.demo import seed_demo
from tidegate.services.demo_orders import demo_orders
from tidegate.services.intake import import_orders
from tidegate.services.invariants.checks import check
from tidegate.settings import Settings
from tidegate.store.tables import Event, Job

ORDERS, SEED = 2000, 20261111
PROCESSES = (1, 2, 3)
CARRIER_S = 0.005
TARGET_PER_S = 150
PATIENCE_S = 600
UNDER_WAY = ("received", "approved", "allocated", "routed")


def main(count: int) -> int:
    os.environ["TIDEGATE_PATTERNS"] = "own"
    rates = {}
    for processes in PROCESSES:
        with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name:
            rates[processes] = one_run(Path(name), count, processes)
    print(f"two worker processes / one  {rates[2] / rates[1]:5.2f}")
    best = max(rates.values())
    held = "held" if best >= TARGET_PER_S else "MISSED"
    print(f"best {best:.0f} orders/s: {held} (aim {TARGET_PER_S})")
    return 0


def one_run(folder: Path, count: int, processes: int) -> float:
    """Orders a second with so many worker processes."""
    with postgres_and_redis(folder) as servers:
        os.environ |= servers | {"TIDEGATE_DATA_DIR": str(folder)}
        settings = Settings.from_environment(None)
        with sandbox_carrier(sandbox_secret(settings), takes_s=CARRIER_S) as url:
            os.environ["TIDEGATE_SANDBOX_URL"] = url
            context = open_context(settings, carriers={})
            try:
                return measured(context, count, processes)
            finally:
                context.store.close()


def measured(context: Context, count: int, processes: int) -> float:
    seed_demo(context)
    plenty(context)
    drafts = [order.draft for order in demo_orders(count, SEED, context.clock())]
    import_orders(context, drafts, source="bench")
    due(context, timedelta(days=1))
    with started(processes):
        time.sleep(5)  # until all of them have come up and found nothing to do
        begun = context.clock()
        due(context, timedelta())
        until_at_rest(context)
        last = moved_last(context)
    rate = count / (last - begun).total_seconds()
    broken = {one.id: one.count for one in check(context) if one.count}
    states = dict(Counter(order_states(context)).most_common())
    print(f"{processes} worker process(es): {rate:6.1f} orders/s, broken: {broken}, {states}")
    if broken or not states.get("waybill"):
        raise SystemExit("an invariant is broken, or no order went through: nothing was measured")
    return rate


@contextmanager
def started(processes: int) -> Iterator[None]:
    parts = [
        subprocess.Popen(
            [sys.executable, "-m", "tidegate", *words], start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for words in (("worker", "--processes", str(processes)), ("relay",))
    ]  # fmt: skip
    try:
        yield
    finally:
        for part in parts:
            part.terminate()
            part.wait(60)


def due(context: Context, later: timedelta) -> None:
    with context.store.begin(context.tenant_id) as work:
        advance = Job.name == "advance_order"
        work.session.execute(update(Job).where(advance).values(due_at=context.clock() + later))
        work.commit()


def until_at_rest(context: Context) -> None:
    end = time.monotonic() + PATIENCE_S
    while set(order_states(context)) & set(UNDER_WAY):
        if time.monotonic() > end:
            raise SystemExit(f"not at rest within {PATIENCE_S} s: {Counter(order_states(context))}")
        time.sleep(0.2)


def moved_last(context: Context) -> datetime:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return work.session.scalar(select(func.max(Event.at)).where(Event.kind == "order_moved"))


if __name__ == "__main__":
    configure_logs("ERROR")
    numbers = [int(arg) for arg in sys.argv[1:] if arg.isdigit()]
    sys.exit(main(numbers[0] if numbers else ORDERS))
