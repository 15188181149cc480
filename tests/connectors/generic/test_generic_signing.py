"""The open protocol's signatures: the examples of its document, and Standard Webhooks' published one."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tidegate.sdk.discovery import module_of
from tidegate.sdk.signing import standard_webhook
from tidegate.sdk.webhooks import HookRefused, HookRequest, HookSecret
from tidegate_connectors.generic.signing import request_signature
from tidegate_platforms.generic.proof import sign

DOCUMENT = Path(__file__).parents[3] / "docs" / "connectors" / "generic.md"
BODY = '{"parcel":"P1","carrier":"SF","waybill_no":"SF1234567890123","shipped_at":"2026-01-01T02:00:00.000000Z"}'
SECRET = "mall-secret-1"
EXAMPLES = [
    (
        "1767225600",
        "GET",
        "/tidegate/v1/orders?modified_from=2026-01-01T00%3A00%3A00.000000Z&limit=100",
        "",
    ),
    ("1767225600", "POST", "/tidegate/v1/orders/20260101-7/shipments", BODY),
]
EVENT = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PUBLISHED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
THEN = datetime.fromtimestamp(1614265330, UTC)


@pytest.mark.parametrize("example", EXAMPLES)
def test_requests_are_signed_as_the_document_shows(example: tuple[str, str, str, str]) -> None:
    stamp, method, target, body = example
    signed = request_signature(SECRET, stamp, method, target, body.encode())
    lines = [stamp, method, target, hashlib.sha256(body.encode()).hexdigest()]
    assert signed == sign(SECRET, lines)
    text = DOCUMENT.read_text(encoding="utf-8")
    assert target in text
    assert body in text
    assert signed in re.findall(r"v1,[A-Za-z0-9+/=]{44}", text)


def test_the_check_in_the_document_takes_what_we_send() -> None:
    """The very text that a developer of a mall copies."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    is_from_tidegate, target = found["is_from_tidegate"], "/tidegate/v1/orders/%E5%BC%A0"
    now = int(found["time"].time())
    for stamp, wanted in ((now, True), (now - 400, False)):
        signed = request_signature(SECRET, str(stamp), "POST", target, b"{}")
        headers = {"mall-timestamp": str(stamp), "mall-signature": signed}
        assert is_from_tidegate("POST", target, headers, b"{}", SECRET) is wanted
        assert not is_from_tidegate("POST", target, headers, b"{ }", SECRET)
        assert not is_from_tidegate("POST", target + "?", headers, b"{}", SECRET)


def test_a_push_is_signed_as_standard_webhooks_publishes() -> None:
    event_id, stamp, body = EVENT
    assert standard_webhook(WHSEC, event_id, stamp, body) == PUBLISHED


def hook(signature: str) -> HookRequest:
    event_id, stamp, body = EVENT
    headers = {"webhook-id": event_id, "webhook-timestamp": stamp}
    return HookRequest({**headers, "webhook-signature": signature}, body)


def test_one_right_signature_among_several_is_enough() -> None:
    receiver = module_of("generic").make_receiver()
    receiver.verify(
        hook(f"v1,AAAA {PUBLISHED}"), [HookSecret("", "other"), HookSecret("", WHSEC)], THEN
    )


@pytest.mark.parametrize(
    ("signature", "now", "code"),
    [
        ("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=", THEN, "bad_signature"),
        ("v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", THEN, "bad_signature"),
        ("v1,", THEN, "bad_signature"),
        ("v1,invalid_signature", THEN, "bad_signature"),
        ("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", THEN, "bad_signature"),
        ("", THEN, "not_signed"),
        (PUBLISHED, datetime(2026, 1, 1, tzinfo=UTC), "too_old"),
    ],
)
def test_published_wrong_signatures_are_refused(signature: str, now: datetime, code: str) -> None:
    with pytest.raises(HookRefused) as caught:
        module_of("generic").make_receiver().verify(hook(signature), [HookSecret("", WHSEC)], now)
    assert caught.value.code == code
