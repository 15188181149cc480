"""INSERT … ON CONFLICT in the words of the database in use."""

from __future__ import annotations

from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite

Insert = type[postgresql.Insert] | type[sqlite.Insert]
INSERTS: dict[str, Insert] = {"postgresql": postgresql.Insert, "sqlite": sqlite.Insert}


def insert_of(dialect: Dialect) -> Insert:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return INSERTS[dialect.name]
