"""What accounts do besides orders, each as a task of its own on both databases: stock, scans, tracking, pushes, numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from tidegate.jobs.runner import drain
from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.gathering import MOST_IN_A_ROW
from tidegate.sdk.stage.protocol import Fault, SampleLine, SampleOrder, SignedPush
from tidegate.sdk.webhooks import HookRequest
from tidegate.services.connection_alerts import watch_connections
from tidegate.services.hooks import addresses, receiving
from tidegate.services.remotes import accounts
from tidegate.services.remotes.shops import ConnectedShops
from tidegate.services.secrets_box import SecretsBox
from tidegate.services.sweeping import sweep
from tidegate.services.syncing import following, runs, turns, working
from tidegate.services.write_back import tell_later
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.sync_tables import AccountSync, FollowedParcel, SyncRun
from tidegate.store.tables import (
    Alert,
    CarrierService,
    Effect,
    Order,
    Parcel,
    Scan,
    Shop,
    Stock,
    Warehouse,
)
from tidegate_platforms.generic import GenericServer
from tidegate_platforms.generic.server import PUSH_SECRET
from tidegate_platforms.kdniao import KDNiaoServer
from tidegate_platforms.sf import SFServer


def add(merchant: Any, *rows: Any) -> None:
    with merchant.context.store.begin(merchant.context.tenant_id) as work:
        for row in rows:
            work.add(row)
        work.commit()


def house(merchant: Any) -> None:
    """A warehouse with three goods, four units of one of them promised."""
    add(
        merchant,
        Warehouse(
            code="jx", name="嘉兴仓", contact="发货组", phone="0573-88880001", province="浙江省",
            city="嘉兴市", district="南湖区", address="物流园 8 号",
        ),
    )  # fmt: skip
    now = merchant.clock()
    add(
        merchant,
        *(
            Stock(warehouse_id=1, sku=sku, on_hand=10, reserved=promised, updated_at=now)
            for sku, promised in (("A-1", 4), ("B-1", 0), ("UNKNOWN", 0))
        ),
    )


def left_parcels(merchant: Any, account: str, count: int, shop: Shop | None = None) -> list[Parcel]:
    """Parcels of orders of their own that left the warehouse an hour ago with a waybill of the account."""
    now = merchant.clock()
    house(merchant)
    shop = shop or Shop(channel="acme", name="Acme")
    add(
        merchant,
        shop,
        CarrierService(
            code="YTO.standard", carrier="YTO", name_zh="圆通", name_en="YTO", connector=account
        ),
    )
    for n in range(1, count + 1):
        order = Order(
            shop_id=shop.id, channel=shop.channel, number=f"T{n}", state="handed_over", state_since=now, currency="CNY",
            total_minor=100, source_status="to_ship", refund_status="none", recipient_phone="13800000000",
            country="CN", source_hash=f"h{n}", imported_at=now, updated_at=now,
        )  # fmt: skip
        add(merchant, order)
        add(
            merchant,
            Parcel(
                order_id=order.id, number=f"T{n}-1", warehouse_id=1, state="handed_over", state_since=now,
                service_code="YTO.standard", carrier="YTO", waybill_no=f"78{n:03}", waybill_at=now - timedelta(hours=2),
                handed_over_at=now - timedelta(hours=1),
            ),
        )  # fmt: skip
    return merchant.all(Parcel)


@contextmanager
def kdniao(merchant: Any) -> Iterator[tuple[KDNiaoServer, Any]]:
    with KDNiaoServer() as server:
        assert isinstance(server, KDNiaoServer)
        given = dict(server.settings)
        secrets = {"api_key": given.pop("api_key")}
        row = accounts.add(
            merchant.context, "kdniao", "lin", code="kd", settings=given, secrets=secrets
        )
        yield server, row


def test_stock_of_an_account_is_taken_over_page_by_page(both) -> None:
    house(both)
    both.mall.levels = [
        ("A-1", 7, "jx"),
        ("C-1", 3, ""),
        ("", 1, "jx"),
        ("D-1", 5, "nowhere"),
        ("E-1", -1, "jx"),
    ]
    row = both.account(settings={"stock": "pull", "warehouse": "jx"})
    both.mall.fail(Fault.REFUSED, times=1, skip=1, api="stock.list")
    both.work()
    assert {one.sku: one.on_hand for one in both.all(Stock)}["A-1"] == 7, "the first page is kept"
    both.clock.forward(600)
    both.work()
    assert {one.sku: one.on_hand for one in both.all(Stock)} == {
        "A-1": 7,
        "B-1": 10,
        "UNKNOWN": 10,
        "C-1": 3,
        "D-1": 5,
    }
    found = [run for run in both.all(SyncRun) if run.task == "stock"]
    assert [run.code for run in found] == ["acme_mall.not_now", ""]
    assert found[1].reasons == {"stock.no_sku": 1, "stock.no_count": 1}
    asked = [call for call in both.mall.calls if call.api == "stock.list"]
    assert len(asked) == 4, "what was read is not asked for again"
    assert row.code == "mall"


def test_what_may_be_sold_is_told_and_afterwards_only_what_moved(both) -> None:
    house(both)
    row = both.account(settings={"stock": "push", "warehouse": "jx"})
    both.work()
    assert both.mall.told == {"A-1": 6, "B-1": 10}
    found = runs.runs(both.context, row.id, "push_stock", 1)[0]
    assert (found.read, found.accepted, found.reasons) == (3, 2, {"no_sku": 1})
    both.clock.forward(600)
    both.work()  # a moment is told twice: what moved while the last run began
    both.mall.told.clear()
    both.clock.forward(600)
    with both.context.store.begin(both.context.tenant_id) as work:
        moved = work.session.get_one(Stock, 2)
        moved.on_hand, moved.updated_at = 2, both.clock()
        work.commit()
    both.work()
    assert both.mall.told == {"B-1": 2}


def test_scans_are_read_by_cursor_and_move_parcels(both, courier) -> None:
    left_parcels(both, "courier", 2)
    accounts.add(both.context, "acme_courier", "lin", code="courier", settings={"url": courier.url})
    at = both.clock().timestamp()
    for n, state in enumerate(("picked_up", "in_transit", "out_for_delivery", "delivered")):
        courier.scan("78001", state, at + n)
    courier.scan("78001", "delivered", at + 3)
    courier.scan("no-such", "delivered", at)
    both.clock.forward(60)
    both.work()
    assert [row.state for row in both.all(Parcel)] == ["delivered", "handed_over"]
    courier.scan("78002", "picked_up", at + 9)
    both.clock.forward(60)
    both.work()
    assert [row.state for row in both.all(Parcel)] == ["delivered", "in_transit"]
    asked = [call.outcome for call in courier.calls]
    assert asked == ["done"] * 3, "two pages, then one from where they ended"


def test_parcels_under_way_are_tracked_by_number(both) -> None:
    left_parcels(both, "kd", 3)
    with kdniao(both) as (server, row):
        for n, code in enumerate(("1", "202", "3")):
            server.add_scan("YTO", "78001", code, both.clock() + timedelta(seconds=n), "快件")
        server.add_scan("YTO", "78003", "1", both.clock(), "快件")
        server.fail(Fault.DOWN, api="track.query", skip=1)
        both.clock.forward(30)
        first = working.run(both.context, row.id, "track")
        assert first is not None
        both.clock.forward(2_000)
        working.run(both.context, row.id, "track")
    assert [one.state for one in both.all(Parcel)] == ["delivered", "handed_over", "in_transit"]
    assert len(both.all(Scan)) == 4


def test_a_query_that_fails_stops_no_others_and_no_alarm_rings_while_scans_come(both) -> None:
    left_parcels(both, "kd", 6)
    with kdniao(both) as (server, row):
        server.limits = {}
        for day in range(3):
            server.fail(Fault.DOWN, api="track.query", skip=5, times=3)  # one parcel in all rounds
            server.add_scan("YTO", f"7800{day + 1}", "1", both.clock(), "快件")
            working.run(both.context, row.id, "track")
            both.clock.forward(3_000)
        (turn,) = [one for one in both.all(AccountSync) if one.task == "track"]
        assert (turn.failures, turn.code) == (1, "remote.no_answer")
        assert turn.next_at - turn.ok_at == timedelta(seconds=turns.TRACK_EVERY_S)
        watch_connections(both.context)
        assert "connection_failing" not in {one.kind for one in both.all(Alert)}
        working.run(both.context, row.id, "track")
        assert len(both.all(Scan)) == 3
        server.fail(Fault.DOWN, api="track.query", times=99)
        for _ in range(3):
            working.run(both.context, row.id, "track")
            both.clock.forward(3_000)
        watch_connections(both.context)
        assert "connection_failing" in {one.kind for one in both.all(Alert)}


def test_a_subscription_that_fails_stops_no_others_and_is_asked_for_again(both) -> None:
    left_parcels(both, "kd", 5)
    with kdniao(both) as (server, row):
        server.fail(Fault.DOWN, api="track.subscribe", skip=2)
        done = working.run(both.context, row.id, "subscribe")
        assert done is not None
        followed = [one.waybill_no for one in both.all(FollowedParcel)]
        assert followed == ["78001", "78002", "78004", "78005", "78003"]
        asked = [call.outcome for call in server.calls if call.api == "track.subscribe"]
        assert asked == ["done", "done", "down", "done", "done", "done"]
        assert set(server.traces.followed) == {("YTO", f"7800{n}") for n in range(1, 6)}
        both.clock.forward(120)
        working.run(both.context, row.id, "subscribe")
        assert len([call for call in server.calls if call.api == "track.subscribe"]) == 6


def test_parcels_of_other_accounts_leave_room_for_those_that_are_followed(
    both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account that tells its own scans has more parcels than a run takes, all of them older."""
    monkeypatch.setattr(following, "MOST", 3)
    left_parcels(both, "sf", 5)
    with kdniao(both) as (_, row), SFServer() as other:
        assert isinstance(other, SFServer)
        hidden = manifest_of("sf").secrets
        accounts.add(
            both.context, "sf", "lin", code="sf",
            settings={name: text for name, text in other.settings.items() if name not in hidden},
            secrets={name: text for name, text in other.settings.items() if name in hidden},
        )  # fmt: skip
        own = CarrierService(
            code="YTO.own", carrier="YTO", name_zh="圆通", name_en="YTO", connector="kd"
        )
        with both.context.store.begin(both.context.tenant_id) as work:
            work.add(own)
            for parcel in work.session.scalars(select(Parcel).order_by(Parcel.id.desc()).limit(2)):
                parcel.service_code = own.code
            work.commit()
        working.run(both.context, row.id, "subscribe")
    assert [one.waybill_no for one in both.all(FollowedParcel)] == ["78004", "78005"]


