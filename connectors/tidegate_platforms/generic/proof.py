"""The protocol's signatures worked out by means of its own, and its refusals."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from tidegate.sdk.stage.server import Asked, Told, told

MOST_APART_S = 300


class Refusal(Exception):
    """A status with the protocol's code."""

    def __init__(self, status: int, code: str, message: str, outcome: str = "refused") -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.outcome = status, code, message, outcome


def sign(secret: str, lines: list[str]) -> str:
    signed = hmac.digest(secret.encode(), "\n".join(lines).encode(), "sha256")
    return "v1," + base64.b64encode(signed).decode()


def check(asked: Asked, key: str, secret: str, now: datetime) -> None:
    """Raises Refusal: a foreign key, a wrong signature, a clock that is off, another version."""
    headers = asked.headers
    if headers.get("mall-protocol") != "1":
        raise Refusal(400, "unknown_version", "Mall-Protocol must be 1")
    if headers.get("mall-key") != key:
        raise Refusal(401, "unknown_key", "no such key", "bad_signature")
    stamp, body = headers.get("mall-timestamp", ""), hashlib.sha256(asked.body).hexdigest()
    wanted = sign(secret, [stamp, asked.method, asked.target, body])
    if not hmac.compare_digest(wanted.encode(), headers.get("mall-signature", "").encode()):
        raise Refusal(401, "bad_signature", "the signature does not fit", "bad_signature")
    if not stamp.isdigit() or abs(now.timestamp() - int(stamp)) > MOST_APART_S:
        raise Refusal(401, "stale_timestamp", "the clocks differ by over 300 seconds")


def push_headers(secret: str, event_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Standard Webhooks."""
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.digest(key, f"{event_id}.{stamp}.".encode() + body, "sha256")
    return {
        "Content-Type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def bad(refusal: Refusal, headers: dict[str, str] | None = None) -> Told:
    error = {"code": refusal.code, "message": refusal.message}
    return told({"error": error}, refusal.status, refusal.outcome, headers)
