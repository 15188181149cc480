"""A WooCommerce shop over HTTP against the protocol server: pulled, told, stocked, pushed, and through every trouble."""

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
from tidegate.sdk.mapping.converters import as_revision
from tidegate.sdk.shop import ShippedItem
from tidegate.sdk.stage.protocol import Fault, SampleLine
from tidegate.sdk.values import StockLevel, Window
from tidegate.sdk.webhooks import HookRefused, HookRequest, HookSecret
from tidegate_connectors.woocommerce.orders import prepared
from tidegate_connectors.woocommerce.regions import PROVINCES, province
from tidegate_platforms.woocommerce import WooServer
from tidegate_platforms.woocommerce.server import HOOK_SECRET, KEY, SECRET

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
WINDOW = Window(AT - timedelta(hours=1), AT + timedelta(minutes=20))
BODY, SIGNED = (
    b'{"id":820982911946154508,"name":"#9999"}',
    "sCq6XjBEEyUSETefnjEXvOW86XGbtID+BEsIKQiszqs=",
)


@pytest.fixture
def server() -> Iterator[WooServer]:
    made = WooServer()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def shop(server: WooServer, sqlite_tables_url: str, tmp_path: Path) -> Iterator[ShopAccount]:
    made = open_account(
        "woocommerce", server, sqlite_tables_url, tmp_path, timezone="Asia/Shanghai"
    )
    yield made
    made.context.store.close()


@pytest.mark.parametrize(
    ("status", "method", "paid_at", "wanted"),
    [
        ("processing", "alipay", "2026-11-11T01:00:00", "paid"),
        ("processing", "bacs", "", "paid"),
        ("processing", "cod", "", "unpaid"),
        ("completed", "cod", "2026-11-11T01:00:00", "paid"),
        ("pending", "alipay", "", "unpaid"),
        ("on-hold", "bacs", "", "unpaid"),
        ("refunded", "alipay", "2026-11-11T01:00:00", "refunded"),
        ("made-up", "alipay", "", ""),
    ],
)
def test_whether_an_order_is_paid_is_read_from_its_status(
    status: str, method: str, paid_at: str, wanted: str
) -> None:
    order = {"status": status, "payment_method": method, "date_paid_gmt": paid_at}
    assert prepared(order)["money"] == wanted


def test_a_paid_order_is_known_to_be_paid(server, shop) -> None:
    server.place(an_order("1", AT))
    server.place(an_order("2", AT, state="unpaid"))
    found = {one.number: one.payment_status for one in shop.pull(WINDOW).drafts}
    assert found == {"1": "paid", "2": "unpaid"}


def test_an_order_comes_as_it_is_and_gmt_stays_gmt(server, shop) -> None:
    night = datetime(2026, 11, 10, 16, 30, tzinfo=UTC)
    number = "820982911946154508"
    server.place(an_order(number, AT, created_at=night, name="欧阳娜", buyer_note="🎁"))
    (draft,) = shop.pull(WINDOW).drafts
    assert (draft.channel, draft.number, draft.total_minor) == ("woocommerce", number, 2580)
    assert (draft.ordered_at, draft.paid_at) == (night, night)
    assert (draft.source_status, draft.buyer_memo) == ("to_ship", "🎁")
    to = draft.recipient
    assert (to.name, to.phone, to.province, to.district) == (
        "欧阳娜",
        "13800138000",
        "浙江省",
        "西湖区",
    )
    (line,) = draft.lines
    assert (line.sku, line.quantity, line.line_total_minor, line.platform_sku) == (
        "CUP-1",
        2,
        2580,
        "91",
    )
    assert draft.issues == ()
    assert shop.connector.fetch_order(number).drafts[0] == draft


def test_provinces_are_codes_there() -> None:
    assert len(PROVINCES) == 32
    told = [province(code) for code in ("CN1", "CN32", "CN33", "CA", "")]
    assert told == ["云南省", "新疆维吾尔自治区", "CN33", "CA", ""]


def test_a_status_nobody_knows_is_flagged_and_the_order_stays(server, shop) -> None:
    server.place(an_order("1", AT, raw_state="wc-teleported"))
    (draft,) = shop.pull(WINDOW).drafts
    assert draft.source_status is None
    assert [(one.field, one.value) for one in draft.issues] == [
        ("order.source_status", "wc-teleported")
    ]


def test_orders_that_change_while_pages_are_read_are_met_anyway(server, shop) -> None:
    for n in range(35):
        server.place(an_order(str(100 + n), AT - timedelta(seconds=n)))
    seen, cursor, pages = set(), "", 0
    while cursor is not None:
        page = shop.connector.pull_orders(WINDOW, cursor)
        seen |= {one.number for one in page.drafts}
        cursor, pages = page.cursor, pages + 1
        if pages == 2:
            server.place(an_order("130", AT, modified_at=WINDOW.end + timedelta(minutes=1)))
    assert {str(100 + n) for n in range(35)} - seen <= {"130"}
    later = Window(WINDOW.end, WINDOW.end + timedelta(minutes=5))
    assert {one.number for one in shop.pull(later).drafts} == {"130"}


def test_window_ends_are_inside(server, shop) -> None:
    server.place(an_order("1", WINDOW.start))
    server.place(an_order("2", WINDOW.end - timedelta(seconds=1)))
    assert {one.number for one in shop.pull(WINDOW).drafts} == {"1", "2"}


