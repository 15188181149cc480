"""Celery workers, a relay, Redis and PostgreSQL as real processes: whatever dies, no job is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator

import psutil
import pytest
import redis

from tidegate.jobs.celery_app import PREFIX
from tidegate.services.job_kinds import QUEUES
from tidegate.store.tables import Job

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
DONE = (Job.name == "advance_order", Job.state == "done")
OPEN = (Job.name == "advance_order", Job.state.in_(("ready", "leased")))


def test_jobs_go_through_celery_and_a_flushed_redis_costs_seconds_only(site) -> None:
    """B11, with FLUSHALL: 0 lost, and from a flush on at most 5 s more at the 99th percentile than without."""
    worker = site.start("worker", "--processes", "2")
    site.start("relay")
    for _ in range(5):
        site.put(20)
        time.sleep(0.2)
    site.until(lambda: site.count(*OPEN) == 0)
    undisturbed = late([done - made for made, done in site.spans()])
    flushes = []
    with redis.Redis.from_url(site.env["TIDEGATE_REDIS_URL"]) as client:
        for _ in range(10):
            site.put(20)
            time.sleep(0.2)
            client.flushdb()
            flushes.append(time.time())
        site.until(lambda: site.count(*OPEN) == 0)
        with stopped(worker):
            for _ in range(5):  # the first ones are with the worker already
                site.put(20)
                site.until(lambda: site.count(*OPEN, Job.sent_at.is_(None)) == 0)
            assert sum(client.llen(PREFIX + queue) for queue in QUEUES) > 0
            client.flushdb()
            flushes.append(time.time())
    site.until(lambda: site.count(*OPEN) == 0)
    spans = site.spans()[100:]
    delays = [done - max([made, *(at for at in flushes if at < done)]) for made, done in spans]
    print(f"{len(delays)} jobs, flushed {len(flushes)} times: p99 {late(delays):.2f} s")
    print(f"without: {undisturbed:.2f} s")
    assert len(delays) == 300
    assert site.count(Job.name == "advance_order", Job.attempts > 1) == 0
    assert late(delays) - undisturbed <= 5


@contextlib.contextmanager
def stopped(worker) -> Iterator[None]:
    """The worker and its children stand still."""
    os.killpg(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(worker.pid, signal.SIGCONT)


def late(delays: list[float]) -> float:
    """The 99th percentile."""
    return sorted(delays)[int(len(delays) * 0.99)]


def test_killed_workers_lose_nothing(site) -> None:
    """Children and whole workers are killed in the midst of it; leases end or the restart finds them."""
    first = site.start("worker", "--processes", "2", TIDEGATE_LEASE_S="5")
    site.start("relay", TIDEGATE_LEASE_S="5")
    site.put(400)
    site.until(lambda: site.count(*DONE) > 20)
    children = psutil.Process(first.pid).children()
    assert children
    children[0].kill()
    site.put(400)
    site.until(lambda: site.count(*DONE) > 300)
    site.kill(first)
    site.put(200)
    site.start("worker", "--processes", "1", TIDEGATE_LEASE_S="5")
    took = site.until(lambda: site.count(*OPEN) == 0, 90)
    print(f"all done {took:.1f} s after the new worker was started")
    assert site.count(*DONE) == 1000


def test_a_killed_childs_jobs_do_not_wait_for_their_leases(site) -> None:
    """The child that takes its place finds them: of a lane that one child had in hand nothing else moves meanwhile."""
    worker = site.start("worker", "--processes", "1", TIDEGATE_LEASE_S="300")
    site.start("relay", TIDEGATE_LEASE_S="300")
    site.put(2000)
    (child,) = psutil.Process(worker.pid).children()
    ends = Job.worker.endswith(f":{child.pid}")
    held = (Job.name == "advance_order", Job.state == "leased", ends)

    def caught() -> bool:
        """It stands still with jobs in hand; one that had just finished them goes on."""
        child.suspend()
        if site.count(*held) > 0:
            return True
        child.resume()
        return False

    site.until(caught)
    assert site.count(*held) > 0
    child.kill()
    took = site.until(lambda: site.count(*held) == 0, 20)
    print(f"free {took:.1f} s after the child was killed")
    site.until(lambda: site.count(*OPEN) == 0, 60)
    assert site.count(*DONE) == 2000


def test_a_worker_told_to_end_finishes_or_hands_back(site) -> None:
    worker = site.start("worker", "--processes", "1")
    relay = site.start("relay")
    site.put(300)
    site.until(lambda: site.count(*DONE) > 0)
    os.kill(worker.pid, signal.SIGTERM)
    assert worker.wait(40) == 0
    assert site.count(Job.state == "leased") == 0, "nothing waits for a lease"
    left = site.count(*OPEN)
    os.kill(relay.pid, signal.SIGTERM)
    assert relay.wait(30) == 0
    assert site.count(*DONE) + left == 300


def test_without_redis_the_relay_works_alone(site) -> None:
    site.start("relay", TIDEGATE_REDIS_URL="redis://127.0.0.1:1/0")
    site.put(60)
    took = site.until(lambda: site.count(*DONE) == 60, 60)
    print(f"done by the relay alone after {took:.1f} s")


def test_schedules_fire_once_with_two_relays(site) -> None:
    site.start("relay")
    site.start("relay")
    site.until(lambda: site.count(Job.name == "sweep_orders") > 0)
    time.sleep(3)
    assert site.count(Job.name == "sweep_orders") == 1
    assert site.count(Job.name == "pull_scans") == 1, "no worker runs: the open one is not repeated"
