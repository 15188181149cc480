"""A message is about rows that somebody may be writing to: it is never lost for longer than the writing takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tidegate.bootstrap import open_context
from tidegate.jobs import table
from tidegate.jobs.celery_app import Child
from tidegate.jobs.relay import Relay
from tidegate.jobs.rows import JOB
from tidegate.services.context import Context
from tidegate.services.work import enqueue_advance
from tidegate.settings import Settings
from tidegate.store.tables import Job
from tidegate.store.unit_of_work import Store


@dataclass
class AtOnce:
    """A messenger whose worker is there before `send` returns."""

    context: Context
    claimed: list[int] = field(default_factory=list)

    def send(self, queue: str, ids: Sequence[int]) -> None:
        now = self.context.clock()
        assert all(job.sent_at for job in jobs(self.context) if job.id in ids), "marked before"
        self.claimed += [job.id for job in table.claim_ids(self.context.store, ids, now, worker="")]

    def waiting(self, queue: str) -> int:
        return 0

    def close(self) -> None:
        """Nothing is open."""


class Broken(AtOnce):
    def send(self, queue: str, ids: Sequence[int]) -> None:
        raise ConnectionError


def orders_wait(world: Context, count: int) -> list[int]:
    now = world.clock()
    with world.store.begin(1) as work:
        for order_id in range(1, count + 1):
            enqueue_advance(work, order_id, now)
        work.commit()
    return [job.id for job in jobs(world)]


def jobs(world: Context) -> list[Any]:
    with world.store.begin(1, readonly=True) as work:
        found = select(Job).where(Job.name == "advance_order").order_by(Job.id)
        return list(work.session.scalars(found))


def test_rows_are_marked_and_free_when_a_worker_is_told_of_them(world: Context) -> None:
    ids = orders_wait(world, 70)
    worker = AtOnce(world)
    Relay(world, worker, lease_s=60).round()
    assert sorted(worker.claimed) == ids
    assert {job.state for job in jobs(world)} == {"leased"}


def test_what_could_not_be_sent_counts_as_not_sent(world: Context) -> None:
    orders_wait(world, 3)
    relay = Relay(world, Broken(world), lease_s=60)
    assert relay.round() == 0
    assert [(job.state, job.sent_at) for job in jobs(world)] == [("ready", None)] * 3


@pytest.mark.parametrize(
    "store", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_a_message_that_meets_a_row_in_writing_is_sent_again_at_once(
    store: Store, world: Context, tmp_path: Path
) -> None:
    """Workers pass over rows that somebody holds; the relay would wait until it takes the message for lost."""
    first, second = orders_wait(world, 2)
    with world.store.unscoped() as session:
        session.execute(update(Job).values(sent_at=world.clock()))
        session.commit()
    url = store.engine.url.render_as_string(hide_password=False)
    settings = replace(
        Settings.from_environment(None), database_url=url, data_dir=tmp_path, log_level="CRITICAL"
    )
    open_context(settings, carriers={}, migrate=False).store.close()
    child = Child(settings)
    with store.engine.connect() as writer, ThreadPoolExecutor(1) as pool:
        writer.execute(select(JOB.c.id).where(JOB.c.id == first).with_for_update())
        running = pool.submit(child.run_jobs, [first, second])
        until(lambda: jobs(world)[1].state == "done")
        writer.rollback()
        assert running.result(20) == 1
    assert (jobs(world)[0].state, jobs(world)[0].sent_at) == ("ready", None)
    assert child.run_jobs([first]) == 1
    child.end()


def until(claim: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not claim():
        assert time.monotonic() < end
        time.sleep(0.05)
