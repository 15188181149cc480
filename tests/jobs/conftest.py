"""A store on either database, with two tenants and a clock of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tidegate.services.context import Context
from tidegate.services.rulebook import Rulebook
from tidegate.store.schema import Base
from tidegate.store.tables import Job, Tenant
from tidegate.store.unit_of_work import Store, open_engine

NOW = datetime(2026, 11, 11, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    found = Store(open_engine(url))
    Base.metadata.create_all(found.engine)
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
