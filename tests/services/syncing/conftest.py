"""A merchant with accounts at a made-up mall, whose connector is installed as a third party's would be."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parent / "mall"))
from courier_server import CourierServer
from server import MallServer

from tidegate.bootstrap import open_context
from tidegate.jobs import schedules
from tidegate.jobs.runner import drain
from tidegate.services.context import Context
from tidegate.services.remotes import accounts
from tidegate.settings import Settings

START = datetime(2026, 11, 11, 1, 0, tzinfo=UTC)
SECRET = "s3cr3t-canary"


def install(folder: Path) -> None:
    """What `pip install acme-mall` leaves behind, its code apart: a dist-info with the entry points."""
    info = folder / "acme_mall-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-mall\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[tidegate.connectors]\nacme_mall = acme_mall\nacme_courier = acme_courier\n"
    )


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("site")
    install(folder)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    yield folder
    sys.path.remove(str(folder))


@dataclass
class Clock:
    now: datetime = START
    goes_on: float = 0.0  # seconds at each look

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=self.goes_on)
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Merchant:
    context: Context
    clock: Clock
    mall: MallServer

    def account(self, code: str = "mall", mall: MallServer | None = None, **more: Any) -> Any:
        settings = {"url": (mall or self.mall).url, **more.pop("settings", {})}
        return accounts.add(
            self.context, "acme_mall", "lin", code=code, settings=settings,
            secrets={"app_secret": more.pop("secret", SECRET)}, **more,
        )  # fmt: skip

    def place(self, *numbers: str, **more: Any) -> None:
        for number in numbers:
            self.mall.place(number, (self.clock() - timedelta(hours=1)).timestamp(), **more)

    def work(self) -> None:
        """A tick of the clerk, and everything that is due."""
        schedules.tick(self.context)
        drain(self.context)

    def all(self, table: type[Any]) -> list[Any]:
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            return list(work.session.scalars(select(table).order_by(table.id)))


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Merchant]:
    """A merchant on this database, at work until the block ends."""
    clock = Clock()
    with MallServer(SECRET, clock=clock) as mall:
        settings = replace(
            Settings.from_environment(None), data_dir=folder, database_url=url,
            trusted_hosts=("127.0.0.1",),
        )  # fmt: skip
        context = open_context(settings, carriers={}, clock=clock)
        yield Merchant(context, clock, mall)  # type: ignore[arg-type]
        context.store.close()


@pytest.fixture
def merchant(tmp_path: Path, installed: Path, new_database: Any) -> Iterator[Merchant]:
    with opened(new_database(), tmp_path) as made:
        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def both(
    tmp_path: Path, installed: Path, request: pytest.FixtureRequest, migrated_url: Any
) -> Iterator[Merchant]:
    """A merchant on SQLite, then on PostgreSQL."""
    with opened(migrated_url(request.param), tmp_path) as made:
        yield made


@pytest.fixture
def courier() -> Iterator[CourierServer]:
    with CourierServer() as running:
        assert isinstance(running, CourierServer)
        yield running
