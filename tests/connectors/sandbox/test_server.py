"""The sandbox from outside: raw HTTP, signed here, so that our client can hide no mistake."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tidegate.domain.tracking import STATES
from tidegate.errors import ConfigError
from tidegate_connectors.sandbox import RunningSandbox, start_server
from tidegate_connectors.sandbox.mapping import SCAN_STATES
from tidegate_connectors.sandbox.server.itinerary import (
    OUTCOMES,
    Route,
    itinerary,
    pick_outcome,
    travel_hours,
)
from tidegate_connectors.sandbox.server.numbering import (
    check_digit,
    is_waybill_no,
    sort_code,
    waybill_no,
)

SECRET = "test-secret"
START = datetime(2026, 11, 11, 0, 0, tzinfo=UTC)
FAR = Route("ZTO.standard", "浙江省", "嘉兴市", "广东省", "深圳市", "南山区")


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with start_server(secret=SECRET, clock=lambda: START) as running:
        yield running


def contact(**changes: str) -> dict[str, str]:
    usual = {"name": "张一", "phone": "13800000001", "province": "浙江省", "city": "嘉兴市",
             "district": "南湖区", "address": "中环路 1 号", "postcode": ""}  # fmt: skip
    return {**usual, **changes}


def order(code: str = "k1", **changes: Any) -> dict[str, Any]:
    usual = {
        "order_code": code,
        "service": "ZTO.standard",
        "sender": contact(),
        "recipient": contact(province="广东省", city="深圳市", district="南山区"),
        "items": [{"sku": "A", "title": "杯", "quantity": 1}],
        "weight_g": 500,
    }
    return {**usual, **changes}


def signed(path: str, body: bytes, **changes: str) -> dict[str, str]:
    """Headers after docs/sandbox.md, written out once more."""
    key = changes.get("key", "tidegate")
    stamp = changes.get("stamp", str(int(time.time())))
    nonce = changes.get("nonce", uuid.uuid4().hex)
    text = f"{key}\n{stamp}\n{nonce}\n{path}\n{hashlib.sha256(body).hexdigest()}"
    secret = changes.get("secret", SECRET)
    signature = hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()
    return {"X-App-Key": key, "X-Timestamp": stamp, "X-Nonce": nonce, "X-Signature": signature}


def post(
    sandbox: RunningSandbox, call: str, document: object, **changes: str
) -> tuple[int, dict[str, Any]]:
    body = json.dumps(document).encode()
    path = f"/v1/{call}"
    answer = requests.post(
        sandbox.url + path, data=body, headers=signed(path, body, **changes), timeout=10
    )
    return answer.status_code, answer.json()


def made(sandbox: RunningSandbox, code: str = "k1", **changes: Any) -> dict[str, Any]:
    status, answer = post(sandbox, "create", order(code, **changes))
    assert (status, answer["code"]) == (200, "ok"), answer
    data: dict[str, Any] = answer["data"]
    return data


def scans(sandbox: RunningSandbox, cursor: str = "", limit: int = 100) -> dict[str, Any]:
    data: dict[str, Any] = post(sandbox, "scans", {"cursor": cursor, "limit": limit})[1]["data"]
    return data


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret": "wrong"}, "bad_signature"),
        ({"key": "somebody"}, "unknown_app_key"),
        ({"nonce": "short"}, "bad_nonce"),
        ({"stamp": "yesterday"}, "timestamp_expired"),
    ],
)
def test_a_call_that_is_not_properly_signed_is_refused(
    sandbox: RunningSandbox, changes: dict[str, str], code: str
) -> None:
    assert post(sandbox, "create", order(), **changes)[0] == 401
    assert post(sandbox, "create", order(), **changes)[1]["code"] == code
    assert sandbox.ledger() == []


@pytest.mark.parametrize(("off_s", "status"), [(-301, 401), (-299, 200), (299, 200), (301, 401)])
def test_a_timestamp_may_be_five_minutes_off(off_s: int, status: int) -> None:
    now = 1_800_000_000
    with start_server(secret=SECRET, unix_time=lambda: float(now)) as sandbox:
        assert post(sandbox, "create", order(), stamp=str(now + off_s))[0] == status


def test_a_replayed_nonce_is_refused(sandbox: RunningSandbox) -> None:
    nonce = uuid.uuid4().hex
    assert post(sandbox, "query", {"order_code": "k"}, nonce=nonce)[0] == 200
    status, answer = post(sandbox, "query", {"order_code": "k"}, nonce=nonce)
    assert (status, answer["code"]) == (401, "nonce_repeated")


def test_a_changed_body_breaks_the_signature(sandbox: RunningSandbox) -> None:
    headers = signed("/v1/create", json.dumps(order()).encode())
    other = json.dumps(order(weight_g=900)).encode()
    answer = requests.post(sandbox.url + "/v1/create", data=other, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")


def test_a_signature_is_good_for_one_address_only(sandbox: RunningSandbox) -> None:
    body = json.dumps({"order_code": "k1"}).encode()
    headers = signed("/v1/query", body)
    answer = requests.post(sandbox.url + "/v1/cancel", data=body, headers=headers, timeout=10)
    assert answer.json()["code"] == "bad_signature"


def test_the_same_order_code_and_body_give_the_same_waybill(sandbox: RunningSandbox) -> None:
    first, again = made(sandbox), made(sandbox)
    assert first == again
    (row,) = sandbox.ledger()
    assert (row.order_code, row.waybill_no, row.creates) == ("k1", first["waybill_no"], 2)


def test_the_same_order_code_with_another_body_is_refused(sandbox: RunningSandbox) -> None:
    made(sandbox)
    status, answer = post(sandbox, "create", order(weight_g=501))
    assert (status, answer["code"]) == (200, "order_code_reused")
    assert len(sandbox.ledger()) == 1


def test_a_cancelled_order_code_stays_burnt(sandbox: RunningSandbox) -> None:
    made(sandbox)
    for _ in range(2):
        assert post(sandbox, "cancel", {"order_code": "k1"})[1]["data"] == {"status": "cancelled"}
    assert post(sandbox, "create", order())[1]["code"] == "order_code_cancelled"
    assert post(sandbox, "query", {"order_code": "k1"})[1]["data"] == {"status": "cancelled"}


def test_a_parcel_that_was_picked_up_cannot_be_cancelled(sandbox: RunningSandbox) -> None:
    number = made(sandbox)["waybill_no"]
    sandbox.clock.advance(timedelta(hours=9))  # 6 h, at most 40 % late: 8.4 h
    assert scans(sandbox)["scans"][0]["waybill_no"] == number
    assert post(sandbox, "cancel", {"order_code": "k1"})[1]["code"] == "already_picked_up"


def test_a_cancelled_parcel_is_never_scanned(sandbox: RunningSandbox) -> None:
    made(sandbox)
    post(sandbox, "cancel", {"order_code": "k1"})
    sandbox.clock.advance(timedelta(days=30))
    assert scans(sandbox)["scans"] == []


def test_an_unknown_order_code_is_absent_and_cannot_be_cancelled(sandbox: RunningSandbox) -> None:
    assert post(sandbox, "query", {"order_code": "no"})[1]["data"] == {"status": "absent"}
    assert post(sandbox, "cancel", {"order_code": "no"})[1]["code"] == "not_found"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"weight_g": 0}, "bad_weight"),
        ({"weight_g": 50_001}, "overweight"),
        ({"weight_g": "500"}, "bad_weight"),
        ({"service": "sf"}, "bad_service"),
        ({"recipient": contact(province="火星省")}, "address_not_served"),
        ({"recipient": contact(phone=" ")}, "recipient_incomplete"),
        ({"sender": contact(city="")}, "sender_incomplete"),
        ({"sender": None}, "bad_request"),
        ({"order_code": ""}, "bad_request"),
    ],
)
def test_what_no_courier_could_carry_is_refused(
    sandbox: RunningSandbox, changes: dict[str, Any], code: str
) -> None:
    status, answer = post(sandbox, "create", {**order(), **changes})
    assert (status, answer["code"]) == (200, code)
    assert answer["message"]["zh"]
    assert answer["message"]["en"]
    assert sandbox.ledger() == []


def test_fifty_kilograms_are_carried(sandbox: RunningSandbox) -> None:
    assert made(sandbox, weight_g=50_000)["status"] == "made"


def test_a_dry_pool_refuses_and_leaves_other_pools_alone() -> None:
    with start_server(secret=SECRET, pool_size=2) as sandbox:
        made(sandbox, "a")
        made(sandbox, "b")
        assert post(sandbox, "create", order("c"))[1]["code"] == "pool_empty"
        assert made(sandbox, "a") == made(sandbox, "a"), "a repeat needs no new number"
        made(sandbox, "d", service="SF.standard")
        assert [row.order_code for row in sandbox.ledger()] == ["a", "b", "d"]


def test_check_digits_are_luhn() -> None:
    assert check_digit("7992739871") == 3  # the worked example of ISO/IEC 7812-1 texts
    number = waybill_no(2, 17)
    assert number[:11] == "SB200000017"
    assert is_waybill_no(number)
    for wrong in (number[:-1] + str((int(number[-1]) + 1) % 10), "SB2", "XX" + number[2:]):
        assert not is_waybill_no(wrong)


def test_numbers_are_valid_and_distinct(sandbox: RunningSandbox) -> None:
    numbers = [made(sandbox, f"k{n}")["waybill_no"] for n in range(30)]
    assert len(set(numbers)) == 30
    assert all(is_waybill_no(number) for number in numbers)


def test_the_sort_code_follows_the_region() -> None:
    here = sort_code("浙江省", "杭州市", "余杭区", "文一西路 1 号")
    assert here.startswith("33")  # GB/T 2260: 33 is Zhejiang
    assert here == sort_code("浙江", "杭州市", "余杭区", "文一西路 1 号")
    same_branch = sort_code("浙江省", "杭州市", "余杭区", "良渚路 2 号")
    assert here.split("-")[:2] == same_branch.split("-")[:2]
    assert here.split("-")[1] != sort_code("浙江省", "杭州市", "西湖区", "x").split("-")[1]


def test_paging_misses_nothing_and_repeats_nothing(sandbox: RunningSandbox) -> None:
    for n in range(25):
        made(sandbox, f"k{n}")
    seen: list[str] = []
    cursor = ""
    for hours in range(0, 240, 12):  # scans keep happening between the pages
        sandbox.clock.set(START + timedelta(hours=hours))
        more = True
        while more:
            page = scans(sandbox, cursor, limit=7)
            assert len(page["scans"]) <= 7
            seen += [scan["event_id"] for scan in page["scans"]]
            cursor, more = page["cursor"], page["more"]
    everything = [scan["event_id"] for scan in scans(sandbox, "", limit=500)["scans"]]
    assert len(everything) > 100
    assert seen == everything
    assert len(set(seen)) == len(seen)


def test_a_clock_set_back_adds_nothing_behind_the_cursor(sandbox: RunningSandbox) -> None:
    made(sandbox, "a")
    sandbox.clock.advance(timedelta(days=10))
    before = scans(sandbox)
    sandbox.clock.set(START)
    made(sandbox, "b")
    sandbox.clock.advance(timedelta(days=10))
    after = scans(sandbox, before["cursor"])
    assert {scan["waybill_no"] for scan in after["scans"]}.isdisjoint(
        {scan["waybill_no"] for scan in before["scans"]}
    )


def test_a_strange_cursor_is_refused_and_one_of_another_ledger_starts_anew(
    sandbox: RunningSandbox,
) -> None:
    made(sandbox)
    sandbox.clock.advance(timedelta(days=10))
    assert post(sandbox, "scans", {"cursor": "x:y"})[1]["code"] == "bad_cursor"
    assert scans(sandbox, "0ld1edge:9000")["scans"] == scans(sandbox)["scans"]
    assert scans(sandbox)["scans"] != []


def test_pick_up_on_request_starts_the_journey_once() -> None:
    with start_server(
        secret=SECRET, clock=lambda: START, pickup_after_h=None, outcomes={"delivered": 1}
    ) as sandbox:
        number = made(sandbox)["waybill_no"]
        sandbox.clock.advance(timedelta(days=10))
        assert scans(sandbox)["scans"] == []
        ask = {"waybill_nos": [number, "SB0000000000"]}
        for _ in range(2):
            answer = post(sandbox, "pickups", ask)[1]["data"]
            assert answer == {"booked": [number], "cancelled": [], "unknown": ["SB0000000000"]}
        sandbox.clock.advance(timedelta(days=10))
        post(sandbox, "pickups", ask)
        codes = [scan["code"] for scan in scans(sandbox)["scans"]]
        assert codes[0] == "GOT"
        assert codes[-1] == "SIGNED"
        assert len(codes) == len(set(scan["event_id"] for scan in scans(sandbox)["scans"]))


def test_time_scale_makes_the_courier_faster_and_leaves_the_clock_alone() -> None:
    """At 3600 an hour of work takes a second: every scan lies within minutes of the pick-up."""
    with start_server(
        secret=SECRET, clock=lambda: START, time_scale=3600, outcomes={"delivered": 1}
    ) as sandbox:
        made(sandbox)
        assert scans(sandbox)["scans"] == []
        sandbox.clock.advance(timedelta(minutes=3))
        found = scans(sandbox)["scans"]
        assert [scan["code"] for scan in found][-1] == "SIGNED"
        first = datetime.fromisoformat(found[0]["at"])
        last = datetime.fromisoformat(found[-1]["at"])
        assert timedelta(seconds=3.5) < first - START < timedelta(seconds=8.5)  # 6 h +- 40 %
        assert timedelta(seconds=30) < last - first < timedelta(minutes=3)


def test_a_restart_keeps_numbers_scans_and_cursor(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "sandbox.db"
    with start_server(secret=SECRET, path=path, clock=lambda: START) as sandbox:
        first = made(sandbox, "a")
        sandbox.clock.advance(timedelta(hours=30))
        page = scans(sandbox)
        assert page["scans"]
    with start_server(secret=SECRET, path=path, clock=lambda: START) as sandbox:
        sandbox.clock.advance(timedelta(hours=30))
        assert made(sandbox, "a") == first
        assert made(sandbox, "b")["waybill_no"] != first["waybill_no"]
        assert scans(sandbox)["scans"] == page["scans"]
        assert scans(sandbox, page["cursor"])["scans"] == []
        assert [row.order_code for row in sandbox.ledger()] == ["a", "b"]


def test_a_lost_file_does_not_give_the_same_numbers_again(tmp_path: Path) -> None:
    numbers = set()
    for name in ("one.db", "two.db"):
        with start_server(secret=SECRET, path=tmp_path / name) as sandbox:
            numbers.add(made(sandbox)["waybill_no"])
    assert len(numbers) == 2


def test_two_sandboxes_on_one_file_never_share_a_number(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with (
        start_server(secret=SECRET, path=path) as one,
        start_server(secret=SECRET, path=path) as two,
    ):
        numbers = [made(who, f"{n}")["waybill_no"] for n, who in enumerate([one, two] * 5)]
        assert len(set(numbers)) == 10
        assert one.ledger() == two.ledger()


def test_a_file_that_is_none_of_ours_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 not a ledger" * 100)
    with pytest.raises(ConfigError, match=r"holiday\.jpg"):
        start_server(secret=SECRET, path=path)
    assert path.read_bytes().startswith(b"\xff\xd8")


def test_the_ledger_file_holds_nothing_personal(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with start_server(secret=SECRET, path=path) as sandbox:
        made(
            sandbox, recipient=contact(name="欧阳秘密", phone="13811112222", address="机密路 7 号")
        )
        raw = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert "嘉兴市".encode() in raw, "the check must be able to find something"
    for secret in ("欧阳秘密", "13811112222", "机密路"):
        assert secret.encode() not in raw


def test_itineraries_repeat_and_speak_only_known_codes() -> None:
    seen = set()
    for outcome in OUTCOMES:
        for n in range(50):
            number = waybill_no(2, n)
            steps = itinerary(1, number, FAR, outcome)
            assert steps == itinerary(1, number, FAR, outcome)
            hours = [step.after_h for step in steps]
            assert hours == sorted(hours)
            seen |= {step.code for step in steps}
    assert seen == set(SCAN_STATES)
    assert {SCAN_STATES[code] for code in seen} <= set(STATES)


@pytest.mark.parametrize(
    ("outcome", "last"),
    [
        ("delivered", "SIGNED"),
        ("second_attempt", "SIGNED"),
        ("locker", "SIGNED_OTHER"),
        ("refused", "RETURNED"),
        ("lost", "LOST"),
    ],
)
def test_each_outcome_ends_as_it_should(outcome: str, last: str) -> None:
    assert itinerary(1, "SB1", FAR, outcome)[-1].code == last


def test_a_stalled_parcel_moves_and_then_falls_silent() -> None:
    codes = [step.code for step in itinerary(1, "SB1", FAR, "stalled")]
    assert codes[0] == "GOT"
    assert "SENT" not in codes
    assert itinerary(1, "SB1", FAR, "never_picked_up") == []


def test_outcomes_come_in_their_shares() -> None:
    drawn = [pick_outcome(7, waybill_no(1, n)) for n in range(4000)]
    for outcome, share in OUTCOMES.items():
        assert abs(drawn.count(outcome) / 4000 - share) < 0.02, outcome
        assert outcome in drawn


def test_distance_and_carrier_set_the_pace() -> None:
    def hours(service: str, province: str, city: str) -> float:
        return travel_hours(Route(service, "浙江省", "嘉兴市", province, city, ""))

    assert hours("ZTO.standard", "浙江省", "嘉兴市") == 14
    assert hours("ZTO.standard", "浙江省", "杭州市") == 24
    assert hours("ZTO.standard", "上海市", "上海市") == 34
    assert hours("ZTO.standard", "广东省", "深圳市") == 52
    assert hours("ZTO.standard", "西藏自治区", "拉萨市") == 92
    assert hours("CHINAPOST.parcel", "广东省", "深圳市") == 78
    assert hours("SF.express", "广东省", "深圳市") == pytest.approx(25.48)
    assert hours("INTRACITY.instant", "浙江省", "嘉兴市") == pytest.approx(1.12)


def test_the_drawer_needs_the_secret_and_moves_the_clock(sandbox: RunningSandbox) -> None:
    made(sandbox)
    address, bearer = sandbox.url + "/ledger", {"Authorization": f"Bearer {SECRET}"}
    assert requests.post(address, json={}, timeout=10).status_code == 401
    listed = requests.post(address, json={}, headers=bearer, timeout=10).json()["data"]
    assert [row["order_code"] for row in listed["waybills"]] == ["k1"]
    control = sandbox.url + "/control"
    moved = requests.post(control, json={"advance_h": 2}, headers=bearer, timeout=10).json()
    assert moved["data"]["now"] == "2026-11-11T02:00:00+00:00"
    for wrong in ({"fault": "earthquake"}, {"typo": 1}, {"fault": "slow", "calls": 0}):
        assert requests.post(control, json=wrong, headers=bearer, timeout=10).status_code == 400


def test_garbage_in_is_refused_and_the_server_lives_on(sandbox: RunningSandbox) -> None:
    body = b"\xff{not json"
    headers = signed("/v1/create", body)
    answer = requests.post(sandbox.url + "/v1/create", data=body, headers=headers, timeout=10)
    assert answer.status_code == 400
    assert requests.post(sandbox.url + "/v1/nothing", data=b"{}", timeout=10).status_code == 404
    long = {"Content-Length": str(2 << 20)}
    with requests.Session() as session:
        refused = session.post(sandbox.url + "/v1/create", headers=long, data=b"", timeout=10)
    assert refused.status_code == 413
    assert requests.get(sandbox.url + "/healthz", timeout=10).json() == {"success": True}


def test_stopping_twice_is_fine_and_frees_the_port() -> None:
    sandbox = start_server(secret=SECRET)
    port = int(sandbox.url.rpartition(":")[2])
    requests.get(sandbox.url + "/healthz", timeout=10)
    sandbox.stop()
    sandbox.stop()
    again = start_server(port=port, secret=SECRET)
    again.stop()
