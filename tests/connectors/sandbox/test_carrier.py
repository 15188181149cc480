"""The connector against a running sandbox: what each failure is called; no fault bills twice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tidegate.domain.tracking import STATES
from tidegate.errors import ConfigError, RemoteRefused, RemoteRetry, RemoteUnknown, TidegateError
from tidegate.sdk.carrier import Carrier, Contact, DuplicateClass, ParcelItem, WaybillRequest
from tidegate.sdk.discovery import manifest_of
from tidegate_connectors.sandbox import RunningSandbox, SandboxCarrier, make_carrier, start_server

SECRET = "test-secret"
START = datetime(2026, 11, 11, 0, 0, tzinfo=UTC)
SENDER = Contact("发货组", "057300000000", "浙江省", "嘉兴市", "南湖区", "物流园 8 号")
CANARY = Contact("欧阳卡纳", "13812345678", "广东省", "深圳市", "南山区", "卡纳路 99 号")


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with start_server(secret=SECRET, clock=lambda: START) as running:
        yield running


@pytest.fixture
def carrier(sandbox: RunningSandbox) -> Iterator[SandboxCarrier]:
    made = SandboxCarrier(sandbox.url, "tidegate", SECRET, timeout_s=0.5)
    yield made
    made.close()


def a_request(key: str = "P1-1", **changes: object) -> WaybillRequest:
    usual = WaybillRequest(
        client_key=key,
        service_code="SF.standard",
        order_number="2931",
        parcel_number="P1",
        sender=SENDER,
        recipient=CANARY,
        items=[ParcelItem("A", "杯", 2)],
        weight_g=620,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def no_personal_data(error: BaseException) -> bool:
    shown = f"{error!r} {error} {getattr(error, 'fields', '')} {getattr(error, 'texts', '')}"
    return not any(word in shown for word in ("欧阳", "13812345678", "卡纳路", SECRET))


def test_it_is_a_carrier_of_class_a(carrier: SandboxCarrier) -> None:
    plain: Carrier = carrier
    assert (plain.name, plain.duplicates) == ("sandbox", DuplicateClass.HONOURS_KEY)
    about = manifest_of("sandbox")
    assert about.id == "sandbox"
    assert about.duplicates == plain.duplicates.value


def test_a_waybill_is_made_found_repeated_and_cancelled(
    carrier: SandboxCarrier, sandbox: RunningSandbox
) -> None:
    assert carrier.query_waybill("P1-1") is None
    waybill = carrier.create_waybill(a_request())
    assert carrier.create_waybill(a_request()) == waybill
    assert carrier.query_waybill("P1-1") == waybill
    carrier.cancel_waybill("P1-1")
    carrier.cancel_waybill("P1-1")
    assert carrier.query_waybill("P1-1") is None
    assert len(sandbox.ledger()) == 1


UNKNOWN = [
    ("timeout_after_accept", "no_answer", True),
    ("cut_after_accept", "no_answer", True),
    ("error_500_before", "http_500", False),
    ("error_502_after_accept", "http_502", True),
    ("garbage", "unreadable", True),
    ("slow", "no_answer", True),
]


@pytest.mark.parametrize(("fault", "why", "accepted"), UNKNOWN)
def test_an_unclear_outcome_is_unknown_and_resolves_without_a_second_waybill(
    carrier: SandboxCarrier, sandbox: RunningSandbox, fault: str, why: str, accepted: bool
) -> None:
    sandbox.fault(fault, on="create", seconds=1.5)
    with pytest.raises(RemoteUnknown) as caught:
        carrier.create_waybill(a_request())
    assert caught.value.fields["why"] == why
    assert no_personal_data(caught.value)
    found = carrier.query_waybill("P1-1")
    if fault != "slow":  # a slow one is made later, between the query and the repeat
        assert (found is not None) == accepted
    again = carrier.create_waybill(a_request())
    assert found in (None, again)
    assert carrier.query_waybill("P1-1") == again
    assert [row.waybill_no for row in sandbox.ledger()] == [again.waybill_no]


@pytest.mark.parametrize("call", ["query", "cancel", "scans", "pickups"])
@pytest.mark.parametrize("fault", ["cut_after_accept", "error_500_before", "garbage"])
def test_every_call_names_an_unclear_outcome_the_same(
    carrier: SandboxCarrier, sandbox: RunningSandbox, call: str, fault: str
) -> None:
    waybill = carrier.create_waybill(a_request())
    calls: dict[str, Callable[[], object]] = {
        "query": lambda: carrier.query_waybill("P1-1"),
        "cancel": lambda: carrier.cancel_waybill("P1-1"),
        "scans": lambda: carrier.scans_since(""),
        "pickups": lambda: carrier.request_pickup([waybill.waybill_no]),
    }
    sandbox.fault(fault, on=call)
    with pytest.raises(RemoteUnknown):
        calls[call]()
    calls[call]()


def test_a_throttled_call_was_not_made_and_says_when_to_come_back(
    carrier: SandboxCarrier, sandbox: RunningSandbox
) -> None:
    sandbox.fault("throttle", on="create", seconds=7)
    with pytest.raises(RemoteRetry) as caught:
        carrier.create_waybill(a_request())
    assert caught.value.code == "carrier.throttled"
    assert caught.value.fields["retry_after_s"] == 7
    assert sandbox.ledger() == []
    carrier.create_waybill(a_request())
    assert len(sandbox.ledger()) == 1


def test_nobody_listening_is_a_retry() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    carrier = SandboxCarrier(f"http://127.0.0.1:{port}", "tidegate", SECRET, 1)
    with pytest.raises(RemoteRetry) as caught:
        carrier.create_waybill(a_request())
    assert caught.value.code == "carrier.unreachable"
    assert no_personal_data(caught.value)
    carrier.close()


def test_a_name_that_does_not_exist_is_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown_name(*_args: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown_name)
    carrier = SandboxCarrier("http://carrier.invalid", "tidegate", SECRET, 1)
    with pytest.raises(RemoteRetry):
        carrier.query_waybill("x")
    carrier.close()


def test_a_restarted_sandbox_is_found_again_by_the_same_connector() -> None:
    first = start_server(secret=SECRET)
    carrier = SandboxCarrier(first.url, "tidegate", SECRET, 1)
    carrier.query_waybill("x")
    first.stop()
    with pytest.raises((RemoteRetry, RemoteUnknown)):
        carrier.query_waybill("x")
    with start_server(port=int(first.url.rpartition(":")[2]), secret=SECRET):
        assert carrier.query_waybill("x") is None
    carrier.close()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"weight_g": 0}, "carrier.bad_weight"),
        ({"weight_g": 60_000}, "carrier.overweight"),
        ({"recipient": replace(CANARY, phone="")}, "carrier.recipient_incomplete"),
        ({"recipient": replace(CANARY, province="火星省")}, "carrier.address_not_served"),
        ({"sender": replace(SENDER, address="")}, "carrier.sender_incomplete"),
    ],
)
def test_a_business_no_is_refused_with_texts_in_both_languages(
    carrier: SandboxCarrier, changes: dict[str, object], code: str
) -> None:
    with pytest.raises(RemoteRefused) as caught:
        carrier.create_waybill(a_request(**changes))
    assert caught.value.code == code
    assert caught.value.text("zh") != caught.value.text("en")
    assert no_personal_data(caught.value)


def test_an_address_refused_on_demand_can_be_sent_again(
    carrier: SandboxCarrier, sandbox: RunningSandbox
) -> None:
    sandbox.fault("refuse_address", on="create")
    with pytest.raises(RemoteRefused) as caught:
        carrier.create_waybill(a_request())
    assert caught.value.code == "carrier.address_not_served"
    carrier.create_waybill(a_request())
    assert len(sandbox.ledger()) == 1


def test_other_content_under_the_same_key_and_a_dry_pool_are_refused() -> None:
    with start_server(secret=SECRET, pool_size=1) as sandbox:
        carrier = SandboxCarrier(sandbox.url, "tidegate", SECRET, 2)
        carrier.create_waybill(a_request())
        for request, code in (
            (a_request(weight_g=700), "carrier.order_code_reused"),
            (a_request("P2-1"), "carrier.pool_empty"),
        ):
            with pytest.raises(RemoteRefused) as caught:
                carrier.create_waybill(request)
            assert caught.value.code == code
        carrier.cancel_waybill("P1-1")
        with pytest.raises(RemoteRefused, match="cancelled"):
            carrier.create_waybill(a_request())
        carrier.close()


@pytest.mark.parametrize(
    ("app_key", "secret", "code"),
    [
        ("tidegate", "wrong", "carrier.bad_signature"),
        ("nobody", SECRET, "carrier.unknown_app_key"),
    ],
)
def test_a_wrong_account_makes_parcels_wait_and_loses_none(
    sandbox: RunningSandbox, app_key: str, secret: str, code: str
) -> None:
    carrier = SandboxCarrier(sandbox.url, app_key, secret, 2)
    with pytest.raises(RemoteRetry) as caught:
        carrier.create_waybill(a_request())
    assert caught.value.code == code
    assert caught.value.fields["retry_after_s"] == 60
    carrier.close()


def test_scans_arrive_with_unified_states_and_aware_times(
    carrier: SandboxCarrier, sandbox: RunningSandbox
) -> None:
    waybill = carrier.create_waybill(a_request())
    assert carrier.scans_since("").scans == []
    sandbox.clock.advance(timedelta(days=12))
    page = carrier.scans_since("")
    assert page.scans
    assert not page.more
    first = page.scans[0]
    assert (first.waybill_no, first.state, first.place) == (
        waybill.waybill_no,
        "picked_up",
        "嘉兴市",
    )
    assert all(scan.state in STATES and scan.at.tzinfo is UTC for scan in page.scans)
    assert carrier.scans_since(page.cursor).scans == []


def test_duplicated_and_shuffled_scans_keep_their_ids(
    carrier: SandboxCarrier, sandbox: RunningSandbox
) -> None:
    carrier.create_waybill(a_request())
    sandbox.clock.advance(timedelta(days=12))
    usual = [scan.event_id for scan in carrier.scans_since("").scans]
    assert len(usual) > 1
    sandbox.fault("duplicate_scans")
    sandbox.fault("shuffled_scans")
    assert carrier.query_waybill("P1-1") is not None, "scan faults wait for a scans call"
    assert [s.event_id for s in carrier.scans_since("").scans] == [
        i for i in usual for _ in range(2)
    ]
    assert [s.event_id for s in carrier.scans_since("").scans] == usual[::-1]


def test_request_pickup_brings_the_courier_now() -> None:
    with start_server(secret=SECRET, clock=lambda: START, pickup_after_h=None) as sandbox:
        carrier = SandboxCarrier(sandbox.url, "tidegate", SECRET, 2)
        numbers = [carrier.create_waybill(a_request(f"P{n}-1")).waybill_no for n in range(20)]
        assert carrier.request_pickup([*numbers, "SB0000000000"]) == numbers
        scanned = {scan.waybill_no for scan in carrier.scans_since("").scans}
        assert len(scanned) >= 15  # a few are never picked up
        assert scanned <= set(numbers)
        carrier.close()


def test_ten_threads_with_one_key_get_one_waybill(
    carrier: SandboxCarrier, sandbox: RunningSandbox
) -> None:
    with ThreadPoolExecutor(10) as pool:
        waybills = list(pool.map(lambda _: carrier.create_waybill(a_request()), range(40)))
    assert len(set(waybills)) == 1
    (row,) = sandbox.ledger()
    assert row.creates == 40


def test_a_storm_of_faults_never_bills_twice(sandbox: RunningSandbox) -> None:
    """Forty parcels, every third call spoiled; each key is repeated until it has a number."""
    carrier = SandboxCarrier(sandbox.url, "tidegate", SECRET, 0.3)
    faults = [fault for fault, _, _ in UNKNOWN] + ["throttle"]
    got = {}
    for n in range(40):
        if n % 3 == 0:
            sandbox.fault(faults[n // 3 % len(faults)], on="create", seconds=0.6)
        for _ in range(3):
            try:
                got[f"K{n}"] = carrier.create_waybill(a_request(f"K{n}")).waybill_no
                break
            except (RemoteUnknown, RemoteRetry):
                continue
    assert len(got) == 40
    assert {row.order_code: row.waybill_no for row in sandbox.ledger()} == got
    carrier.close()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"url": "127.0.0.1:8765", "secret": "s"},
        {"url": "ftp://x", "secret": "s"},
        {"url": "http://127.0.0.1:1"},
    ],
)
def test_unusable_settings_are_named(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        make_carrier(settings)


def test_an_answer_of_another_shape_is_unknown() -> None:
    """Somebody else's server at our address: whatever it says, we know nothing."""
    answers = [
        b'{"success": true}',
        b"[]",
        b'{"success": true, "data": {"waybill_no": 7}}',
        b'"ok"',
    ]
    for answer in answers:
        with one_answer(answer) as url:
            carrier = SandboxCarrier(url, "tidegate", SECRET, 2)
            with pytest.raises(TidegateError) as caught:
                carrier.create_waybill(a_request())
            assert isinstance(caught.value, RemoteUnknown), answer
            carrier.close()


def test_the_office_proxy_is_not_used(
    monkeypatch: pytest.MonkeyPatch, carrier: SandboxCarrier
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with pytest.raises(requests.exceptions.ProxyError):
        requests.get("http://127.0.0.1:1", timeout=2)
    assert carrier.query_waybill("x") is None


class one_answer:
    """A listener that gives the same bytes to one caller."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_error: object) -> None:
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536)
            head, _, rest = received.partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            while len(rest) < length:
                rest += connection.recv(65536)
            head = (
                f"HTTP/1.1 200 OK\r\nContent-Length: {len(self._body)}\r\nConnection: close\r\n\r\n"
            )
            connection.sendall(head.encode() + self._body)
