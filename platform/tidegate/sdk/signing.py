"""Pieces that signatures of Chinese and international platforms are made of. Pure; all text is UTF-8."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

WEBHOOK_PREFIX = "whsec_"


def joined(fields: Mapping[str, str], *, skip_empty: bool = True, between: str = "") -> str:
    """`k1v1k2v2…` by key in ASCII order: TOP, JD, Dada, Jushuitan and many more sign this."""
    pairs = sorted((k, v) for k, v in fields.items() if k and (v != "" or not skip_empty))
    return between.join(f"{name}{value}" for name, value in pairs)


def md5_hex(text: str | bytes) -> str:
    return hashlib.md5(_bytes(text), usedforsecurity=False).hexdigest()


def sha256_hex(text: str | bytes) -> str:
    return hashlib.sha256(_bytes(text)).hexdigest()


def hmac_hex(secret: str | bytes, text: str | bytes, digest: str = "sha256") -> str:
    return hmac.new(_bytes(secret), _bytes(text), digest).hexdigest()


def hmac_base64(secret: str | bytes, text: str | bytes, digest: str = "sha256") -> str:
    return base64.b64encode(hmac.new(_bytes(secret), _bytes(text), digest).digest()).decode()


def base64_of(data: str | bytes) -> str:
    return base64.b64encode(_bytes(data)).decode("ascii")


def standard_webhook(secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    """Standard Webhooks: a secret that begins with `whsec_` is base64, any other is taken as it is."""
    key: str | bytes = secret
    if secret.startswith(WEBHOOK_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX), validate=True)
        except binascii.Error:
            key = secret
    return f"v1,{hmac_base64(key, f'{event_id}.{timestamp}.'.encode() + body)}"


def equal(left: str, right: str) -> bool:
    """In constant time, whatever somebody sent; use it for every comparison of signatures."""
    return hmac.compare_digest(left.encode("utf-8", "replace"), right.encode("utf-8", "replace"))


def canonical_json(document: Any) -> str:
    """Keys sorted at every depth, no blanks, Chinese and `<>&` as they are."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")
