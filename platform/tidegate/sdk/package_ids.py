"""The id of a parcel at platforms that know one by shop order and package, made of our client key."""

from __future__ import annotations

import base64
import hashlib
import re

_PLAIN = re.compile(r"[A-Z0-9_]+\Z")


def package_id(client_key: str, most: int = 15) -> str:
    """Capital letters, digits and underscores, always the same for a key: the key itself where it is short enough."""
    plain = client_key.replace("-", "_")
    if len(plain) <= most and _PLAIN.match(plain):
        return plain
    digest = hashlib.sha256(client_key.encode()).digest()
    return base64.b32encode(digest).decode("ascii")[:most]