def test_subscriptions_that_fail_in_a_row_end_the_run(both) -> None:
    left_parcels(both, "kd", 5)
    with kdniao(both) as (server, row):
        server.fail(Fault.DOWN, api="track.subscribe", times=3, skip=1)
        working.run(both.context, row.id, "subscribe")
        asked = [call.outcome for call in server.calls if call.api == "track.subscribe"]
        assert asked == ["done", "down", "down", "down"]
        assert [one.waybill_no for one in both.all(FollowedParcel)] == ["78001"]


def test_an_order_that_a_push_names_is_fetched_and_stored_once(both) -> None:
    with GenericServer() as server:
        assert isinstance(server, GenericServer)
        given = dict(server.settings)
        secrets = {"secret": given.pop("secret")}
        row = accounts.add(
            both.context, "generic", "lin", code="own", settings=given, secrets=secrets
        )
        now = both.context.clock()
        server._ahead = now - server.now()  # the mall's clock is the merchant's
        order = SampleOrder(
            "M1", now, now, [SampleLine("A-1", "杯子", 1, Decimal("9.90"))], Decimal("9.90")
        )
        server.place(order)
        addresses.create(both.context, "generic", "推送", "lin", account="own", secret=PUSH_SECRET)
        path = addresses.addresses(both.context)[0].path
        door = addresses.find_door(both.context, "generic", path.rpartition("/")[2])
        assert door is not None
        push = server.order_push("M1")
        request = HookRequest(
            {name.lower(): text for name, text in push.headers.items()}, push.body
        )
        server.fail(Fault.DOWN, api="orders.get", times=MOST_IN_A_ROW)
        for _ in range(2):  # the platform repeats itself
            assert receiving.receive(both.context, door, request).status in (200, 204)
        drain(both.context)
        assert both.all(Order) == []
        both.clock.forward(60)
        drain(both.context)
        (stored,) = both.all(Order)
        assert (stored.number, stored.total_minor) == ("M1", 990)
        (line,) = [run for run in runs.runs(both.context, row.id) if run.task == "fetch"]
        assert (line.began_by, line.accepted, line.created) == ("push", 1, 1)
        outcomes = [call.outcome for call in server.calls if call.api == "orders.get"]
        assert outcomes == ["down"] * MOST_IN_A_ROW + ["done"]


