"""What the protocol signs. Pure; the vectors are in docs/connectors/generic.md."""

from __future__ import annotations

import base64
import binascii

from tidegate.sdk.signing import hmac_base64, sha256_hex

PREFIX = "whsec_"


def request_signature(secret: str, timestamp: str, method: str, target: str, body: bytes) -> str:
    """`v1,` and base64 of HMAC-SHA256 over four lines. `target` is path and query as they are sent."""
    said = "\n".join((timestamp, method, target, sha256_hex(body)))
    return f"v1,{hmac_base64(secret, said)}"


def push_signature(secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    """Standard Webhooks: a secret that begins with `whsec_` is base64, any other is taken as it is."""
    key: str | bytes = secret
    if secret.startswith(PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            key = secret
    return f"v1,{hmac_base64(key, f'{event_id}.{timestamp}.'.encode() + body)}"
