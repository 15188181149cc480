"""B16: a day in minutes: six connectors, a thousand faults, a clock that jumps; every invariant holds, nothing swells.

All processes read one faster clock. SQLite has one process, as `tidegate run` is; PostgreSQL a relay, three Celery workers
and the merchant's house. The carriers and shops are in this one, so that what is measured there is ours alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fault_day
import fault_merchant
import psutil
import pytest
import redis
from fault_clock import SharedClock
from fault_day import DAY, DOWN_STEPS, STEP, STEPS, Outside
from fault_history import judged
from fault_remote import FaultServer

from tidegate.bootstrap import open_context, upgrade_database
from tidegate.services.context import Context
from tidegate.services.invariants.checks import check
from tidegate.settings import Settings

pytestmark = [pytest.mark.faults, pytest.mark.long]
PROGRAM = Path(__file__).parent / "fault_day_program.py"
SCALED = ("relay", "worker", "worker", "worker", "house")
AHEAD = timedelta(hours=1)
JUMPS = {STEPS // 3: AHEAD, STEPS // 3 + 6: -AHEAD}
LATEST_S = 7200.0
MIB = 1 << 20


class Programs:
    """Processes of ours, each in its role."""

    def __init__(self, roles: Sequence[str], environment: dict[str, str], folder: Path) -> None:
        with (folder / "programs.log").open("ab") as log:
            self._all = [
                subprocess.Popen(
                    [sys.executable, str(PROGRAM), role], env=environment, stdout=log, stderr=log,
                    start_new_session=True,
                )
                for role in roles
            ]  # fmt: skip

    def alive(self) -> bool:
        return all(one.poll() is None for one in self._all)

    def resident(self) -> int:
        """Bytes of all of them and of their children."""
        first = [psutil.Process(one.pid) for one in self._all]
        family = [each for one in first for each in (one, *one.children(recursive=True))]
        return sum(each.memory_info().rss for each in family)

    def end(self) -> list[int]:
        """SIGTERM to each, and how it ended: whoever does not is killed."""
        for one in self._all:
            one.send_signal(signal.SIGTERM)
        return [self._ended(one) for one in self._all]

    def _ended(self, one: subprocess.Popen[bytes]) -> int:
        try:
            return one.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(one.pid, signal.SIGKILL)
            return one.wait()


class Day:
    """The clock, the other side and our processes, watched from outside; only read from here once it has begun."""

    def __init__(
        self, roles: Sequence[str], settings: Settings, remote: FaultServer, orders: int,
        minutes: float, seed: int,
    ) -> None:  # fmt: skip
        self.orders = orders
        self.folder = settings.data_dir
        start = (datetime.now(UTC) - timedelta(days=20)).replace(microsecond=0)
        self.clock = SharedClock.begin(
            self.folder / "clock", start, DAY / timedelta(minutes=minutes)
        )
        upgrade_database(settings)
        context = open_context(settings, carriers={}, clock=self.clock.now, migrate=False)
        self.context: Context = fault_day.connected(context, remote.url, seed, timeout_s=2.0)
        fault_day.furnish(self.context, orders, start)
        self.outside = Outside(remote, seed)
        self.jumps, self._ahead = dict(JUMPS), timedelta()
        self.downs = fault_day.plan(self.outside.chance)
        self.start, self.began = self.clock.now(), time.monotonic()
        self.programs = Programs(roles, {
            **os.environ, "TIDEGATE_DATABASE_URL": settings.database_url,
            "TIDEGATE_REDIS_URL": settings.redis_url or "", "TIDEGATE_DATA_DIR": str(self.folder),
            "TIDEGATE_LOG_LEVEL": "CRITICAL", "FAULT_CLOCK": str(self.folder / "clock"),
            "FAULT_URL": remote.url, "FAULT_SEED": str(seed), "FAULT_ORDERS": str(orders),
        }, self.folder)  # fmt: skip
        self.quarter = self.wal = 0
        self._told = -1

    def live(self) -> dict[str, int]:
        """Until every order is on its way, or it takes too long: orders by state."""
        step = 0
        while step < STEPS:
            time.sleep(0.2)
            step = int((self.clock.now() - self.start - self._ahead) / STEP)
            for place in [place for place in self.jumps if place <= step]:
                by = self.jumps.pop(place)
                self.clock.jump(by)
                self._ahead += by
            self.outside.rate(self.orders)
            for name, down in self.downs.items():
                self.outside.carriers[name].down = down <= step < down + DOWN_STEPS
            self._watch(step // 12)
        for case in self.outside.cases:
            case.down = False
        while True:
            time.sleep(1.0)
            self._watch(int((self.clock.now() - self.start) / STEP) // 12)
            found = fault_merchant.counts(self.context)
            self.outside.rate(self.orders)
            if found.get("in_transit", 0) > 0.95 * self.orders:
                self.outside.calm()
            if found == {"in_transit": self.orders} or self._gone() > LATEST_S:
                return found

    def _watch(self, hour: int) -> None:
        assert self.programs.alive(), (self.folder / "programs.log").read_text()[-2000:]
        self.outside.couriers(self.clock.now())
        wal = self.folder / "day.db-wal"
        self.wal = max(self.wal, wal.stat().st_size if wal.exists() else 0)
        if hour > self._told:
            self._told = hour
            bytes_, found = self.programs.resident(), fault_merchant.counts(self.context)
            print(f"{hour} h: {self._gone():.0f} s, {bytes_ / MIB:.0f} MiB, {found}", flush=True)
            if not self.quarter and found.get("in_transit", 0) >= self.orders / 4:
                self.quarter = bytes_

    def _gone(self) -> float:
        return time.monotonic() - self.began


@pytest.mark.parametrize(
    "kind",
    ["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.redis])],
)
def test_a_day_with_a_thousand_faults(
    tmp_path: Path, remote: FaultServer, request: pytest.FixtureRequest, kind: str
) -> None:
    seed = int(os.environ.get("TIDEGATE_SEED") or time.time_ns() % 10**9)
    orders = int(os.environ.get("TIDEGATE_DAY_ORDERS") or 86_400)
    minutes = float(os.environ.get("TIDEGATE_DAY_MINUTES") or 15)
    print(f"seed: {seed}")
    settings = replace(
        Settings.from_environment(None), data_dir=tmp_path, log_level="CRITICAL",
        database_url=f"sqlite:///{tmp_path / 'day.db'}", redis_url=None,
    )  # fmt: skip
    if kind == "postgres":
        url: str = request.getfixturevalue("redis_url")
        with redis.Redis.from_url(url) as client:
            client.flushdb()
        settings = replace(
            settings, database_url=request.getfixturevalue("postgres_url"), redis_url=url
        )
    day = Day(
        SCALED if kind == "postgres" else ("runner",), settings, remote, orders, minutes, seed
    )
    try:
        found = day.live()
        took = time.monotonic() - day.began
        grown = day.programs.resident() / day.quarter - 1
    finally:
        codes = day.programs.end()
    print(
        f"{kind}: {orders} orders, {day.outside.faults()} faults, 4 carriers down half an hour each, {took:.0f} s (the day "
        f"itself {minutes:g} min); memory since a quarter of them were through {grown:+.1%} ({day.quarter / MIB:.0f} MiB), log at most "
        f"{day.wal / MIB:.1f} MiB; {found}"
    )
    history = day.outside.history(orders, fault_merchant.export(day.context))
    assert {name: rows for name, rows in judged(history).items() if rows} == {}
    assert {one.id: one.offenders for one in check(day.context) if one.count} == {}
    assert found == {"in_transit": orders}
    assert day.outside.faults() >= min(fault_day.FAULTS, orders // 10)
    assert set(codes) == {0}
    assert day.wal < 64 * MIB
    assert grown < 0.10
    day.context.store.close()


def test_the_curve_of_a_day_brings_every_order() -> None:
    assert fault_day.at(1.0, 86_400) == 86_400
    come = [fault_day.at(step / STEPS, 1000) for step in range(STEPS)]
    assert come == sorted(come)


def test_a_shared_clock_goes_at_its_pace_and_jumps_for_everybody(tmp_path: Path) -> None:
    start = datetime(2026, 11, 11, tzinfo=UTC)
    mine = SharedClock.begin(tmp_path / "clock", start, 3600.0)
    other = SharedClock(tmp_path / "clock")
    time.sleep(0.1)
    assert timedelta(minutes=6) <= other.now() - start < timedelta(hours=1)
    mine.jump(timedelta(days=1))
    assert timedelta(days=1) < other.now() - start < timedelta(days=2)
    assert abs(other.now() - other.ago(1.0) - timedelta(hours=1)) < timedelta(minutes=9)