def test_an_order_that_a_pull_brought_as_new_is_not_fetched_for_its_push(both) -> None:
    with GenericServer() as server:
        assert isinstance(server, GenericServer)
        add(both, shop := Shop(channel="mall", name="Mall"))
        given = dict(server.settings)
        secrets = {"secret": given.pop("secret")}
        row = accounts.add(
            both.context,
            "generic",
            "lin",
            code="own",
            settings=given,
            secrets=secrets,
            shop_id=shop.id,
        )
        placed = both.clock()
        server._ahead = placed - server.now()  # the mall's clock is the merchant's
        line = SampleLine("A-1", "杯子", 1, Decimal("9.90"))
        order = SampleOrder("M1", placed, placed, [line], Decimal("9.90"))
        addresses.create(both.context, "generic", "推送", "lin", account="own", secret=PUSH_SECRET)
        server.place(order)
        first = server.order_push("M1")
        both.clock.forward(60)
        working.run(both.context, row.id, "orders")
        assert [one.number for one in both.all(Order)] == ["M1"]
        _push(both, first)
        assert "orders.get" not in [call.api for call in server.calls]
        server.place(replace(order, modified_at=both.clock(), buyer_note="请尽快"))
        _push(both, server.order_push("M1"))
        _push(both, first)  # comes once more, late
        assert [call.api for call in server.calls].count("orders.get") == 1
        assert [one.buyer_memo for one in both.all(Order)] == ["请尽快"]


