"""Shopify's signatures against the published example and the computed one."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from tidegate.sdk.discovery import module_of
from tidegate.sdk.webhooks import HookRefused, HookRequest, HookSecret
from tidegate_connectors.shopify.signing import callback_signature, webhook_signature
from tidegate_platforms.shopify import ShopifyServer

CALLBACK = "code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com&state=0.6784241404160823&timestamp=1337178173"
CALLED = "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf"
SECRET, BODY = "demo_shared_secret", b'{"id":820982911946154508,"name":"#9999"}'
SIGNED = "sCq6XjBEEyUSETefnjEXvOW86XGbtID+BEsIKQiszqs="
NOW = datetime(2026, 11, 11, tzinfo=UTC)


def test_the_install_callback_is_signed_as_published() -> None:
    query = dict(parse_qsl(CALLBACK))
    assert callback_signature("hush", query) == CALLED
    assert callback_signature("hush", {**query, "hmac": CALLED, "signature": "x"}) == CALLED
    assert callback_signature("hush", {**query, "shop": "other.myshopify.com"}) != CALLED


def test_a_webhook_is_signed_as_computed_on_both_sides() -> None:
    assert webhook_signature(SECRET, BODY) == SIGNED
    assert ShopifyServer().push("orders/updated", BODY).headers["X-Shopify-Hmac-Sha256"] == SIGNED


def hook(topic: str, body: bytes = BODY, signed: str = SIGNED) -> HookRequest:
    headers = {
        "x-shopify-hmac-sha256": signed,
        "x-shopify-topic": topic,
        "x-shopify-webhook-id": "w1",
    }
    return HookRequest({**headers, "x-shopify-triggered-at": "2026-11-11T00:00:00.5Z"}, body)


def test_a_webhook_names_its_order_and_nothing_else_is_kept() -> None:
    receiver = module_of("shopify").make_receiver()
    receiver.verify(hook("orders/updated"), [HookSecret("", "old"), HookSecret("", SECRET)], NOW)
    (event,) = receiver.events(hook("orders/updated"))
    assert (event.id, event.kind, event.at) == (
        "w1",
        "orders/updated",
        datetime(2026, 11, 11, 0, 0, 0, 500000, UTC),
    )
    assert dict(event.payload) == {
        "topic": "orders/updated", "number": "820982911946154508", "changed_at": "",
    }  # fmt: skip
    assert receiver.content(event).numbers == ("820982911946154508",)


@pytest.mark.parametrize(
    ("topic", "body", "numbers"),
    [
        ("refunds/create", b'{"id":1,"order_id":820982911946154508}', ("820982911946154508",)),
        ("fulfillments/create", b'{"id":1,"order_id":7}', ("7",)),
        ("orders/delete", b'{"id":7}', ()),
        ("products/update", b'{"id":7}', ()),
    ],
)
def test_what_other_topics_mean(topic: str, body: bytes, numbers: tuple[str, ...]) -> None:
    receiver = module_of("shopify").make_receiver()
    (event,) = receiver.events(hook(topic, body))
    assert receiver.content(event).numbers == numbers
    assert receiver.content(event).changed_at is None, "the time is not of the order"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (hook("orders/updated", BODY + b" "), "bad_signature"),
        (hook("orders/updated", signed=""), "not_signed"),
    ],
)
def test_a_webhook_that_is_not_proven_is_refused(request_: HookRequest, code: str) -> None:
    with pytest.raises(HookRefused) as caught:
        module_of("shopify").make_receiver().verify(request_, [HookSecret("", SECRET)], NOW)
    assert caught.value.code == code
