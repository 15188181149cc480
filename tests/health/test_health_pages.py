"""/healthz, /readyz and /metrics of a real application on a real database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from tidegate.bootstrap import open_context
from tidegate.services.health import readiness
from tidegate.services.work import enqueue
from tidegate.settings import Settings
from tidegate.store.tables import Alert, Shop
from tidegate_web import observing
from tidegate_web.app import create_app

TOKEN = "scrape-me-0123456789"
AWAY = {"REMOTE_ADDR": "10.1.2.3"}


class Shopless:
    """An application of its own, with the clock and the monotonic clock in the test's hand."""

    def __init__(self, url: str, folder: Path) -> None:
        self.now = datetime(2026, 11, 11, 1, 0, tzinfo=UTC)
        self.ticks = 0.0
        settings = replace(Settings.from_environment(None), data_dir=folder, database_url=url)
        self.context = open_context(settings, carriers={}, clock=lambda: self.now)
        self.app: Flask = create_app(
            self.context,
            "k" * 32,
            testing=True,
            allowed_hosts=("shop.example",),
            metrics_token=TOKEN,
        )
        self.app.extensions["readiness"] = readiness.Readiness(self.context, lambda: self.ticks)
        self.client = self.app.test_client()

    def ready(self, query: str = "") -> tuple[int, list[str]]:
        self.ticks += 10
        answer = self.client.get("/readyz" + query)
        return answer.status_code, [found["code"] for found in answer.get_json()["reasons"]]

    def figures(self) -> dict[str, float]:
        """Samples by name and labels as they are written."""
        page = self.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert page.status_code == 200
        lines = [one for one in page.get_data(as_text=True).splitlines() if not one.startswith("#")]
        return {name: float(value) for name, value in (one.rsplit(" ", 1) for one in lines)}

    def execute(self, statement: str) -> None:
        with self.context.store.engine.begin() as connection:
            connection.execute(text(statement))


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[Callable[[str], Shopless]]:
    made: list[Shopless] = []

    def open_one(url: str) -> Shopless:
        made.append(Shopless(url, tmp_path))
        return made[-1]

    yield open_one
    for one in made:
        one.context.store.engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def shop(request: pytest.FixtureRequest, open_shop: Any, migrated_url: Any) -> Shopless:
    made: Shopless = open_shop(migrated_url(request.param))
    return made


def test_alive_is_told_without_the_database(shop: Shopless) -> None:
    shop.execute(
        "DROP TABLE tenant CASCADE"
        if "postgres" in str(shop.context.store.engine.url)
        else "DROP TABLE write_probe"
    )
    answer = shop.client.get("/healthz", headers={"Host": "10.0.0.9:8000"}, environ_overrides=AWAY)
    assert (answer.status_code, answer.get_data(as_text=True)) == (200, "ok\n")


