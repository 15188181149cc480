"""A shop that hangs keeps its own lane: however many hang, another one's orders come."""

from __future__ import annotations

import time
from collections.abc import Callable

from server import MallServer

from tidegate.jobs.runner import Runner
from tidegate.sdk.stage.protocol import Fault
from tidegate.services.job_kinds import QUEUES
from tidegate.services.syncing import order_runs, turns, working
from tidegate.store.sync_tables import SyncRun
from tidegate.store.tables import Job, Order

HANGING = QUEUES["sync"] + 2


def until(claim: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_more_shops_hang_than_the_queue_has_threads_and_the_next_one_pulls(merchant) -> None:
    with MallServer("s3cr3t-canary", clock=merchant.clock) as slow:
        slow.fail(Fault.SLOW, times=1_000, seconds=120)
        for n in range(HANGING):
            merchant.account(f"slow-{n}", mall=slow)
        merchant.account("good")
        merchant.place("A1", "A2")
        runner = Runner(merchant.context, grace_s=0.2)
        runner.start()
        try:
            until(lambda: len(merchant.all(Order)) == 2)
            until(lambda: len(slow.calls) == HANGING)
            until(lambda: [run.accepted for run in merchant.all(SyncRun)] == [2])
            assert len(merchant.all(SyncRun)) == 1, "the others still hang"
        finally:
            slow.stop()
            runner.stop()


def test_tasks_of_an_account_run_one_after_the_other_and_fetches_do_not_wait_for_them(
    merchant,
) -> None:
    row = merchant.account(settings={"stock": "pull"})
    merchant.place("A1")
    working.spread(merchant.context)
    with merchant.context.store.begin(merchant.context.tenant_id) as work:
        order_runs.fetch_later(work, row.code, ["A1", "A1", "A2"], merchant.clock())
        work.commit()
    lanes = [(job.name, job.lane) for job in merchant.all(Job) if job.lane]
    assert lanes == [
        (turns.JOB, f"sync:{row.id}"), (turns.JOB, f"sync:{row.id}"),
        (order_runs.FETCH, "fetch:mall"), (order_runs.FETCH, "fetch:mall"),
    ]  # fmt: skip
