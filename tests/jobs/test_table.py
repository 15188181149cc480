"""The job table: at least once, one holder at a time, never forgotten, never twice per tick."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from tidegate.jobs import rescue, table
from tidegate.jobs.due import Look, due
from tidegate.services.job_kinds import DEFAULT
from tidegate.services.work import enqueue, enqueue_advance
from tidegate.store.database_clock import database_now
from tidegate.store.tables import Job
from tidegate.store.unit_of_work import Store

NOW = datetime(2026, 11, 11, tzinfo=UTC)


def put(store: Store, name: str = "x", count: int = 1, tenant: int = 1, **given: object) -> None:
    with store.begin(tenant) as work:
        for n in range(count):
            args = {"due_at": NOW, "now": NOW, **given}
            enqueue(work, name, {"n": n}, **args)  # type: ignore[arg-type]
        work.commit()


def rows(store: Store, tenant: int = 1) -> list[Job]:
    with store.begin(tenant, readonly=True) as work:
        return list(work.session.scalars(select(Job).order_by(Job.id)))


def end_leases(store: Store, seconds: float = 1) -> None:
    """As if the database's clock had gone on."""
    with store.unscoped() as session:
        session.execute(
            update(Job).where(Job.state == "leased").values(lease_until=database_now(-seconds))
        )
        session.commit()


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
            table.finish(store, jobs, NOW)

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
    assert rescue.rescue(store) == 0
    end_leases(store)
    assert rescue.rescue(store) == 1
    (taken,) = table.claim(store, 1, NOW, 1)
    assert (taken.id, taken.attempt) == (lost.id, 2)
    table.finish(store, [lost], NOW)
    table.fail(store, lost, NOW, "late")
    table.release(store, [lost])
    assert table.renew(store, [lost, taken]) == {taken.id}
    assert rows(store)[0].state == "leased"
    table.finish(store, [taken], NOW)
    assert (rows(store)[0].state, rows(store)[0].finished_at) == ("done", NOW)


def test_a_lease_is_renewed_by_the_clock_of_the_database(store: Store) -> None:
    put(store, count=2)
    jobs = table.claim(store, 1, NOW, 2)
    end_leases(store)
    assert table.renew(store, jobs[:1], 30) == {jobs[0].id}
    until = rows(store)[0].lease_until
    assert until is not None
    left = (until - datetime.now(UTC)).total_seconds()
    assert 25 < left <= 31, "the worker's clock says NOW, which is another day"
    assert rescue.rescue(store) == 1
    assert [job.state for job in rows(store)] == ["leased", "ready"]


def test_a_lease_of_a_clock_that_was_set_back_is_nobodys(store: Store) -> None:
    put(store, count=2)
    table.claim(store, 1, NOW, 2)
    assert rescue.rescue(store) == 0
    end_leases(store, -rescue.FAR_S - 60)
    assert rescue.rescue(store) == 2


def test_what_a_clock_set_back_made_late_is_pulled_in(store: Store) -> None:
    put(store, due_at=NOW)
    put(store, due_at=NOW + timedelta(minutes=1))
    before = NOW - timedelta(hours=1)
    assert table.claim(store, 1, before, 9) == []
    assert rescue.pull_in(store, before, NOW) == 1
    assert len(table.claim(store, 1, before, 9)) == 1


def test_a_worker_that_ends_hands_back_what_it_holds(store: Store) -> None:
    put(store, count=2)
    (mine,) = table.claim(store, 1, NOW, 1, worker="here:1:1")
    table.claim(store, 1, NOW, 1, worker="here:1:2")
    assert rescue.release_of(store, "here:1:1") == 1
    assert [job.state for job in rows(store)] == ["ready", "leased"]
    table.finish(store, [mine], NOW)
    assert rows(store)[0].state == "ready", "handed back is handed back"
    assert table.claim(store, 1, NOW, 1)[0].attempt == 2


def test_jobs_of_dead_processes_of_this_machine_need_not_wait(store: Store) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    put(store, count=3)
    for worker in (rescue.worker_name(gone.pid), rescue.worker_name(), "elsewhere:1:1"):
        table.claim(store, 1, NOW, 1, worker=worker)
    assert rescue.rescue_of_the_dead(store) == 1
    assert [job.state for job in rows(store)] == ["ready", "leased", "leased"]


def test_failures_wait_longer_each_time_and_end_dead(store: Store) -> None:
    put(store)
    now = NOW
    for attempt in range(1, DEFAULT.attempts + 1):
        (job,) = table.claim(store, 1, now, 1)
        assert job.attempt == attempt
        assert table.fail(store, job, now, "broken") is (attempt == DEFAULT.attempts)
        waited = rows(store)[0].due_at - now
        if attempt < DEFAULT.attempts:
            assert timedelta(seconds=1) <= waited <= timedelta(seconds=2 ** (attempt + 1))
        now += timedelta(hours=1)
    assert (rows(store)[0].state, rows(store)[0].error) == ("dead", "broken")
    assert table.claim(store, 1, now, 1) == []