def test_ready_says_each_reason(shop: Shopless, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.ready() == (200, [])
    with shop.context.store.begin(shop.context.tenant_id) as work:
        enqueue(work, "sweep_orders", {}, due_at=shop.now, now=shop.now)
        work.commit()
    shop.now += timedelta(minutes=15)
    assert shop.ready() == (200, [])
    shop.now += timedelta(seconds=1)
    assert shop.ready() == (503, ["jobs.behind"])
    assert shop.ready("?without=jobs.behind") == (200, [])
    shop.execute("UPDATE alembic_version SET version_num = '0001'")
    assert "database.revision" in shop.ready()[1]
    shop.execute("DROP TABLE write_probe")
    assert "database.write" in shop.ready()[1]
    monkeypatch.setattr(readiness, "LEAST_FREE", 1.1)
    assert "disk.full" in shop.ready()[1]
    shop.app.extensions["readiness"].stop()
    assert shop.ready() == (503, ["process.stopping"])


@pytest.mark.postgres
def test_a_database_that_is_gone_is_a_reason_not_an_error(
    open_shop: Any, tmp_path: Path, postgres_databases: Any
) -> None:
    url = postgres_databases.make()
    shop = open_shop(url)
    assert shop.ready() == (200, [])
    postgres_databases.drop(url)
    assert shop.ready() == (503, ["database.unreachable"])
    assert shop.client.get("/healthz").status_code == 200


def test_probes_in_the_same_second_ask_the_database_once(shop: Shopless) -> None:
    assert shop.ready() == (200, [])
    shop.execute("DROP TABLE write_probe")
    assert shop.client.get("/readyz").status_code == 200
    assert shop.ready()[0] == 503


def test_a_wal_that_is_never_checkpointed_is_a_reason(
    open_shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_shop(f"sqlite:///{tmp_path / 'w.db'}")
    assert shop.ready() == (200, [])
    monkeypatch.setattr(readiness, "MOST_WAL_BYTES", 1000)
    assert shop.ready() == (503, ["database.wal"])


def test_figures_are_for_this_machine_or_the_token(shop: Shopless) -> None:
    asked = shop.client.get
    assert asked("/metrics", environ_overrides={"REMOTE_ADDR": "127.0.0.1"}).status_code == 200
    assert asked("/metrics", environ_overrides=AWAY).status_code == 403
    through_proxy = {"X-Forwarded-For": "10.1.2.3"}
    assert asked("/metrics", headers=through_proxy).status_code == 403
    for given, status in ((TOKEN, 200), (TOKEN[:-1], 403), ("", 403)):
        headers = {"Authorization": f"Bearer {given}", "Host": "10.0.0.9:8000"}
        answer = asked("/metrics", headers=headers, environ_overrides=AWAY)
        assert answer.status_code == status, given


def test_figures_count_what_happened(shop: Shopless) -> None:
    context = shop.context
    with context.store.begin(context.tenant_id) as work:
        work.add(Shop(channel="taobao", name="s"))
        enqueue(work, "sweep_orders", {}, due_at=shop.now, now=shop.now)
        enqueue(work, "pull_scans", {}, due_at=shop.now + timedelta(hours=1), now=shop.now)
        work.add(
            Alert(
                subject_key="order:1", kind="no_scan", rule_id="r", severity="critical", desk="warehouse",
                raised_at=shop.now,
            )
        )  # fmt: skip
        work.commit()
    shop.now += timedelta(seconds=90)
    before = shop.figures()
    assert before['tidegate_job_oldest_due_seconds{kind="sweep_orders"}'] == 90
    assert before['tidegate_jobs{kind="sweep_orders",state="due"}'] == 1
    assert not any("pull_scans" in name for name in before if name.startswith("tidegate_jobs{"))
    assert before['tidegate_alerts_open{kind="no_scan",severity="critical"}'] == 1
    assert before["tidegate_effect_oldest_unknown_seconds"] == 0
    assert before["tidegate_database_bytes"] > 10_000
    assert 0 < before["tidegate_disk_free_ratio"] < 1
    assert any(name.startswith("tidegate_rule_version_in_force{") for name in before)
    database = context.store.engine.dialect.name
    assert any(f'database="{database}"' in name for name in before)
    name = 'tidegate_request_seconds_count{endpoint="none",method="GET",status="404"}'
    shop.client.get("/no/such/page")
    assert shop.figures()[name] == before.get(name, 0) + 1


def test_no_label_has_an_address_an_id_or_a_tenant(shop: Shopless) -> None:
    for address in ("/orders/123456", "/orders?phone=13800002291", "/x" * 50, "/labels/9/pdf"):
        shop.client.get(address)
    shop.client.open("/orders", method="MKCOL")
    names = set()
    for sample in shop.figures():
        names |= set(re.findall(r'(\w+)="', sample))
        assert not re.search(r"123456|2291|/x|MKCOL", sample)
    assert names <= {
        "endpoint", "method", "status", "le", "kind", "state", "severity", "gate", "set", "version",
        "database", "source", "connector", "call", "outcome",
    }  # fmt: skip
    assert {"endpoint", "gate", "le"} <= names


def test_every_answer_has_an_id_and_a_strangers_is_not_believed(shop: Shopless) -> None:
    answer = shop.client.get("/healthz", headers={"X-Request-ID": "evil-0123456789"})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-ID"])
    behind = create_app(shop.context, "k" * 32, testing=True, proxies=1)
    for given, kept in (("abc-0123456789", True), ("a\tb" * 5, False), ("x" * 65, False)):
        answer = behind.test_client().get("/healthz", headers={"X-Request-ID": given})
        assert (answer.headers["X-Request-ID"] == given) is kept
    with shop.app.test_request_context("/"):
        assert observing.readiness() is shop.app.extensions["readiness"]
