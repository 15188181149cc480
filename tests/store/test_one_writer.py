"""On SQLite writers stand in line, readers can't write, the log stays short; PostgreSQL has its limits."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError

from tidegate.errors import Unavailable
from tidegate.store import sqlite as one_writer
from tidegate.store.fair_lock import FairLock
from tidegate.store.tables import Shop, Tenant
from tidegate.store.unit_of_work import Store

WRITER = """
import sys
from tidegate.store.tables import Shop
from tidegate.store.unit_of_work import Store, open_engine

store, name, count, how = Store(open_engine(sys.argv[1])), sys.argv[2], int(sys.argv[3]), sys.argv[4]
for n in range(count):
    def write(work, n=n):
        work.add(Shop(channel=name, name=f"{name}{n}"))
        work.session.flush()
    if how == "group":
        store.group(1, write)
    else:
        with store.begin(1) as work:
            write(work)
            work.commit()
    print(n, flush=True)
store.close()
"""


def writer(url: str, name: str, count: int, how: str = "group") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, url, name, str(count), how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def count(store: Store, *where: Any) -> int:
    with store.begin(1, readonly=True) as work:
        return work.session.scalar(select(func.count()).select_from(Shop).where(*where)) or 0


def test_the_line_is_first_come_first_served() -> None:
    lock, order = FairLock(), list[int]()
    assert lock.acquire(1)
    threads = []
    for n in range(8):
        thread = threading.Thread(
            target=lambda n=n: (lock.acquire(10), order.append(n), lock.release())
        )
        thread.start()
        threads.append(thread)
        while len(lock._waiting) <= n:
            time.sleep(0.001)
    lock.release()
    for thread in threads:
        thread.join()
    assert order == list(range(8))
    assert lock.acquire(0.01)
    assert not lock.acquire(0.01)  # nobody else may have it meanwhile
    lock.release()
    assert lock.acquire(0.01)


def test_eight_hands_get_the_same_share(lite: Store) -> None:
    done, stop = [0] * 8, threading.Event()

    def work_on(n: int) -> None:
        while not stop.is_set():
            with lite.begin(1) as work:
                work.session.execute(update(Tenant).where(Tenant.id == 1).values(name=str(n)))
                work.commit()
            done[n] += 1

    threads = [threading.Thread(target=work_on, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert min(done) > 0
    assert max(done) - min(done) <= max(3, 0.2 * max(done)), done


def test_a_turn_that_does_not_come_is_told_as_busy(
    lite: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_writer, "WAIT_S", 0.05)
    with lite.begin(1) as work:
        work.session.execute(update(Tenant).values(name="held"))
        with lite.begin(1) as other, pytest.raises(Unavailable) as told:
            other.session.execute(update(Tenant).values(name="late"))
        assert told.value.code == "store.busy"
        work.commit()
    with lite.begin(1) as work:  # the line is free again
        work.session.execute(update(Tenant).values(name="next"))
        work.commit()


def test_a_failed_transaction_leaves_the_line(lite: Store) -> None:
    for _ in range(3):
        with lite.begin(1) as work:
            work.add(Shop(channel="x", name="same"))
            work.session.flush()
    with lite.begin(1) as work, pytest.raises(OperationalError):
        work.session.execute(text("INSERT INTO nowhere VALUES (1)"))
    assert count(lite) == 0
    lite.group(1, lambda work: work.add(Shop(channel="x", name="same")))
    assert count(lite) == 1


def test_a_reader_can_not_write_whatever_it_says(lite: Store) -> None:
    with (
        lite.begin(1, readonly=True) as work,
        pytest.raises(OperationalError, match="readonly database"),
    ):
        work.session.execute(update(Tenant).values(name="x"))
    with lite.begin(1) as work:  # the same connection, for writing
        work.session.execute(update(Tenant).values(name="y"))
        work.commit()


def fill(store: Store, rounds: int) -> None:
    """400 kB a round; of a page that stays the same SQLite writes nothing."""
    for n in range(rounds):
        with store.begin(1) as work:
            told = chr(97 + n % 26) * 400_000
            work.session.execute(update(Tenant).where(Tenant.id == 1).values(name=told))
            work.commit()


def test_the_log_stays_short_and_starts_over_when_readers_let_it(
    lite: Store, tmp_path: Path
) -> None:
    log = tmp_path / "tidegate.db-wal"
    fill(lite, 60)  # 24 MB
    assert log.stat().st_size < 2 * one_writer.CHECKPOINT_BYTES
    with lite.begin(1, readonly=True) as work:
        work.session.execute(select(Tenant)).all()
        fill(lite, 40)
        assert log.stat().st_size > 2 * one_writer.CHECKPOINT_BYTES  # an open reader needs it
    fill(lite, 30)
    assert log.stat().st_size < 2 * one_writer.CHECKPOINT_BYTES


def test_no_connection_checkpoints_by_itself(lite: Store) -> None:
    with lite.engine.connect() as connection:
        assert connection.execute(text("PRAGMA wal_autocheckpoint")).scalar_one() == 0
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2  # FULL
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"


@pytest.mark.parametrize("how", ["group", "alone"])
def test_another_process_beside_loses_and_delays_nothing(
    open_store: Callable[[str], Store], url: str, how: str
) -> None:
    store = open_store(url)
    others = [writer(url, name, 60, how) for name in ("p", "q")]
    for n in range(60):
        store.group(1, lambda work, n=n: work.add(Shop(channel="here", name=f"{n}")))
    for other in others:
        told, _ = other.communicate(timeout=120)
        assert (other.returncode, len(told.split())) == (0, 60)
    assert count(store) == 180


@pytest.mark.parametrize("how", ["group", "alone"])
def test_what_was_answered_survives_a_kill(
    open_store: Callable[[str], Store], url: str, how: str
) -> None:
    store = open_store(url)
    child = writer(url, "k", 100_000, how)
    assert child.stdout is not None
    told = [child.stdout.readline() for _ in range(40)]
    os.kill(child.pid, signal.SIGKILL)
    told += child.stdout.readlines()
    child.wait()
    child.stdout.close()
    acknowledged = [int(line) for line in told if line.endswith("\n")]
    assert len(acknowledged) >= 40
    assert count(store, Shop.channel == "k") >= len(acknowledged)
    if url.startswith("sqlite"):
        with store.engine.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"


@pytest.mark.postgres
def test_postgres_gives_nobody_for_ever(
    open_store: Callable[[str], Store], postgres_url: str
) -> None:
    store = open_store(postgres_url)
    wanted = {
        "statement_timeout": "2min",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "1min",
        "transaction_isolation": "read committed",
    }
    with store.engine.connect() as connection:
        for name, value in wanted.items():
            assert connection.execute(text(f"SHOW {name}")).scalar_one() == value


@pytest.mark.postgres
def test_a_statement_that_takes_too_long_is_told_as_busy(
    open_store: Callable[[str], Store], postgres_url: str
) -> None:
    store = open_store(postgres_url)
    with store.engine.connect() as connection:
        connection.execute(text("SET statement_timeout = 50"))
        with pytest.raises(Unavailable) as told:
            connection.execute(text("SELECT pg_sleep(5)"))
    assert told.value.code == "store.busy"


@pytest.mark.postgres
def test_a_connection_that_was_cut_is_told_as_away_and_the_next_works(
    open_store: Callable[[str], Store], postgres_url: str
) -> None:
    store = open_store(postgres_url)
    with store.engine.connect() as one, store.engine.connect() as other:
        pid = one.execute(text("SELECT pg_backend_pid()")).scalar_one()
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(Unavailable) as told:
            one.execute(text("SELECT 1"))
    assert told.value.code == "store.away"
    assert store.group(1, lambda work: work.session.scalar(select(func.count(Tenant.id)))) == 2


FIFTY = ",".join(str(n) for n in range(1, 51))
OF_FIFTY = f"SELECT DISTINCT order_id FROM decision WHERE tenant_id = 1 AND order_id IN ({FIFTY})"


def plan_of(store: Store) -> str:
    with store.engine.connect() as connection:
        return str(connection.execute(text(f"EXPLAIN QUERY PLAN {OF_FIFTY}")).all())


def test_a_database_that_has_grown_is_counted_and_finds_fifty_orders_by_their_index(
    lite: Store,
) -> None:
    """Without counts SQLite reads every decision of the tenant: 0.6 s of 75,000."""
    assert "ix_decision_order" not in plan_of(lite)
    columns = "tenant_id, order_id, gate, ruleset_id, ruleset_hash, trigger, verdict, decided_at"
    row = "1, n, 'review', 'r', 'h', 'received', 'none', '2026-11-11'"
    with closing(sqlite3.connect(str(lite.engine.url.database))) as other, other:  # checks no keys
        other.execute(
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000) "
            f"INSERT INTO decision ({columns}, facts, result, applied) "
            f"SELECT {row}, printf('%.300c', '-'), '{{}}', 1 FROM c"
        )
    fill(lite, 12)  # so that somebody checkpoints
    assert "ix_decision_order" in plan_of(lite)
