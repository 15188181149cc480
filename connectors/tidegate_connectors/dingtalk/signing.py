"""How a robot of DingTalk knows us: HMAC-SHA256, keyed by the secret, over the time in ms and the secret."""

from __future__ import annotations

from tidegate.sdk.signing import hmac_base64


def signature(secret: str, timestamp_ms: int) -> str:
    """Before it is encoded for the query."""
    return hmac_base64(secret, f"{timestamp_ms}\n{secret}")
