"""A Shopify shop over HTTP against the protocol server: pulled, fulfilled, stocked, and through every trouble."""

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
    RemoteUnknown,
    RemoteWait,
    TidegateError,
)
from tidegate.sdk.discovery import module_of
from tidegate.sdk.mapping.converters import as_revision
from tidegate.sdk.shop import ShippedItem
from tidegate.sdk.stage.protocol import Fault, SampleLine
from tidegate.sdk.values import StockLevel, Window
from tidegate.sdk.webhooks import HookRequest, HookSecret
from tidegate_platforms.shopify import ShopifyServer
from tidegate_platforms.shopify.server import CLIENT_SECRET, TOKEN
from tidegate_platforms.shopify.shop import line_id

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
WINDOW = Window(AT - timedelta(hours=1), AT + timedelta(minutes=20))
BIG = "82098291194615450812345"


@pytest.fixture
def server() -> Iterator[ShopifyServer]:
    made = ShopifyServer()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def shop(server: ShopifyServer, sqlite_tables_url: str, tmp_path: Path) -> Iterator[ShopAccount]:
    typed = {"grant": "owner", "access_token": TOKEN}
    made = open_account("shopify", server, sqlite_tables_url, tmp_path, **typed)
    yield made
    made.context.store.close()


def test_an_order_comes_as_it_is(server, shop) -> None:
    night = datetime(2026, 11, 10, 16, 30, tzinfo=UTC)
    server.place(an_order(BIG, AT, created_at=night, currency="KWD", total=Decimal("12.345"), buyer_note="🎁",
                          lines=(SampleLine("CUP-1", "Mug ☕", 1, Decimal("12.345")),)))  # fmt: skip
    (draft,) = shop.pull(WINDOW).drafts
    assert (draft.channel, draft.shop, draft.number) == ("shopify", "旗舰店", BIG)
    assert (draft.currency, draft.total_minor, draft.paid_total_minor) == ("KWD", 12345, 12345)
    assert (draft.ordered_at, draft.paid_at, draft.buyer_memo) == (night, night, "🎁")
    assert (draft.source_status, draft.payment_status) == ("to_ship", "paid")
    assert (draft.recipient.kind, draft.recipient.name, draft.recipient.country) == (
        "plain",
        "张三",
        "CN",
    )
    (line,) = draft.lines
    assert (line.sku, line.quantity, line.sub_number) == ("CUP-1", 1, line_id(BIG, 0))
    assert draft.extra == {"name": "#2345", "state": "PAID/UNFULFILLED", "tags": "vip"}
    assert draft.issues == ()
    assert shop.connector.fetch_order(BIG).drafts[0] == draft


@pytest.mark.parametrize(
    "state",
    [
        "unpaid",
        "paid_hold",
        "to_ship",
        "part_shipped",
        "shipped",
        "completed",
        "cancelled",
        "refunded",
    ],
)
def test_states_are_read_by_the_manifest(server, shop, state) -> None:
    server.place(an_order("1", AT, state=state))
    (draft,) = shop.pull(WINDOW).drafts
    assert draft.source_status == state
    assert (draft.paid_at is None) == (state in ("unpaid", "cancelled"))
    assert draft.issues == ()


def test_a_state_nobody_knows_is_flagged_and_the_order_stays(server, shop) -> None:
    server.place(an_order("1", AT, raw_state="PAID/TELEPORTED"))
    (draft,) = shop.pull(WINDOW).drafts
    assert draft.source_status is None
    assert [(one.field, one.value) for one in draft.issues] == [
        ("order.source_status", "PAID/TELEPORTED")
    ]


def test_orders_that_change_while_pages_are_read_hide_no_other(server, shop) -> None:
    for n in range(35):
        server.place(an_order(f"{n:02}", AT - timedelta(seconds=n)))
    seen: list[str] = []
    cursor, moved = "", iter(("34", "03"))  # one that was read, one that was not
    while cursor is not None:
        page = shop.connector.pull_orders(WINDOW, cursor)
        seen += [one.number for one in page.drafts]
        cursor = page.cursor
        if number := next(moved, ""):
            server.place(an_order(number, AT, modified_at=WINDOW.end + timedelta(minutes=1)))
    assert len(seen) == len(set(seen))
    assert {f"{n:02}" for n in range(35)} - set(seen) == {"03"}
    later = Window(WINDOW.end, WINDOW.end + timedelta(minutes=5))
    assert {one.number for one in shop.pull(later).drafts} == {"03", "34"}