def test_a_push_is_fetched_where_the_account_has_no_shop_to_look_in(both) -> None:
    with GenericServer() as server:
        assert isinstance(server, GenericServer)
        given = dict(server.settings)
        secrets = {"secret": given.pop("secret")}
        accounts.add(both.context, "generic", "lin", code="own", settings=given, secrets=secrets)
        now = both.clock()
        server._ahead = now - server.now()
        line = SampleLine("A-1", "杯子", 1, Decimal("9.90"))
        server.place(SampleOrder("M1", now, now, [line], Decimal("9.90")))
        addresses.create(both.context, "generic", "推送", "lin", account="own", secret=PUSH_SECRET)
        for _ in range(2):
            _push(both, server.order_push("M1"))
        assert [call.api for call in server.calls].count("orders.get") == 2


def _push(merchant: Any, push: SignedPush) -> None:
    (address,) = addresses.addresses(merchant.context)
    door = addresses.find_door(merchant.context, "generic", address.path.rpartition("/")[2])
    assert door is not None
    headers = {name.lower(): text for name, text in push.headers.items()}
    answer = receiving.receive(merchant.context, door, HookRequest(headers, push.body))
    assert answer.status in (200, 204)
    drain(merchant.context)


@pytest.mark.parametrize("own", [True, False], ids=["the shop's own", "one for the channel"])
def test_a_number_is_told_by_the_account_of_the_shop_else_of_the_channel(both, own: bool) -> None:
    shop = Shop(channel="acme", name="Acme")
    (parcel,) = left_parcels(both, "kd", 1, shop)
    both.place("T1")
    row = both.account("shop-account", shop_id=shop.id if own else None)
    both.context.shops.look()
    accounts.pause(both.context, row.code, "lin", "盘点")
    _tell(both, parcel, shop)
    assert both.mall.orders["T1"].get("waybill") is None, "a paused account calls nobody"
    accounts.resume(both.context, row.code, "lin")
    both.context.shops.look()
    both.clock.forward(1_800)
    drain(both.context)
    assert both.mall.orders["T1"]["waybill"] == "78001"
    (effect,) = both.all(Effect)
    assert (effect.kind, effect.state) == ("write_back", "confirmed")
    _tell(both, parcel, shop)
    assert len([call for call in both.mall.calls if call.api == "orders.ship"]) == 1


def test_a_shop_whose_account_was_removed_is_told_nothing(both) -> None:
    shop = Shop(channel="acme", name="Acme")
    (parcel,) = left_parcels(both, "kd", 1, shop)
    both.place("T1")
    both.account("gone", shop_id=shop.id)
    accounts.pause(both.context, "gone", "lin", "停用")
    accounts.remove(both.context, "gone", "lin")
    both.context.shops.look()
    _tell(both, parcel, shop)
    assert both.mall.calls == []
    assert both.all(ConnectorAccount) == []
    assert both.all(Effect) == []


def test_under_another_key_a_shop_hears_nothing_and_is_told_when_the_key_is_back(both) -> None:
    shop = Shop(channel="acme", name="Acme")
    (parcel,) = left_parcels(both, "kd", 1, shop)
    both.place("T1")
    both.account("sealed", shop_id=shop.id)
    whole = both.context
    away = replace(whole, box=SecretsBox.fresh())
    both.context = replace(away, shops=ConnectedShops(away))
    _tell(both, parcel, shop)
    assert (both.mall.calls, both.all(Effect)) == ([], [])
    both.context = whole
    whole.shops.look()
    sweep(whole)
    drain(whole)
    assert both.mall.orders["T1"]["waybill"] == "78001"
    assert [effect.state for effect in both.all(Effect)] == ["confirmed"]


def _tell(merchant: Any, parcel: Parcel, shop: Shop) -> None:
    with merchant.context.store.begin(merchant.context.tenant_id) as work:
        tell_later(work, parcel.id, shop.id, merchant.clock())
        work.commit()
    drain(merchant.context)