def test_a_number_is_told_once_whatever_breaks(server, shop) -> None:
    server.place(an_order("1", AT))
    server.fail(Fault.CUT, api="orders.ship")
    with pytest.raises(RemoteRetry):
        shop.connector.ship(a_shipment("1"))
    shop.connector.ship(a_shipment("1"))
    (told,) = server.shipped()
    assert (told.order_number, told.carrier, told.waybill_no) == (
        "1",
        "SF Express",
        "SF1234567890123",
    )
    assert shop.connector.shipped("1", "1-P1") == "SF1234567890123"
    assert server.held["1"].status == "completed"
    with pytest.raises(RemoteRefused) as caught:
        shop.connector.ship(a_shipment("1", "SF9"))
    assert caught.value.code == "woocommerce.other_number"


def test_an_order_of_two_parcels_is_complete_with_the_second(server, shop) -> None:
    lines = (SampleLine("A", "甲", 1, Decimal(5)), SampleLine("B", "乙", 1, Decimal(5)))
    server.place(an_order("7", AT, lines=lines, total=Decimal(10)))
    for n, status in ((1, "processing"), (2, "completed")):
        one = a_shipment(
            "7", f"SF{n}", parcel_number=f"7-P{n}", items=(ShippedItem(str(n), "A", 1),)
        )
        shop.connector.ship(one)
        shop.connector.ship(one)
        assert server.held["7"].status == status
    assert [one.waybill_no for one in server.shipped()] == ["SF1", "SF2"]


def test_what_an_extension_wrote_stays(server, shop) -> None:
    server.place(an_order("1", AT))
    server.held["1"].meta["_wc_shipment_tracking_items"] = [
        {"tracking_number": "HAND", "custom_tracking_provider": "by hand"}
    ]
    shop.connector.ship(a_shipment("1"))
    assert [one.waybill_no for one in server.shipped()] == ["HAND", "SF1234567890123"]


def test_a_cancelled_order_is_not_told(server, shop) -> None:
    server.place(an_order("1", AT, state="cancelled"))
    with pytest.raises(RemoteRefused) as caught:
        shop.connector.ship(a_shipment("1"))
    assert caught.value.code == "woocommerce.not_open"


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
    server.fail(fault, api="orders.get", times=2, seconds=1.2)
    with pytest.raises(TidegateError) as caught:
        shop.connector.fetch_order("1")
    assert type(caught.value) is family
    told = f"{caught.value!r}{caught.value.texts}{caught.value.fields}{shop.recorded()}"
    assert not [word for word in ("张三", "13800138000", "文三路", KEY, SECRET) if word in told]


def test_a_wrong_key_is_the_accounts_fault(server, sqlite_tables_url, tmp_path) -> None:
    shop = open_account(
        "woocommerce", server, sqlite_tables_url, tmp_path, consumer_secret="cs_wrong"
    )
    with pytest.raises(RemoteCredentials):
        shop.connector.check_credentials()
    shop.context.store.close()


def test_the_check_reads_one_order(server, shop) -> None:
    assert shop.connector.check_credentials() == "127.0.0.1"


def test_stock_is_told_to_products_and_variations(server, shop) -> None:
    for sku in ("CUP", "CUP-RED"):
        server.put_stock(sku, 1)
    told = shop.connector.push_stock(
        [StockLevel("CUP", 4), StockLevel("GONE", 1), StockLevel("CUP-RED", 5)]
    )
    assert [one.code for one in told] == ["", "woocommerce.unknown_sku", ""]
    assert server.stock() == {"CUP": 4, "CUP-RED": 5}


def test_webhooks_are_proven_by_the_known_signature() -> None:
    receiver = module_of("woocommerce").make_receiver()
    headers = {
        "x-wc-webhook-signature": SIGNED,
        "x-wc-webhook-topic": "order.updated",
        "x-wc-webhook-delivery-id": "d1",
    }
    request = HookRequest(headers, BODY)
    receiver.verify(request, [HookSecret("", HOOK_SECRET)], AT)
    (event,) = receiver.events(request)
    assert (event.id, receiver.content(event).numbers) == ("d1", ("820982911946154508",))
    for wrong in (HookRequest(headers, BODY + b" "), HookRequest({}, BODY)):
        with pytest.raises(HookRefused):
            receiver.verify(wrong, [HookSecret("", HOOK_SECRET)], AT)


def test_a_ping_is_answered_and_leaves_nothing() -> None:
    receiver = module_of("woocommerce").make_receiver()
    ping = HookRequest({}, b"webhook_id=12")
    receiver.verify(ping, [HookSecret("", HOOK_SECRET)], AT)
    assert receiver.events(ping) == []
    with pytest.raises(HookRefused):
        receiver.verify(HookRequest({}, b'webhook_id=12&x={"id":1}'), [], AT)


def test_a_push_of_the_server_leads_to_the_order(server, shop) -> None:
    server.place(an_order("5", AT))
    push = server.order_push("5")
    request = HookRequest({name.lower(): value for name, value in push.headers.items()}, push.body)
    receiver = module_of("woocommerce").make_receiver()
    receiver.verify(request, [HookSecret("", HOOK_SECRET)], AT)
    (event,) = receiver.events(request)
    assert "张" not in str(event.payload)
    content = receiver.content(event)
    (number,) = content.numbers
    (draft,) = shop.connector.fetch_order(number).drafts
    assert (draft.number, draft.revision) == ("5", as_revision(content.changed_at))


def test_an_older_copy_never_overwrites_a_newer_one(server, shop) -> None:
    assert shop.keeps_the_newer_copy(server, AT)
