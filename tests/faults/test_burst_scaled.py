"""B1 scaled out: PostgreSQL, Redis, a relay and three Celery workers that are killed, their children too, and stalled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from fault_burst import Burst, burst, burst_orders
from fault_harness import Harness
from fault_remote import FaultServer

pytestmark = [
    pytest.mark.faults, pytest.mark.postgres, pytest.mark.redis, pytest.mark.long
]  # fmt: skip
CELERY = Path(__file__).parent / "fault_celery.py"
LEASE_S = "5"


class Celery:
    """Workers as groups of processes, known by the number of the first; every other kill hits one child only."""

    stall_s = 8.0
    ships = False
    scan_age = timedelta()

    def __init__(self, redis_url: str, folder: Path) -> None:
        now = datetime.now(UTC)  # several programs tell the time here: all by the real clock
        self.started_at: dict[str, Any] = {
            "start": now.isoformat(), "pace": 1.0, "began": now.timestamp(),
        }  # fmt: skip
        self.folder = folder
        self.kills = 0
        self.flushed = 0
        self._redis = redis_url
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._relays: list[subprocess.Popen[bytes]] = []

    def start(self, burst: Burst) -> int:
        environment = self._environment(burst)
        if not self._relays:
            self._relays.append(self._popen(["-m", "tidegate", "relay", "--json"], environment))
        worker = self._popen([str(CELERY)], environment)
        self._running[worker.pid] = worker
        return worker.pid

    def kill(self, burst: Burst, pid: int) -> bool:
        self.kills += 1
        children = psutil.Process(pid).children()
        if self.kills % 2 and children:
            burst.chance.choice(children).kill()
            return False
        self._end(self._running.pop(pid))
        return True

    def signal(self, pid: int, sign: int) -> None:
        os.killpg(pid, sign)
        if sign == signal.SIGSTOP:  # and Redis forgets everything at that moment
            with redis.Redis.from_url(self._redis) as client:
                client.flushdb()
            self.flushed += 1

    def expire(self, burst: Burst) -> None:
        """Leases end by themselves."""

    def close(self) -> None:
        for process in [*self._running.values(), *self._relays]:
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)

    def _popen(self, words: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.folder / "processes.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *words], env=environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _environment(self, burst: Burst) -> dict[str, str]:
        return {
            **os.environ, "TIDEGATE_DATABASE_URL": burst.database, "TIDEGATE_REDIS_URL": self._redis,
            "TIDEGATE_DATA_DIR": str(self.folder), "TIDEGATE_LEASE_S": LEASE_S,
            "TIDEGATE_LOG_LEVEL": "ERROR", "FAULT_URL": burst.harness.remote.url,
            "FAULT_CASE": burst.name, "FAULT_CLASS": burst.kind,
        }  # fmt: skip


@pytest.fixture
def celery(redis_url: str, tmp_path: Path) -> Iterator[Celery]:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    workers = Celery(redis_url, tmp_path)
    yield workers
    workers.close()


@pytest.mark.parametrize("kind", ["A", "B"])
def test_a_burst_on_postgres_redis_and_celery(
    tmp_path: Path, remote: FaultServer, postgres_url: str, celery: Celery, kind: str
) -> None:
    orders = burst_orders()
    harness = Harness(tmp_path, remote, postgres_url, stock=orders * 95 // 100)
    began = time.monotonic()
    try:
        burst(harness, kind, orders, kills=50, stalls=10, workers=3, limit_s=3600, hands=celery)
    finally:
        harness.close()
        print(
            f"{celery.kills} kills, Redis flushed {celery.flushed} times, {time.monotonic() - began:.0f} s"
        )
