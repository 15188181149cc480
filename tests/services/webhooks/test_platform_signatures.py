"""The receiver's shape fits what real platforms send: KDNiao, Douyin, Youzan and Shopify/WooCommerce, by known
signatures (public vectors of the platforms' own libraries), not by our connectors."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from tidegate.sdk.signing import equal, hmac_base64, md5_hex
from tidegate.sdk.webhooks import (
    HookAnswer,
    HookContent,
    HookEvent,
    HookRefused,
    HookRequest,
    HookSecret,
    WebhookReceiver,
)

NOW = datetime(2026, 11, 11, tzinfo=UTC)


@dataclass
class KDNiao:
    """Push 101/102: a form, signed over the decoded RequestData; each parcel is an event of its own."""

    signs: bool = True

    def verify(self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime) -> None:
        form = parse_qs(request.body.decode())
        data, given = form["RequestData"][0].encode(), form["DataSign"][0]
        for one in secrets:
            digest = md5_hex(data + one.secret.encode()).encode()
            if equal(given, base64.b64encode(digest).decode()):
                return
        raise HookRefused("bad_signature")

    def events(self, request: HookRequest) -> Sequence[HookEvent]:
        form = parse_qs(request.body.decode())
        told = json.loads(form["RequestData"][0])
        kind = form["RequestType"][0]
        return [HookEvent("", kind, {"at": told["PushTime"], **one}) for one in told["Data"]]

    def content(self, event: HookEvent) -> HookContent:
        return HookContent()

    def answer(self, secrets: Sequence[HookSecret], now: datetime) -> HookAnswer:
        return HookAnswer(
            json.dumps({"EBusinessID": secrets[0].account, "Success": True, "Reason": ""})
        )


@dataclass
class Md5Around:
    """Douyin and Youzan: hex MD5 over key, raw body, secret, in a header."""

    header: str
    signs: bool = True

    def verify(self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime) -> None:
        given = request.headers.get(self.header, "")
        for one in secrets:
            if equal(given, md5_hex(one.account.encode() + request.body + one.secret.encode())):
                return
        raise HookRefused("bad_signature")

    def events(self, request: HookRequest) -> Sequence[HookEvent]:
        found = json.loads(request.body)
        told = found if isinstance(found, list) else [found]
        return [
            HookEvent(str(o.get("msg_id") or o.get("id")), str(o.get("tag") or o.get("type")), o)
            for o in told
        ]

    def content(self, event: HookEvent) -> HookContent:
        return HookContent()

    def answer(self, secrets: Sequence[HookSecret], now: datetime) -> HookAnswer:
        return HookAnswer('{"code":0,"msg":"success"}')


@dataclass
class Mall(Md5Around):
    """Shopify and WooCommerce: base64 HMAC-SHA256 over the raw body."""

    def verify(self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime) -> None:
        given = request.headers.get(self.header, "")
        if not any(equal(given, hmac_base64(s.secret, request.body)) for s in secrets):
            raise HookRefused("bad_signature")


KDN = (
    '{"PushTime":"2026-01-02 10:00:00","EBusinessID":"test1234567","Data":[{"LogisticCode":"78120000000001",'
    '"ShipperCode":"ZTO","State":"3","StateEx":"301","Success":true,"Traces":[]}],"Count":"1"}'
)
DOUYIN = r'[{"tag":"101","msg_id":"700001","data":"{\"p_id\":6900000000000000001}"}]'
YOUZAN = (
    '{"client_id":"cid0001","kdt_id":160,"type":"trade_TradePaid","id":"E20260101000000000000001",'
    '"msg":"%7B%22tid%22%3A%22E1%22%7D"}'
)
CASES: dict[str, tuple[WebhookReceiver, HookSecret, HookRequest, tuple[str, str]]] = {
    "kdniao": (
        KDNiao(), HookSecret("test1234567", "test-api-key-0001"),
        HookRequest({}, urlencode({
            "RequestData": KDN, "RequestType": "102",
            "DataSign": "ZTQ0OTcyNjJkN2ExZWQ3MjE2NTZiNjAxOGI1NzBhZjg=",
        }).encode()), ("", "102"),
    ),
    "douyin": (
        Md5Around("event-sign"),
        HookSecret("7000000000000000001", "11111111-2222-3333-4444-555555555555"),
        HookRequest({"event-sign": "cfb01a1d839b789e1e293cb2eda09ea3"}, DOUYIN.encode()),
        ("700001", "101"),
    ),
    "youzan": (
        Md5Around("event-sign"), HookSecret("cid0001", "def00000b1228e0f6ba8ef96be9"),
        HookRequest({"event-sign": "4f6d93ee94df7e39b5a55933e2d6e49a"}, YOUZAN.encode()),
        ("E20260101000000000000001", "trade_TradePaid"),
    ),
    "shopify": (
        Mall("x-shopify-hmac-sha256"), HookSecret("", "demo_shared_secret"),
        HookRequest(
            {"x-shopify-hmac-sha256": "sCq6XjBEEyUSETefnjEXvOW86XGbtID+BEsIKQiszqs="},
            b'{"id":820982911946154508,"name":"#9999"}',
        ), ("820982911946154508", "None"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("platform", CASES)
def test_a_platforms_own_signature_is_taken_and_no_other(platform: str) -> None:
    receiver, secret, request, event = CASES[platform]
    other = HookSecret(secret.account, "former-secret-0001")
    receiver.verify(request, [secret], NOW)
    receiver.verify(request, [other, secret], NOW)  # while a rotation lasts
    for secrets, asked in (
        ([other], request),
        ([], request),
        ([secret], HookRequest(request.headers, request.body.replace(b"1", b"2", 1))),
    ):
        with pytest.raises(HookRefused):
            receiver.verify(asked, secrets, NOW)
    (told,) = receiver.events(request)
    assert (told.id, told.kind) == event
    assert receiver.content(told) == HookContent()
    assert json.loads(receiver.answer([secret], NOW).body)


def test_secrets_and_bodies_do_not_show_in_a_repr() -> None:
    _, secret, request, _ = CASES["kdniao"]
    shown: Any = repr((secret, request, HookEvent("e", "k", {"phone": "13900001234"})))
    assert "test-api-key-0001" not in shown
    assert "ZTQ0OTcy" not in shown
    assert "13900001234" not in shown
