"""What the protocol signs. Pure; the vectors are in docs/connectors/generic.md."""

from __future__ import annotations

from tidegate.sdk.signing import hmac_base64, sha256_hex


def request_signature(secret: str, timestamp: str, method: str, target: str, body: bytes) -> str:
    """`v1,` and base64 of HMAC-SHA256 over four lines. `target` is path and query as they are sent."""
    said = "\n".join((timestamp, method, target, sha256_hex(body)))
    return f"v1,{hmac_base64(secret, said)}"
