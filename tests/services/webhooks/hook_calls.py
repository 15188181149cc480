"""Calls as platforms make them, for tests."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tidegate.sdk.webhooks import HookRequest
from tidegate.services.context import Context
from tidegate_connectors.sandbox import SandboxReceiver


def with_sandbox(context: Context) -> Context:
    return replace(context, receivers={**context.receivers, "sandbox": SandboxReceiver()})


def signed(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    """The sandbox's headers, worked out here and not by the code under test."""
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"x-sandbox-timestamp": stamp, "x-sandbox-signature": digest}


def scan(event_id: str, waybill_no: str, code: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "event_id": event_id, "waybill_no": waybill_no, "code": code, "at": at.isoformat(),
        "place": "嘉兴市", "description": "快件", **more,
    }  # fmt: skip


def scans_body(scans: Sequence[dict[str, Any]]) -> bytes:
    return json.dumps({"scans": list(scans)}, ensure_ascii=False).encode()


def call(secret: str, at: datetime, *scans: dict[str, Any]) -> HookRequest:
    body = scans_body(scans)
    return HookRequest(signed(secret, body, at), body)
