"""Personal data as a page may show it before a reason was given: enough to recognise, too little to use."""

from __future__ import annotations

import re

_SIGN = re.compile(r"[\d*]")
SHOWN_DIGITS = 4
HIDDEN_DIGITS = 6


def masked_name(name: str | None) -> str:
    """First character, then a star per further one, at most two: 周*, 欧**."""
    text = (name or "").strip()
    if not text:
        return "-"
    return text[0] + "*" * min(max(len(text) - 1, 1), 2)


def masked_phone(phone: str | None) -> str:
    """Hides at least six digits; of a long number the last four stay, by which a caller is found: 1******2291.

    Stars that the source put there count as hidden digits.
    """
    signs = "".join(_SIGN.findall(phone or ""))
    if not signs:
        return "-"
    tail = signs[-SHOWN_DIGITS:] if len(signs) >= HIDDEN_DIGITS + SHOWN_DIGITS else ""
    head = signs[:1] if len(signs) > HIDDEN_DIGITS + len(tail) else ""
    return head + "*" * max(HIDDEN_DIGITS, len(signs) - len(head) - len(tail)) + tail


def masked_address(address: str | None) -> str:
    """Nothing of the street is shown; the length hints whether something is there."""
    return "****" if (address or "").strip() else "-"


def masked_text(text: object) -> str:
    """For any other personal value, a memo or a nickname: only that there is one."""
    return "***" if str(text or "").strip() else "-"
