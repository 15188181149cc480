"""B12: PostgreSQL is killed and started again under load: no acknowledged order is lost, nobody has to help."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from fault_harness import Harness
from fault_history import History, judged
from fault_postgres import Postgres
from fault_remote import FaultServer

pytestmark = [
    pytest.mark.faults, pytest.mark.postgres, pytest.mark.long
]  # fmt: skip
KILLS = 10
ORDERS = 400


def test_ten_kills_of_the_database_lose_nothing(
    tmp_path: Path, remote: FaultServer, postgres: Postgres
) -> None:
    harness = Harness(tmp_path, remote, postgres.url, stock=ORDERS)
    try:
        _under_load(harness, postgres, tmp_path / "acknowledged.log")
    finally:
        harness.close()


def _under_load(harness: Harness, postgres: Postgres, log: Path) -> None:
    case = harness.remote.case("db-killed")
    database = harness.database()
    more: dict[str, Any] = {"pace": 20.0, "began": time.time(), "timeout_s": 1.0}

    def ask(what: str, **others: Any) -> dict[str, Any]:
        return harness.ask(what, database, "db-killed", "A", **more, **others)

    began = time.monotonic()
    back: list[float] = []
    started: list[float] = []
    worker = ask("work", beside=True)["pid"]
    try:
        client = ask("take_in", beside=True, log=str(log), first=1, last=ORDERS, stubborn=True)[
            "pid"
        ]
        for _ in range(KILLS):
            time.sleep(1.0)
            postgres.kill()
            killed = time.monotonic()
            postgres.start()
            started.append(time.monotonic() - killed)
            before = len(log.read_text("ascii").split()) if log.exists() else 0
            while log.exists() and before < ORDERS and time.monotonic() < killed + 60:
                if len(log.read_text("ascii").split()) > before:
                    break  # the next order was acknowledged
                time.sleep(0.05)
            back.append(time.monotonic() - killed)
        assert ask("reap", pid=client)["code"] == 0
        end = time.monotonic() + 300
        while time.monotonic() < end:
            found = ask("export")
            ready = [row for row in found["orders"] if row["state"] == "waybill"]
            if len(ready) == ORDERS:
                break
            time.sleep(1)
    finally:
        os.kill(worker, signal.SIGKILL)
        ask("reap", pid=worker)
    print(
        f"{ORDERS} orders, {KILLS} kills of the database, {time.monotonic() - began:.0f} s; orders were acknowledged "
        f"again {max(back):.1f} s after a kill at most, "
        f"{max(b - s for b, s in zip(back, started, strict=True)):.1f} s after the database was back"
    )
    history = History(
        set(log.read_text("ascii").split()), case.made, case.live(), case.told, found["orders"],
        ORDERS,
    )  # fmt: skip
    assert {name: rows for name, rows in judged(history).items() if rows} == {}
    assert found["broken"] == {}
    assert len(history.acknowledged) == len(ready) == ORDERS
