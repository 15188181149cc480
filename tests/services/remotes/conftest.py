"""A tenant with one account on a real database, a clock that tests move, and a server that misbehaves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "sdk" / "http"))
from crooked import Crooked, crooked

from tidegate.sdk.http.sending import Times
from tidegate.services.context import Context
from tidegate.services.remotes.reach import Reach
from tidegate.services.rulebook import Rulebook
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.schema import Base
from tidegate.store.tables import Tenant
from tidegate.store.unit_of_work import Store, open_engine

START = datetime(2026, 11, 11, 1, 0, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def server() -> Iterator[Crooked]:
    with crooked() as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


def open_at(url: str, folder: Path, clock: Clock, trusted: tuple[str, ...]) -> Context:
    engine = open_engine(url)
    Base.metadata.create_all(engine)
    store = Store(engine)
    with store.unscoped() as session:
        session.add_all([Tenant(code=code, name=code, created_at=START) for code in ("a", "b")])
        session.commit()
    reach = Reach(trusted=trusted, times=Times(1.0, 0.4, 1.0))
    return Context(store, 1, Rulebook(None), {}, clock, folder, reach=reach)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def context(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock, server: Crooked
) -> Iterator[Context]:
    url = request.getfixturevalue(f"{request.param}_tables_url")
    found = open_at(url, tmp_path, clock, (f"127.0.0.1:{server.port}",))
    yield found
    found.store.close()


@pytest.fixture
def account_id(context: Context) -> int:
    row = ConnectorAccount(
        code="mall", connector="sandbox", title="Mall", settings={}, changed_by="test",
        created_at=START, updated_at=START,
    )  # fmt: skip
    with context.store.begin(1) as work:
        work.add(row)
        work.commit()
    return row.id
