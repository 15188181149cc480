"""A process that dies: reads one run per line, forks for it, and says how it ended.

The parent has everything imported and the rules compiled, so that a run costs what the run costs.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import fault_merchant
import fault_workshop
from fault_client import FaultCarrier, FaultShop
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from tidegate import crash_points
from tidegate.domain.orders import OrderDraft
from tidegate.errors import TidegateError, Unavailable
from tidegate.jobs.runner import Runner
from tidegate.logs import configure_logs
from tidegate.services.context import Context
from tidegate.services.intake import import_orders
from tidegate.services.invariants.checks import check
from tidegate.services.judging import Judges
from tidegate.services.rulebook import Rulebook
from tidegate.store.tables import Order, Tenant
from tidegate.store.unit_of_work import Store, open_engine


class Clock:
    """The time of the run at hand: it moves when `times` is moved, or, with a pace, that much faster than real time."""

    def __init__(self) -> None:
        self.times: list[datetime] = []
        self.pace = 0.0
        self.began = 0.0

    def now(self) -> datetime:
        gone = time.time() - self.began if self.pace else 0.0
        return self.times[0] + timedelta(seconds=self.pace * gone)


CLOCK = Clock()
RULES, JUDGES = Rulebook(), Judges()  # read and compiled once, for all forks
STORES: dict[
    str, Store
] = {}  # with the statements compiled; without connections when a fork begins


def store_of(database: str) -> Store:
    if database not in STORES:
        STORES[database] = Store(open_engine(database))
    return STORES[database]


def open_run(asked: dict[str, Any], points: crash_points.CrashPoints) -> Context:
    """The context of one run, as bootstrap makes it; with the run's clock and crash points."""
    CLOCK.times = [datetime.fromisoformat(asked["start"]) + timedelta(hours=asked["run"])]
    CLOCK.pace, CLOCK.began = asked.get("pace", 0.0), asked.get("began", 0.0)
    remote = (asked["remote"], asked["case"], asked["class"], asked.get("timeout_s", 5.0))
    store = store_of(asked["database"])
    points.watch(store.engine)
    return Context(
        store=store, tenant_id=1, rules=RULES, judges=JUDGES, clock=CLOCK.now,
        carriers={"sandbox": points.around(FaultCarrier(*remote))},
        shops={1: points.around(FaultShop(*remote))}, data_dir=Path(asked["data_dir"]),
    )  # fmt: skip


def run(asked: dict[str, Any]) -> dict[str, Any]:
    points = crash_points.CrashPoints(asked["at"])
    context = open_run(asked, points)
    start = CLOCK.times[0]
    act = ACTS.get(asked["what"])
    if act is not None:
        return act(context, asked)
    if asked["what"] == "furnish":
        with context.store.unscoped() as session:
            session.add(Tenant(code="main", name="Tidegate", created_at=start))
            session.commit()
        fault_merchant.furnish(context, asked["stock"], start)
    else:
        if asked.get("live") is not None:
            fault_merchant.person(context, asked["live"], asked["told"])
        fault_merchant.play(context, CLOCK.times, start)
    found: dict[str, Any] = {"points": points.passed}
    if asked["what"] == "verify":
        broken = {one.id: list(one.offenders) for one in check(context) if one.count}
        found |= {"states": fault_merchant.states(context), "broken": broken}
    context.store.close()
    return found


