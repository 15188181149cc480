"""A program with a token that brings orders in, on each database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tidegate.bootstrap import open_context
from tidegate.services.accounts import founding, tokens
from tidegate.services.accounts.principals import local_principal
from tidegate.settings import Settings
from tidegate.store.tables import Shop
from tidegate_web.app import create_app


@dataclass
class Program:
    """Something that speaks JSON with a token, to one process of the platform."""

    context: Any
    app: Any
    secret: str
    language: str = "en"

    def __call__(self, path: str, document: Any, **headers: str) -> Any:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Authorization": f"Bearer {self.secret}", "Accept-Language": self.language, **more}
        return self.app.test_client(use_cookies=False).post(
            f"/api/v1{path}", data=data, content_type="application/json", headers=given
        )

    def rows(self, table: type[Any], *where: Any) -> list[Any]:
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            return list(work.session.scalars(select(table).where(*where).order_by(table.id)))

    def with_token(self, role: str, shops: list[int] | None = None) -> Program:
        secret = tokens.create(self.context, local_principal(1), role, role, 90, shops)
        return Program(self.context, self.app, secret, self.language)

    def shop(self, name: str) -> int:
        (found,) = self.rows(Shop, Shop.name == name)
        return int(found.id)


def order(number: str = "A1", **more: Any) -> dict[str, Any]:
    """A paid order of one line, as a shop system would write it."""
    made: dict[str, Any] = {
        "order": {
            "number": number, "channel": "erp", "shop": "北岸器物", "total": "129.00 CNY",
            "goods_total": "129.00 CNY", "source_status": "to_ship",
            "ordered_at": "2026-11-17T20:00:00+08:00", "paid_at": "2026-11-17T20:01:00+08:00",
        },
        "payment": {"status": "paid", "method": "online", "paid_total": "129.00 CNY"},
        "recipient": {
            "name": "张三", "phone": "13800002291", "province": "浙江省", "city": "杭州市",
            "district": "余杭区", "address": "文一西路 969 号",
        },
        "items": [{"sku": "KETTLE", "title": "手冲壶", "quantity": 1, "line_total": "129.00 CNY"}],
    }  # fmt: skip
    for group, values in more.items():
        made[group] = {**made[group], **values} if isinstance(values, dict) else values
    return made


@pytest.fixture
def make_order() -> Callable[..., dict[str, Any]]:
    return order


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> str:
    return migrated_url(request.param)


@pytest.fixture
def open_program(tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    """A process of the platform on this database, and a token; the second shares the first's."""
    made: list[Program] = []

    def make(url: str) -> Program:
        context = _context(tmp_path, url)
        if made:
            secret = made[0].secret
        else:
            founding.create_owner(context, "o@example.com", "Lin", "潮水退去 才知道 2026", "test")
            secret = tokens.create(context, local_principal(1), "erp", "integrator", 90, None)
        program = Program(context, create_app(context, secret_key="k" * 32, testing=True), secret)
        made.append(program)
        return program

    yield make
    for program in made:
        program.context.store.close()


def _context(folder: Path, url: str) -> Any:
    settings = replace(Settings.from_environment(None), data_dir=folder, database_url=url)
    return open_context(settings, carriers={})


@pytest.fixture
def program(open_program: Callable[[str], Program], url: str) -> Program:
    return open_program(url)
