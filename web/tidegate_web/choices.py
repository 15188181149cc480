"""Codes in a sentence by their names: “paid” is 已付款."""

from __future__ import annotations

import re

from tidegate_web.language import catalogue, lang, text_of

_CODE = re.compile("“([a-z][a-z_]*)”")


def worded(text: str, language: str = "") -> str:
    """The sentence with every code that has a name in the reader's language said by its name."""

    def name(found: re.Match[str]) -> str:
        key = f"editor.choice.{found.group(1)}"
        said = text_of(key, language or lang()) if key in catalogue() else ""
        return f"“{said}”" if said else found.group(0)

    return _CODE.sub(name, text)
