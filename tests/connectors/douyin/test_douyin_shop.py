"""A Douyin shop over HTTP against the protocol server: pulled, shipped, opened, and through every trouble."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from shop_account import ShopAccount, a_shipment, an_order, open_account

from tidegate.errors import (
    RemoteCredentials,
    RemoteRefused,
    RemoteRetry,
    RemoteUnknown,
    TidegateError,
)
from tidegate.sdk.discovery import module_of
from tidegate.sdk.shop import ShippedItem
from tidegate.sdk.stage.protocol import Fault, SampleLine
from tidegate.sdk.values import RecipientToken, StockLevel, Window
from tidegate.sdk.webhooks import HookRequest, HookSecret
from tidegate.sdk.window import WindowTooLarge
from tidegate_platforms.douyin import DouyinServer
from tidegate_platforms.douyin.orders import cipher

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
WINDOW = Window(AT - timedelta(hours=1), AT + timedelta(minutes=20))
BIG = "69202611110000000000001"
SECRET = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def server() -> Iterator[DouyinServer]:
    made = DouyinServer()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def shop(server: DouyinServer, sqlite_tables_url: str, tmp_path: Path) -> Iterator[ShopAccount]:
    made = open_account("douyin", server, sqlite_tables_url, tmp_path)
    yield made
    made.context.store.close()


def test_an_order_comes_with_masks_and_cipher_text_and_exact_figures(server, shop) -> None:
    night = datetime(2026, 11, 10, 16, 30, tzinfo=UTC)  # half past midnight in the shop
    server.place(an_order(BIG, AT, created_at=night, buyer_note="请发顺丰 🙏"))
    (draft,) = shop.pull(WINDOW).drafts
    assert (draft.channel, draft.shop, draft.number) == ("douyin", "旗舰店", BIG)
    assert (draft.total_minor, draft.paid_total_minor, draft.currency) == (2580, 2580, "CNY")
    assert draft.ordered_at == night
    assert (draft.source_status, draft.payment_status) == ("to_ship", "paid")
    assert draft.buyer_memo == "请发顺丰 🙏"
    assert (draft.recipient.kind, draft.recipient.name) == ("token", "张*")
    assert (draft.recipient.phone, draft.recipient.district) == ("138****8000", "西湖区")
    assert draft.extra["encrypt_post_tel"] == cipher("phone", "13800138000")
    (line,) = draft.lines
    assert (line.sku, line.quantity, line.unit_price_minor) == ("CUP-1", 2, 1290)
    assert (line.sub_number, line.platform_sku) == (f"{BIG}0", "1700000000000000000")
    assert line.spec == "规格:默认"
    assert draft.issues == ()


@pytest.mark.parametrize(
    ("raw", "state", "paid"),
    [
        ("1", "unpaid", None),
        ("105", "paid_hold", 2580),
        ("101", "part_shipped", 2580),
        ("3", "shipped", 2580),
    ],
)
def test_states_are_read_by_the_manifest(server, shop, raw, state, paid) -> None:
    server.place(an_order("1", AT, raw_state=raw))
    server.book.held["1"].status = int(raw)
    (draft,) = shop.pull(WINDOW).drafts
    assert (draft.source_status, draft.paid_total_minor) == (state, paid)


def test_a_status_nobody_knows_is_flagged_and_the_order_stays(server, shop) -> None:
    server.place(an_order("1", AT, raw_state="777"))
    (draft,) = shop.pull(WINDOW).drafts
    assert draft.source_status is None
    assert [(one.field, one.value) for one in draft.issues] == [("order.source_status", "777")]
    assert draft.extra["order_status"] == "777"


def test_orders_that_change_while_pages_are_read_are_met_anyway(server, shop) -> None:
    for n in range(35):
        server.place(an_order(f"N{n:02}", AT - timedelta(seconds=n)))
    seen, cursor, first = set(), "", True
    while True:
        page = shop.connector.pull_orders(WINDOW, cursor)
        seen |= {one.number for one in page.drafts}
        if page.cursor is None:
            break
        if not first:  # one of those that are still to be read leaves the window
            number = "N30"
            server.place(an_order(number, AT, modified_at=WINDOW.end + timedelta(minutes=1)))
        cursor, first = page.cursor, False
    assert {f"N{n:02}" for n in range(35)} - seen <= {"N30"}
    later = Window(WINDOW.end, WINDOW.end + timedelta(minutes=5))
    assert {one.number for one in shop.pull(later).drafts} == {"N30"}


def test_a_whole_sync_stores_each_once(server, shop) -> None:
    for n in range(23):
        server.place(an_order(f"S{n:02}", AT - timedelta(seconds=60 * n)))
    done = shop.sync()
    assert done.rejected == 0
    assert shop.numbers() == [f"S{n:02}" for n in range(23)]
    server.place(an_order("S05", AT, modified_at=AT, state="cancelled"))
    assert shop.sync().report.created == 0
    assert {one.recipient_kind for one in shop.orders()} == {"token"}


def test_more_rows_than_may_be_paged_cut_the_window(server, sqlite_tables_url, tmp_path) -> None:
    shop = open_account("douyin", server, sqlite_tables_url, tmp_path, deepest_row="20")
    for n in range(25):
        server.place(an_order(f"S{n:02}", AT - timedelta(seconds=60 * n)))
    with pytest.raises(WindowTooLarge):
        shop.pull(WINDOW)
    shop.sync()
    assert len(shop.numbers()) == 25
    shop.context.store.close()


def test_a_token_that_ends_between_pages_is_renewed_once(server, shop) -> None:
    for n in range(25):
        server.place(an_order(f"S{n:02}", AT))
    first = shop.connector.pull_orders(WINDOW, "")
    server.expire_tokens()
    assert len(shop.connector.pull_orders(WINDOW, first.cursor).drafts) == 5
    assert [one.api for one in server.calls].count("token.refresh") == 1
    server.revoke()  # the refresh token too: a self-used app asks anew
    assert shop.connector.fetch_order("S01").drafts[0].number == "S01"
    assert [one.api for one in server.calls].count("token.create") == 2


def test_a_shop_that_has_not_authorised_is_told_so(server, sqlite_tables_url, tmp_path) -> None:
    shop = open_account("douyin", server, sqlite_tables_url, tmp_path, shop_id="1")
    with pytest.raises(RemoteCredentials) as caught:
        shop.connector.check_credentials()
    assert caught.value.code == "douyin.dop.authorization-no-existed"
    shop.context.store.close()


def test_a_tool_uses_its_code_once(server, sqlite_tables_url, tmp_path) -> None:
    shop = open_account(
        "douyin", server, sqlite_tables_url, tmp_path, app_kind="tool", code="good-code"
    )
    assert shop.connector.check_credentials() == server.settings["shop_id"]
    server.revoke()
    with pytest.raises(RemoteCredentials):
        shop.connector.check_credentials()
    shop.context.store.close()


def test_a_clock_that_is_off_is_set_by_the_answer(server, shop) -> None:
    server.place(an_order("1", AT))
    server.skew(600)
    try:
        page = shop.connector.fetch_order("1")
    except RemoteRetry:  # the first answer told the time
        page = shop.connector.fetch_order("1")
    assert page.drafts[0].number == "1"


@pytest.mark.parametrize(
    ("fault", "family"),
    [
        (Fault.THROTTLED, RemoteRetry), (Fault.REFUSED, RemoteRefused), (Fault.BUSY, RemoteRetry),
        (Fault.DOWN, RemoteRetry), (Fault.GARBAGE, RemoteUnknown), (Fault.CUT, RemoteRetry),
        (Fault.SLOW, RemoteRetry),
    ],
)  # fmt: skip
def test_each_trouble_has_its_family_and_tells_nothing_personal(
    server, shop, fault, family
) -> None:
    server.place(an_order("1", AT))
    shop.connector.check_credentials()
    server.fail(fault, api="order.orderDetail", seconds=1.2)
    with pytest.raises(TidegateError) as caught:
        shop.connector.fetch_order("1")
    assert type(caught.value) is family or isinstance(caught.value, family)
    told = f"{caught.value!r}{caught.value.texts}{caught.value.fields}{shop.recorded()}"
    assert not [word for word in ("张三", "13800138000", "文三路", SECRET) if word in told]


def test_a_number_is_told_once_whatever_breaks(server, shop) -> None:
    server.place(an_order("1", AT))
    shop.connector.check_credentials()
    server.fail(Fault.CUT, api="order.logisticsAdd")
    with pytest.raises(RemoteUnknown):
        shop.connector.ship(a_shipment("1"))
    assert shop.connector.shipped("1", "1-P1") == "SF1234567890123"
    shop.connector.ship(a_shipment("1"))  # refused there, and it is this very number
    (told,) = server.shipped()
    assert (told.order_number, told.carrier, told.waybill_no) == (
        "1",
        "shunfeng",
        "SF1234567890123",
    )
    with pytest.raises(RemoteRefused):
        shop.connector.ship(a_shipment("1", "SF9999999999999"))


def test_busy_while_shipping_is_not_taken_for_nothing_done(server, shop) -> None:
    server.place(an_order("1", AT))
    shop.connector.check_credentials()
    server.fail(Fault.BUSY, api="order.logisticsAdd")
    with pytest.raises(RemoteUnknown):
        shop.connector.ship(a_shipment("1"))


def test_an_order_leaves_in_two_parcels(server, shop) -> None:
    lines = (SampleLine("A", "甲", 1, Decimal(5)), SampleLine("B", "乙", 1, Decimal(5)))
    server.place(an_order("7", AT, lines=lines, total=Decimal(10)))
    for place, number in enumerate(("SF1", "SF2")):
        item = ShippedItem(f"7{place}", "A", 1)
        one = a_shipment("7", number, client_key=f"7-{place}", items=(item,))
        shop.connector.ship(one)
        shop.connector.ship(one)
    assert [one.waybill_no for one in server.shipped()] == ["SF1", "SF2"]
    assert shop.connector.fetch_order("7").drafts[0].source_status == "shipped"
    assert shop.connector.shipped("7", "7-P1") is None  # two: it can't say whose


def test_a_carrier_without_a_code_is_named(server, shop) -> None:
    with pytest.raises(RemoteRefused) as caught:
        shop.connector.ship(a_shipment("1", carrier="PIGEON"))
    assert caught.value.code == "douyin.carrier_unknown"
    assert server.calls == []


def test_recipients_are_opened_in_lots_and_closed_ones_stay_closed(server, shop) -> None:
    tokens = []
    for n in range(20):  # 60 cipher texts: two calls
        server.place(an_order(str(n), AT, name=f"李{n}"))
        told = shop.connector.fetch_order(str(n)).drafts[0].extra
        tokens.append(RecipientToken(str(n), cipher={
            "name": told["encrypt_post_receiver"], "phone": told["encrypt_post_tel"],
            "address": told["post_addr.encrypt_detail"],
        }))  # fmt: skip
    server.closed.add("3")
    server.virtual.add("4")
    found = shop.connector.open_recipients(tokens)
    assert [one.api for one in server.calls].count("order.batchDecrypt") == 2
    assert (found[0].name, found[0].phone, found[0].address) == (
        "李0",
        "13800138000",
        "文三路 1 号",
    )
    assert found[3] is None
    assert found[4].phone == "18877771111-123"
    assert found[4].valid_until is not None
    assert "李0" not in shop.recorded()


def test_stock_is_told_in_absolute_figures(server, shop) -> None:
    server.put_stock("CUP-1", 3)
    told = shop.connector.push_stock([StockLevel("CUP-1", 9), StockLevel("GONE", 1)])
    assert [bool(one.code) for one in told] == [False, True]
    assert server.stock() == {"CUP-1": 9}


def test_a_push_of_the_server_leads_to_the_order(server, shop) -> None:
    server.place(an_order(BIG, AT))
    push = server.order_push(BIG)
    headers = {name.lower(): value for name, value in push.headers.items()}
    request = HookRequest(headers, push.body)
    receiver = module_of("douyin").make_receiver()
    receiver.verify(request, [HookSecret(server.settings["app_key"], SECRET)], AT)
    (event,) = receiver.events(request)
    assert "张三" not in json.dumps(dict(event.payload), ensure_ascii=False)
    (number,) = receiver.content(event).numbers
    assert shop.connector.fetch_order(number).drafts[0].number == BIG


def test_a_wrong_secret_is_the_accounts_fault(server, sqlite_tables_url, tmp_path) -> None:
    shop: Any = open_account(
        "douyin", server, sqlite_tables_url, tmp_path, app_secret="wrong-secret"
    )
    with pytest.raises(RemoteCredentials) as caught:
        shop.connector.check_credentials()
    assert caught.value.code == "douyin.isv.signature-invalid"
    assert {one.outcome for one in server.calls} == {"bad_signature"}
    shop.context.store.close()


def test_an_order_that_is_not_there_is_refused(server, shop) -> None:
    with pytest.raises(RemoteRefused):
        shop.connector.fetch_order("404")


def test_an_older_copy_never_overwrites_a_newer_one(server, shop) -> None:
    assert shop.keeps_the_newer_copy(server, AT)
