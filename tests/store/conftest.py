"""An empty store of ours on each database, with two tenants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from tidegate.store.schema import Base
from tidegate.store.tables import Tenant
from tidegate.store.unit_of_work import Store, open_engine

NOW = datetime(2026, 11, 11, tzinfo=UTC)


@pytest.fixture
def open_store() -> Iterator[Callable[[str], Store]]:
    """A store on the database of this address, its tables made when they are missing."""
    opened = []

    def make(url: str) -> Store:
        store = Store(open_engine(url))
        opened.append(store)
        Base.metadata.create_all(store.engine)
        with store.unscoped() as session:
            if session.get(Tenant, 1) is None:
                session.add_all([Tenant(code=code, name=code, created_at=NOW) for code in "ab"])
                session.commit()
        return store

    yield make
    for store in opened:
        store.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """Both databases, one after the other."""
    found: str = request.getfixturevalue(f"{request.param}_tables_url")
    return found


@pytest.fixture
def both(open_store: Callable[[str], Store], url: str) -> Store:
    return open_store(url)


@pytest.fixture
def lite(open_store: Callable[[str], Store], sqlite_tables_url: str) -> Store:
    return open_store(sqlite_tables_url)
