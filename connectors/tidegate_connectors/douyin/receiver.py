"""Pushes of Douyin: an array of messages that name an order, signed over the raw body."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tidegate.sdk.signing import equal
from tidegate.sdk.webhooks import (
    HookAnswer,
    HookContent,
    HookEvent,
    HookRefused,
    HookRequest,
    HookSecret,
)
from tidegate_connectors.douyin.signing import push_signature

SIGNATURE = "event-sign"
ORDER_TAGS = {
    "100": "created", "101": "paid", "102": "shipped", "103": "completed",
    "104": "logistics_changed", "105": "address_changed", "106": "cancelled",
    "108": "part_shipped", "109": "amount_changed", "110": "paid_pending",
    "111": "address_change_requested", "113": "remark_changed", "126": "ship_by_changed",
    "200": "refund_requested", "201": "refund_agreed", "206": "refunded", "207": "refund_closed",
}  # fmt: skip


class DouyinReceiver:
    """Implements tidegate.sdk.webhooks.WebhookReceiver. The secret's account is the app key."""

    signs = True

    def verify(self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime) -> None:
        """Douyin signs no time; a repeat is known by its id."""
        given = request.headers.get(SIGNATURE, "")
        if not given:
            raise HookRefused("not_signed")
        wanted = [push_signature(one.account, one.secret, request.body) for one in secrets]
        if not any([equal(given, one) for one in wanted]):
            raise HookRefused("bad_signature")

    def events(self, request: HookRequest) -> Sequence[HookEvent]:
        told = json.loads(request.body)
        if not isinstance(told, list):
            raise TypeError("a push is a list of messages")
        return [_event(one) for one in told]

    def content(self, event: HookEvent) -> HookContent:
        number = str(event.payload.get("number") or "")
        return HookContent(numbers=(number,)) if number else HookContent()

    def answer(self, secrets: Sequence[HookSecret], now: datetime) -> HookAnswer:
        return HookAnswer('{"code":0,"msg":"success"}')


def _event(message: Mapping[str, Any]) -> HookEvent:
    """Only the order's number is kept: the order itself is fetched."""
    tag = str(message["tag"])
    kind = ORDER_TAGS.get(tag)
    number = _number(message.get("data")) if kind else ""
    if kind and not number:
        raise ValueError("a message about an order names none")
    payload = {"tag": tag, "number": number}
    return HookEvent(str(message.get("msg_id") or ""), f"{tag} {kind or 'other'}", payload)


def _number(data: Any) -> str:
    """The order's number as text: longer than a float holds."""
    found = json.loads(data) if isinstance(data, str) else data
    return str(found.get("p_id") or found.get("s_id") or "")


def make_receiver() -> DouyinReceiver:
    return DouyinReceiver()
