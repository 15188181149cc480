"""A small shop that went through the real chain, its pages, and a browser to look at them."""

from __future__ import annotations

import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.engine import make_url
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from tidegate.bootstrap import connector, open_context
from tidegate.services import alerts, handover, labels
from tidegate.services.chain import advance_many
from tidegate.services.context import Context
from tidegate.services.demo import demo_feed, feed_step, seed_demo
from tidegate.settings import Settings
from tidegate.store.tables import Order, Parcel, Shop, Tenant
from tidegate_web.app import create_app

START = datetime(2026, 11, 17, 22, 10, tzinfo=UTC)  # 06:10 in Shanghai
ORDERS = 60
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FEWEST_CHECKS = 10
RUN_AXE = """async (tags) => {
  const found = await axe.run(document, {
    runOnly: {type: 'tag', values: tags}, resultTypes: ['violations'],
  });
  return {passes: found.passes.length, violations: found.violations.map(
    v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(' | '))};
}"""


@dataclass
class Clock:
    """The time of the shop; tests move it."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Desk:
    """A context with its clock, pages, and the folder it lives in."""

    context: Context
    clock: Clock
    app: Flask
    folder: Path

    def all(self, table: type[Any], *where: Any) -> list[Any]:
        """Rows of this tenant as they are now."""
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            return list(work.session.scalars(select(table).where(*where).order_by(table.id)))

    def client(self, language: str = "zh") -> Visitor:
        client = self.app.test_client()
        client.set_cookie("tidegate_language", language)
        return Visitor(client)


@dataclass
class Visitor:
    """Somebody without JavaScript: fetches pages, fills in their forms."""

    client: FlaskClient

    def get(self, address: str, **headers: str) -> TestResponse:
        return self.client.get(
            address, buffered=True, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    def post(self, address: str, page: str = "/orders", /, **fields: Any) -> TestResponse:
        """Post with the token that `page` carries."""
        html = self.get(page).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', html) or re.search(
            r'"X-CSRFToken": "([^"]+)"', html
        )
        assert found, f"{page} carries no token"
        return self.client.post(address, data={"csrf_token": found.group(1), **fields})


def make_desk(folder: Path, clock: Clock, carriers: dict[str, Any], url: str) -> Desk:
    settings = replace(
        Settings.from_environment(None),
        data_dir=folder,
        database_url=url,
    )
    context = open_context(settings, carriers=carriers, clock=clock)
    return Desk(context, clock, create_app(context, secret_key="k" * 32, testing=True), folder)


@contextmanager
def sandbox() -> Iterator[Any]:
    """A sandbox carrier of our own, listening on a free port."""
    module = connector("sandbox").load()
    server = module.start_server(secret="s", clock=lambda: START, unix_time=time.time)
    yield module.make_carrier({"url": server.url, "secret": "s"})
    server.stop()


@pytest.fixture(scope="session")
def carrier() -> Iterator[Any]:
    with sandbox() as made:
        yield made


@pytest.fixture(scope="session")
def shop(
    tmp_path_factory: pytest.TempPathFactory, carrier: Any, new_database: Callable[[], str]
) -> Iterator[Desk]:
    """Sixty orders after a morning's work; read only. Waits, alerts, batches and hand-overs included."""
    folder = tmp_path_factory.mktemp("shop")
    desk = make_desk(folder, Clock(), {"sandbox": carrier}, new_database())
    context, clock = desk.context, desk.clock
    seed_demo(context)
    feed = demo_feed(context, ORDERS)
    while feed_step(context, feed):
        clock.now += timedelta(minutes=40)
        advance_many(
            context, [row.id for row in desk.all(Order, Order.state == "received")], "received"
        )
    waiting = [row.id for row in desk.all(Parcel, Parcel.state == "waybill")]
    assert len(waiting) > 20
    clock.now += timedelta(minutes=25)
    labels.print_labels(context, waiting[:16], "local")
    clock.now += timedelta(minutes=30)
    handover.hand_over(context, waiting[:8], "local")
    clock.now += timedelta(hours=3)
    alerts.watch(context, waiting, "time")
    _another_tenant(desk)
    yield desk
    context.store.engine.dispose()


