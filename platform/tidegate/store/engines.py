"""Engines for the two databases."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from tidegate.store import trouble
from tidegate.store.sqlite import open_sqlite

LOCK_TIMEOUT_S = 10  # longer than a chunk of an import may hold its tenant's lock
IDLE_TIMEOUT_S = 60  # a transaction that does nothing holds locks and keeps vacuum from its work


@dataclass(frozen=True, slots=True)
class Limits:
    """Connections kept and added under load; seconds that one statement may take (PostgreSQL)."""

    pool: int = 16
    overflow: int = 16
    statement_s: int = 120


def open_engine(url: str, limits: Limits | None = None) -> Engine:
    """An engine whose errors never show parameters: they may be personal.

    Full disks, busy databases and lost servers are raised as `Unavailable` (store/trouble.py).
    """
    kept = limits or Limits()
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        in_memory = address.database in (None, "", ":memory:")
        pool = {} if in_memory else {"pool_size": kept.pool, "max_overflow": kept.overflow}
        engine = open_sqlite(url, **pool)
    else:
        engine = create_engine(
            url,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_size=kept.pool,
            max_overflow=kept.overflow,
            hide_parameters=True,
            connect_args={"options": _options(kept)},
        )
    trouble.watch(engine)
    return engine


def _options(limits: Limits) -> str:
    seconds = {
        "statement_timeout": limits.statement_s,
        "lock_timeout": LOCK_TIMEOUT_S,
        "idle_in_transaction_session_timeout": IDLE_TIMEOUT_S,
    }
    return " ".join(f"-c {name}={value}s" for name, value in seconds.items())
