"""The runner: works while it runs, keeps ticking, and stops with nothing half done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import func, select

from tidegate.errors import RemoteRetry
from tidegate.jobs import names, runner
from tidegate.sdk.carrier import ScanPage
from tidegate.services.context import Context
from tidegate.services.rulebook import Rulebook
from tidegate.services.work import enqueue, enqueue_advance
from tidegate.store.tables import Base, Job, Tenant
from tidegate.store.unit_of_work import Store, open_engine


class QuietCarrier:
    """Has nothing to tell; counts how often it is asked, and may be slow or down."""

    name = "sandbox"
    asked = 0
    before: Callable[[], None] = staticmethod(lambda: None)

    def scans_since(self, cursor: str) -> ScanPage:
        self.asked += 1
        self.before()
        return ScanPage((), cursor or "0", False)


@pytest.fixture
def context(tmp_path: Path, chosen_url: str) -> Iterator[Context]:
    engine = open_engine(chosen_url)
    Base.metadata.create_all(engine)
    store = Store(engine)
    with store.unscoped() as session:
        session.add(Tenant(code="main", name="main", created_at=datetime.now(UTC)))
        session.commit()
    carriers: dict[str, Any] = {"sandbox": QuietCarrier()}
    yield Context(store, 1, Rulebook(None), carriers, lambda: datetime.now(UTC), tmp_path)
    engine.dispose()


def jobs(context: Context, *where: Any) -> list[Job]:
    with context.store.begin(1, readonly=True) as work:
        return list(work.session.scalars(select(Job).where(*where).order_by(Job.id)))


def until(claim: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_running_runner_does_the_work_and_stops_for_good(context: Context) -> None:
    running = runner.Runner(context)
    running.start()
    with context.store.begin(1) as work:
        for n in range(5):
            enqueue_advance(work, n, context.clock())
        work.commit()
    until(lambda: len(jobs(context, Job.name == "advance_order", Job.state == "done")) == 5)
    until(lambda: context.carriers["sandbox"].asked > 0)  # type: ignore[attr-defined]
    running.stop()
    running.stop()
    with context.store.begin(1) as work:
        enqueue_advance(work, 9, context.clock())
        work.commit()
    time.sleep(1.2)
    assert len(jobs(context, Job.state == "ready", Job.name == "advance_order")) == 1
    assert not [t for t in threading.enumerate() if t.name.startswith("jobs")]


def test_stop_waits_for_the_job_in_hand(context: Context) -> None:
    begun = threading.Event()

    def slow() -> None:
        begun.set()
        time.sleep(1)

    context.carriers["sandbox"].before = slow  # type: ignore[attr-defined]
    running = runner.Runner(context)
    running.start()
    assert begun.wait(10)
    running.stop()
    assert [job.state for job in jobs(context, Job.name == "pull_scans")] == ["done"]


def test_a_slow_carrier_does_not_delay_other_work(context: Context) -> None:
    release = threading.Event()
    context.carriers["sandbox"].before = lambda: (release.wait(20), None)[1]  # type: ignore[attr-defined]
    running = runner.Runner(context)
    running.start()
    until(lambda: context.carriers["sandbox"].asked > 0)  # type: ignore[attr-defined]
    with context.store.begin(1) as work:
        enqueue_advance(work, 1, context.clock())
        work.commit()
    until(lambda: bool(jobs(context, Job.name == "advance_order", Job.state == "done")))
    release.set()
    running.stop()


def test_stop_hands_back_what_takes_too_long(context: Context) -> None:
    begun, release = threading.Event(), threading.Event()

    def hangs() -> None:
        begun.set()
        release.wait(30)

    context.carriers["sandbox"].before = hangs  # type: ignore[attr-defined]
    running = runner.Runner(context, grace_s=0.5)
    running.start()
    assert begun.wait(10)
    started = time.monotonic()
    running.stop()
    assert time.monotonic() - started < 10
    (job,) = jobs(context, Job.name == "pull_scans")
    assert (job.state, job.attempts, job.lease_until) == ("ready", 1, None)
    assert job.due_at <= context.clock(), "it is due at once, for anybody"
    release.set()


def test_a_full_queue_of_slow_work_delays_its_own_kind_only(context: Context) -> None:
    release = threading.Event()
    context.carriers["sandbox"].before = lambda: (release.wait(20), None)[1]  # type: ignore[attr-defined]
    with context.store.begin(1) as work:
        for _ in range(30):
            enqueue(work, "pull_scans", {}, due_at=context.clock(), now=context.clock())
        for name in ("advance_order", "count_rule_hits"):
            args = {"order_id": 1} if name == "advance_order" else {}
            enqueue(work, name, args, due_at=context.clock(), now=context.clock())
        work.commit()
    running = runner.Runner(context)
    running.start()
    until(lambda: not jobs(context, Job.name != "pull_scans", Job.state.in_(("ready", "leased"))))
    assert not jobs(context, Job.name == "pull_scans", Job.state == "done")
    release.set()
    running.stop()


def test_a_failing_job_is_logged_by_its_code_and_tried_again(context: Context) -> None:
    def down() -> None:
        raise RemoteRetry("carrier.unreachable", zh="连不上。", en="Unreachable.")

    context.carriers["sandbox"].before = down  # type: ignore[attr-defined]
    with context.store.begin(1) as work:
        enqueue(work, "pull_scans", {}, due_at=context.clock(), now=context.clock())
        work.commit()
    with structlog.testing.capture_logs() as logs:
        assert runner.drain_once(context) == 1
    (job,) = jobs(context)
    assert (job.state, job.error, job.attempts) == ("ready", "carrier.unreachable", 1)
    (told,) = logs
    assert set(told) == {"event", "log_level", "name", "job_id", "code"}


def test_a_job_of_a_name_nobody_knows_is_parked_and_stops_nothing(context: Context) -> None:
    with context.store.begin(1) as work:
        enqueue(work, "no_such_job", {}, due_at=context.clock(), now=context.clock())
        enqueue_advance(work, 1, context.clock())
        work.commit()
    runner.drain(context)
    states = {job.name: (job.state, job.error) for job in jobs(context)}
    assert states["advance_order"][0] == "done"
    assert states["no_such_job"] == ("dead", "jobs.kind_unknown")


def test_every_job_that_services_enqueue_has_a_function() -> None:
    root = Path(names.__file__).parents[1] / "services"
    told = {
        name
        for path in root.rglob("*.py")
        for name in names_enqueued(path.read_text(encoding="utf-8"))
    }
    assert {"advance_order", "alert_wakeup", "void_waybill", "watch_parcels"} <= told
    assert told | set(names.RECURRING_S) | set(names.DAILY) == set(names.FUNCTIONS)


def names_enqueued(source: str) -> set[str]:
    import ast

    found = set()
    for node in ast.walk(ast.parse(source)):
        called = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and called in ("enqueue", "enqueue_many"):
            name = node.args[1]
            if isinstance(name, ast.Constant):
                found.add(str(name.value))
            else:  # a name that stands elsewhere in the module
                told = {n.value for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant)}
                found |= {str(one) for one in told if one in names.FUNCTIONS}
    return found


def test_two_runners_on_one_database_share_the_work(context: Context) -> None:
    other = replace(context)
    both = [runner.Runner(context), runner.Runner(other)]
    with context.store.begin(1) as work:
        for n in range(120):
            enqueue_advance(work, n, context.clock())
        work.commit()
    for each in both:
        each.start()
    until(lambda: len(jobs(context, Job.name == "advance_order", Job.state == "done")) == 120)
    for each in both:
        each.stop()
    with context.store.begin(1, readonly=True) as work:
        most = work.session.scalar(
            select(func.max(Job.attempts)).where(Job.name == "advance_order")
        )
    assert most == 1
