"""What Shopify signs. Pure; against published examples in tests/connectors/shopify."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.sdk.signing import hmac_base64, hmac_hex


def webhook_signature(secret: str, body: bytes) -> str:
    """Header `X-Shopify-Hmac-Sha256`: base64 over the raw body, key = the app's client secret."""
    return hmac_base64(secret, body)


def callback_signature(secret: str, query: Mapping[str, str]) -> str:
    """`hmac` of the address an owner comes back to after installing: lower-case hex over the other parameters."""
    kept = sorted((k, v) for k, v in query.items() if k not in ("hmac", "signature"))
    return hmac_hex(secret, "&".join(f"{name}={value}" for name, value in kept))
