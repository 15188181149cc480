"""The job table: at least once, one holder at a time, never forgotten, never twice per tick."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tidegate.jobs import table
from tidegate.services.work import enqueue, enqueue_advance
from tidegate.store.tables import Base, Job, Tenant
from tidegate.store.unit_of_work import Store, open_engine

NOW = datetime(2026, 11, 11, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    engine = open_engine(url)
    Base.metadata.create_all(engine)
    found = Store(engine)
    with found.unscoped() as session:
        session.add_all([Tenant(code=code, name=code, created_at=NOW) for code in ("a", "b")])
        session.commit()
    yield found
    engine.dispose()


def put(store: Store, name: str = "x", count: int = 1, tenant: int = 1, **given: object) -> None:
    with store.begin(tenant) as work:
        for n in range(count):
            args = {"due_at": NOW, "now": NOW, **given}
            enqueue(work, name, {"n": n}, **args)  # type: ignore[arg-type]
        work.commit()


def rows(store: Store, tenant: int = 1) -> list[Job]:
    with store.begin(tenant, readonly=True) as work:
        return list(work.session.scalars(select(Job).order_by(Job.id)))


def test_a_job_is_there_when_its_transaction_commits_and_only_then(store: Store) -> None:
    with store.begin(1) as work:
        enqueue_advance(work, 7, NOW)
    assert rows(store) == []
    with store.begin(1) as work:
        enqueue_advance(work, 7, NOW)
        work.commit()
    assert [(job.name, job.args) for job in rows(store)] == [("advance_order", {"order_id": 7})]


def test_due_jobs_are_claimed_once_oldest_first(store: Store) -> None:
    put(store, count=3)
    put(store, due_at=NOW + timedelta(seconds=1))
    first = table.claim(store, 1, NOW, 2)
    second = table.claim(store, 1, NOW, 2)
    assert [job.args["n"] for job in first + second] == [0, 1, 2]
    assert table.claim(store, 1, NOW, 2) == []
    assert len(table.claim(store, 1, NOW + timedelta(seconds=1), 2)) == 1


def test_eight_workers_share_the_work_without_overlap(store: Store) -> None:
    put(store, count=200)
    taken: list[int] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        while jobs := table.claim(store, 1, NOW, 7):
            taken.extend(job.id for job in jobs)
            table.finish(store, 1, jobs)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 200
    assert {job.state for job in rows(store)} == {"done"}


def test_a_lease_that_ran_out_goes_to_another_and_the_first_cannot_finish(store: Store) -> None:
    put(store)
    (lost,) = table.claim(store, 1, NOW, 1)
    assert table.claim(store, 1, NOW + table.LEASE, 1) == []
    (taken,) = table.claim(store, 1, NOW + table.LEASE + timedelta(seconds=1), 1)
    assert (taken.id, taken.attempt) == (lost.id, 2)
    table.finish(store, 1, [lost])
    table.fail(store, 1, lost, NOW, "late")
    assert rows(store)[0].state == "leased"
    table.finish(store, 1, [taken])
    assert rows(store)[0].state == "done"


def test_failures_wait_longer_each_time_and_end_dead(store: Store) -> None:
    put(store)
    now = NOW
    for attempt in range(1, table.ATTEMPTS + 1):
        (job,) = table.claim(store, 1, now, 1)
        assert job.attempt == attempt
        assert table.fail(store, 1, job, now, "broken") is (attempt == table.ATTEMPTS)
        waited = rows(store)[0].due_at - now
        if attempt < table.ATTEMPTS:
            assert timedelta(seconds=1) <= waited <= timedelta(seconds=2 ** (attempt + 1))
        now += timedelta(hours=1)
    assert (rows(store)[0].state, rows(store)[0].error) == ("dead", "broken")
    assert table.claim(store, 1, now, 1) == []


def test_a_job_that_kills_its_worker_each_time_is_dead_in_the_end(store: Store) -> None:
    put(store)
    now = NOW
    for _ in range(table.ATTEMPTS):
        assert len(table.claim(store, 1, now, 1)) == 1
        now += table.LEASE + timedelta(seconds=1)
    assert table.claim(store, 1, now, 1) == []
    assert (rows(store)[0].state, rows(store)[0].error) == ("dead", "lease_expired")


def test_one_job_waits_per_key_with_the_earlier_time(store: Store) -> None:
    put(store, count=2, key="k", due_at=NOW + timedelta(hours=2))
    put(store, key="k", due_at=NOW + timedelta(hours=1))
    put(store, key="k", due_at=NOW + timedelta(hours=3))
    (job,) = rows(store)
    assert job.due_at == NOW + timedelta(hours=1)


def test_a_change_while_the_job_runs_gets_a_run_of_its_own(store: Store) -> None:
    put(store, key="k")
    (running,) = table.claim(store, 1, NOW, 1)
    put(store, key="k")
    table.finish(store, 1, [running])
    assert [job.state for job in rows(store)] == ["done", "ready"]
    put(store, key="k")
    assert len(rows(store)) == 2


def test_a_tick_comes_once_per_period_whoever_asks(store: Store) -> None:
    start, made = threading.Barrier(6), list[bool]()

    def ask() -> None:
        start.wait()
        made.append(table.tick(store, 1, "pull", NOW, 60))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False] * 5 + [True]
    (job,) = table.claim(store, 1, NOW, 1)
    table.finish(store, 1, [job])
    assert table.tick(store, 1, "pull", NOW + timedelta(seconds=60), 60) is True
    assert len(rows(store)) == 2


def test_a_tick_is_not_repeated_within_its_period_when_it_was_quick(store: Store) -> None:
    assert table.tick(store, 1, "pull", NOW, 60) is True
    (job,) = table.claim(store, 1, NOW, 1)
    table.finish(store, 1, [job])
    assert table.tick(store, 1, "pull", NOW + timedelta(seconds=59), 60) is False


def test_done_jobs_are_forgotten_after_a_while_and_dead_ones_are_not(store: Store) -> None:
    put(store, count=2)
    done, dead = table.claim(store, 1, NOW, 2)
    table.finish(store, 1, [done])
    for _ in range(table.ATTEMPTS):
        table.fail(store, 1, dead, NOW, "x")
    table.sweep(store, 1, NOW + table.KEEP_DONE)
    assert len(rows(store)) == 2
    table.sweep(store, 1, NOW + table.KEEP_DONE + timedelta(seconds=1))
    assert [job.id for job in rows(store)] == [dead.id]


def test_a_tenant_claims_its_own_jobs_only(store: Store) -> None:
    put(store, tenant=2)
    assert table.claim(store, 1, NOW, 9) == []
    assert len(table.claim(store, 2, NOW, 9)) == 1
