"""B1: a burst of orders while workers are killed and stalled and the carrier fails: nothing lost, double or oversold."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from fault_harness import Harness
from fault_history import History, judged
from fault_remote import FaultServer

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]
PACE = 20.0  # the clock of the platform runs this much faster: a lease of two minutes ends after six seconds
FAULT_RATE = 0.16


class Burst:
    """Workers that are killed, stalled and started again until all orders have come to rest."""

    def __init__(
        self, harness: Harness, kind: str, orders: int, kills: int, stalls: int, seed: int
    ) -> None:
        self.harness, self.kind, self.orders = harness, kind, orders
        self.kills, self.stalls = kills, stalls
        self.chance = random.Random(seed)
        self.name = f"burst-{kind}-{seed}"
        self.case = harness.remote.case(self.name)
        self.case.chance = random.Random(seed)
        self.database = harness.database()
        self.log = harness.folder / f"{self.name}.log"
        self.began = time.time()
        self.workers: list[int] = []
        self.stalled: list[tuple[float, int]] = []
        self.clients: list[int] = []
        self.warehouse = 0
        print(f"seed: {seed}")

    def ask(self, what: str, **more: Any) -> dict[str, Any]:
        return self.harness.ask(
            what, self.database, self.name, self.kind, pace=PACE, began=self.began, timeout_s=1.0,
            **more,
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
        self.workers = [self.ask("work", beside=True)["pid"] for _ in range(workers)]
        self.warehouse = self.ask("ship", beside=True, most=200)["pid"]
        for number in range(self.kills):
            time.sleep(self.chance.uniform(0.2, 0.8))
            self._progress(0.9 * number / self.kills, most_s=60.0)
            if number < self.stalls:
                self._stall()
            self._kill(self.chance.randrange(len(self.workers)))
            self._wake(min_s=4.5)
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
            self._wake(min_s=4.5)
            time.sleep(0.1)
        self._wake(min_s=4.5 if most_s else 0.0)

    def end(self) -> None:
        """Stop every worker that is left and see it gone."""
        for pid in [*self.workers, *(pid for _, pid in self.stalled), self.warehouse]:
            if pid:
                os.kill(pid, signal.SIGKILL)
                self.ask("reap", pid=pid)
        self.workers, self.stalled, self.warehouse = [], [], 0

    def history(self) -> tuple[History, dict[str, Any]]:
        found = self.ask("export")
        acknowledged = self.log.read_text("ascii").split()
        history = History(
            set(acknowledged), self.case.made, self.case.live(), self.case.told, found["orders"],
            self.harness.stock,
        )  # fmt: skip
        return history, found["broken"]

    def _kill(self, place: int) -> None:
        os.kill(self.workers[place], signal.SIGKILL)
        self.ask("reap", pid=self.workers[place])
        self.workers[place] = self.ask("work", beside=True)["pid"]
        self._expire()

    def _expire(self) -> None:
        """Leases of the dead end; later while one is stalled, who may hold the file in the midst of a write."""
        if not self.stalled:
            self.ask("expire")

    def _stall(self) -> None:
        """A worker stops in the middle of whatever it does, and another takes its place."""
        pid = self.workers.pop(self.chance.randrange(len(self.workers)))
        os.kill(pid, signal.SIGSTOP)
        self.stalled.append((time.monotonic(), pid))
        self.workers.append(self.ask("work", beside=True)["pid"])

    def _wake(self, min_s: float) -> None:
        """Stalled workers go on after a time in which everybody took them for dead."""
        for since, pid in [*self.stalled]:
            if time.monotonic() - since >= min_s:
                os.kill(pid, signal.SIGCONT)
                self.stalled.remove((since, pid))
                self.workers.append(pid)
                self._expire()

    def _rest(self, until: float) -> None:
        pause_s = max(1.0, self.orders / 1000)
        while time.monotonic() < until:
            found = self.ask("export")["orders"]
            done = [row for row in found if row["state"] in ("in_transit", "waiting_stock")]
            if len(done) == self.orders:
                return
            time.sleep(pause_s)
        states = sorted({(row["state"], row["why"]) for row in found})
        raise AssertionError(f"not at rest: {len(done)} of {self.orders}; {states}")


def burst(
    harness: Harness, kind: str, orders: int, kills: int, stalls: int, workers: int, limit_s: float
) -> None:
    seed = int(os.environ.get("TIDEGATE_SEED") or time.time_ns() % 10**9)
    found = Burst(harness, kind, orders, kills, stalls, seed)
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


def test_a_burst_with_kills_on_sqlite(tmp_path: Path, remote: FaultServer) -> None:
    harness = Harness(tmp_path, remote, stock=140)
    try:
        burst(harness, "A", orders=150, kills=15, stalls=2, workers=1, limit_s=300)
    finally:
        harness.close()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["A", "B"])
def test_ten_thousand_orders_on_sqlite(tmp_path: Path, remote: FaultServer, kind: str) -> None:
    harness = Harness(tmp_path, remote, stock=9_500)
    try:
        burst(harness, kind, orders=10_000, kills=50, stalls=10, workers=1, limit_s=1800)
    finally:
        harness.close()


@pytest.mark.postgres
@pytest.mark.long
@pytest.mark.parametrize("kind", ["A", "B"])
def test_ten_thousand_orders_on_postgres(
    tmp_path: Path, remote: FaultServer, postgres_url: str, kind: str
) -> None:
    harness = Harness(tmp_path, remote, postgres_url, stock=9_500)
    try:
        burst(harness, kind, orders=10_000, kills=50, stalls=10, workers=2, limit_s=1800)
    finally:
        harness.close()
