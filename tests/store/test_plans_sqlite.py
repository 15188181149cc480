"""On SQLite, too, what is asked often does not look through all that waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from tidegate.services.work import Wanted, drop_waiting, enqueue_many, open_keys
from tidegate.store.tables import Job
from tidegate.store.unit_of_work import Store, UnitOfWork

NOW = datetime(2026, 11, 11, tzinfo=UTC)
WAITING = 20_000
KEYS = [f"alert:{n}" for n in range(50)]


@pytest.fixture
def busy(lite: Store) -> Store:
    """Thousands of wake-ups that wait, as many jobs that are over and have no key, and SQLite's own count of them."""
    row = {"tenant_id": 1, "name": "alert_wakeup", "args": {}, "attempts": 0, "created_at": NOW}
    with lite.engine.begin() as connection:
        connection.execute(insert(Job.__table__), [
            {**row, "key": f"alert:{n}", "state": "ready", "due_at": NOW + timedelta(days=1)} for n in range(WAITING)
        ] + [{**row, "key": None, "state": "done", "due_at": NOW} for _ in range(WAITING)])  # fmt: skip
        connection.execute(text("PRAGMA analysis_limit = 400"))
        connection.execute(text("ANALYZE"))
    lite.engine.dispose()  # counts are read when a connection is opened
    return lite


@pytest.mark.parametrize(
    "act",
    [
        lambda work: enqueue_many(work, "alert_wakeup", [Wanted(k, {}, NOW) for k in KEYS], NOW),
        lambda work: drop_waiting(work, KEYS),
        lambda work: open_keys(work, KEYS),
    ],
    ids=["enqueue_many", "drop_waiting", "open_keys"],
)
def test_jobs_of_some_keys_are_found_by_their_keys(
    busy: Store, act: Callable[[UnitOfWork], Any]
) -> None:
    caught: list[tuple[str, Any]] = []

    def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "DELETE")) and not many:
            caught.append((statement, parameters))

    event.listen(busy.engine, "before_cursor_execute", keep)
    with busy.begin(1) as work:
        act(work)
    event.remove(busy.engine, "before_cursor_execute", keep)
    assert caught
    with busy.engine.connect() as connection:
        for statement, parameters in caught:
            plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
            assert "(tenant_id=? AND key=?)" in str(plan), statement