def _another_tenant(desk: Desk) -> None:
    """A stranger's order, held: nobody of our tenant may see or count it."""
    now = desk.clock()
    with desk.context.store.unscoped() as session:
        tenant = Tenant(code="stranger", name="Stranger", created_at=now)
        session.add(tenant)
        session.flush()
        shop = Shop(tenant_id=tenant.id, channel="jd", name="STRANGERSHOP")
        session.add(shop)
        session.flush()
        session.add(
            Order(
                tenant_id=tenant.id, shop_id=shop.id, channel="jd", number="STRANGER-1",
                state="on_hold", state_since=now, currency="CNY", source_hash="x",
                hold_reason="stranger_reason", imported_at=now, updated_at=now, tags=[], issues=[],
                extra={}, edited=[],
            )
        )  # fmt: skip
        session.commit()


@pytest.fixture(scope="session")
def shop_copy(shop: Desk, request: pytest.FixtureRequest, backend: str) -> str:
    """The shop's database as it was when it was made; nobody is connected to it."""
    shop.context.store.engine.dispose()
    if backend == "postgres":
        copied: str = request.getfixturevalue("postgres_databases").make(like=url_of(shop))
        return copied
    target = shop.folder / "copy.db"
    with (
        closing(sqlite3.connect(str(shop.context.store.engine.url.database))) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
    return f"sqlite:///{target}"


def url_of(desk: Desk) -> str:
    return desk.context.store.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def desk(
    shop: Desk,
    shop_copy: str,
    carrier: Any,
    tmp_path: Path,
    backend: str,
    request: pytest.FixtureRequest,
) -> Iterator[Desk]:
    """A copy of the shop to work in."""
    folder = tmp_path / "shop"
    shutil.copytree(shop.folder / "labels", folder / "labels")
    databases = request.getfixturevalue("postgres_databases") if backend == "postgres" else None
    if databases:
        url = databases.make(like=shop_copy)
    else:
        url = f"sqlite:///{folder / 'tidegate.db'}"
        shutil.copyfile(make_url(shop_copy).database or "", folder / "tidegate.db")
    made = make_desk(folder, Clock(shop.clock.now), {"sandbox": carrier}, url)
    yield made
    made.context.store.engine.dispose()
    if databases:
        databases.drop(url)


@pytest.fixture
def empty_desk(tmp_path: Path, chosen_url: str) -> Iterator[Desk]:
    """A shop on its first day: no order, no carrier."""
    made = make_desk(tmp_path / "empty", Clock(), {}, chosen_url)
    yield made
    made.context.store.engine.dispose()


@pytest.fixture
def visitor(shop: Desk) -> Visitor:
    return shop.client()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Desk], str]]:
    """Start the pages of a desk on a free port; the address comes back."""
    running = []

    def start(desk: Desk) -> str:
        server = make_server("127.0.0.1", 0, desk.app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def _chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        import os

        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("Chromium is not installed")
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def browser(_chromium: Any) -> Iterator[Any]:
    """Chromium as installed on this machine; no page of a file's tests stays open to refresh itself for ever."""
    yield _chromium
    for context in _chromium.contexts:
        context.close()


@pytest.fixture(scope="session")
def axe() -> Callable[[Any], list[str]]:
    """What is wrong with a page by WCAG 2.2 AA and good practice; fails where hardly anything could be checked."""
    script = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")

    def violations(page: Any) -> list[str]:
        page.evaluate(script)
        found = page.evaluate(RUN_AXE, AXE_TAGS)
        assert found["passes"] > FEWEST_CHECKS, page.url
        wrong: list[str] = found["violations"]
        return wrong

    return violations


@pytest.fixture
def postgres_desk(postgres_url: str, tmp_path: Path) -> Iterator[Desk]:
    """A dozen orders through the chain on PostgreSQL; their waybill keys are new to this carrier."""
    with sandbox() as carrier:
        made = make_desk(tmp_path / "shop", Clock(), {"sandbox": carrier}, postgres_url)
        seed_demo(made.context)
        feed_step(made.context, demo_feed(made.context, 12))
        made.clock.now += timedelta(hours=5)
        advance_many(made.context, [row.id for row in made.all(Order)], "received")
        labels.print_labels(made.context, None, "local")
        alerts.watch(made.context, [row.id for row in made.all(Parcel)], "time")
        yield made
        made.context.store.engine.dispose()
