"""Tracking by KDNiao: queries and pushes tell the same scans, in any order, with codes nobody knows kept."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from carrier_account import SENDER, WHO, connected, request

from tidegate.domain.tracking import STATES
from tidegate.errors import RemoteRefused
from tidegate.sdk.manifest import load_manifest
from tidegate.sdk.values import QuoteRequest, Tracked
from tidegate.sdk.webhooks import HookRefused, HookRequest, HookSecret
from tidegate_connectors.kdniao import make_receiver

START = datetime(2026, 11, 11, 1, 0, tzinfo=UTC)
SECRETS = [HookSecret("test1234567", "demo-key-0001")]
WAY = (("1", "picked_up"), ("206", "departed_from_hub"), ("204", "arrived_at_hub"), ("202", "out_for_delivery"), ("301", "delivered"))  # fmt: skip


def travelled(server: Any, number: str, carrier: str = "YTO") -> None:
    for hour, (code, _) in enumerate(WAY):
        server.add_scan(carrier, number, code, START + timedelta(hours=hour), f"快件 {code}")


def scans_of(pushed: Any) -> list[Any]:
    receiver, call = make_receiver(), HookRequest(pushed.headers, pushed.body)
    receiver.verify(call, SECRETS, START)
    return [scan for event in receiver.events(call) for scan in receiver.content(event).scans]


def test_a_query_and_a_push_tell_the_same_scans(server: Any) -> None:
    travelled(server, "78001")
    asked = connected("kdniao", server).track([Tracked("78001", "YTO")])
    assert [scan.state for scan in asked] == [state for _, state in WAY]
    assert [scan.at for scan in asked] == [START + timedelta(hours=h) for h in range(5)]
    assert scans_of(server.scan_push("YTO", "78001")) == asked
    assert len({scan.event_id for scan in asked}) == 5


def test_the_order_of_traces_and_repeats_change_nothing(server: Any) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    hours = list(range(5))
    random.Random(seed).shuffle(hours)
    for hour in hours:
        server.add_scan("YTO", "78001", WAY[hour][0], START + timedelta(hours=hour), f"快件 {WAY[hour][0]}")  # fmt: skip
    receiver = make_receiver()
    first, again = (server.scan_push("YTO", "78001") for _ in range(2))
    assert [scan.state for scan in scans_of(first)] == [state for _, state in WAY]
    told = [receiver.events(HookRequest({}, one.body))[0].payload for one in (first, again)]
    assert told[0] == told[1]  # the platform keeps it once: its content is its id


def test_free_accounts_are_told_by_state(server: Any) -> None:
    travelled(server, "78001")
    free = connected("kdniao", server, query="1002")
    asked = free.track([Tracked("78001", "YTO")])
    assert [scan.state for scan in asked] == ["in_transit"] * 4 + ["delivered"]
    assert scans_of(server.push([("YTO", "78001")], paid=False)) == asked
    assert free.track([Tracked("78999", "YTO")]) == []


def test_a_code_nobody_knows_is_kept_and_moves_nothing(server: Any) -> None:
    server.add_scan("YTO", "78001", "987", START, "新节点")
    (scan,) = scans_of(server.scan_push("YTO", "78001"))
    assert (scan.code, scan.state, scan.description) == ("987", "exception", "新节点")
    assert STATES[scan.state].parcel_state is None


def test_couriers_that_want_the_phone_get_its_last_digits(server: Any) -> None:
    travelled(server, "SF001", "SF")
    kdniao = connected("kdniao", server)
    assert kdniao.track([Tracked("SF001", "SF", phone_tail="8000")])
    kdniao.subscribe([Tracked("SF001", "SF", phone_tail="8000"), Tracked("78002", "YUNDA")])
    assert server.traces.followed == {("SF", "SF001"): True, ("YD", "78002"): True}
    for call in (kdniao.track, kdniao.subscribe):
        with pytest.raises(RemoteRefused):
            call([Tracked("SF001", "SF")])


def test_without_a_known_courier_it_finds_out_by_itself(server: Any) -> None:
    travelled(server, "78001")
    kdniao = connected("kdniao", server)
    assert len(kdniao.track([Tracked("78001", "whoever")])) == 5
    assert server.calls[-1].api == "track.detect"
    assert kdniao.recognise("78001") == ["YTO"]
    with pytest.raises(RemoteRefused) as caught:
        kdniao.subscribe([Tracked("78001", "whoever")])
    assert caught.value.code == "kdniao.unknown_carrier"


def test_a_push_of_ten_parcels_is_ten_events_and_another_key_none(server: Any) -> None:
    for each in range(10):
        travelled(server, f"7800{each}")
    pushed = server.push([("YTO", f"7800{each}") for each in range(10)])
    assert len(scans_of(pushed)) == 50
    with pytest.raises(HookRefused) as caught:
        make_receiver().verify(
            HookRequest({}, pushed.body), [HookSecret("test1234567", "other")], START
        )
    assert caught.value.code == "bad_signature"
    said = make_receiver().answer(SECRETS, START)
    assert '"EBusinessID": "test1234567", "UpdateTime": "2026-11-11 09:00:00"' in said.body


def test_freight_addresses_and_pickups(server: Any) -> None:
    kdniao = connected("kdniao", server)
    light, heavy = (kdniao.quote(QuoteRequest(SENDER, WHO, grams)) for grams in (1000, 1001))
    assert [(one.service_code, one.minor, one.currency) for one in light + heavy] == [
        ("ZTO", 800, "CNY"), ("ZTO", 1050, "CNY"),
    ]  # fmt: skip
    split = kdniao.split_address("张三 13800138000 浙江省杭州市西湖区文三路1号")
    assert (split.name, split.phone, split.district, split.address) == ("张三", "13800138000", "西湖区", "文三路1号")  # fmt: skip
    booked = [
        kdniao.book_pickup(request("K1"), START, START + timedelta(hours=2)) for _ in range(2)
    ]
    assert booked == ["KDN000001"] * 2
    assert server.booked["K1"]["StartDate"] == "2026-11-11 09:00:00"


def test_every_documented_code_has_a_state() -> None:
    known = load_manifest("tidegate_connectors.kdniao").tracking
    told = [1, 2, 3, 4, 5, 6, 10, 201, 202, 204, 205, 206, 211, 301, 302, 304, 311]
    told += [*range(401, 408), *range(412, 424), *range(601, 605)]
    assert [code for code in told if str(code) not in known] == []
