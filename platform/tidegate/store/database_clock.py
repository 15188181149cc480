"""The database's clock, in SQL: leases are judged by one clock, however wrong those of the workers are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from tidegate.store.columns import Instant


class database_now(FunctionElement[datetime]):
    """The instant at the database, `after_s` seconds from now."""

    type = Instant()
    inherit_cache = True

    def __init__(self, after_s: float = 0.0) -> None:
        super().__init__(literal(float(after_s)))


@compiles(database_now, "postgresql")
def _on_postgresql(element: database_now, compiler: Any, **more: Any) -> str:
    seconds = compiler.process(element.clauses, **more)
    return f"(clock_timestamp() + make_interval(secs => CAST({seconds} AS double precision)))"


@compiles(database_now, "sqlite")
def _on_sqlite(element: database_now, compiler: Any, **more: Any) -> str:
    """As text with six digits, as SQLAlchemy writes instants there."""
    seconds = compiler.process(element.clauses, **more)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {seconds} || ' seconds')"
