"""Taobao through its protocol server, over HTTP and into a real database."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
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
from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.gathering import MOST_IN_A_ROW
from tidegate.sdk.http.messages import Response
from tidegate.sdk.renewing import MOST_RENEWALS
from tidegate.sdk.shop import Shipment, ShippedItem
from tidegate.sdk.stage.protocol import GROUP, Fault, HasOrders, HasShipments, HasTokens, SampleLine
from tidegate.sdk.values import RecipientToken
from tidegate.services.intake import import_orders
from tidegate.services.syncing import turns, working
from tidegate.services.syncing.messages import follow_messages
from tidegate.store.remote_tables import ConnectorAccount, RemoteCall
from tidegate_connectors.taobao.orders import fields_of
from tidegate_connectors.taobao.signing import signature
from tidegate_platforms.taobao import TaobaoServer
from tidegate_platforms.taobao.gate import expected

PUBLISHED = {
    "method": "taobao.item.seller.get", "app_key": "12345678", "session": "test",
    "timestamp": "2016-01-01 12:00:00", "format": "json", "v": "2.0", "sign_method": "md5",
    "fields": "num_iid,title,nick,price,num", "num_iid": "11223344",
}  # fmt: skip
LIST, ONE = "taobao.trades.sold.increment.get", "taobao.trade.fullinfo.get"
ASCP, CLASSIC = "alibaba.ascp.logistics.offline.send", "taobao.logistics.offline.send"
LONG = "2931847561029384756"  # longer than a float holds


@pytest.fixture
def server() -> Iterator[TaobaoServer]:
    with TaobaoServer() as running:
        assert isinstance(running, TaobaoServer)
        yield running


@pytest.fixture
def desk(desk_of: Any, server: TaobaoServer) -> Any:
    return desk_of("taobao", server)


def shipment(number: str, waybill: str, *items: ShippedItem, carrier: str = "SF") -> Shipment:
    return Shipment(f"K-{waybill}", number, "P1", carrier, waybill, datetime.now(UTC), items)


@pytest.mark.parametrize(
    ("method", "sign"),
    [("md5", "66987CB115214E59E6EC978214934FB8"), ("hmac", "D56D7858309C31B6251083A874D48273")],
)
def test_signatures_are_those_of_the_documents(method: str, sign: str) -> None:
    fields = {**PUBLISHED, "sign_method": method}
    assert signature(fields, "helloworld") == sign
    assert expected(fields, "helloworld") == sign


def test_the_server_and_the_connector_sign_by_sha256_alike() -> None:
    fields = {**PUBLISHED, "sign_method": "hmac-sha256", "memo": "潮闸 😀", "empty": ""}
    assert signature(fields, "helloworld") == expected(fields, "helloworld")


def test_an_order_arrives_with_all_that_is_known_of_it(desk: Any, server: TaobaoServer) -> None:
    placed = sample(LONG, buyer_note="请发顺丰 😀", seller_note="老客", ago_s=120)
    server.place(placed)
    assert desk.pull().report.accepted == 1
    order = desk.order(LONG)
    assert (order.channel, order.source_status, order.state) == ("taobao", "to_ship", "received")
    assert (order.total_minor, order.paid_total_minor, order.currency) == (25820, 25820, "CNY")
    assert order.ordered_at == placed.created_at
    assert order.source_revision == int(placed.modified_at.timestamp()) * 1_000_000
    assert (order.buyer_memo, order.seller_memo, order.seller_flag) == (
        "请发顺丰 😀",
        "老客",
        "red",
    )
    assert (order.recipient_kind, order.recipient_name) == ("token", "张**")
    assert order.extra["oaid"] == f"oaid-{LONG}"
    (line,) = desk.lines(LONG)
    assert (line.sku, line.quantity, line.unit_price_minor) == ("KETTLE-BK", 2, 12910)
    assert line.sub_number == f"{LONG}1"
    assert order.issues == []


def test_half_past_midnight_in_the_shop_is_that_day(desk: Any, server: TaobaoServer) -> None:
    at = datetime(2026, 11, 10, 16, 30, tzinfo=UTC)  # 00:30 on the 11th in Beijing
    server.place(replace(sample("T1"), created_at=at))
    desk.pull()
    assert server.trades["T1"]["created"] == "2026-11-11 00:30:00"
    assert desk.order("T1").ordered_at == at


def test_an_unknown_status_is_flagged_and_kept_as_it_was(desk: Any, server: TaobaoServer) -> None:
    server.place(sample("T1", raw_state="WAIT_FOR_THE_MOON"))
    desk.pull()
    order = desk.order("T1")
    assert order.source_status is None
    assert order.extra["status"] == "WAIT_FOR_THE_MOON"
    assert order.issues[0]["code"] == "import.unknown_value"


def test_an_order_without_a_token_stays_masked(desk: Any, server: TaobaoServer) -> None:
    server.place(sample("T1"))
    server.trades["T1"]["oaid"] = ""
    desk.pull()
    assert desk.order("T1").recipient_kind == "masked"


def test_what_is_asked_for_follows_from_the_mapping() -> None:
    asked = fields_of(manifest_of("taobao").orders)
    assert {"tid", "orders", "receiver_town", "seller_memo", "oaid", "modified"} <= set(asked)
    assert not [name for name in asked if name.endswith("_str") or name == "paid_fee"]


@pytest.mark.parametrize("details", ["full", "list"])
def test_orders_that_change_while_pages_are_read_are_neither_missed_nor_doubled(
    desk_of: Any, server: TaobaoServer, details: str
) -> None:
    desk = desk_of("taobao", server, page_size="3", details=details)
    for n in range(13):
        server.place(sample(f"T{n:02d}", ago_s=3600 - n * 10))
    changed: list[str] = []

    def change(api: str) -> None:
        if api == LIST and len(changed) < 6:  # one leaves the window with each page
            number = f"T{len(changed) * 2:02d}"
            changed.append(number)
            server.place(sample(number, ago_s=0, seller_note="加急"))

    server.after = change
    desk.pull()
    server.after = None
    again = replace(desk.context, clock=lambda: datetime.now(UTC) + timedelta(seconds=2))
    replace(desk, context=again).pull()
    assert [one.number for one in desk.orders()] == [f"T{n:02d}" for n in range(13)]
    assert {one.number for one in desk.orders() if one.seller_memo == "加急"} == set(changed)


def test_under_a_limit_of_few_calls_a_page_is_read_bit_by_bit(
    desk_of: Any, server: TaobaoServer
) -> None:
    desk = desk_of("taobao", server, page_size="6", limits="*=4/1")
    for n in range(8):
        server.place(sample(f"T{n}", ago_s=900 - n))
    rounds = 0
    while len(desk.orders()) < 8 and rounds < 80:
        rounds += 1
        try:
            desk.pull()
        except RemoteRetry as error:
            time.sleep(float(str(error.fields["retry_after_s"])))
    assert 2 <= rounds < 80
    asked = [call.api for call in server.calls]
    assert (asked.count(ONE), len(desk.orders())) == (8, 8)  # each fetched once


def test_calls_that_fail_now_and_then_end_no_page(desk_of: Any, server: TaobaoServer) -> None:
    """Each order of a page is a call of its own."""
    desk = desk_of("taobao", server, page_size="20")
    for n in range(60):
        server.place(sample(f"T{n:02d}", ago_s=900 - n))
    troubles = (Fault.DOWN, Fault.CUT, Fault.GARBAGE, Fault.DOWN, Fault.BUSY)
    for fault in troubles:
        server.fail(fault, api=ONE, skip=11)
    done = desk.pull()
    came = Counter(call.outcome for call in server.calls if call.api == ONE)
    assert came == {"done": 60, "down": 2, "cut": 1, "garbage": 1, "busy": 1}
    assert (done.report.read, len(desk.orders()), done.behind) == (60, 60, False)


def test_what_a_page_had_is_kept_when_nobody_answers_any_more(
    desk_of: Any, server: TaobaoServer
) -> None:
    desk = desk_of("taobao", server, page_size="20")
    for n in range(8):
        server.place(sample(f"T{n}", ago_s=900 - n))
    server.fail(Fault.DOWN, times=2 * MOST_IN_A_ROW, api=ONE, skip=5)
    with pytest.raises(RemoteRetry):
        desk.pull()
    assert len(desk.orders()) == 5
    desk.pull()
    asked = [call for call in server.calls if call.api == ONE]
    assert len(asked) == 8 + 2 * MOST_IN_A_ROW, "what was there is not asked for again"
    assert len(desk.orders()) == 8


def test_a_session_that_is_refused_within_a_page_is_told_at_once(
    desk: Any, server: TaobaoServer
) -> None:
    for n in range(4):
        server.place(sample(f"T{n}", ago_s=900 - n))
    tries = 1 + MOST_RENEWALS  # what was renewed is refused too
    server.fail(Fault.EXPIRED, times=2 * tries, api=ONE, skip=1)
    with pytest.raises(RemoteCredentials):
        desk.pull()
    assert len([call for call in server.calls if call.api == ONE]) == 1 + 2 * tries
    assert len(desk.orders()) == 1, "what was there is kept"
    desk.pull()
    assert len(desk.orders()) == 4


def test_a_trade_that_is_listed_and_not_shown_does_not_hold_the_others(
    desk: Any, server: TaobaoServer
) -> None:
    for n in range(3):
        server.place(sample(f"T{n}", ago_s=900 - n))
    server.fail(Fault.REFUSED, api=ONE, skip=1)
    done = desk.pull()
    assert (done.report.read, done.report.accepted, done.rejected) == (3, 2, 1)


def test_a_time_past_is_filled_in_by_time_of_order(desk_of: Any, server: TaobaoServer) -> None:
    desk = desk_of("taobao", server, pull_by="created", page_size="2")
    for n in range(5):
        server.place(sample(f"T{n}", ago_s=900 - n))
    server.place(replace(sample("OLD"), created_at=datetime.now(UTC) - timedelta(days=3)))
    desk.pull()
    assert [one.number for one in desk.orders()] == [f"T{n}" for n in range(5)]


def test_a_session_that_runs_out_between_pages_is_renewed_once(
    desk_of: Any, server: TaobaoServer
) -> None:
    desk = desk_of("taobao", server, page_size="2", details="list")
    for n in range(5):
        server.place(sample(f"T{n}", ago_s=900 - n))
    seen: list[str] = []

    def expire(api: str) -> None:
        seen.append(api)
        if len(seen) == 2:
            server.expire_tokens()

    server.after = expire
    desk.pull()
    assert len(desk.orders()) == 5
    assert sum(call.api == "oauth.token" for call in server.calls) == 1


def test_without_a_refresh_token_the_owner_is_asked_to_authorise(
    desk_of: Any, server: TaobaoServer
) -> None:
    desk = desk_of("taobao", server, refresh_token="")
    assert desk.made.check_credentials() == "北岸器物旗舰店"
    server.expire_tokens()
    with pytest.raises(RemoteCredentials, match="27"):
        desk.made.check_credentials()


def test_an_authorisation_code_buys_the_first_session(desk_of: Any, server: TaobaoServer) -> None:
    desk = desk_of("taobao", server, session="", refresh_token="", code="code-1")
    assert desk.made.check_credentials() == "北岸器物旗舰店"


def test_a_clock_ten_minutes_off_works_by_the_platforms_time(
    desk: Any, server: TaobaoServer
) -> None:
    server.skew(900)
    assert desk.made.check_credentials() == "北岸器物旗舰店"
    assert [call.outcome for call in server.calls] == ["refused", "done"]


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
    desk: Any, server: TaobaoServer, fault: Fault, error: type[Exception]
) -> None:
    server.fail(fault)
    with pytest.raises(error) as caught:
        desk.made.fetch_order("T1")
    assert type(caught.value) is error
    assert "张三" not in str(caught.value)


def test_too_many_calls_wait_as_long_as_the_platform_says(desk: Any, server: TaobaoServer) -> None:
    server.place(sample("T1"))
    server.fail(Fault.THROTTLED)
    with pytest.raises(RemoteRetry) as caught:
        desk.made.fetch_order("T1")
    assert caught.value.fields["retry_after_s"] == 1
    reached = len(server.calls)
    with pytest.raises(RemoteRetry, match="limit"):
        desk.made.fetch_order("T1")
    assert len(server.calls) == reached  # the second was not sent


@pytest.mark.parametrize("api", [ASCP, CLASSIC])
def test_a_number_is_told_once_whatever_comes_between(
    desk_of: Any, server: TaobaoServer, api: str
) -> None:
    desk = desk_of("taobao", server, ship_api=api)
    server.place(sample("T1"))
    server.fail(Fault.CUT, api=api)
    with pytest.raises(RemoteUnknown):
        desk.made.ship(shipment("T1", "SF100"))
    assert desk.made.shipped("T1", "P1") == "SF100"
    desk.made.ship(shipment("T1", "SF100"))  # "shipped before" is done
    assert [(one.carrier, one.waybill_no) for one in server.shipped()] == [("SF", "SF100")]


def test_an_order_that_somebody_else_shipped_is_refused(desk: Any, server: TaobaoServer) -> None:
    server.place(sample("T1"))
    desk.made.ship(shipment("T1", "SF100"))
    with pytest.raises(RemoteRefused, match="B04"):
        desk.made.ship(shipment("T1", "SF200"))


def test_busy_while_shipping_may_have_shipped(desk: Any, server: TaobaoServer) -> None:
    server.place(sample("T1"))
    server.fail(Fault.BUSY, api=ASCP)
    with pytest.raises(RemoteUnknown):
        desk.made.ship(shipment("T1", "SF100"))


@pytest.mark.parametrize("api", [ASCP, CLASSIC])
def test_an_order_in_two_parcels_is_shipped_in_parts(
    desk_of: Any, server: TaobaoServer, api: str
) -> None:
    desk = desk_of("taobao", server, ship_api=api)
    lines = tuple(SampleLine(sku, sku, 1, Decimal("10.00")) for sku in ("A", "B"))
    server.place(sample("T1", lines=lines))
    desk.made.ship(shipment("T1", "SF1", ShippedItem("T11", "A", 1)))
    assert server.trades["T1"]["status"] == "SELLER_CONSIGNED_PART"
    desk.made.ship(shipment("T1", "ZTO2", ShippedItem("T12", "B", 1), carrier="ZTO"))
    desk.made.ship(shipment("T1", "SF1", ShippedItem("T11", "A", 1)))
    assert [one.waybill_no for one in server.shipped()] == ["SF1", "ZTO2"]
    assert desk.made.shipped("T1", "P1") is None  # two numbers: it can't say whose


def test_a_carrier_without_a_code_is_named(desk_of: Any, server: TaobaoServer) -> None:
    server.place(sample("T1"))
    desk = desk_of("taobao", server, carrier_codes="JT=HTKY")
    desk.made.ship(shipment("T1", "JT1", carrier="JT"))
    with pytest.raises(RemoteRefused, match="XYZ"):
        desk.made.ship(shipment("T1", "X1", carrier="XYZ"))


def test_messages_are_confirmed_after_their_orders_are_stored(
    desk: Any, server: TaobaoServer
) -> None:
    for n in range(3):
        server.place(sample(f"T{n}"))
    server.place(sample("T1", ago_s=10, seller_note="改过"))
    server.fail(Fault.DOWN, api="taobao.tmc.messages.confirm")
    with pytest.raises(RemoteRetry):
        follow_messages(desk.context, "taobao:1", desk.made)
    assert [one.number for one in desk.orders()] == ["T0", "T1", "T2"]
    assert len(server.messages) == 4  # nothing was confirmed
    done = follow_messages(desk.context, "taobao:1", desk.made)
    assert (done.messages, done.orders, done.changed, done.behind) == (4, 3, 0, False)
    assert not server.messages
    assert desk.order("T1").seller_memo == "改过"


def test_a_message_whose_order_can_not_be_stored_comes_again(
    desk: Any, server: TaobaoServer
) -> None:
    server.place(sample("T1"))
    server.fail(Fault.DOWN, times=MOST_IN_A_ROW, api=ONE)
    with pytest.raises(RemoteRetry):
        follow_messages(desk.context, "taobao:1", desk.made)
    assert len(server.messages) == 1


def test_an_order_that_can_not_be_fetched_now_keeps_no_other_message_back(
    desk: Any, server: TaobaoServer
) -> None:
    for n in range(6):
        server.place(sample(f"T{n}"))
    server.fail(Fault.DOWN, api=ONE, skip=2)
    server.fail(Fault.DOWN, times=MOST_IN_A_ROW, api=ONE, skip=3)  # T2 is asked for again
    with pytest.raises(RemoteRetry):
        follow_messages(desk.context, "taobao:1", desk.made)
    assert [one.number for one in desk.orders()] == ["T0", "T1", "T3", "T4", "T5"]
    assert len(server.messages) == 1, "the others are confirmed"
    server.healed()
    server.place(sample("T6"))
    assert follow_messages(desk.context, "taobao:1", desk.made).messages == 2
    assert not server.messages
    assert len(desk.orders()) == 7


def test_calls_that_fail_now_and_then_keep_no_message_back(desk: Any, server: TaobaoServer) -> None:
    for n in range(12):
        server.place(sample(f"T{n}"))
    for _ in range(5):
        server.fail(Fault.DOWN, api=ONE, skip=1)
    follow_messages(desk.context, "taobao:1", desk.made)
    came = [call.outcome for call in server.calls if call.api == ONE]
    assert came.count("down") > MOST_IN_A_ROW
    assert len(desk.orders()) == 12
    assert not server.messages


def test_a_platform_that_is_away_is_not_asked_for_every_message(
    desk: Any, server: TaobaoServer
) -> None:
    for n in range(6):
        server.place(sample(f"T{n}"))
    server.fail(Fault.REFUSED, api=ONE)  # confirmed all the same
    server.fail(Fault.DOWN, times=9, api=ONE)
    with pytest.raises(RemoteRetry):
        follow_messages(desk.context, "taobao:1", desk.made)
    assert [call.outcome for call in server.calls if call.api == ONE] == ["refused"] + ["down"] * 3
    assert len(server.messages) == 5


def test_a_message_of_another_shop_is_left_alone(desk_of: Any, server: TaobaoServer) -> None:
    desk = desk_of("taobao", server, seller_nick="北岸器物旗舰店")
    server.place(sample("T1"))
    server.place(sample("T2"))
    next(iter(server.messages.values()))["user_nick"] = "南岸"
    assert follow_messages(desk.context, "taobao:1", desk.made).messages == 1
    assert [one["user_nick"] for one in server.messages.values()] == ["南岸"]


def test_a_push_and_a_page_that_cross_leave_the_newer_order(
    desk: Any, server: TaobaoServer
) -> None:
    server.place(sample("T1", ago_s=600))
    (old,) = desk.made.fetch_order("T1").drafts
    server.place(sample("T1", ago_s=10, seller_note="新"))
    follow_messages(desk.context, "taobao:1", desk.made)
    import_orders(desk.context, [old], source="taobao:1")
    assert desk.order("T1").seller_memo == "新"


def test_recipients_are_opened_by_their_tokens_only(desk: Any, server: TaobaoServer) -> None:
    server.place(sample("T1"))
    asked = [RecipientToken("T1", "oaid-T1"), RecipientToken("T2", "oaid-T1")]
    found, hidden = desk.made.open_recipients(asked)
    assert (found.name, found.phone, found.city) == ("张三", "18877771111-123", "杭州市")
    assert hidden is None


def test_secrets_and_people_are_in_no_record_of_calls(desk: Any, server: TaobaoServer) -> None:
    server.place(sample("T1"))
    desk.pull()
    server.expire_tokens()  # the next session is a secret as well
    desk.made.open_recipients([RecipientToken("T1", "oaid-T1")])
    assert server._session == "session-2"
    with desk.context.store.begin(1, readonly=True) as work:
        rows = work.session.scalars(select(RemoteCall)).all()
        kept = "".join(str({c.name: getattr(row, c.name) for c in row.__table__.c}) for row in rows)
    assert len(rows) >= 3
    assert not [
        word
        for word in ("sk-top-canary", "session-1", "session-2", "refresh-2", "张三", "18877771111")
        if word in kept
    ]


def test_an_answer_of_another_call_is_no_answer(desk: Any, monkeypatch: Any) -> None:
    wrong = Response(200, {}, b'{"other_response": {}}')
    monkeypatch.setattr(type(desk.made._client._account.http), "send", lambda *_: wrong)
    with pytest.raises(RemoteBroken):
        desk.made.check_credentials()


def test_the_server_offers_what_a_suite_asks_for(server: TaobaoServer) -> None:
    found = entry_points(group=GROUP)["taobao"].load()
    assert found is TaobaoServer
    for wanted in (HasOrders, HasShipments, HasTokens):
        assert isinstance(server, wanted)


def test_an_account_follows_its_messages_by_itself(desk: Any, server: TaobaoServer) -> None:
    with desk.context.store.begin(1, readonly=True) as work:
        row = work.session.scalars(select(ConnectorAccount)).one()
    server.place(sample("T1"))
    tasks = turns.tasks_of(manifest_of("taobao"), row.settings)
    assert tasks["messages"] == turns.MESSAGES_EVERY_S
    done = working.run(desk.context, row.id, "messages")
    assert done is not None
    assert (done.read, done.accepted, done.behind) == (1, 1, False)
    assert [one.number for one in desk.orders()] == ["T1"]
    assert not server.messages
