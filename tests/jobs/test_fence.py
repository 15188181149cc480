"""Whoever lost a lease commits nothing: a stopped worker that goes on where it stood changes no row."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy import select, update

from tidegate.jobs import fence, names, rescue, running, table
from tidegate.jobs.leases import Leases
from tidegate.services import job_kinds as kinds
from tidegate.services.context import Context
from tidegate.services.work import enqueue
from tidegate.store.database_clock import database_now
from tidegate.store.job_tables import Schedule
from tidegate.store.tables import Job
from tidegate.store.unit_of_work import Store


def put(context: Context, count: int = 1, name: str = "probe") -> None:
    with context.store.begin(1) as work:
        for n in range(count):
            enqueue(work, name, {"n": n}, due_at=context.clock(), now=context.clock())
        work.commit()


def elsewhere(act: Callable[[], object]) -> None:
    """As in another process: a thread holds no job of this one."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def take_over(store: Store, now) -> list[table.Claimed]:
    """The leases end and somebody else claims everything."""
    with store.unscoped() as session:
        session.execute(
            update(Job).where(Job.state == "leased").values(lease_until=database_now(-1))
        )
        session.commit()
    rescue.rescue(store)
    return table.claim(store, 1, now, 50)


def effects(store: Store) -> list[str]:
    with store.begin(1, readonly=True) as work:
        return list(work.session.scalars(select(Schedule.name).order_by(Schedule.name)))


def states(store: Store) -> list[tuple[str, int]]:
    with store.begin(1, readonly=True) as work:
        found = work.session.scalars(select(Job).where(Job.name == "probe").order_by(Job.id))
        return [(job.state, job.attempts) for job in found]


def leave_a_mark(context: Context, mark: str) -> None:
    with context.store.begin(1) as work:
        work.add(Schedule(name=mark, next_at=context.clock()))
        work.commit()


def test_a_job_whose_lease_was_lost_commits_nothing(
    world: Context, store: Store, monkeypatch
) -> None:
    def slow(context: Context, args) -> None:
        leave_a_mark(context, "before")
        elsewhere(lambda: take_over(store, context.clock()))
        leave_a_mark(context, "after")

    monkeypatch.setitem(names.FUNCTIONS, "probe", slow)
    put(world)
    running.run(world, table.claim(store, 1, world.clock(), 1))
    assert effects(store) == ["before"]
    assert states(store) == [("leased", 2)], "the other one still has it"


def test_a_batch_that_lost_one_job_is_undone_and_the_others_run_alone(
    world: Context, store: Store, monkeypatch
) -> None:
    seen: list[int] = []

    def steal() -> None:
        with store.unscoped() as session:
            session.execute(update(Job).where(Job.args["n"].as_integer() == 1).values(attempts=9))
            session.commit()

    def together(context: Context, many) -> None:
        elsewhere(steal)
        leave_a_mark(context, "batch")

    monkeypatch.setitem(names.FUNCTIONS, "probe", lambda context, args: (
        leave_a_mark(context, f"one {args['n']}"), seen.append(args["n"])
    ))  # fmt: skip
    monkeypatch.setitem(names.BATCHES, "probe", together)
    put(world, 3)
    running.run(world, table.claim(store, 1, world.clock(), 3))
    assert effects(store) == ["one 0", "one 2"]
    assert seen == [0, 2]
    assert states(store) == [("done", 1), ("leased", 9), ("done", 1)]


def test_outside_of_jobs_nothing_is_fenced(world: Context, store: Store) -> None:
    fence.install()
    fence.install()
    leave_a_mark(world, "page")
    assert effects(store) == ["page"]


def test_the_heartbeat_renews_what_is_held_and_only_as_long_as_its_kind_may_take(
    world: Context, store: Store
) -> None:
    at = [0.0]
    leases = Leases(store, 60, monotonic=lambda: at[0])
    put(world, 2)
    jobs = table.claim(store, 1, world.clock(), 2)
    with leases.hold(jobs):
        assert leases.renew() == 0
        with store.unscoped() as session:
            session.execute(update(Job).where(Job.id == jobs[0].id).values(attempts=5))
            session.commit()
        assert leases.renew() == 1, "one of the two is somebody else's by now"
        at[0] = 601.0
        assert leases.renew() == 0, "after ten minutes nobody is asked: the leases end"
    assert leases.release() == 0


def test_a_job_that_is_over_before_its_batch_is_not_called_lost(
    world: Context, store: Store, monkeypatch
) -> None:
    leases, lost = Leases(store), list[int]()
    monkeypatch.setitem(names.FUNCTIONS, "probe", lambda context, args: lost.append(leases.renew()))
    put(world, 3)
    running.run(world, table.claim(store, 1, world.clock(), 3), leases)
    assert states(store) == [("done", 1)] * 3
    assert lost == [0, 0, 0]


def test_what_is_in_hand_when_the_process_ends_is_handed_back(world: Context, store: Store) -> None:
    leases = Leases(store)
    put(world, 2)
    jobs = table.claim(store, 1, world.clock(), 2)
    with leases.hold(jobs[:1]):
        assert leases.release() == 1
    assert states(store) == [("ready", 1), ("leased", 1)]


def test_arguments_of_the_version_before_are_understood_and_older_ones_parked(
    world: Context, store: Store, monkeypatch
) -> None:
    seen: list[object] = []
    kind = kinds.Kind(v=3, older=lambda args: {"number": args["n"]})
    monkeypatch.setitem(kinds.KINDS, "probe", kind)
    monkeypatch.setitem(names.FUNCTIONS, "probe", lambda context, args: seen.append(args))
    put(world, 2)
    with store.unscoped() as session:
        session.execute(update(Job).where(Job.args["n"].as_integer() == 0).values(v=2))
        session.commit()
    with store.unscoped() as session:
        jobs = [
            table.Claimed(row.id, 1, row.name, row.args, 1, row.v)
            for row in session.query(Job).order_by(Job.id)
        ]
        session.execute(update(Job).values(state="leased", attempts=1))
        session.commit()
    running.run(world, jobs)
    assert seen == [{"number": 0}]
    assert states(store) == [("done", 1), ("dead", 1)]
