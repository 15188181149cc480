"""One process of the day, by its first argument: `runner`, `relay`, `worker` or `house`; the clock is a file's.

`relay` and `worker` are what `tidegate relay` and `tidegate worker` run. The house is the merchant's: it takes orders in,
hands parcels over and asks carriers and shops about what is unclear, as people at pages do. `runner` has it all in one
process, as `tidegate run` does.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import fault_day
import fault_merchant
from fault_clock import SharedClock

from tidegate.bootstrap import open_context
from tidegate.errors import TidegateError
from tidegate.jobs import celery_app
from tidegate.jobs import relay as relay_jobs
from tidegate.jobs.runner import Runner
from tidegate.services.context import Context
from tidegate.services.intake import import_orders
from tidegate.services.job_kinds import QUEUES
from tidegate.settings import Settings

AT_ONCE = 200  # orders of an import, parcels of a hand-over
TIMEOUT_S = 2.0
ON_ITS_WAY_S = 5.0  # longer than any call may take
HOUR = timedelta(hours=1)


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
    messenger = celery_app.Messenger(settings)
    relay_jobs.work(context, messenger, lease_s=settings.lease_s, ready=_ready)


def runner(settings: Settings) -> None:
    context = opened(settings, migrate=False)
    running = Runner(context, lease_s=settings.lease_s)
    running.start()
    live_through(context)
    running.stop()
    context.store.close()


def house(settings: Settings) -> None:
    context = opened(settings, migrate=False)
    live_through(context)
    context.store.close()


def live_through(context: Context) -> None:
    """Orders by the curve of the day, away with every parcel that has its waybill, and each hour a look at what is
    unclear, until it is told to end."""
    orders, start = int(os.environ["FAULT_ORDERS"]), context.clock()
    clock = SharedClock(Path(os.environ["FAULT_CLOCK"]))
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    _ready()
    taken, looked = 0, start
    while not stopping.is_set():
        now = context.clock()
        share = min(max((now - start) / fault_day.DAY, 0.0), 1.0)
        due = min(fault_day.at(share, orders), taken + AT_ONCE)
        if due > taken:
            import_orders(context, fault_day.drafts(taken + 1, due, now), source="day")
            taken = due
        if abs(now - looked) >= HOUR:  # it may be set back
            looked = now
            books = fault_day.Asked(context)
            fault_merchant.person(context, books, books, clock.ago(ON_ITS_WAY_S))
        left = _left(lambda: fault_merchant.leave_all(context, AT_ONCE))
        if due == taken and left == 0:
            time.sleep(0.2)


def _left(act: Callable[[], int]) -> int:
    """Another try where a parcel was changed meanwhile."""
    try:
        return act()
    except TidegateError:
        return 0


def _ready() -> None:
    print("ready", flush=True)


if __name__ == "__main__":
    ROLES = {"relay": relay, "worker": worker, "house": house, "runner": runner}
    ROLES[sys.argv[1]](Settings.from_environment(None))
