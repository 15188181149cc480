"""A store on either database, with two tenants and a clock of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import func, select

from tidegate.bootstrap import open_context
from tidegate.services.context import Context
from tidegate.services.rulebook import Rulebook
from tidegate.services.work import enqueue
from tidegate.settings import Settings
from tidegate.store.tables import Job, Tenant
from tidegate.store.unit_of_work import Store, open_engine

NOW = datetime(2026, 11, 11, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    found = Store(open_engine(request.getfixturevalue(f"{request.param}_tables_url")))
    with found.unscoped() as session:
        session.add_all([Tenant(code=code, name=code, created_at=NOW) for code in ("a", "b")])
        session.commit()
    yield found
    found.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(store: Store, clock: Clock, tmp_path: Path) -> Context:
    """The first tenant, with nothing but a store and a clock."""
    return Context(store, 1, Rulebook(None), {}, clock, tmp_path)


def rows(store: Store, *where: Any, tenant: int = 1) -> list[Job]:
    with store.begin(tenant, readonly=True) as work:
        return list(work.session.scalars(select(Job).where(*where).order_by(Job.id)))


@dataclass
class Site:
    """A scaled-out installation: PostgreSQL, Redis, and processes as an operator starts them."""

    env: dict[str, str]
    store: Store
    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        """`tidegate <words> --json`, in a group of its own, once it says that it is ready."""
        log = (self.folder / f"{words[0]}-{len(self.started)}.log").open("w")
        process = subprocess.Popen(
            [sys.executable, "-m", "tidegate", *words, "--json"],
            env=self.env | env, stdout=subprocess.PIPE, stderr=log, text=True,
            cwd=self.folder, start_new_session=True,
        )  # fmt: skip
        log.close()
        self.started.append(process)
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("{"), (said, (self.folder / Path(log.name).name).read_text()[-3000:])
        process.ready = json.loads(said)  # type: ignore[attr-defined]
        return process

    def kill(self, process: subprocess.Popen[str], sign: int = signal.SIGKILL) -> None:
        """The process and its children, as when the machine goes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        process.wait(30)

    def put(self, count: int, name: str = "advance_order", **args: object) -> None:
        now = datetime.now(UTC)
        with self.store.begin(1) as work:
            for n in range(count):
                enqueue(work, name, {"order_id": 10**6 + n, **args}, due_at=now, now=now)
            work.commit()

    def count(self, *where: Any) -> int:
        with self.store.begin(1, readonly=True) as work:
            return int(
                work.session.scalar(select(func.count()).select_from(Job).where(*where)) or 0
            )

    def until(self, claim: Callable[[], bool], seconds: float = 60) -> float:
        """Wait for it; the seconds it took."""
        begun = time.monotonic()
        while not claim():
            took = time.monotonic() - begun
            assert took < seconds, f"it did not happen within {seconds} s\n{self.logs()}"
            time.sleep(0.05)
        return time.monotonic() - begun

    def logs(self) -> str:
        return "\n".join(f"{p.name}: {p.read_text()[-1500:]}" for p in self.folder.glob("*.log"))

    def spans(self) -> list[tuple[float, float]]:
        """When each order job was made and when it was done, in the order they were made; seconds since 1970."""
        orders = select(Job).where(Job.name == "advance_order").order_by(Job.id)
        with self.store.begin(1, readonly=True) as work:
            rows = work.session.scalars(orders).all()
        assert {row.state for row in rows} == {"done"}
        return [(row.created_at.timestamp(), row.finished_at.timestamp()) for row in rows]  # type: ignore[union-attr]


@pytest.fixture
def site(migrated_url: Callable[[str], str], redis_url: str, tmp_path: Path) -> Iterator[Site]:
    """Nothing runs yet but the database, at its newest revision, and Redis."""
    postgres_url = migrated_url("postgres")
    env = {
        **os.environ,
        "TIDEGATE_DATABASE_URL": postgres_url,
        "TIDEGATE_REDIS_URL": redis_url,
        "TIDEGATE_DATA_DIR": str(tmp_path),
        "TIDEGATE_LANGUAGE": "en",
        "TIDEGATE_SECRET_KEY": "k" * 32,
    }
    settings = replace(
        Settings.from_environment(None), database_url=postgres_url, data_dir=tmp_path
    )
    context = open_context(settings, carriers={})
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    found = Site(env, context.store, tmp_path)
    yield found
    for process in found.started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()
    context.store.close()
