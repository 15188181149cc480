"""A database server that is there and lets nobody in, as while it restarts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL


@contextmanager
def nobody_connects(url: URL) -> Iterator[None]:
    """The database of this address lets nobody in, and whoever is in goes."""
    name = url.database
    other = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with other.connect() as server:
        server.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
        gone = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"
        server.execute(text(gone), {"name": name})
        try:
            yield
        finally:
            server.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
    other.dispose()
