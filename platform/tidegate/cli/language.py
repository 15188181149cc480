"""Which language the terminal speaks: TIDEGATE_LANGUAGE, else the locale, else Chinese."""

from __future__ import annotations

import os

_VARIABLES = ("TIDEGATE_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
_NEUTRAL = {"", "c", "posix", "c.utf-8", "c.utf8"}  # a locale that says nothing about people


def language() -> str:
    """`zh` or `en`, from the first variable that names a language."""
    for name in _VARIABLES:
        value = os.environ.get(name, "").strip().lower()
        if value not in _NEUTRAL:
            return "zh" if value.startswith("zh") else "en"
    return "zh"


def text(zh: str, en: str) -> str:
    """The one of both texts that the terminal's language asks for."""
    return zh if language() == "zh" else en
