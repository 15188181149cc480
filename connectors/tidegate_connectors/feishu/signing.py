"""How a robot of Feishu knows us: the time in seconds and the secret are the key, and nothing is signed with it."""

from __future__ import annotations

from tidegate.sdk.signing import hmac_base64


def signature(secret: str, timestamp_s: int) -> str:
    """Key and message are the other way round than DingTalk's."""
    return hmac_base64(f"{timestamp_s}\n{secret}", "")
