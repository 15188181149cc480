"""Jushuitan through its protocol server, over HTTP and into a real database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parents[1]))
from conftest import sample

from tidegate.errors import (
    RemoteBroken,
    RemoteCredentials,
    RemoteRefused,
    RemoteRetry,
    RemoteUnknown,
)
from tidegate.sdk.shop import Shipment, ShippedItem
from tidegate.sdk.stage.protocol import GROUP, Fault, HasOrders, HasShipments, HasStock, HasTokens
from tidegate.sdk.values import StockLevel, Window
from tidegate.sdk.window import WindowTooLarge
from tidegate.services.intake import import_orders
from tidegate.store.remote_tables import RemoteCall
from tidegate_connectors.jushuitan.client import signature
from tidegate_platforms.jushuitan import JushuitanServer
from tidegate_platforms.jushuitan.gate import expected

QUERY, SENT = "open.orders.single.query", "open.order.sent.upload"
FREE = "*=1000/1"  # the quoted limits are tried in a test of their own
LONG = "29318475610293847561"
SANDBOX = {
    "app_key": "b0b7d1db226d4216a3d58df9ffa2dde5",
    "access_token": "b7e3b1e24e174593af8ca5c397e53dad",
    "timestamp": "1767225600", "charset": "utf-8", "version": "2",
    "biz": '{"page_index":1,"page_size":20}',
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[JushuitanServer]:
    with JushuitanServer() as running:
        assert isinstance(running, JushuitanServer)
        yield running


@pytest.fixture
def desk(desk_of: Any, server: JushuitanServer) -> Any:
    return desk_of("jushuitan", server, limits=FREE)


def shipment(number: str, waybill: str, *items: ShippedItem, carrier: str = "SF") -> Shipment:
    return Shipment(f"K-{waybill}", number, "P1", carrier, waybill, datetime.now(UTC), items)


def test_the_signature_is_that_of_the_public_sandbox() -> None:
    secret = "99c4cef262f34ca882975a7064de0b87"
    assert signature(SANDBOX, secret) == "4e50813e7e3d6b1a909c3ccd5ad07d0b"
    assert expected({**SANDBOX, "sign": "x"}, secret) == "4e50813e7e3d6b1a909c3ccd5ad07d0b"


def test_an_order_arrives_with_all_that_is_known_of_it(desk: Any, server: JushuitanServer) -> None:
    placed = sample(LONG, buyer_note="请发顺丰 😀", seller_note="老客")
    server.place(placed)
    assert desk.pull().report.created == 1
    order = desk.order(LONG)
    assert (order.channel, order.source_status, order.state) == (
        "jushuitan",
        "to_ship",
        "received",
    )
    assert (order.total_minor, order.paid_total_minor, order.ordered_at) == (
        25820,
        25820,
        placed.created_at,
    )
    assert (order.recipient_kind, order.recipient_phone) == ("plain", "13800138000")
    assert (order.extra["so_id"], order.source_revision) == (f"MALL{LONG}", 17_000_000_001)
    (line,) = desk.lines(LONG)
    assert (line.sku, line.quantity, line.unit_price_minor, line.is_gift) == (
        "KETTLE-BK",
        2,
        12910,
        False,
    )
    assert order.issues == []


def test_a_masked_recipient_stays_masked(desk: Any, server: JushuitanServer) -> None:
    server.place(sample("1", phone="138****8000", name="张**"))
    desk.pull()
    assert desk.order("1").recipient_kind == "masked"


@pytest.mark.parametrize("state", ["Merged", "Split"])
def test_what_lives_on_in_another_order_is_not_shipped(
    desk: Any, server: JushuitanServer, state: str
) -> None:
    server.place(sample("1", raw_state=state))
    desk.pull()
    assert desk.order("1").state == "cancelled"


def test_orders_that_change_while_pages_are_read_are_neither_missed_nor_doubled(
    desk_of: Any, server: JushuitanServer
) -> None:
    desk = desk_of("jushuitan", server, page_size="3", limits=FREE)
    for n in range(13):
        server.place(sample(f"{n + 10}", ago_s=3600 - n * 10))
    changed: list[str] = []

    def change(api: str) -> None:
        if api == QUERY and len(changed) < 5:
            changed.append(f"{len(changed) * 2 + 10}")
            server.place(sample(changed[-1], ago_s=0, seller_note="加急"))

    server.after = change
    desk.pull()
    server.after = None
    later = replace(desk.context, clock=lambda: datetime.now(UTC) + timedelta(seconds=2))
    replace(desk, context=later).pull()
    assert [one.number for one in desk.orders()] == [f"{n + 10}" for n in range(13)]
    assert {one.number for one in desk.orders() if one.seller_memo == "加急"} == set(changed)


def test_past_the_page_cap_the_window_is_to_be_cut(desk_of: Any, server: JushuitanServer) -> None:
    desk = desk_of("jushuitan", server, page_size="1", limits=FREE)
    now = datetime.now(UTC)
    for n in range(801):
        server.orders[str(n)] = {"o_id": n, "modified": _beijing(now), "shop_id": 1}
    with pytest.raises(WindowTooLarge):
        desk.made.pull_orders(Window(now - timedelta(minutes=1), now + timedelta(minutes=1)), "")


def _beijing(at: datetime) -> str:
    return (at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")


def test_versions_of_one_second_are_told_apart(desk: Any, server: JushuitanServer) -> None:
    server.place(sample("1"))
    (old,) = desk.made.fetch_order("1").drafts
    server.place(sample("1", seller_note="新"))  # the same second, the next row version
    desk.pull()
    import_orders(desk.context, [old], source="jushuitan:1")
    assert desk.order("1").seller_memo == "新"


def test_an_expired_token_is_extended_between_pages(desk_of: Any, server: JushuitanServer) -> None:
    desk = desk_of("jushuitan", server, page_size="2", limits=FREE)
    for n in range(5):
        server.place(sample(str(n), ago_s=900 - n))
    seen: list[str] = []

    def expire(api: str) -> None:
        seen.append(api)
        if len(seen) == 2:
            server.expire_tokens()

    server.after = expire
    desk.pull()
    assert len(desk.orders()) == 5
    assert [call.api for call in server.calls].count("openWeb.auth.refreshToken") == 1


def test_an_app_of_ones_own_gets_its_token_by_itself(desk_of: Any, server: JushuitanServer) -> None:
    desk = desk_of("jushuitan", server, access_token="", refresh_token="", limits=FREE)
    assert desk.made.check_credentials() == "北岸器物旗舰店"


def test_a_refused_renewal_waits_for_the_merchant(desk_of: Any, server: JushuitanServer) -> None:
    desk = desk_of(
        "jushuitan", server, authorisation="merchant", refresh_token="stale", limits=FREE
    )
    server.expire_tokens()
    with pytest.raises(RemoteCredentials, match="150"):
        desk.made.check_credentials()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.THROTTLED, RemoteRetry),
        (Fault.BUSY, RemoteRetry),
        (Fault.DOWN, RemoteRetry),
        (Fault.CUT, RemoteRetry),
        (Fault.REFUSED, RemoteRefused),
        (Fault.GARBAGE, RemoteBroken),
    ],
)
def test_each_trouble_is_what_it_is(
    desk: Any, server: JushuitanServer, fault: Fault, error: type[Exception]
) -> None:
    server.fail(fault)
    with pytest.raises(error) as caught:
        desk.made.fetch_order("1")
    assert type(caught.value) is error
    assert "张三" not in str(caught.value)


def test_the_quoted_limit_is_held(desk_of: Any, server: JushuitanServer) -> None:
    desk = desk_of("jushuitan", server)
    for _ in range(5):
        desk.made.check_credentials()
    with pytest.raises(RemoteRetry, match="limit"):  # noqa: PT012
        for _ in range(5):
            desk.made.check_credentials()
    assert all(call.outcome == "done" for call in server.calls)


def test_a_number_is_told_once_whatever_comes_between(desk: Any, server: JushuitanServer) -> None:
    server.place(sample("7"))
    server.fail(Fault.CUT, api=SENT)
    with pytest.raises(RemoteUnknown):
        desk.made.ship(shipment("7", "SF100"))
    assert desk.made.shipped("7", "P1") == "SF100"
    desk.made.ship(shipment("7", "SF100"))
    assert [(one.carrier, one.waybill_no) for one in server.shipped()] == [("SF", "SF100")]
    with pytest.raises(RemoteRefused, match="another number"):
        desk.made.ship(shipment("7", "SF200"))


def test_what_the_erp_does_not_accept_is_not_told_as_done(
    desk: Any, server: JushuitanServer
) -> None:
    server.place(sample("7", state="cancelled"))
    with pytest.raises(RemoteRefused, match="did not accept"):
        desk.made.ship(shipment("7", "SF100"))
    with pytest.raises(RemoteRefused, match="no order 8"):
        desk.made.ship(shipment("8", "SF100"))
    with pytest.raises(RemoteRefused, match="split the order"):
        desk.made.ship(shipment("7", "SF1", ShippedItem("1", "KETTLE-BK", 1)))
    assert server.shipped() == []


def stock_of(desk: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    cursor: str | None = ""
    while cursor is not None:
        page = desk.made.pull_stock(cursor)
        assert not found.keys() & {one.sku for one in page.levels}
        found |= {one.sku: one.available for one in page.levels}
        cursor = page.cursor
    return found


def test_stock_is_pulled_to_the_last_page(desk_of: Any, server: JushuitanServer) -> None:
    desk = desk_of("jushuitan", server, page_size="4", stock_days="20", limits=FREE)
    for n in range(11):
        server.put_stock(f"SKU{n}", n)
    server.inventory["SKU3"] |= {"order_lock": 2, "virtual_qty": 1}
    server.inventory["SKU0"] |= {"order_lock": 9}  # more promised than there is: none to sell
    old = datetime.now(UTC) - timedelta(days=18)
    server.inventory["SKU9"]["modified"] = _beijing(old)
    expected_levels = {f"SKU{n}": n for n in range(11)} | {"SKU3": 2, "SKU0": 0}
    assert stock_of(desk) == expected_levels


def test_counts_leave_as_many_to_sell_as_we_say(desk: Any, server: JushuitanServer) -> None:
    server.put_stock("A", 3)
    server.inventory["A"] |= {"order_lock": 4, "virtual_qty": 1, "qty": 6}
    server.put_stock("B", 0)
    told = desk.made.push_stock([StockLevel("A", 10), StockLevel("X", 5), StockLevel("B", 7)])
    assert [one.code for one in told] == ["", "jushuitan.130", ""]
    assert server.stock() == {"A": 10, "B": 7}
    assert server.inventory["A"]["qty"] == 13
    assert len({one["so_id"] for one in server.counts}) == len(server.counts)


def test_a_count_of_many_goes_by_the_hundred(desk: Any, server: JushuitanServer) -> None:
    for n in range(150):
        server.put_stock(f"S{n:03d}", 0)
    told = desk.made.push_stock([StockLevel(f"S{n:03d}", n) for n in range(150)])
    assert (len(told), {one.code for one in told}) == (150, {""})
    assert server.stock() == {f"S{n:03d}": n for n in range(150)}
    assert [len(one["items"]) for one in server.counts] == [100, 50]


def test_a_clock_that_is_off_works_by_the_platforms_time(
    desk: Any, server: JushuitanServer
) -> None:
    server.skew(1200)
    assert desk.made.check_credentials() == "北岸器物旗舰店"


def test_secrets_and_people_are_in_no_record_of_calls(desk: Any, server: JushuitanServer) -> None:
    server.place(sample("1"))
    desk.pull()
    server.expire_tokens()
    desk.made.check_credentials()
    with desk.context.store.begin(1, readonly=True) as work:
        rows = work.session.scalars(select(RemoteCall)).all()
        kept = "".join(str({c.name: getattr(row, c.name) for c in row.__table__.c}) for row in rows)
    assert len(rows) >= 3
    words = ("sk-jst-canary", "token-1", "refresh-1", "张三", "13800138000", "文三路")
    assert not [word for word in words if word in kept]


def test_the_server_offers_what_a_suite_asks_for(server: JushuitanServer) -> None:
    found = entry_points(group=GROUP)["jushuitan"].load()
    assert found is JushuitanServer
    for wanted in (HasOrders, HasShipments, HasStock, HasTokens):
        assert isinstance(server, wanted)
