"""What Douyin signs. Pure; checked against published formulas' values in tests/connectors/douyin."""

from __future__ import annotations

from tidegate.sdk.signing import hmac_hex, md5_hex


def request_signature(
    app_key: str, app_secret: str, method: str, param_json: str, timestamp: str
) -> str:
    """Lower-case hex HMAC-SHA256. The token and the kind of signature are not part of it."""
    said = f"app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v2"  # by name
    return hmac_hex(app_secret, f"{app_secret}{said}{app_secret}")


def push_signature(app_key: str, app_secret: str, body: bytes) -> str:
    """Header `event-sign`: lower-case hex MD5 over the raw body between key and secret."""
    return md5_hex(app_key.encode() + body + app_secret.encode())
