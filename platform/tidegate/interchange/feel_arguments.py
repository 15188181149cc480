"""Output cells in FEEL: a value, nothing, or a context that names an action's arguments."""

from __future__ import annotations

import re

from tidegate.engine.language import tree
from tidegate.interchange.feel import Feel
from tidegate.interchange.model import Arguments, Said
from tidegate.interchange.remarks import NotOurs

_KEY = re.compile(r'\s*(?:"([^"\\]*)"|([^\W\d][\w ]*?))\s*:')


def output_of(feel: Feel, text: str) -> Said:
    """Raises NotOurs."""
    stripped = text.strip()
    if stripped in ("", "-"):
        return None
    if stripped.startswith("{"):
        return Arguments(_context(feel, stripped))
    node = feel.expression(stripped)
    return None if node == tree.Literal(None) else node


def _context(feel: Feel, text: str) -> dict[str, tree.Node]:
    if not text.endswith("}"):
        raise _no_context(text)
    found: dict[str, tree.Node] = {}
    for entry in _entries(text[1:-1]):
        key = _KEY.match(entry)
        if not key:
            raise _no_context(entry)
        found[key[1] if key[1] is not None else key[2]] = feel.expression(entry[key.end() :])
    return found


def _entries(body: str) -> list[str]:
    """Split at commas outside of brackets and quotes."""
    found, start, level, quoted = [], 0, 0, False
    for index, letter in enumerate(body):
        if letter == '"' and body[index - 1 : index] != "\\":
            quoted = not quoted
        elif not quoted:
            level += (letter in "([{") - (letter in ")]}")
            if letter == "," and level == 0:
                found.append(body[start:index])
                start = index + 1
    return [entry for entry in [*found, body[start:]] if entry.strip()]


def _no_context(text: str) -> NotOurs:
    return NotOurs(
        "interchange.structure",
        f"读不懂结构 {text[:40]}；应为 {{参数: 值, …}}",
        f"the structure {text[:40]} can't be read; write {{argument: value, …}}",
    )