def _work(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """A worker as `tidegate run` has it, until it is told to stop or killed."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    runner = Runner(context)
    runner.start()
    if asked.get("ships"):
        threading.Thread(target=_ship, args=(context, asked), daemon=True).start()
    stopping.wait()
    runner.stop()
    context.store.close()
    return {}


def _take_in(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """A client: orders first … last; each number is in the log once it was acknowledged."""
    with open(asked["log"], "a", encoding="ascii") as log:
        for first in range(asked["first"], asked["last"] + 1, 20):
            last = min(first + 19, asked["last"])
            orders = fault_merchant.drafts(first, last, CLOCK.times[0])
            _sent(context, orders, again=asked.get("stubborn", False))
            log.write("".join(f"{draft.number}\n" for draft in orders))
            log.flush()
    return {}


def _sent(context: Context, orders: list[OrderDraft], *, again: bool) -> None:
    """A client that is told "not now" sends the same once more; `again`: for as long as it takes."""
    while True:
        try:
            import_orders(context, orders, source="faults")
            return
        except (Unavailable, SQLAlchemyError):
            if not again:
                raise
            time.sleep(0.2)


def _ship(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """The warehouse: labels for what has its waybill, and away with it, until it is killed."""
    while True:
        try:
            left = fault_merchant.leave_all(context, asked["ships"])
        except TidegateError:  # the database is busy, or the parcel was changed meanwhile
            left = 0
        if left == 0:
            time.sleep(1.0)


def _export(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    if asked.get("live") is not None:
        fault_merchant.person(context, asked["live"], asked["told"])
    broken = {one.id: list(one.offenders) for one in check(context) if one.count}
    return {"orders": fault_merchant.export(context), "broken": broken}


def _states(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """How many orders are in each state, and why: what is asked all the time must not be in the way."""
    with context.store.begin(1, readonly=True) as work:
        counted = select(Order.state, Order.hold_reason, func.count())
        rows = work.session.execute(counted.group_by(Order.state, Order.hold_reason)).all()
    return {"states": [[state, why, count] for state, why, count in rows]}


def _expire(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    fault_merchant.expire_leases(context)
    return {}


def _workshop(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """Somebody changes rules, publishes them, and has the next change simulated on past orders."""
    return fault_workshop.play(context, CLOCK.times)


def _workshop_kept(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    broken = {one.id: list(one.offenders) for one in check(context) if one.count}
    return {**fault_workshop.kept(context), "broken": broken}


ACTS = {
    "workshop": _workshop, "workshop_kept": _workshop_kept,
    "work": _work, "take_in": _take_in, "ship": _ship, "export": _export, "states": _states, "expire": _expire,
}  # fmt: skip


def begin(asked: dict[str, Any]) -> dict[str, Any]:
    """A fork that is not waited for; the harness ends it and then asks to reap it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            run(asked)
            code = 0
        finally:
            os._exit(code)
    return {"pid": pid}


def reap(asked: dict[str, Any]) -> dict[str, Any]:
    _, status = os.waitpid(asked["pid"], 0)
    return {"code": os.waitstatus_to_exitcode(status)}


def here(asked: dict[str, Any]) -> dict[str, Any]:
    """Without a fork, which copies every page that is touched: for what nobody kills."""
    try:
        return run(asked)
    except BaseException as error:
        return failure(error)


def failure(error: BaseException) -> dict[str, Any]:
    return {
        "error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()[-1500:],
    }  # fmt: skip


def in_a_fork(asked: dict[str, Any]) -> dict[str, Any]:
    gc.freeze()  # a collection in the fork must not copy what the parent holds
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(out)
        try:
            said = run(asked)
        except BaseException as error:
            said = failure(error)
        with os.fdopen(into, "w") as pipe:
            json.dump(said, pipe)
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as pipe:
        text = pipe.read()
    _, status, used = os.wait4(pid, 0)
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return {
        "killed": killed,
        "cpu_s": used.ru_utime + used.ru_stime,
        **(json.loads(text) if text else {}),
    }


# `furnish` and `warm` compile rules and statements for the forks to come.
HOW = {"furnish": here, "warm": here, "verify": here, "reap": reap}


def main() -> None:
    configure_logs("CRITICAL")
    for line in sys.stdin:
        asked = json.loads(line)
        how = HOW.get(asked["what"], in_a_fork)
        said = begin(asked) if asked.get("beside") else how(asked)
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
