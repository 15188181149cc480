"""Pushes of each shop through the real door: proven, kept once, nothing personal kept; a forged one leaves a count."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parent))
from shop_account import an_order

from tidegate.bootstrap import open_receivers
from tidegate.sdk.stage.protocol import SignedPush
from tidegate.sdk.webhooks import HookRefused, HookRequest
from tidegate.services.context import Context
from tidegate.services.hooks import addresses
from tidegate.services.hooks.receiving import receive
from tidegate.services.rulebook import Rulebook
from tidegate.store.tables import Tenant
from tidegate.store.unit_of_work import Store, open_engine
from tidegate.store.webhook_tables import HookMessage
from tidegate_platforms.douyin import DouyinServer
from tidegate_platforms.douyin.server import APP_KEY, APP_SECRET
from tidegate_platforms.generic import GenericServer
from tidegate_platforms.generic.server import PUSH_SECRET
from tidegate_platforms.shopify import ShopifyServer
from tidegate_platforms.shopify.server import CLIENT_SECRET
from tidegate_platforms.woocommerce import WooServer
from tidegate_platforms.woocommerce.server import HOOK_SECRET

SHOPS: dict[str, tuple[type[Any], str, str]] = {
    "douyin": (DouyinServer, APP_SECRET, APP_KEY),
    "generic": (GenericServer, PUSH_SECRET, ""),
    "shopify": (ShopifyServer, CLIENT_SECRET, ""),
    "woocommerce": (WooServer, HOOK_SECRET, ""),
}
NUMBER = "820982911946154508"


@dataclass
class Door:
    context: Context
    found: addresses.Door

    def knock(self, push: SignedPush) -> int:
        headers = {name.lower(): value for name, value in push.headers.items()}
        return receive(self.context, self.found, HookRequest(headers, push.body)).status

    def kept(self) -> list[HookMessage]:
        with self.context.store.begin(1, readonly=True) as work:
            return list(work.session.scalars(select(HookMessage)))


@pytest.fixture(params=sorted(SHOPS))
def pushed(
    request: pytest.FixtureRequest, sqlite_tables_url: str, tmp_path: Path
) -> Iterator[tuple[Door, SignedPush]]:
    made, secret, account = SHOPS[request.param]
    store, now = Store(open_engine(sqlite_tables_url)), datetime.now(UTC)
    with store.unscoped() as session:
        session.add(Tenant(code="a", name="a", created_at=now))
        session.commit()
    context = Context(
        store, 1, Rulebook(None), {}, lambda: datetime.now(UTC), tmp_path,
        receivers=open_receivers(),
    )  # fmt: skip
    addresses.create(context, request.param, "店铺", "test", secret=secret, secret_account=account)
    (address,) = addresses.addresses(context)
    found = addresses.find_door(context, request.param, address.path.rpartition("/")[2])
    assert found is not None
    server = made()
    server.place(an_order(NUMBER, now))
    yield Door(context, found), server.order_push(NUMBER)
    store.close()


def test_a_push_is_kept_once_and_names_the_order(pushed: tuple[Door, SignedPush]) -> None:
    door, push = pushed
    assert [door.knock(push), door.knock(push)] == [200, 200]
    (message,) = door.kept()
    assert (message.repeats, message.state) == (1, "waiting")
    payload = door.context.box.open(message.payload or "")
    assert payload["number"] == NUMBER
    assert not [word for word in ("张三", "13800138000", "文三路") if word in str(payload)]


def test_a_forged_push_leaves_a_count(pushed: tuple[Door, SignedPush]) -> None:
    door, push = pushed
    with pytest.raises(HookRefused):
        door.knock(replace(push, body=push.body.replace(b"8", b"9")))
    assert door.kept() == []
    (address,) = addresses.addresses(door.context)
    assert (address.refused, address.refused_code) == (1, "bad_signature")
