"""Routes of SF: queries and pushes in all their forms tell the same scans, repeats and any order included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from carrier_account import connected, request

from tidegate.sdk.stage.protocol import SignedPush
from tidegate.sdk.values import Tracked
from tidegate.sdk.webhooks import HookRequest
from tidegate_connectors.sf import make_receiver
from tidegate_connectors.sf.scans import read_route

START = datetime(2026, 11, 11, 1, 0, tzinfo=UTC)
WAY = (("50", "picked_up"), ("31", "arrived_at_hub"), ("36", "departed_from_hub"), ("44", "out_for_delivery"), ("first.4", "delivered"))  # fmt: skip


def travelled(server: Any, number: str) -> None:
    for hour, (code, _) in enumerate(WAY):
        server.add_scan("SF", number, code, START + timedelta(hours=hour), f'快件<{code}> & "潮"')


def scans_of(pushed: SignedPush) -> list[Any]:
    receiver, call = make_receiver(), HookRequest(pushed.headers, pushed.body)
    receiver.verify(call, [], START)
    return [scan for event in receiver.events(call) for scan in receiver.content(event).scans]


def answer_to(pushed: SignedPush) -> str:
    return make_receiver().answer_to(HookRequest(pushed.headers, pushed.body), [], START).body


def test_queries_and_both_forms_of_pushes_tell_the_same(server: Any) -> None:
    travelled(server, "SF001")
    asked = connected("sf", server).track([Tracked("SF001", "SF", phone_tail="8000")])
    assert [scan.state for scan in asked] == [state for _, state in WAY]
    assert [scan.at for scan in asked] == [START + timedelta(hours=h) for h in range(5)]
    assert scans_of(server.scan_push("SF", "SF001")) == asked
    assert scans_of(server.xml_push("SF001")) == asked
    events = make_receiver().events(HookRequest({}, server.xml_push("SF001").body))
    assert [event.id for event in events] == [scan.event_id for scan in asked]


def test_each_form_gets_the_words_it_waits_for(server: Any) -> None:
    travelled(server, "SF001")
    assert (
        answer_to(server.scan_push("SF", "SF001")) == '{"return_code":"0000","return_msg":"成功"}'
    )
    assert answer_to(server.xml_push("SF001")) == (
        '<Response service="RoutePushService"><Head>OK</Head></Response>'
    )
    assert '"code":"0"' in answer_to(server.state_push("SF001", "04-40037", START))


def test_an_order_state_is_news_before_the_first_route(server: Any) -> None:
    for code, states in (("04-40037", ["pickup_scheduled"]), ("05-40001", ["picked_up"]), ("09-1", [])):  # fmt: skip
        found = scans_of(server.state_push("SF001", code, START))
        assert [scan.state for scan in found] == states
        assert [(scan.waybill_no, scan.at) for scan in found] == [("SF001", START)] * len(states)


def test_a_route_alone_and_not_in_a_list_is_read_too() -> None:
    body = (
        '{"Body":{"WaybillRoute":{"mailno":"SF001","acceptTime":"2026-11-11 09:00:00","opCode":"8000",'
        '"reasonCode":"6","remark":"遗失"}}}'
    )
    (scan,) = scans_of(SignedPush({}, body.encode()))
    assert (scan.state, scan.at) == ("lost", START)


def test_a_code_nobody_knows_is_kept_and_counts_as_on_the_way(server: Any) -> None:
    server.add_scan("SF", "SF001", "9999", START, "新节点")
    (scan,) = scans_of(server.scan_push("SF", "SF001"))
    assert (scan.code, scan.state) == ("9999", "in_transit")


def test_the_first_status_says_more_than_the_code() -> None:
    states = {"first.4": "delivered", "44": "out_for_delivery", "*": "in_transit"}
    route = {"acceptTime": "2026-11-11 09:00:00", "opCode": "44", "firstStatusCode": "4"}
    assert read_route(route, "SF001", states).state == "delivered"
    assert (
        read_route({**route, "firstStatusCode": "77"}, "SF001", states).state == "out_for_delivery"
    )
    assert read_route({**route, "acceptTime": "1794358800000"}, "SF001", states).at == START


@pytest.mark.parametrize(
    "body", [b"{}", b"<a>", b"content=", b"\xff", b'{"Body":{"WaybillRoute":["x"]}}']
)
def test_what_can_not_be_read_says_so(body: bytes) -> None:
    with pytest.raises((ValueError, LookupError, TypeError, AttributeError)):
        make_receiver().events(HookRequest({}, body))


def test_ten_numbers_a_call_those_of_one_phone_together(server: Any) -> None:
    sf = connected("sf", server)
    for each in range(12):
        travelled(server, f"SF{each:03}")
    parcels = [Tracked(f"SF{each:03}", "SF", phone_tail="8000" if each < 11 else "9000") for each in range(12)]  # fmt: skip
    assert len(sf.track(parcels)) == 60
    assert [call.api for call in server.calls] == ["track.query"] * 3  # 10, 1 and the other phone


def test_numbers_are_followed_once_asked(server: Any) -> None:
    sf = connected("sf", server)
    made = sf.create_waybill(request("K1"))
    sf.subscribe([Tracked(made.waybill_no, "SF", phone_tail="8000")])
    assert server.followed == {made.waybill_no}
