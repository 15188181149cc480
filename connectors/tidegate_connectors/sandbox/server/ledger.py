"""What the sandbox remembers: waybills, number pools, scans to come and past ones (SQLite).

Nothing personal is kept: of sender and recipient only the region, of the request only its hash.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tidegate.errors import ConfigError

SERIALS = 100_000_000  # eight digits
SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pool (digit INTEGER PRIMARY KEY, issued INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS waybill (
  order_code TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, waybill_no TEXT NOT NULL UNIQUE,
  sort_code TEXT NOT NULL, service TEXT NOT NULL,
  from_province TEXT NOT NULL, from_city TEXT NOT NULL,
  to_province TEXT NOT NULL, to_city TEXT NOT NULL, to_district TEXT NOT NULL,
  created_ms INTEGER NOT NULL, cancelled_ms INTEGER, collected_ms INTEGER,
  creates INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS plan (
  id INTEGER PRIMARY KEY, waybill_no TEXT NOT NULL, position INTEGER NOT NULL,
  due_ms INTEGER NOT NULL, code TEXT NOT NULL, place TEXT NOT NULL, description TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS plan_due ON plan (due_ms);
CREATE INDEX IF NOT EXISTS plan_waybill ON plan (waybill_no);
CREATE TABLE IF NOT EXISTS scan (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, waybill_no TEXT NOT NULL, position INTEGER NOT NULL,
  at_ms INTEGER NOT NULL, code TEXT NOT NULL, place TEXT NOT NULL, description TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS scan_waybill ON scan (waybill_no);
"""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One waybill as the carrier bills it. `creates` counts accepted calls, repeats included."""

    order_code: str
    waybill_no: str
    service: str
    created_at: datetime
    cancelled_at: datetime | None
    collected_at: datetime | None
    creates: int


@dataclass(frozen=True, slots=True)
class PlannedScan:
    position: int
    due_ms: int
    code: str
    place: str
    description: str


class Ledger:
    """One connection behind one lock; a second process on the same file is safe, too."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._connection = _open(path)
        # A new file starts anywhere, so that a lost file does not give its numbers out again.
        first = 0 if path is None else secrets.randbelow(SERIALS * 9 // 10)
        self._keep("id", secrets.token_hex(4))
        self._keep("first_serial", str(first))
        self.id = self._about("id")
        self.first_serial = int(self._about("first_serial"))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Committed when the block ends, rolled back when it raises."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self) -> list[LedgerRow]:
        """Every waybill ever made, in order."""
        with self.transaction() as run:
            found = run.execute("SELECT * FROM waybill ORDER BY rowid").fetchall()
        return [
            LedgerRow(
                row["order_code"],
                row["waybill_no"],
                row["service"],
                from_ms(row["created_ms"]),
                None if row["cancelled_ms"] is None else from_ms(row["cancelled_ms"]),
                None if row["collected_ms"] is None else from_ms(row["collected_ms"]),
                row["creates"],
            )
            for row in found
        ]

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _keep(self, name: str, value: str) -> None:
        self._connection.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (name, value))

    def _about(self, name: str) -> str:
        query = "SELECT value FROM about WHERE name = ?"
        return str(self._connection.execute(query, (name,)).fetchone()["value"])


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(
            str(path or ":memory:"), isolation_level=None, check_same_thread=False, timeout=30
        )
        try:
            connection.row_factory = sqlite3.Row
            if path is not None:
                connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        name = path.name if path else ":memory:"
        raise ConfigError(
            "sandbox.file",
            zh=f"沙箱的记账文件 {name} 打不开或不是它的文件; 请换一个文件, 或移走它。",
            en=f"The sandbox cannot use its file {name}; name another one or move it away.",
            file=name,
        ) from error
    return connection


def draw_serial(run: sqlite3.Connection, digit: int, size: int) -> int | None:
    """The next serial of a pool, counted from 0, or None when all `size` are given out."""
    run.execute("INSERT OR IGNORE INTO pool VALUES (?, 0)", (digit,))
    taken = run.execute(
        "UPDATE pool SET issued = issued + 1 WHERE digit = ? AND issued < ?"
        " RETURNING issued - 1 AS serial",
        (digit, size),
    ).fetchone()
    return None if taken is None else int(taken["serial"])


def plan(run: sqlite3.Connection, waybill_no: str, scans: Iterable[PlannedScan]) -> None:
    """Replace what is still to come for a parcel."""
    run.execute("DELETE FROM plan WHERE waybill_no = ?", (waybill_no,))
    run.executemany(
        "INSERT INTO plan (waybill_no, position, due_ms, code, place, description)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(waybill_no, s.position, s.due_ms, s.code, s.place, s.description) for s in scans],
    )


def let_happen(run: sqlite3.Connection, now_ms: int) -> None:
    """Move what is due from the plan to the log. The log's order never changes afterwards."""
    columns = "waybill_no, position, {}, code, place, description"
    run.execute(
        f"INSERT INTO scan ({columns.format('at_ms')}) "  # noqa: S608  (column names only)
        f"SELECT {columns.format('due_ms')} FROM plan WHERE due_ms <= ? ORDER BY due_ms, id",
        (now_ms,),
    )
    run.execute("DELETE FROM plan WHERE due_ms <= ?", (now_ms,))


def to_ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def from_ms(value: int) -> datetime:
    return datetime.fromtimestamp(value / 1000, UTC)
