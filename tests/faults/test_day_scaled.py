"""B16 scaled out: the day on PostgreSQL and Redis with a relay and three Celery workers; all read one faster clock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fault_day
import fault_merchant
import psutil
import pytest
import redis
from fault_clock import SharedClock
from fault_day import DOWN_STEPS, STEP, STEPS, Outside, plan
from fault_history import judged
from fault_remote import FaultServer

from tidegate.bootstrap import open_context, upgrade_database
from tidegate.services.context import Context
from tidegate.services.invariants.checks import check
from tidegate.settings import Settings

pytestmark = [
    pytest.mark.faults, pytest.mark.postgres, pytest.mark.redis, pytest.mark.long
]  # fmt: skip
PROGRAM = Path(__file__).parent / "fault_day_program.py"
WORKERS = 3
DAY = STEP * STEPS
ON_ITS_WAY_S = 5.0  # longer than any call of the day's clients takes
LATEST_S = 3600.0
MIB = 1 << 20


class Programs:
    """A relay, workers and the merchant's house, as processes."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._environment, self._log = environment, folder / "programs.log"
        self._all = {name: self._start(name.split("-")[0]) for name in self._names()}

    @staticmethod
    def _names() -> list[str]:
        return ["relay", "house", *(f"worker-{number}" for number in range(WORKERS))]

    def _start(self, role: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, str(PROGRAM), role], env=self._environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def alive(self) -> bool:
        return all(process.poll() is None for process in self._all.values())

    def resident(self) -> int:
        """Bytes of the relay and of all processes of the workers."""
        ours = [psutil.Process(one.pid) for name, one in self._all.items() if name != "house"]
        family = [each for one in ours for each in (one, *one.children(recursive=True))]
        return sum(each.memory_info().rss for each in family)

    def end(self) -> dict[str, int]:
        """SIGTERM to each, and how it ended: whoever does not is killed."""
        for process in self._all.values():
            process.send_signal(signal.SIGTERM)
        return {name: self._ended(process) for name, process in self._all.items()}

    def _ended(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()


@pytest.fixture
def environment(redis_url: str, postgres_url: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        yield {
            **os.environ, "TIDEGATE_DATABASE_URL": postgres_url, "TIDEGATE_REDIS_URL": redis_url,
            "TIDEGATE_DATA_DIR": str(tmp_path), "TIDEGATE_LOG_LEVEL": "ERROR",
            "FAULT_CLOCK": str(tmp_path / "clock"),
        }  # fmt: skip
        client.flushdb()


def test_a_day_on_postgres_redis_and_celery(
    tmp_path: Path, remote: FaultServer, environment: dict[str, str]
) -> None:
    seed = int(os.environ.get("TIDEGATE_SEED") or time.time_ns() % 10**9)
    orders = int(os.environ.get("TIDEGATE_DAY_ORDERS") or 86_400)
    minutes = float(os.environ.get("TIDEGATE_DAY_MINUTES") or 15)
    print(f"seed: {seed}")
    start = (datetime.now(UTC) - timedelta(days=20)).replace(microsecond=0)
    pace = DAY / timedelta(minutes=minutes)
    clock = SharedClock.begin(tmp_path / "clock", start, pace)
    settings = replace(
        Settings.from_environment(None), database_url=environment["TIDEGATE_DATABASE_URL"],
        redis_url=environment["TIDEGATE_REDIS_URL"], data_dir=tmp_path, log_level="CRITICAL",
    )  # fmt: skip
    upgrade_database(settings)
    context = open_context(settings, carriers={}, clock=clock.now, migrate=False)
    context = fault_day.connected(context, remote.url, seed, timeout_s=2.0)
    fault_day.furnish(context, orders, start)
    outside = Outside(remote, seed)
    given = {"FAULT_URL": remote.url, "FAULT_SEED": str(seed), "FAULT_ORDERS": str(orders)}
    began = time.monotonic()
    programs = Programs({**environment, **given}, tmp_path)
    try:
        quarter = through_the_day(context, clock, outside, programs, orders, began)
        found = at_rest(context, clock, outside, programs, orders, began)
        took = time.monotonic() - began
        grown = programs.resident() / quarter - 1
    finally:
        codes = programs.end()
    print(
        f"{orders} orders, {outside.faults()} faults, 4 carriers down half an hour each, {took:.0f} s (the day itself "
        f"{minutes:g} min); memory since the first quarter {grown:+.1%} ({quarter / MIB:.0f} MiB); {found}; {codes}"
    )
    history = outside.history(orders, fault_merchant.export(context))
    assert {name: rows for name, rows in judged(history).items() if rows} == {}
    assert {one.id: one.offenders for one in check(context) if one.count} == {}
    assert found == {"in_transit": orders}
    assert outside.faults() >= min(fault_day.FAULTS, orders // 10)
    assert set(codes.values()) == {0}
    assert grown < 0.10
    context.store.close()


def through_the_day(
    context: Context, clock: SharedClock, outside: Outside, programs: Programs, orders: int,
    began: float,
) -> int:  # fmt: skip
    """Faults, carriers that are down and a clock an hour ahead and back; bytes after the first quarter."""
    start, downs = clock.now(), plan(outside.chance)
    jumps = {STEPS // 3: timedelta(hours=1), STEPS // 3 + 6: -timedelta(hours=1)}
    ahead, step, last, quarter = timedelta(), 0, -1, 0
    while step < STEPS:
        time.sleep(0.2)
        assert programs.alive()
        step = int((clock.now() - start - ahead) / STEP)
        for place in [place for place in jumps if place <= step]:
            by = jumps.pop(place)
            clock.jump(by)
            ahead += by
        outside.rate(orders)
        for name, down in downs.items():
            outside.carriers[name].down = down <= step < down + DOWN_STEPS
        outside.couriers(clock.now())
        if step // 12 > last:
            last = step // 12
            look(context, clock, outside, programs, began, f"{last} h")
        if not quarter and step >= STEPS // 4:
            quarter = programs.resident()
    return quarter


def at_rest(
    context: Context, clock: SharedClock, outside: Outside, programs: Programs, orders: int,
    began: float,
) -> dict[str, int]:  # fmt: skip
    """Orders by state once all are on their way, or when nobody waits any longer."""
    outside.calm()
    last = time.monotonic()
    while True:
        time.sleep(1.0)
        assert programs.alive()
        outside.couriers(clock.now())
        found = fault_merchant.counts(context)
        if found == {"in_transit": orders} or time.monotonic() - began > LATEST_S:
            return found
        if time.monotonic() - last > 20:
            last = time.monotonic()
            look(context, clock, outside, programs, began, "after")


def look(
    context: Context, clock: SharedClock, outside: Outside, programs: Programs, began: float,
    when: str,
) -> None:  # fmt: skip
    """The person's hour, and how far things are."""
    fault_merchant.person(context, outside, outside, clock.ago(ON_ITS_WAY_S))
    counts = fault_merchant.counts(context)
    print(
        f"{when}: {time.monotonic() - began:.0f} s, {programs.resident() / MIB:.0f} MiB, {counts}",
        flush=True,
    )
