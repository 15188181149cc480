"""Text as KDNiao takes it: its order commands reject some signs and all emoji, and cut nothing themselves."""

from __future__ import annotations

import re
import unicodedata

FORBIDDEN = frozenset("'\"#&+`%\\")
PICTURES = frozenset(("So", "Sk", "Cs", "Co", "Cn", "Cf", "Cc", "Me"))
VARIATIONS = range(0xFE00, 0xFE10)
MOBILE = re.compile(r"(?:\+?86)?(1\d{10})(?:[-,转]\s*(\d{1,6}))?\Z")


def plain(text: str, longest: int = 0) -> str:
    """Without the signs it rejects; rare characters of names stay. `longest` 0: as long as it is."""
    kept = "".join(
        sign
        for sign in text
        if sign not in FORBIDDEN
        and unicodedata.category(sign) not in PICTURES
        and ord(sign) not in VARIATIONS
    )
    kept = " ".join(kept.split())
    return kept[:longest] if longest else kept


def phone_fields(phone: str) -> dict[str, str]:
    """Mobile for a mobile number (with the extension of a virtual one), else Tel."""
    found = MOBILE.match(phone.replace(" ", ""))
    if found is None:
        return {"Tel": plain(phone)}
    number, extension = found.groups()
    return {"Mobile": f"{number}-{extension}" if extension else number}
