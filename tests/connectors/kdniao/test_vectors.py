"""Signatures that KDNiao's demos and public test suites show; the client and the server agree with them on their own."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

import pytest
from ruamel.yaml import YAML

from tidegate.sdk.webhooks import HookRefused, HookRequest, HookSecret
from tidegate_connectors.kdniao import make_receiver
from tidegate_connectors.kdniao.scans import read_time
from tidegate_connectors.kdniao.wire import data_sign
from tidegate_platforms.kdniao.envelope import Signer

VECTORS = YAML(typ="safe", pure=True).load(
    files("tidegate_connectors.kdniao").joinpath("vectors.yaml").read_text("utf-8")
)
PUSHED, PUSH_SIGN = VECTORS[2]["given"]["request_data"], VECTORS[2]["gives"]
NOW = datetime(2026, 1, 2, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_published_signatures(vector: dict[str, Any]) -> None:
    assert data_sign(**vector["given"]) == vector["gives"]
    assert (
        Signer(vector["given"]["api_key"]).sign(vector["given"]["request_data"]) == vector["gives"]
    )


def test_a_published_push_is_believed_and_a_changed_one_is_not() -> None:
    receiver, secrets = make_receiver(), [HookSecret("test1234567", "test-api-key-0001")]

    def call(text: str, sign: str) -> HookRequest:
        fields = {"RequestData": text, "RequestType": "102", "DataSign": sign}
        return HookRequest({}, urlencode(fields).encode())

    good = call(PUSHED, PUSH_SIGN)
    receiver.verify(good, secrets, NOW)
    (event,) = receiver.events(good)
    (scan,) = receiver.content(event).scans  # without traces the push tells the state by itself
    assert (scan.waybill_no, scan.code, scan.state, scan.at) == (
        "78120000000001", "301", "delivered", NOW,
    )  # fmt: skip
    for text, sign, code in (
        (PUSHED.replace("301", "302"), PUSH_SIGN, "bad_signature"),
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
