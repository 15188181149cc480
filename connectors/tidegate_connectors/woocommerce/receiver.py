"""Webhooks of WooCommerce: signed over the raw body. Of the body only the order's id and the time of its change are
kept; the order is fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from tidegate.sdk.signing import equal, hmac_base64
from tidegate.sdk.webhooks import (
    HookAnswer,
    HookContent,
    HookEvent,
    HookRefused,
    HookRequest,
    HookSecret,
)

SIGNATURE, TOPIC, ID = "x-wc-webhook-signature", "x-wc-webhook-topic", "x-wc-webhook-delivery-id"
PING = re.compile(rb"webhook_id=[0-9]{1,12}")  # sent unsigned when a webhook is saved
GONE = "order.deleted"


class WooReceiver:
    """Implements tidegate.sdk.webhooks.WebhookReceiver."""

    signs = True

    def verify(self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime) -> None:
        """A ping says nothing and leaves nothing, so it needs no proof."""
        if PING.fullmatch(request.body):
            return
        given = request.headers.get(SIGNATURE, "")
        if not given:
            raise HookRefused("not_signed")
        wanted = [signature(one.secret, request.body) for one in secrets]
        if not any([equal(given, one) for one in wanted]):
            raise HookRefused("bad_signature")

    def events(self, request: HookRequest) -> Sequence[HookEvent]:
        if PING.fullmatch(request.body):
            return []
        topic = request.headers.get(TOPIC, "")
        told = json.loads(request.body)
        payload = {"topic": topic, "number": "", "changed_at": ""}
        if topic.startswith("order."):
            payload["number"] = str(told["id"])
            payload["changed_at"] = str(told.get("date_modified_gmt") or "")
        return [HookEvent(request.headers.get(ID, ""), topic or "other", payload)]

    def content(self, event: HookEvent) -> HookContent:
        """An order that was deleted can't be fetched; it is left as it was."""
        number = str(event.payload.get("number") or "")
        if not number or event.payload.get("topic") == GONE:
            return HookContent()
        return HookContent(
            numbers=(number,), changed_at=_utc(str(event.payload.get("changed_at") or ""))
        )

    def answer(self, secrets: Sequence[HookSecret], now: datetime) -> HookAnswer:
        return HookAnswer()


def _utc(text: str) -> datetime | None:
    """WooCommerce writes no offset."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


def signature(secret: str, body: str | bytes) -> str:
    """`X-WC-Webhook-Signature`: HMAC-SHA256 of the body, in base64."""
    return hmac_base64(secret, body)


def make_receiver() -> WooReceiver:
    return WooReceiver()
