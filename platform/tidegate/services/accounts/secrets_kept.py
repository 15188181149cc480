"""Long random secrets: shown once, kept as a hash."""

from __future__ import annotations

import base64
import hashlib
import secrets


def new_secret(prefix: str = "") -> str:
    """256 bits; a prefix says what it is to people and to secret scanners."""
    return prefix + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """SHA-256: enough for a secret that cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()


def new_setup_code() -> str:
    """80 bits to type over from a terminal: no 0, 1, 8 or 9."""
    code = base64.b32encode(secrets.token_bytes(10)).decode("ascii")
    return "-".join(code[at : at + 4] for at in range(0, 16, 4))
