"""One process of the scaled-out day, by its first argument: `relay`, `worker` or `house`; the clock is a file's.

The first two are what `tidegate relay` and `tidegate worker` run. The house is the merchant's: it takes orders in and
hands parcels over, as pages and a warehouse do.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import fault_day
import fault_merchant
from fault_clock import SharedClock

from tidegate.bootstrap import open_context
from tidegate.errors import TidegateError
from tidegate.jobs import celery_app
from tidegate.jobs.relay import Relay
from tidegate.services.context import Context
from tidegate.services.intake import import_orders
from tidegate.services.job_kinds import QUEUES
from tidegate.settings import Settings

AT_ONCE = 200  # orders of an import, parcels of a hand-over
TIMEOUT_S = 2.0


def opened(settings: Settings, **how: Any) -> Context:
    """Everything as it is, but for the clock and who is connected."""
    clock = SharedClock(Path(os.environ["FAULT_CLOCK"]))
    context = open_context(settings, carriers={}, clock=clock.now, **how)
    return fault_day.connected(
        context, os.environ["FAULT_URL"], int(os.environ["FAULT_SEED"]), TIMEOUT_S
    )


def worker(settings: Settings) -> None:
    celery_app.open_context = opened
    celery_app.work(settings, processes=1, queues=tuple(QUEUES), ready=_ready)


def relay(settings: Settings) -> None:
    context = opened(settings, migrate=False)
    running = Relay(context, celery_app.Messenger(settings), lease_s=settings.lease_s)
    signal.signal(signal.SIGTERM, lambda *_: running.stop())
    _ready()
    running.run()
    context.store.close()


def house(settings: Settings) -> None:
    """Orders by the curve of the day, and away with every parcel that has its waybill, until it is told to end."""
    context = opened(settings, migrate=False)
    orders, start = int(os.environ["FAULT_ORDERS"]), context.clock()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    _ready()
    taken = 0
    while not stopping.is_set():
        share = min((context.clock() - start) / (fault_day.STEP * fault_day.STEPS), 1.0)
        due = min(fault_day.at(max(share, 0.0), orders), taken + AT_ONCE)
        if due > taken:
            come = fault_day.drafts(taken + 1, due, context.clock())
            import_orders(context, come, source="day")
            taken = due
        left = _left(lambda: fault_merchant.leave_all(context, AT_ONCE))
        if due == taken and left == 0:
            time.sleep(0.2)
    print(f"taken {taken}", flush=True)
    context.store.close()


def _left(act: Callable[[], int]) -> int:
    """Another try where a parcel was changed meanwhile."""
    try:
        return act()
    except TidegateError:
        return 0


def _ready() -> None:
    print("ready", flush=True)


if __name__ == "__main__":
    {"relay": relay, "worker": worker, "house": house}[sys.argv[1]](Settings.from_environment(None))