def test_an_order_of_many_lines_is_read_to_its_end(server, shop) -> None:
    lines = tuple(SampleLine(f"K{n}", "x", 1, Decimal(1)) for n in range(130))
    server.place(an_order("1", AT, lines=lines, total=Decimal(130)))
    (draft,) = shop.pull(WINDOW).drafts
    assert [one.sku for one in draft.lines] == [f"K{n}" for n in range(130)]


def test_a_whole_sync_stores_each_once(server, shop) -> None:
    for n in range(23):
        server.place(an_order(f"{n:02}", AT - timedelta(seconds=60 * n)))
    assert shop.sync().rejected == 0
    assert shop.numbers() == [f"{n:02}" for n in range(23)]
    assert shop.sync().report.created == 0


def test_a_number_is_told_once_whatever_breaks(server, shop) -> None:
    server.place(an_order("1", AT))
    server.fail(Fault.CUT, api="fulfillments.add")
    with pytest.raises(RemoteUnknown):
        shop.connector.ship(a_shipment("1"))
    assert shop.connector.shipped("1", "1-P1") == "SF1234567890123"
    shop.connector.ship(a_shipment("1"))
    (told,) = server.shipped()
    assert (told.order_number, told.carrier, told.waybill_no) == (
        "1",
        "SF Express",
        "SF1234567890123",
    )
    with pytest.raises(RemoteRefused) as caught:
        shop.connector.ship(a_shipment("1", "SF9"))
    assert caught.value.code == "shopify.nothing_open"


def test_an_order_leaves_in_two_parcels(server, shop) -> None:
    lines = (SampleLine("A", "A", 2, Decimal(5)), SampleLine("B", "B", 1, Decimal(5)))
    server.place(an_order("7", AT, lines=lines, total=Decimal(15)))
    first = a_shipment("7", "SF1", items=(ShippedItem(line_id("7", 0), "A", 1),))
    second = a_shipment(
        "7",
        "SF2",
        items=(ShippedItem(line_id("7", 0), "A", 1), ShippedItem(line_id("7", 1), "B", 1)),
    )
    for one, state in ((first, "part_shipped"), (second, "shipped")):
        shop.connector.ship(one)
        shop.connector.ship(one)
        assert shop.connector.fetch_order("7").drafts[0].source_status == state
    assert [one.waybill_no for one in server.shipped()] == ["SF1", "SF2"]
    assert shop.connector.shipped("7", "7-P1") is None  # two: it can't say whose


def test_a_line_far_down_is_found(server, shop) -> None:
    lines = tuple(SampleLine(f"K{n}", "x", 1, Decimal(1)) for n in range(70))
    server.place(an_order("7", AT, lines=lines, total=Decimal(70)))
    shop.connector.ship(a_shipment("7", "SF1", items=(ShippedItem(line_id("7", 69), "K69", 1),)))
    assert server.shop.held["7"].fulfilled == {line_id("7", 69): 1}
    shop.connector.ship(a_shipment("7", "SF2"))  # without items: all that is open
    assert server.shop.held["7"].gone == "FULFILLED"


def test_more_than_is_open_is_refused_and_nothing_leaves(server, shop) -> None:
    server.place(an_order("7", AT))
    with pytest.raises(RemoteRefused):
        shop.connector.ship(a_shipment("7", items=(ShippedItem(line_id("7", 0), "CUP-1", 3),)))
    assert server.shipped() == []


@pytest.mark.parametrize("state", ["cancelled", "paid_hold", "shipped"])
def test_an_order_that_is_not_open_is_not_shipped(server, shop, state) -> None:
    server.place(an_order("1", AT, state=state))
    with pytest.raises(RemoteRefused):
        shop.connector.ship(a_shipment("1"))


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
    assert not [word for word in ("张三", "13800138000", "文三路", TOKEN) if word in told]


