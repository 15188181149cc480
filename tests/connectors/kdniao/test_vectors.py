"""Signatures that KDNiao's demos and public test suites show; the client and the server agree with them on their own."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from tidegate.sdk.webhooks import HookRefused, HookRequest, HookSecret
from tidegate_connectors.kdniao import make_receiver
from tidegate_connectors.kdniao.scans import read_time
from tidegate_connectors.kdniao.wire import data_sign
from tidegate_platforms.kdniao.envelope import Signer

DEMO_KEY = "56da2cf8-c8a2-44b2-b6fa-476cd7d1ba17"
PUSHED = (
    '{"PushTime":"2026-01-02 10:00:00","EBusinessID":"test1234567","Data":[{"LogisticCode":"78120000000001",'
    '"ShipperCode":"ZTO","State":"3","StateEx":"301","Success":true,"Traces":[]}],"Count":"1"}'
)
VECTORS = [
    (DEMO_KEY, "{'OrderCode':'','ShipperCode':'SF','LogisticCode':'118954907573'}", "OWFhM2I5N2ViM2U2MGRkMjc4YzU2NmVlZWI3ZDk0MmE="),
    (DEMO_KEY, '{"OrderCode":"","ShipperCode":"SF","LogisticCode":"118954907573"}', "NThjYTM2OGFhZDJjMGQ5ZjMxMGU3NzhjYzg3NDEwM2M="),
    ("test-api-key-0001", PUSHED, "ZTQ0OTcyNjJkN2ExZWQ3MjE2NTZiNjAxOGI1NzBhZjg="),
]  # fmt: skip
NOW = datetime(2026, 1, 2, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(("key", "text", "wanted"), VECTORS)
def test_published_signatures(key: str, text: str, wanted: str) -> None:
    assert data_sign(text, key) == wanted
    assert Signer(key).sign(text) == wanted


def test_a_published_push_is_believed_and_a_changed_one_is_not() -> None:
    receiver, secrets = make_receiver(), [HookSecret("test1234567", "test-api-key-0001")]

    def call(text: str, sign: str) -> HookRequest:
        fields = {"RequestData": text, "RequestType": "102", "DataSign": sign}
        return HookRequest({}, urlencode(fields).encode())

    good = call(PUSHED, VECTORS[2][2])
    receiver.verify(good, secrets, NOW)
    (event,) = receiver.events(good)
    (scan,) = receiver.content(event).scans  # without traces the push tells the state by itself
    assert (scan.waybill_no, scan.code, scan.state, scan.at) == (
        "78120000000001", "301", "delivered", NOW,
    )  # fmt: skip
    for text, sign, code in (
        (PUSHED.replace("301", "302"), VECTORS[2][2], "bad_signature"),
        (PUSHED, "", "not_signed"),
    ):
        with pytest.raises(HookRefused) as caught:
            receiver.verify(call(text, sign), secrets, NOW)
        assert caught.value.code == code
    with pytest.raises(HookRefused):
        receiver.verify(HookRequest({}, b"\xff\xfe"), secrets, NOW)


def test_both_forms_of_its_times_are_beijing_time() -> None:
    wanted = datetime(2023, 3, 29, 21, 37, 57, tzinfo=UTC)
    assert read_time("Thu Mar 30 05:37:57 CST 2023") == wanted
    assert read_time("2023-03-30 05:37:57") == read_time("2023/03/30 05:37:57") == wanted
    with pytest.raises(ValueError, match="does not match"):
        read_time("2023-03-30T05:37:57Z")
