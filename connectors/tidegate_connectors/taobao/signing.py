"""TOP signatures: all fields but `sign` by name, names and values run together, upper-case hex."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.sdk.signing import hmac_hex, joined, md5_hex

HMAC = {"hmac": "md5", "hmac-sha256": "sha256"}


def signature(fields: Mapping[str, str], secret: str) -> str:
    """Of a request; `sign_method` among the fields says how (md5, hmac, hmac-sha256)."""
    text = joined({name: value for name, value in fields.items() if name != "sign"})
    digest = HMAC.get(fields.get("sign_method", "md5"))
    if digest is None:
        return md5_hex(f"{secret}{text}{secret}").upper()
    return hmac_hex(secret, text, digest).upper()