def test_the_wait_is_the_same_for_the_same_seed_and_never_shorter_than_asked(store: Store) -> None:
    put(store, count=3)
    waits = []
    for job, at_least in zip(table.claim(store, 1, NOW, 3), (0, 0, 90), strict=True):
        table.fail(store, job, NOW, "busy", rng=random.Random(7), at_least_s=at_least)
    waits = [(job.due_at - NOW).total_seconds() for job in rows(store)]
    assert waits[0] == waits[1] == pytest.approx(random.Random(7).uniform(1, 4), abs=1e-5)
    assert waits[2] == 90


def test_a_job_that_kills_its_worker_each_time_is_dead_in_the_end(store: Store) -> None:
    put(store)
    for _ in range(DEFAULT.attempts):
        assert len(table.claim(store, 1, NOW, 1)) == 1
        end_leases(store)
        rescue.rescue(store)
    assert table.claim(store, 1, NOW, 1) == []
    assert (rows(store)[0].state, rows(store)[0].error) == ("dead", rescue.LEASE_ENDED)


def test_a_job_that_was_lost_often_is_claimed_alone(store: Store) -> None:
    put(store, count=3)
    for _ in range(table.ALONE_FROM):
        assert len(table.claim(store, 1, NOW, 3)) == 3
        end_leases(store)
        rescue.rescue(store)
    put(store, count=2)
    assert [len(table.claim(store, 1, NOW, 9)) for _ in range(4)] == [1, 1, 1, 2]


def test_jobs_of_a_kind_nobody_knows_are_parked_after_a_while(store: Store) -> None:
    put(store)
    put(store, "known")
    assert rescue.park_unknown(store, ["known"], NOW + rescue.UNKNOWN_AFTER) == 0
    later = NOW + rescue.UNKNOWN_AFTER + timedelta(seconds=1)
    assert rescue.park_unknown(store, ["known"], later) == 1
    assert [(job.state, job.error) for job in rows(store)] == [
        ("dead", "jobs.kind_unknown"), ("ready", None),
    ]  # fmt: skip


def test_arguments_of_a_newer_version_are_left_to_newer_workers(store: Store) -> None:
    put(store, count=2)
    with store.unscoped() as session:
        session.execute(update(Job).where(Job.args["n"].as_integer() == 0).values(v=2))
        session.commit()
    assert [job.args["n"] for job in table.claim(store, 1, NOW, 9)] == [1]
    assert due(store, ["x"], NOW) == []


def test_what_is_due_is_found_for_all_tenants_at_once(store: Store) -> None:
    put(store, "x", tenant=1)
    put(store, "y", tenant=2, count=3)
    put(store, "z", due_at=NOW + timedelta(seconds=1))
    assert sorted(due(store, ["x", "y", "z"], NOW)) == [(1, "x"), (2, "y")]
    assert due(store, ["x"], NOW - timedelta(seconds=1)) == []
    assert due(store, [], NOW) == []


def test_threads_with_nothing_to_do_share_a_look_until_one_has_worked(store: Store) -> None:
    passed = [0.0]
    look = Look(store, ["x", "y"], lambda: NOW, fresh_s=0.1, monotonic=lambda: passed[0])
    assert look.of(["x"]) == []
    put(store, "x", tenant=1)
    passed[0] = 0.09
    assert look.of(["x"]) == []
    passed[0] = 0.1
    assert (look.of(["x"]), look.of(["y"])) == ([(1, "x")], [])
    put(store, "y", tenant=2)
    assert look.of(["y"]) == []
    look.worked()
    assert look.of(["y"]) == [(2, "y")]


def test_jobs_are_claimed_by_id_once_whoever_asks(store: Store) -> None:
    put(store, count=2)
    put(store, tenant=2)
    ids = [job.id for job in [*rows(store), *rows(store, 2)]]
    first = table.claim_ids(store, ids[1:], NOW, worker="a")
    second = table.claim_ids(store, ids, NOW, worker="b")
    assert [(job.id, job.tenant_id) for job in first + second] == [
        (ids[1], 1), (ids[2], 2), (ids[0], 1),
    ]  # fmt: skip


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
    table.finish(store, [running], NOW)
    assert [job.state for job in rows(store)] == ["done", "ready"]
    put(store, key="k")
    assert len(rows(store)) == 2


def test_a_tenant_claims_its_own_jobs_only(store: Store) -> None:
    put(store, tenant=2)
    assert table.claim(store, 1, NOW, 9) == []
    assert len(table.claim(store, 2, NOW, 9)) == 1


def test_what_is_handed_back_is_as_if_it_had_not_been_claimed(store: Store) -> None:
    put(store, count=3)
    before = [(job.state, job.attempts, job.sent_at) for job in rows(store)]
    mine, *others = table.claim(store, 1, NOW, 3)
    table.hand_back(store, others)
    assert [job.state for job in rows(store)] == ["leased", "ready", "ready"]
    table.finish(store, others, NOW)  # held no more
    assert [(job.state, job.attempts, job.sent_at) for job in rows(store)][1:] == before[1:]
    assert [job.id for job in table.claim(store, 1, NOW, 3)] == [job.id for job in others]
    assert rows(store)[0].attempts == mine.attempt == 1
