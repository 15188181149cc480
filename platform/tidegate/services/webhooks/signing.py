"""Standard Webhooks: secrets, and the headers that prove a body (github.com/standard-webhooks, spec 1.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from tidegate.services.secrets_box import SecretsBox

PREFIX = "whsec_"
SECRET_BYTES = 32
GRACE = timedelta(hours=24)  # a former secret signs too for this long


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def seal_first(box: SecretsBox, secret: str) -> str:
    """The secrets of a new endpoint, for its row."""
    return box.seal([[secret, None]])


def seal_next(box: SecretsBox, sealed: str, secret: str, now: datetime) -> str:
    """With a new secret in front; the one before goes on for a day, older ones end."""
    (before, _), *_ = box.open(sealed)
    return box.seal([[secret, None], [before, (now + GRACE).isoformat()]])


def live_secrets(box: SecretsBox, sealed: str, now: datetime) -> Sequence[str]:
    """Secrets that sign now, the newest first."""
    return [
        secret
        for secret, until in box.open(sealed)
        if until is None or datetime.fromisoformat(until) > now
    ]


def headers(event_id: str, at: datetime, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """The three headers of the specification, with a signature per secret."""
    stamp = str(int(at.timestamp()))
    message = f"{event_id}.{stamp}.".encode() + body
    return {
        "webhook-id": event_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{_signature(key, message)}" for key in keys),
    }


def _signature(secret: str, message: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode("ascii")
