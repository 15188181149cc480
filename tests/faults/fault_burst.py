"""A burst of orders while workers are killed, stalled and woken; whoever the workers are."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import timedelta
from typing import Any, Protocol

from fault_harness import Harness
from fault_history import History, judged

FAULT_RATE = 0.16
PACE = 6.0  # of the clock of forked workers
AT_REST = ("in_transit", "waiting_stock")
AWAKE_S = 3.0  # a worker that was stalled does its worst for so long


class Workers(Protocol):
    """Processes that run jobs, each known by a number."""

    started_at: dict[str, Any]  # what else the harness is asked with: the clock
    scan_age: timedelta  # by which a carrier dates its scans back, to be in that clock's past
    stall_s: float  # longer than any lease
    ships: bool  # they hand parcels over, too; if not, a process of its own does

    def start(self, burst: Burst) -> int: ...
    def kill(self, burst: Burst, pid: int) -> bool: ...  # False: a part of it died, it goes on
    def signal(self, pid: int, sign: int) -> None: ...
    def expire(self, burst: Burst) -> None: ...


class Forked:
    """The embedded runner in forks of the harness, with the warehouse in it as the pages are; the clock runs faster,
    so that what waits goes on sooner."""

    stall_s = 4.5
    ships = True
    scan_age = timedelta(days=19)

    def __init__(self) -> None:
        self.started_at: dict[str, Any] = {"pace": PACE, "began": time.time()}

    def start(self, burst: Burst) -> int:
        return int(burst.ask("work", beside=True, ships=200)["pid"])

    def kill(self, burst: Burst, pid: int) -> bool:
        os.kill(pid, signal.SIGKILL)
        burst.ask("reap", pid=pid)
        return True

    def signal(self, pid: int, sign: int) -> None:
        os.kill(pid, sign)

    def expire(self, burst: Burst) -> None:
        """Leases of the dead end; later while one is stalled, who may hold the file in the midst of a write."""
        if not burst.stalled:
            burst.ask("expire")


class Burst:
    """Workers that are killed, stalled and started again until all orders have come to rest."""

    def __init__(
        self, harness: Harness, kind: str, orders: int, kills: int, stalls: int, seed: int,
        hands: Workers,
    ) -> None:  # fmt: skip
        self.harness, self.kind, self.orders = harness, kind, orders
        self.kills, self.stalls = kills, stalls
        self.chance = random.Random(seed)
        self.name = f"burst-{kind}-{seed}"
        self.case = harness.remote.case(self.name)
        self.case.chance = random.Random(seed)
        self.case.scan_age = hands.scan_age
        self.database = harness.database()
        self.log = harness.folder / f"{self.name}.log"
        self.hands = hands
        self.workers: list[int] = []
        self.stalled: list[tuple[float, int]] = []
        self.woken: list[tuple[float, int]] = []
        self.clients: list[int] = []
        self.warehouse = 0
        print(f"seed: {seed}")

    def ask(self, what: str, **more: Any) -> dict[str, Any]:
        return self.harness.ask(
            what, self.database, self.name, self.kind, timeout_s=1.0, **self.hands.started_at, **more,
        )  # fmt: skip

    def run(self, workers: int, limit_s: float) -> float:
        """Seconds until every order is at rest."""
        began = time.monotonic()
        self.case.rate = FAULT_RATE
        half = self.orders // 2
        self.clients = [
            self.ask("take_in", beside=True, log=str(self.log), first=first, last=last)["pid"]
            for first, last in ((1, half), (half + 1, self.orders))
        ]
        self.workers = [self.hands.start(self) for _ in range(workers)]
        if not self.hands.ships:
            self.warehouse = self.ask("ship", beside=True, ships=200)["pid"]
        for number in range(self.kills):
            time.sleep(self.chance.uniform(0.2, 0.8))
            self._progress(0.9 * number / self.kills, most_s=60.0)
            if number < self.stalls:
                self._stall()
            self._kill(self.chance.randrange(len(self.workers)))
            self._wake(min_s=self.hands.stall_s)
        self.case.rate = 0.0
        self._progress(0.9, most_s=0.0)
        for client in self.clients:
            assert self.ask("reap", pid=client)["code"] == 0
        self._rest(began + limit_s)
        return time.monotonic() - began

    def _progress(self, share: float, most_s: float) -> None:
        """Kills are spread over the work: wait for this share of the waybills; whoever is stalled is woken in time."""
        end = time.monotonic() + most_s
        while time.monotonic() < end and len(self.case.made) < share * self.harness.stock:
            self._wake(min_s=self.hands.stall_s)
            time.sleep(0.1)
        self._wake(min_s=self.hands.stall_s if most_s else 0.0)

    def end(self) -> None:
        """Stop every worker that is left and see it gone."""
        for pid in [*self.workers, *(pid for _, pid in self.stalled + self.woken)]:
            while not self.hands.kill(self, pid):
                pass
        if self.warehouse:
            os.kill(self.warehouse, signal.SIGKILL)
            self.ask("reap", pid=self.warehouse)
        self.workers, self.stalled, self.woken, self.warehouse = [], [], [], 0

    def history(self) -> tuple[History, dict[str, Any]]:
        found = self.ask("export")
        acknowledged = self.log.read_text("ascii").split()
        history = History(
            set(acknowledged), self.case.made, self.case.live(), self.case.told, found["orders"],
            self.harness.stock,
        )  # fmt: skip
        return history, found["broken"]

    def _kill(self, place: int) -> None:
        if self.hands.kill(self, self.workers[place]):
            self.workers[place] = self.hands.start(self)
        self.hands.expire(self)

    def _stall(self) -> None:
        """A worker stops in the middle of whatever it does, and another takes its place."""
        pid = self.workers.pop(self.chance.randrange(len(self.workers)))
        self.hands.signal(pid, signal.SIGSTOP)
        self.stalled.append((time.monotonic(), pid))
        self.workers.append(self.hands.start(self))

    def _wake(self, min_s: float) -> None:
        """Stalled workers go on after a time in which everybody took them for dead; later they are killed as well."""
        now = time.monotonic()
        for since, pid in [*self.stalled]:
            if now - since >= min_s:
                self.hands.signal(pid, signal.SIGCONT)
                self.stalled.remove((since, pid))
                self.woken.append((now, pid))
                self.hands.expire(self)
        for since, pid in [*self.woken]:
            if now - since >= AWAKE_S:
                while not self.hands.kill(self, pid):
                    pass
                self.woken.remove((since, pid))
                self.hands.expire(self)

    def _rest(self, until: float) -> None:
        while time.monotonic() < until:
            found = self.ask("states")["states"]
            done = sum(count for state, _, count in found if state in AT_REST)
            if done == self.orders:
                return
            time.sleep(1.0)
        raise AssertionError(f"not at rest: {done} of {self.orders}; {found}")


def burst_orders() -> int:
    """The bar asks for 10,000; a slow machine may be asked for fewer."""
    return int(os.environ.get("TIDEGATE_BURST") or 10_000)


def burst(
    harness: Harness, kind: str, orders: int, kills: int, stalls: int, workers: int, limit_s: float,
    hands: Workers | None = None,
) -> Burst:  # fmt: skip
    seed = int(os.environ.get("TIDEGATE_SEED") or time.time_ns() % 10**9)
    found = Burst(harness, kind, orders, kills, stalls, seed, hands or Forked())
    try:
        took = found.run(workers, limit_s)
        history, broken = found.history()
    finally:
        found.end()
    print(
        f"{kind}: {orders} orders, {kills} kills, {stalls} stalls, {took:.0f} s, "
        f"{len(found.case.calls)} calls, {sum(1 for *_, fault in found.case.calls if fault)} with a fault"
    )
    assert {name: rows for name, rows in judged(history).items() if rows} == {}
    assert broken == {}
    assert len(history.live) == harness.stock
    assert len(history.acknowledged) == orders
    assert len({fault for *_, fault in found.case.calls if fault}) >= 4
    return found
