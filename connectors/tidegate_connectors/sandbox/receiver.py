"""Scans that the sandbox carrier pushes, signed over time and body (docs/sandbox.md)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from tidegate.sdk.signing import equal, hmac_hex
from tidegate.sdk.webhooks import (
    HookAnswer,
    HookContent,
    HookEvent,
    HookRefused,
    HookRequest,
    HookSecret,
    must_be_fresh,
)
from tidegate_connectors.sandbox.mapping import read_scan

TIME, SIGNATURE = "x-sandbox-timestamp", "x-sandbox-signature"


def signature(secret: str, unix_time: str, body: bytes) -> str:
    """Lower-case hex HMAC-SHA256 over `<time>.<body>`."""
    return hmac_hex(secret, unix_time.encode("ascii", "replace") + b"." + body)


class SandboxReceiver:
    """Implements tidegate.sdk.webhooks.WebhookReceiver."""

    signs = True

    def verify(self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime) -> None:
        given, stamp = request.headers.get(SIGNATURE, ""), request.headers.get(TIME, "")
        if not given:
            raise HookRefused("not_signed")
        signed = [equal(given, signature(one.secret, stamp, request.body)) for one in secrets]
        if not any(signed):
            raise HookRefused("bad_signature")
        must_be_fresh(stamp, now)

    def events(self, request: HookRequest) -> Sequence[HookEvent]:
        told = json.loads(request.body)["scans"]
        if not isinstance(told, list):
            raise TypeError("scans is no list")
        scans = [(read_scan(one), one) for one in told]
        return [HookEvent(scan.event_id, "scan", one, scan.at) for scan, one in scans]

    def content(self, event: HookEvent) -> HookContent:
        return HookContent(scans=(read_scan(event.payload),))

    def answer(self, secrets: Sequence[HookSecret], now: datetime) -> HookAnswer:
        return HookAnswer('{"success": true}')


def make_receiver() -> SandboxReceiver:
    return SandboxReceiver()