def test_trouble_while_shipping_is_not_taken_for_nothing_done(server, shop) -> None:
    server.place(an_order("1", AT))
    server.fail(Fault.BUSY, api="fulfillments.add")
    with pytest.raises(RemoteUnknown):
        shop.connector.ship(a_shipment("1"))


def test_what_cannot_be_paid_is_not_sent(server, shop) -> None:
    for n in range(15):
        server.place(an_order(f"{n:02}", AT))
    server.points.most = 130.0
    server.points.set_left(130.0)  # a page costs 112 and 100 come back a second
    page = shop.connector.pull_orders(WINDOW, "")
    with pytest.raises(RemoteWait) as caught:
        shop.connector.pull_orders(WINDOW, page.cursor)
    assert caught.value.code == "shopify.points"
    assert 0 < float(str(caught.value.fields["retry_after_s"])) < 1
    assert len(server.calls) == 1
    assert {one.outcome for one in server.calls} == {"done"}


def test_a_throttled_answer_says_when(server, shop) -> None:
    server.points.set_left(12.0)
    with pytest.raises(RemoteRetry) as caught:
        shop.connector.pull_orders(WINDOW, "")
    assert caught.value.code == "shopify.THROTTLED"
    assert 0.8 < float(str(caught.value.fields["retry_after_s"])) < 1.1


def test_an_order_that_is_not_there_is_refused(shop) -> None:
    with pytest.raises(RemoteRefused) as caught:
        shop.connector.fetch_order("404")
    assert caught.value.code == "shopify.NOT_FOUND"


def test_the_shop_tells_its_name(shop) -> None:
    assert shop.connector.check_credentials() == "North Bank"


def test_stock_is_told_in_absolute_figures_to_exact_skus(server, shop) -> None:
    for sku in ("CUP-1", "CUP-10"):
        server.put_stock(sku, 3)
    told = shop.connector.push_stock([StockLevel("CUP-1", 9), StockLevel("GONE", 1)])
    assert [one.code for one in told] == ["", "shopify.unknown_sku"]
    assert server.stock() == {"CUP-1": 9, "CUP-10": 3}


def test_stock_whose_answer_was_lost_is_told_again(server, shop) -> None:
    server.put_stock("CUP-1", 3)
    server.fail(Fault.CUT, api="stock.set")
    with pytest.raises(RemoteRetry):
        shop.connector.push_stock([StockLevel("CUP-1", 9)])
    assert shop.connector.push_stock([StockLevel("CUP-1", 9)])[0].code == ""
    assert server.stock() == {"CUP-1": 9}


def test_stock_of_a_wrong_place_is_refused_by_level(server, sqlite_tables_url, tmp_path) -> None:
    shop = open_account("shopify", server, sqlite_tables_url, tmp_path, location_id="1")
    server.put_stock("CUP-1", 3)
    assert [one.code for one in shop.connector.push_stock([StockLevel("CUP-1", 9)])] == [
        "shopify.userErrors"
    ]
    assert server.stock() == {"CUP-1": 3}
    shop.context.store.close()


def test_a_webhook_leads_to_the_order(server, shop) -> None:
    server.place(an_order(BIG, AT))
    push = server.order_push(BIG)
    request = HookRequest({name.lower(): value for name, value in push.headers.items()}, push.body)
    receiver = module_of("shopify").make_receiver()
    receiver.verify(request, [HookSecret("", CLIENT_SECRET)], AT)
    (event,) = receiver.events(request)
    assert event.at is not None
    assert "张三" not in str(event.payload)
    content = receiver.content(event)
    (number,) = content.numbers
    (draft,) = shop.connector.fetch_order(number).drafts
    assert (draft.number, draft.revision) == (BIG, as_revision(content.changed_at))


def test_an_older_copy_never_overwrites_a_newer_one(server, shop) -> None:
    assert shop.keeps_the_newer_copy(server, AT)
