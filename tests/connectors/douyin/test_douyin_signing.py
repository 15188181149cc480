"""Douyin's signatures against the values that a public library computes, and the server's own against the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tidegate.sdk.discovery import module_of
from tidegate.sdk.webhooks import HookRefused, HookRequest, HookSecret
from tidegate_connectors.douyin.signing import push_signature, request_signature
from tidegate_platforms.douyin.envelope import Signer

KEY, SECRET = "7000000000000000001", "11111111-2222-3333-4444-555555555555"
BODY = (
    '{"order_asc":true,"order_by":"update_time","page":0,"size":10,'
    '"update_time_end":1767229200,"update_time_start":1767225600}'
)
CALL = "7e68c8eb2800d1aec5b0bdb8ea3497651701b52ae2e99f3ec4a44137430d818e"
PUSH = rb'[{"tag":"101","msg_id":"700001","data":"{\"p_id\":6900000000000000001}"}]'
PUSHED = "cfb01a1d839b789e1e293cb2eda09ea3"
NOW = datetime(2026, 11, 11, tzinfo=UTC)


def test_a_call_is_signed_as_published() -> None:
    assert request_signature(KEY, SECRET, "order.searchList", BODY, "1767229300") == CALL


def test_the_server_works_it_out_by_itself() -> None:
    query = {"app_key": KEY, "method": "order.searchList", "timestamp": "1767229300", "v": "2"}
    assert Signer(KEY, SECRET).sign(query, BODY.encode()) == CALL
    assert Signer(KEY, SECRET).push_sign(PUSH) == PUSHED == push_signature(KEY, SECRET, PUSH)


def test_a_push_names_its_order_and_nothing_else() -> None:
    receiver = module_of("douyin").make_receiver()
    request = HookRequest({"event-sign": PUSHED}, PUSH)
    receiver.verify(request, [HookSecret(KEY, SECRET)], NOW)
    (event,) = receiver.events(request)
    assert (event.id, event.kind) == ("700001", "101 paid")
    assert receiver.content(event).numbers == ("6900000000000000001",)
    assert receiver.answer([], NOW).body == '{"code":0,"msg":"success"}'


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"event-sign": PUSHED}, PUSH + b" ", "bad_signature"),
        ({"event-sign": PUSHED.upper()}, PUSH, "bad_signature"),
        ({}, PUSH, "not_signed"),
    ],
)
def test_a_push_that_is_not_proven_is_refused(
    headers: dict[str, str], body: bytes, code: str
) -> None:
    with pytest.raises(HookRefused) as caught:
        module_of("douyin").make_receiver().verify(
            HookRequest(headers, body), [HookSecret(KEY, SECRET)], NOW
        )
    assert caught.value.code == code


def test_a_ping_means_nothing() -> None:
    receiver = module_of("douyin").make_receiver()
    (event,) = receiver.events(HookRequest({}, b'[{"tag":"0","msg_id":"1","data":"{}"}]'))
    assert receiver.content(event).numbers == ()
