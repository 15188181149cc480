"""From the version before to this one with thousands of open jobs: none lost, none run twice, and back again."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, insert, select, text, update

from tidegate.bootstrap import alembic_config
from tidegate.jobs import names, rescue, runner
from tidegate.services.context import Context
from tidegate.services.rulebook import Rulebook
from tidegate.store.tables import Job
from tidegate.store.unit_of_work import Store, open_engine

BEFORE = "0007"
OPEN, HELD = 5_000, 100
OLD_INSERT = text(
    "INSERT INTO job (tenant_id, name, args, state, due_at, lease_until, attempts, created_at)"
    " VALUES (1, 'probe', :args, :state, :at, :until, :attempts, :at)"
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'x.db'}"


def fill(url: str) -> None:
    """As the version before wrote them: most wait, some are held by its workers."""
    now = datetime.now(UTC)
    until = now + timedelta(hours=1)
    if url.startswith("sqlite"):
        now, until = (at.strftime("%Y-%m-%d %H:%M:%S.%f") for at in (now, until))  # type: ignore[assignment]
    waiting = [
        {"args": json.dumps({"n": n}), "state": "ready", "at": now, "until": None, "attempts": 0}
        for n in range(OPEN)
    ]
    held = [
        {
            "args": json.dumps({"n": OPEN + n}),
            "state": "leased",
            "at": now,
            "until": until,
            "attempts": 1,
        }
        for n in range(HELD)
    ]
    engine = create_engine(url)
    with engine.begin() as connection:
        statement = "INSERT INTO tenant (code, name, timezone, currency, created_at) VALUES ('main', 'main', 'Asia/Shanghai', 'CNY', :at)"
        connection.execute(text(statement), {"at": now})
        connection.execute(OLD_INSERT, waiting + held)
    engine.dispose()


def test_open_jobs_survive_the_migration_and_run_once(
    url: str, tmp_path: Path, monkeypatch
) -> None:
    command.upgrade(alembic_config(url), BEFORE)
    fill(url)
    command.upgrade(alembic_config(url), "head")
    store = Store(open_engine(url))
    context = Context(store, 1, Rulebook(None), {}, lambda: datetime.now(UTC), tmp_path)
    ran: Counter[int] = Counter()
    monkeypatch.setitem(names.FUNCTIONS, "probe", lambda _context, args: ran.update([args["n"]]))
    monkeypatch.setitem(
        names.BATCHES, "probe", lambda _context, many: ran.update(args["n"] for args in many)
    )
    assert rescue.rescue(store) == 0
    assert runner.drain(context) == OPEN
    assert ran == Counter(range(OPEN)), "each once; those the old workers hold are theirs"
    with store.unscoped() as session:  # the old version finishes its own, in its own words
        old = update(Job).where(Job.attempts == 1, Job.state == "leased")
        session.execute(old.values(state="done", key=None, lease_until=None, error=None))
        session.commit()
        left = session.scalars(select(Job.state).distinct()).all()
    assert left == ["done"]
    store.close()


def test_the_version_before_understands_what_this_one_wrote(url: str) -> None:
    command.upgrade(alembic_config(url), "head")
    store = Store(open_engine(url))
    now = datetime.now(UTC)
    row = {
        "tenant_id": 1,
        "name": "probe",
        "args": {},
        "due_at": now,
        "attempts": 0,
        "created_at": now,
    }
    with store.unscoped() as session:
        session.execute(
            text(
                "INSERT INTO tenant (code, name, timezone, currency, created_at) VALUES ('main', 'main', 'UTC', 'CNY', CURRENT_TIMESTAMP)"
            )
        )
        session.execute(insert(Job), [{**row, "state": state} for state in ("ready", "dropped")])
        session.commit()
    store.close()
    command.downgrade(alembic_config(url), BEFORE)
    engine = create_engine(url)
    with engine.connect() as connection:
        states = connection.execute(text("SELECT state FROM job ORDER BY id")).scalars().all()
    engine.dispose()
    assert states == ["ready", "done"]
