"""Keys of new rows on SQLite, given before they are written, so that rows of one table are one statement.

A key that the database gives has to be read back, which SQLAlchemy does row by row on SQLite. But only one
connection writes: from its BEGIN IMMEDIATE on the largest key is known, and what follows it is free.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Integer, Select, Table, event, func, select
from sqlalchemy.orm import Session, sessionmaker

FEWEST = 2  # rows of a table for which it is worth asking


def watch(sessions: sessionmaker[Session]) -> None:
    """Give keys to what these sessions write, where the database is SQLite."""
    event.listen(sessions, "before_flush", _give)


def _give(session: Session, _context: object, _instances: object) -> None:
    if len(session.new) < FEWEST or session.get_bind().dialect.name != "sqlite":
        return
    waiting: dict[Table, list[Any]] = {}
    for row in session.new:
        waiting.setdefault(type(row).__table__, []).append(row)
    for table, rows in waiting.items():
        largest = _largest(table) if len(rows) >= FEWEST else None
        if largest is not None and all(row.id is None for row in rows):
            last = session.connection().execute(largest).scalar() or 0
            for key, row in enumerate(rows, start=last + 1):
                row.id = key


@cache
def _largest(table: Table) -> Select[Any] | None:
    """Asks for the largest key where SQLite itself would give the next one."""
    (key, *more) = table.primary_key.columns
    if more or key.name != "id" or not isinstance(key.type, Integer):
        return None
    return select(func.max(key))
