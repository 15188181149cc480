"""Pushes of a mall: Standard Webhooks. They name an order; the order itself is fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from tidegate.sdk.signing import equal, standard_webhook
from tidegate.sdk.webhooks import (
    HookAnswer,
    HookContent,
    HookEvent,
    HookRefused,
    HookRequest,
    HookSecret,
    must_be_fresh,
)

ID, TIME, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class MallReceiver:
    """Implements tidegate.sdk.webhooks.WebhookReceiver."""

    signs = True

    def verify(self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime) -> None:
        headers = request.headers
        given, stamp = headers.get(SIGNATURE, "").split(), headers.get(TIME, "")
        if not given:
            raise HookRefused("not_signed")
        event_id = headers.get(ID, "")
        wanted = [standard_webhook(s.secret, event_id, stamp, request.body) for s in secrets]
        if not any([equal(one, other) for one in given for other in wanted]):
            raise HookRefused("bad_signature")
        must_be_fresh(stamp, now)

    def events(self, request: HookRequest) -> Sequence[HookEvent]:
        """One event a call. Whatever else `data` holds is not kept."""
        told = json.loads(request.body)
        data = told["data"]
        if not isinstance(data, Mapping):
            raise TypeError("data is no object")
        number = data.get("number")
        stamp = told.get("timestamp")
        at = datetime.fromisoformat(stamp) if isinstance(stamp, str) else None
        return [
            HookEvent(
                request.headers.get(ID, ""), str(told["type"]),
                {"number": "" if number is None else str(number)},
                at if at is not None and at.tzinfo else None,
            )
        ]  # fmt: skip

    def content(self, event: HookEvent) -> HookContent:
        number = str(event.payload.get("number") or "")
        if not number or not event.kind.startswith("order."):
            return HookContent()
        return HookContent(numbers=(number,), changed_at=event.at)

    def answer(self, secrets: Sequence[HookSecret], now: datetime) -> HookAnswer:
        return HookAnswer('{"ok":true}')


def make_receiver() -> MallReceiver:
    return MallReceiver()
