"""B14: the disk of `tidegate run` fills under load: nobody gets a 500, nothing is damaged, and it goes on once there is room."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import fault_merchant
import pytest
import requests
from fault_disk import fill

from tidegate.bootstrap import open_context
from tidegate.services.accounts import tokens
from tidegate.services.accounts.principals import local_principal
from tidegate.settings import Settings

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


def until(claim: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize("small_disk", ["64m"], indirect=True)
def test_a_disk_that_fills_under_load_damages_nothing(small_disk: Path) -> None:
    settings = replace(
        Settings.from_environment(None), data_dir=small_disk,
        database_url=f"sqlite:///{small_disk / 'tidegate.db'}",
    )  # fmt: skip
    context = open_context(settings, carriers={})
    fault_merchant.furnish(context, 100_000, context.clock())
    secret = tokens.create(context, local_principal(1), "program", "manager", 90, None)
    context.store.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ, "TIDEGATE_DATA_DIR": str(small_disk), "TIDEGATE_LOG_LEVEL": "ERROR",
        "TIDEGATE_DATABASE_URL": settings.database_url,
    }  # fmt: skip
    words = [sys.executable, "-m", "tidegate", "run", "--no-open", "--json", "--port", str(port)]
    running = subprocess.Popen(
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(address), 120)
        with Load(address, secret) as load:
            until(lambda: len(load.kept) > 100, 300)
            ballast = small_disk / "ballast"
            fill(ballast, small_disk)
            until(lambda: load.written[507] > 50, 300)
            looked = load.read[200]
            until(lambda: load.read[200] > looked + 5, 120)
            before = len(load.kept)
            ballast.unlink()
            freed = time.monotonic()
            until(lambda: len(load.kept) > before, 120)
            again = load.kept_at - freed
            until(lambda: len(load.kept) > before + 100, 300)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait(30)
    print(
        f"{len(load.kept)} orders kept, answers to writers {dict(load.written)}, to readers {dict(load.read)}; "
        f"the next order was kept {again:.1f} s after there was room"
    )
    assert set(load.written) <= {201, 503, 507}
    assert set(load.read) == {200}
    with closing(sqlite3.connect(small_disk / "tidegate.db")) as found:
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert found.execute("PRAGMA foreign_key_check").fetchall() == []
        numbers = {number for (number,) in found.execute("SELECT number FROM sales_order")}
    assert load.kept <= numbers


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/healthz", timeout=5).ok
    except requests.RequestException:
        return False
