"""SQLite with one writer at a time: write transactions stand in line, and whoever commits checkpoints.

SQLite's own busy handler sleeps and tries again, so under load one writer may starve; and up to 3.51.2 a commit and
a checkpoint of two connections at an unlucky moment can damage the file (https://sqlite.org/wal.html#walresetbug).
Inside a process both are excluded here: a connection that writes holds the line from BEGIN to COMMIT, and the
checkpoint happens before it leaves. Between processes BEGIN IMMEDIATE and the busy timeout keep writes correct.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, create_engine, event

from tidegate.store.fair_lock import FairLock
from tidegate.store.trouble import busy

WAIT_S = 30.0
CHECKPOINT_BYTES = 4 * 1024 * 1024  # of WAL; SQLite's own default is a thousand pages, the same
RESTART_BYTES = 64 * 1024 * 1024  # readers kept the WAL from starting over: wait for them a moment
LEAST_COUNTED_BYTES = 4 * 1024 * 1024  # smaller ones are read quickly either way
COUNTED_ROWS = 400  # of an index
KEPT_BYTES = 1024 * 1024  # what is left of the file when the WAL starts over
READERS_WAIT_MS = 200
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={int(WAIT_S * 1000)}",
    "wal_autocheckpoint=0",
    f"journal_size_limit={KEPT_BYTES}",
)


class Line:
    """Where the writers of one database stand in line, and what its WAL has grown to."""

    def __init__(self, database: str | None) -> None:
        self._lock = FairLock()
        self._wal = Path(f"{database}-wal") if database and database != ":memory:" else None
        self._file = Path(database) if self._wal is not None and database else None
        self._tried_at = 0
        self._counted_at = 0

    def enter(self) -> None:
        """Wait for one's turn to write.

        Raises:
            Unavailable: it did not come in WAIT_S seconds.
        """
        if not self._lock.acquire(WAIT_S):
            raise busy()

    def leave(self) -> None:
        self._lock.release()

    @property
    def busy(self) -> bool:
        """Whether somebody writes just now."""
        return self._lock.held

    def wal_bytes(self) -> int:
        """Size of the write-ahead log; 0 where there is none."""
        if self._wal is None:
            return 0
        try:
            return os.stat(self._wal).st_size
        except FileNotFoundError:
            return 0

    def checkpoint(self, connection: sqlite3.Connection) -> None:
        """Move the WAL into the database when it is long enough; the caller has its turn."""
        size = self.wal_bytes()
        if size < self._tried_at:
            self._tried_at = 0  # it started over
        if size < self._tried_at + CHECKPOINT_BYTES:
            return
        self._tried_at = size
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        if size >= RESTART_BYTES:
            connection.execute(f"PRAGMA busy_timeout={READERS_WAIT_MS}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute(f"PRAGMA busy_timeout={int(WAIT_S * 1000)}")
        self.count(connection)

    def count(self, connection: sqlite3.Connection) -> None:
        """Let SQLite count its tables each time that the file has doubled; the caller has its turn.

        Without counts it takes every row of a tenant where an index would find the fifty orders asked for. A sample of
        each index tells enough: 35 ms at 300 MB.
        """
        size = self._file.stat().st_size if self._file is not None and self._file.exists() else 0
        if size < max(2 * self._counted_at, LEAST_COUNTED_BYTES):
            return
        try:
            connection.execute(f"PRAGMA analysis_limit={COUNTED_ROWS}")
            connection.execute("ANALYZE")
        except sqlite3.OperationalError:
            return  # another process writes: next time
        self._counted_at = size


class Connection(sqlite3.Connection):
    """Holds the line while it writes; refuses to write while it reads."""

    line: Line
    _writing = False
    _query_only = False

    def may_write(self, wanted: bool) -> None:
        if self._query_only is wanted:
            self._query_only = not wanted
            self.execute(f"PRAGMA query_only={'OFF' if wanted else 'ON'}")

    def enter(self) -> None:
        self.line.enter()
        self._writing = True

    def commit(self) -> None:
        try:
            super().commit()
            if self._writing:
                self.line.checkpoint(self)
        finally:
            self.leave()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self.leave()

    def close(self) -> None:
        super().close()
        if self._writing:
            self._writing = False
            self.line.leave()

    def leave(self) -> None:
        """Let the next one write, unless the transaction is still open (a COMMIT that failed)."""
        if self._writing and not self.in_transaction:
            self._writing = False
            self.line.leave()


_LINES: WeakKeyDictionary[Engine, Line] = WeakKeyDictionary()


def is_busy(engine: Engine) -> bool:
    """Whether somebody of this process writes just now; False for databases where writers don't stand in line."""
    line = _LINES.get(engine)
    return line is not None and line.busy


def open_sqlite(url: str, **pool: Any) -> Engine:
    """An engine with WAL, FULL sync, foreign keys and a line for its writers."""
    engine = create_engine(
        url, connect_args={"timeout": WAIT_S, "factory": Connection}, hide_parameters=True, **pool
    )
    line = _LINES[engine] = Line(engine.url.database)

    @event.listens_for(engine, "connect")
    def _set_up(raw: Connection, _record: object) -> None:
        raw.line = line
        raw.isolation_level = None  # we say BEGIN ourselves, below
        for pragma in PRAGMAS:
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A deferred transaction that reads first and writes later fails with "database is locked" under load.
        raw = connection.connection.dbapi_connection
        if connection.get_execution_options().get("readonly", False):
            raw.may_write(False)
            connection.exec_driver_sql("BEGIN")
            return
        raw.enter()
        try:
            raw.may_write(True)
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            raw.leave()
            raise

    return engine
