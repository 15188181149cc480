"""Webhooks of Shopify: signed over the raw body. Of the body only the order's id and the time of its change are kept;
the order is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from tidegate.sdk.signing import equal
from tidegate.sdk.webhooks import (
    HookAnswer,
    HookContent,
    HookEvent,
    HookRefused,
    HookRequest,
    HookSecret,
)
from tidegate_connectors.shopify.signing import webhook_signature

SIGNATURE, TOPIC = "x-shopify-hmac-sha256", "x-shopify-topic"
ID, TIME = "x-shopify-webhook-id", "x-shopify-triggered-at"
WITH_ORDER_ID = ("fulfillments/", "refunds/", "order_transactions/")


class ShopifyReceiver:
    """Implements tidegate.sdk.webhooks.WebhookReceiver."""

    signs = True

    def verify(self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime) -> None:
        """Shopify signs no time; a repeat is known by its id."""
        given = request.headers.get(SIGNATURE, "")
        if not given:
            raise HookRefused("not_signed")
        wanted = [webhook_signature(one.secret, request.body) for one in secrets]
        if not any([equal(given, one) for one in wanted]):
            raise HookRefused("bad_signature")

    def events(self, request: HookRequest) -> Sequence[HookEvent]:
        topic = request.headers.get(TOPIC, "")
        told = json.loads(request.body)
        number = changed_at = ""
        if topic.startswith("orders/"):
            number, changed_at = str(told["id"]), str(told.get("updated_at") or "")
        elif topic.startswith(WITH_ORDER_ID):
            number = str(told["order_id"])
        event_id = request.headers.get(ID, "")
        payload = {"topic": topic, "number": number, "changed_at": changed_at}
        return [HookEvent(event_id, topic or "other", payload, _at(request.headers.get(TIME, "")))]

    def content(self, event: HookEvent) -> HookContent:
        """An order that was deleted can't be fetched; it is left as it was."""
        number = str(event.payload.get("number") or "")
        if not number or event.payload.get("topic") == "orders/delete":
            return HookContent()
        return HookContent(
            numbers=(number,), changed_at=_at(str(event.payload.get("changed_at") or ""))
        )

    def answer(self, secrets: Sequence[HookSecret], now: datetime) -> HookAnswer:
        return HookAnswer()


def _at(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def make_receiver() -> ShopifyReceiver:
    return ShopifyReceiver()
