"""How many jobs a merchant gets at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from tidegate.bootstrap import open_context
from tidegate.jobs.celery_app import Child
from tidegate.jobs.pace import FIRST, Pace
from tidegate.services.context import Context
from tidegate.services.work import enqueue_advance
from tidegate.settings import Settings
from tidegate.store.tables import Job
from tidegate.store.unit_of_work import Store

KEY = (1, "advance_order")


def after(*turns: tuple[int, float]) -> int:
    pace = Pace()
    for count, took_s in turns:
        pace.ran(KEY, count, took_s)
    return pace.size(KEY, 50)


@pytest.mark.parametrize(
    ("turns", "size"),
    [
        ((), FIRST),
        (((16, 0.1),), 32),  # twofold at most
        (((16, 0.1), (32, 0.2)), 50),  # the kind's own limit
        (((16, 8.0),), 2),  # shrinks at once: 2 take a second
        (((16, 80.0),), 1),  # one always
        (((16, 8.0), (2, 0.02)), 4),  # and grows again
        (((3, 0.01),), FIRST),  # a few that were due say nothing of many
    ],
)
def test_a_turn_is_about_a_second(turns: tuple[tuple[int, float], ...], size: int) -> None:
    assert after(*turns) == size


def test_merchants_and_kinds_have_their_own() -> None:
    pace = Pace()
    pace.ran(KEY, 16, 16.0)
    assert pace.size(KEY, 50) == 1
    assert pace.size((2, "advance_order"), 50) == FIRST
    assert pace.size((1, "alert_wakeup"), 50) == FIRST


def test_a_message_of_many_orders_is_a_turn_and_the_rest_waits_for_the_next(
    tmp_path: Path, store: Store
) -> None:
    settings = replace(
        Settings.from_environment(None), database_url=store.engine.url.render_as_string(hide_password=False), data_dir=tmp_path, log_level="CRITICAL"
    )  # fmt: skip
    context = open_context(settings, carriers={}, migrate=False)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        for order_id in range(1, 51):  # of orders that are gone: nothing to do, yet a turn
            enqueue_advance(work, order_id, now)
        work.commit()
    ids = [job.id for job in jobs(context, "ready")]
    assert len(ids) == 50
    child = Child(settings)
    assert child.run_jobs(ids) == 50
    assert len(jobs(context, "done")) == FIRST
    waiting = jobs(context, "ready")
    assert len(waiting) == 50 - FIRST
    assert {(job.attempts, job.sent_at, job.lease_until) for job in waiting} == {(0, None, None)}
    child.run_jobs(ids)  # quick ones: twice as many the next time
    assert len(jobs(context, "done")) == 3 * FIRST
    child.end()
    context.store.close()


def jobs(context: Context, state: str) -> list[Job]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = select(Job).where(Job.name == "advance_order", Job.state == state)
        return list(work.session.scalars(found.order_by(Job.id)))
