"""B14: the disk of `tidegate run` fills under load: nobody gets a 500, nothing is damaged, and it goes on once there is room."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import fault_merchant
import pytest
import requests
from fault_disk import fill
from fault_postgres import Postgres
from ports import free_port
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from tidegate.bootstrap import open_context
from tidegate.services.accounts import tokens
from tidegate.services.accounts.principals import local_principal
from tidegate.services.backups.copies import check_sqlite, dump_postgres
from tidegate.services.invariants.checks import check
from tidegate.settings import Settings
from tidegate.store.tables import Order

pytestmark = [pytest.mark.faults, pytest.mark.long]
WRITERS, READERS = 4, 2


class Load:
    """Programs that bring orders and people who look, until the end; every answer is kept."""

    def __init__(self, address: str, secret: str) -> None:
        self.address = address
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.kept: set[str] = set()
        self.written: Counter[int] = Counter()
        self.read: Counter[int] = Counter()
        self.kept_at = 0.0
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(WRITERS)]
        self._threads += [threading.Thread(target=self._look) for _ in range(READERS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _write(self, writer: int) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            key = f"W{writer}-{number}"
            answer = requests.post(
                f"{self.address}/api/v1/orders", json=order(key, writer, number),
                headers=self.headers, timeout=60,
            )  # fmt: skip
            with self._lock:
                self.written[answer.status_code] += 1
                if answer.status_code == 201:
                    self.kept.add(key)
                    self.kept_at = time.monotonic()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            answer = requests.get(f"{self.address}/orders", timeout=60)
            with self._lock:
                self.read[answer.status_code] += 1


def order(key: str, writer: int, number: int) -> dict[str, Any]:
    at = "2026-11-17T20:00:00+08:00"
    return {
        "order": {
            "number": key, "channel": "taobao", "shop": "北岸器物", "total": "129.00 CNY",
            "goods_total": "129.00 CNY", "source_status": "to_ship", "ordered_at": at, "paid_at": at,
            "buyer": "b" * 200,
        },
        "payment": {"status": "paid", "method": "online", "paid_total": "129.00 CNY"},
        "recipient": {
            "name": "张三", "phone": f"139{writer}{number:07d}", "province": "浙江省",
            "city": "杭州市", "district": "余杭区", "address": f"文一西路 {writer}{number:05d} 号",
        },
        "items": [{"sku": "KETTLE", "title": "手冲壶", "quantity": 1, "line_total": "129.00 CNY"}],
    }  # fmt: skip


def until(claim: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize("small_disk", ["64m"], indirect=True)
def test_a_disk_that_fills_under_load_damages_nothing(small_disk: Path) -> None:
    """SQLite and the data folder on 64 MB."""
    file = small_disk / "tidegate.db"
    assert filled_under_load(small_disk, f"sqlite:///{file}").kept
    check_sqlite(file)


@pytest.mark.postgres
@pytest.mark.parametrize("small_disk", ["256m"], indirect=True)
def test_a_disk_of_postgres_that_fills_under_load_damages_nothing(
    small_disk: Path, tmp_path: Path, postgres_tools: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's whole folder, its log too, and ours on 256 MB; an empty server takes 40 and a log of 32."""
    monkeypatch.setenv("PATH", f"{postgres_tools}{os.pathsep}{os.environ['PATH']}")
    with a_server(small_disk) as server:
        assert filled_under_load(small_disk, server.url).kept
        every_row = tmp_path / "every.dump"
        dump_postgres(make_url(server.url), every_row)


@contextmanager
def a_server(place: Path) -> Iterator[Postgres]:
    place.chmod(0o755)  # the server runs as a user of its own
    server = Postgres(place)
    try:
        yield server
    finally:
        server.stop()


@pytest.mark.postgres
@pytest.mark.parametrize("small_disk", ["256m"], indirect=True)
def test_a_server_whose_log_has_no_room_is_told_as_away(small_disk: Path) -> None:
    """PostgreSQL stops when there is no room for its log, and does not start before there is: whoever runs it starts it again."""
    with a_server(small_disk) as server, server.kept_up(), at_work(small_disk, server.url) as load:
        until(lambda: len(load.kept) > 50, 300)
        ballast = small_disk / "ballast"
        fill(ballast, small_disk)
        until(lambda: no_more_log(server.url), 120)
        refused, unread = load.written[503], load.read[503]
        until(lambda: load.written[503] > refused + 20 and load.read[503] > unread + 5, 120)
        again = until_it_goes_on(load, ballast)
        print(
            f"stopped and started again; the next order was kept {again:.1f} s after there was room"
        )
        assert set(load.written) <= {201, 503, 507}
        assert set(load.read) <= {200, 503}
    assert load.kept


def no_more_log(url: str) -> bool:
    """Ask the server for another file of its log; whether it is gone over that."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT txid_current()"))
            connection.execute(text("SELECT pg_switch_wal()"))
    except OperationalError:
        return True
    finally:
        engine.dispose()
    return False


def numbers(url: str) -> set[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = set(connection.scalars(select(Order.__table__.c.number)))
    engine.dispose()
    return found


def filled_under_load(disk: Path, url: str) -> Load:
    """Fill the disk of `tidegate run` while others write and read, and make room again; what they were told."""
    with at_work(disk, url) as load:
        until(lambda: len(load.kept) > 100, 300)
        ballast = disk / "ballast"
        fill(ballast, disk)
        until(lambda: load.written[507] > 50, 300)
        looked = load.read[200]
        until(lambda: load.read[200] > looked + 5, 120)
        again = until_it_goes_on(load, ballast)
    print(f"the next order was kept {again:.1f} s after there was room")
    assert set(load.written) <= {201, 503, 507}
    assert set(load.read) == {200}
    return load


def until_it_goes_on(load: Load, ballast: Path) -> float:
    """Make room; seconds until the next order was kept."""
    before = len(load.kept)
    ballast.unlink()
    freed = time.monotonic()
    until(lambda: len(load.kept) > before, 120)
    again = load.kept_at - freed
    until(lambda: len(load.kept) > before + 100, 300)
    return again


@contextmanager
def at_work(disk: Path, url: str) -> Iterator[Load]:
    """`tidegate run` with others writing and reading; killed at the end, and then all invariants must hold."""
    settings = replace(Settings.from_environment(None), data_dir=disk, database_url=url)
    context = open_context(settings, carriers={})
    fault_merchant.furnish(context, 100_000, context.clock())
    secret = tokens.create(context, local_principal(1), "program", "manager", 90, None)
    context.store.close()
    port = free_port()
    environment = {
        **os.environ, "TIDEGATE_DATA_DIR": str(disk), "TIDEGATE_LOG_LEVEL": "ERROR",
        "TIDEGATE_DATABASE_URL": url,
    }  # fmt: skip
    words = [sys.executable, "-m", "tidegate", "run", "--no-open", "--json", "--port", str(port)]
    running = subprocess.Popen(
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    load = Load(address, secret)
    try:
        until(lambda: _answers(address), 120)
        with load:
            yield load
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait(30)
        print(
            f"{len(load.kept)} orders kept, answers to writers {dict(load.written)}, to readers {dict(load.read)}"
        )
    looked_into = open_context(settings, carriers={})
    broken = {one.id: one.offenders for one in check(looked_into) if one.count}
    looked_into.store.close()
    assert broken == {}
    assert load.kept <= numbers(url)


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/healthz", timeout=5).ok
    except requests.RequestException:
        return False
