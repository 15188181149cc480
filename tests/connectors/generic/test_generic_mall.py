"""A mall of the open protocol over HTTP: pulled, shipped, stocked, opened, and through every trouble."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from shop_account import ShopAccount, a_shipment, an_order, open_account

from tidegate.errors import (
    RemoteBroken,
    RemoteCredentials,
    RemoteRefused,
    RemoteRetry,
    TidegateError,
)
from tidegate.sdk.discovery import module_of
from tidegate.sdk.shop import ShippedItem
from tidegate.sdk.stage.protocol import Fault, SampleLine
from tidegate.sdk.values import RecipientToken, StockLevel, Window
from tidegate.sdk.webhooks import HookRequest, HookSecret
from tidegate_platforms.generic import GenericServer
from tidegate_platforms.generic.server import PUSH_SECRET, SECRET

AT = datetime.now(UTC).replace(microsecond=123456) - timedelta(minutes=30)
WINDOW = Window(AT - timedelta(hours=1), AT + timedelta(minutes=20))
BIG = "20261111/0000 0000#001?张"  # what a mall may call an order


@pytest.fixture
def server() -> Iterator[GenericServer]:
    made = GenericServer()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def shop(server: GenericServer, sqlite_tables_url: str, tmp_path: Path) -> Iterator[ShopAccount]:
    made = open_account("generic", server, sqlite_tables_url, tmp_path, limits="*=500/1")
    yield made
    made.context.store.close()


def test_an_order_comes_as_it_is(server, shop) -> None:
    night = datetime(2026, 11, 10, 16, 30, tzinfo=UTC)
    server.place(an_order(BIG, AT, created_at=night, currency="JPY", total=Decimal(1290),
                          lines=(SampleLine("CUP-1", "马克杯 ☕", 2, Decimal(645)),)))  # fmt: skip
    (draft,) = shop.pull(WINDOW).drafts
    assert (draft.channel, draft.shop, draft.number) == ("mall", "旗舰店", BIG)
    assert (draft.currency, draft.total_minor) == ("JPY", 1290)
    assert draft.ordered_at == night
    assert (draft.recipient.kind, draft.recipient.name) == ("plain", "张三")
    (line,) = draft.lines
    assert (line.sku, line.quantity, line.unit_price_minor) == ("CUP-1", 2, 645)
    assert draft.issues == ()
    assert shop.connector.fetch_order(BIG).drafts[0] == draft


def test_a_status_nobody_knows_is_flagged_and_the_order_stays(server, shop) -> None:
    server.place(an_order("1", AT, raw_state="on_the_moon"))
    (draft,) = shop.pull(WINDOW).drafts
    assert draft.source_status is None
    assert [(one.field, one.value) for one in draft.issues] == [
        ("order.source_status", "on_the_moon")
    ]


def test_orders_that_change_while_pages_are_read_hide_no_other(server, shop) -> None:
    for n in range(35):
        server.place(an_order(f"N{n:02}", AT - timedelta(seconds=n)))
    seen: list[str] = []
    cursor, moved = "", iter(("N34", "N03"))  # one that was read, one that was not
    while cursor is not None:
        page = shop.connector.pull_orders(WINDOW, cursor)
        seen += [one.number for one in page.drafts]
        cursor = page.cursor
        if number := next(moved, ""):
            server.place(an_order(number, AT, modified_at=WINDOW.end + timedelta(minutes=1)))
    assert len(seen) == len(set(seen))
    assert {f"N{n:02}" for n in range(35)} - set(seen) == {"N03"}
    later = Window(WINDOW.end, WINDOW.end + timedelta(minutes=5))
    assert {one.number for one in shop.pull(later).drafts} == {"N03", "N34"}


def test_many_orders_of_one_instant_are_all_met(server, shop) -> None:
    for n in range(25):
        server.place(an_order(f"E{n:02}", AT))
    assert [one.number for one in shop.pull(WINDOW).drafts] == [f"E{n:02}" for n in range(25)]


def test_window_ends_are_exact_to_the_microsecond(server, shop) -> None:
    server.place(an_order("IN", WINDOW.start))
    server.place(an_order("OUT", WINDOW.end))
    server.place(an_order("LAST", WINDOW.end - timedelta(microseconds=1)))
    assert {one.number for one in shop.pull(WINDOW).drafts} == {"IN", "LAST"}


def test_a_whole_sync_stores_each_once(server, shop) -> None:
    for n in range(23):
        server.place(an_order(f"S{n:02}", AT - timedelta(seconds=60 * n)))
    assert shop.sync().rejected == 0
    assert shop.numbers() == [f"S{n:02}" for n in range(23)]
    assert shop.sync().report.created == 0


def test_a_number_is_told_once_whatever_breaks(server, shop) -> None:
    server.place(an_order(BIG, AT))
    server.fail(Fault.CUT, api="shipments.add")
    with pytest.raises(RemoteRetry):
        shop.connector.ship(a_shipment(BIG))
    shop.connector.ship(a_shipment(BIG))
    (told,) = server.shipped()
    assert (told.order_number, told.carrier, told.waybill_no) == (BIG, "SF", "SF1234567890123")
    assert shop.connector.shipped(BIG, f"{BIG}-P1") == "SF1234567890123"
    with pytest.raises(RemoteRefused) as caught:
        shop.connector.ship(a_shipment(BIG, "SF9", client_key="other"))
    assert caught.value.code == "generic.already_shipped"


def test_an_order_leaves_in_two_parcels(server, shop) -> None:
    lines = (SampleLine("A", "甲", 1, Decimal(5)), SampleLine("B", "乙", 1, Decimal(5)))
    server.place(an_order("7", AT, lines=lines, total=Decimal(10)))
    for n, state in ((1, "part_shipped"), (2, "shipped")):
        one = a_shipment("7", f"SF{n}", client_key=f"7-{n}", parcel_number=f"7-P{n}",
                         items=(ShippedItem(f"7/{n}", "A", 1),))  # fmt: skip
        shop.connector.ship(one)
        shop.connector.ship(one)
        assert shop.connector.fetch_order("7").drafts[0].source_status == state
    assert shop.connector.shipped("7", "7-P2") == "SF2"


def test_a_cancelled_order_is_not_shipped(server, shop) -> None:
    server.place(an_order("1", AT, state="cancelled"))
    with pytest.raises(RemoteRefused) as caught:
        shop.connector.ship(a_shipment("1"))
    assert caught.value.code == "generic.not_shippable"


@pytest.mark.parametrize(
    ("fault", "family"),
    [
        (Fault.THROTTLED, RemoteRetry), (Fault.EXPIRED, RemoteCredentials),
        (Fault.REFUSED, RemoteRefused), (Fault.BUSY, RemoteRetry), (Fault.DOWN, RemoteRetry),
        (Fault.GARBAGE, RemoteBroken), (Fault.CUT, RemoteRetry), (Fault.SLOW, RemoteRetry),
    ],
)  # fmt: skip
def test_each_trouble_has_its_family_and_tells_nothing_personal(
    server, shop, fault, family
) -> None:
    server.place(an_order("1", AT))
    server.fail(fault, api="orders.get", seconds=1.2)
    with pytest.raises(TidegateError) as caught:
        shop.connector.fetch_order("1")
    assert type(caught.value) is family
    told = f"{caught.value!r}{caught.value.texts}{caught.value.fields}{shop.recorded()}"
    assert not [word for word in ("张三", "13800138000", "文三路", SECRET) if word in told]


def test_a_pause_that_the_mall_asks_for_is_kept(server, shop) -> None:
    server.fail(Fault.THROTTLED, api="shop.get")
    with pytest.raises(RemoteRetry) as caught:
        shop.connector.check_credentials()
    assert caught.value.fields["retry_after_s"] == 2.0


def test_a_clock_that_is_off_is_set_by_the_answer(server, shop) -> None:
    server.skew(900)
    try:
        name = shop.connector.check_credentials()
    except RemoteRetry:  # the first answer told the time
        name = shop.connector.check_credentials()
    assert name == "北岸器物"


def test_a_wrong_secret_is_the_accounts_fault(server, sqlite_tables_url, tmp_path) -> None:
    shop = open_account("generic", server, sqlite_tables_url, tmp_path, secret="wrong-secret")
    with pytest.raises(RemoteCredentials) as caught:
        shop.connector.check_credentials()
    assert caught.value.code == "generic.bad_signature"
    assert {one.outcome for one in server.calls} == {"bad_signature"}
    shop.context.store.close()


def test_tokens_stay_tokens_and_are_opened_when_asked(server, shop) -> None:
    server.shop.hidden |= {"1", "2"}
    server.shop.closed.add("2")
    for number in ("1", "2"):
        server.place(an_order(number, AT))
    drafts = shop.pull(WINDOW).drafts
    assert {(one.recipient.kind, one.recipient.name) for one in drafts} == {("token", "张*")}
    tokens = [RecipientToken(one.number, one.extra["recipient.token"]) for one in drafts]
    first, second = shop.connector.open_recipients(tokens)
    assert (first.name, first.phone, first.address) == ("张三", "13800138000", "文三路 1 号")
    assert second is None
    assert "张三" not in shop.recorded()


def test_stock_is_read_page_by_page_and_told_in_absolute_figures(server, shop) -> None:
    for n in range(120):
        server.put_stock(f"K{n:03}", n)
    levels, cursor = [], ""
    while cursor is not None:
        page = shop.connector.pull_stock(cursor)
        levels += page.levels
        cursor = page.cursor
    assert [(one.sku, one.available) for one in levels] == [(f"K{n:03}", n) for n in range(120)]
    wanted = [*(StockLevel(f"K{n:03}", 7) for n in range(120)), StockLevel("GONE", 1)]
    told = shop.connector.push_stock(wanted)
    assert [one.code for one in told] == [""] * 120 + ["generic.unknown_sku"]
    assert set(server.stock().values()) == {7}


def test_a_push_leads_to_the_order(server, shop) -> None:
    server.place(an_order(BIG, AT))
    push = server.order_push(BIG)
    headers = {name.lower(): value for name, value in push.headers.items()}
    request = HookRequest(headers, push.body)
    receiver = module_of("generic").make_receiver()
    receiver.verify(request, [HookSecret("", PUSH_SECRET)], datetime.now(UTC))
    (event,) = receiver.events(request)
    assert (event.kind, event.at, dict(event.payload)) == ("order.changed", AT, {"number": BIG})
    (number,) = receiver.content(event).numbers
    assert shop.connector.fetch_order(number).drafts[0].number == BIG


def test_an_older_copy_never_overwrites_a_newer_one(server, shop) -> None:
    assert shop.keeps_the_newer_copy(server, AT)
