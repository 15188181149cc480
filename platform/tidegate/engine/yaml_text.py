"""Plain data as YAML that reads back equal here, one thought a line: short collections in flow
style, long ones in blocks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tidegate.engine.frozen import Entry
from tidegate.simple_yaml import scalar

WIDTH = 120
# sections whose entries stand one below the other, however short they are
_BLOCKS = frozenset(
    ("parameters", "lists", "fields", "derive", "rules", "tables", "stages", "rows", "tests",
     "if", "then", "otherwise", "all", "any", "none", "find", "")
)  # fmt: skip
_PLAIN = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=<.][^\n\r\t]*\Z")
_UNPRINTABLE = re.compile(
    "[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_LINES = (
    "rows",
    "inputs",
    "values",
)  # sections whose entries stand on one line each, where they fit
_LONGEST_KEY = 400
# text here, but something else to programs that read YAML 1.1
_OLD = re.compile(
    r"(?:[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF|0[xob]?[0-9a-fA-F_]+|[-+]?[0-9_]+(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)\Z"
)


def yaml_text(data: Mapping[str, Any]) -> str:
    """A mapping as a YAML document that ends with a line break."""
    return "".join(f"{line}\n" for line in _mapping(data, 0)) or "{}\n"


def _mapping(data: Mapping[str, Any], indent: int) -> list[str]:
    lines: list[str] = []
    for key, value in data.items():
        lines += _entry(key, value, indent)
    return lines


def _entry(key: str, value: Any, indent: int) -> list[str]:
    head = " " * indent + f"{_text(key)}:"
    if len(head) > _LONGEST_KEY:
        lines = _item(value, key, indent + 2)
        return [
            " " * indent + f"? {_text(key)}",
            " " * indent + ": " + lines[0][indent + 2 :],
            *lines[1:],
        ]
    inline = None if _wants_block(key, value) else _flow(value)
    if inline is not None and len(head) + len(inline) < WIDTH:
        return [f"{head} {inline}"]
    if isinstance(value, Mapping) and value:
        return [head, *_mapping(value, indent + 2)]
    if isinstance(value, list) and value:
        return [head, *_sequence(value, key, indent + 2)]
    return [f"{head} {_inline(value)}"]


def _sequence(data: Sequence[Any], key: str, indent: int) -> list[str]:
    lines: list[str] = []
    for value in data:
        item = (
            _kept(value, key, indent + 2)
            if isinstance(value, Entry)
            else _item(value, key, indent + 2)
        )
        lines += [" " * indent + "- " + item[0][indent + 2 :], *item[1:]]
    return lines


def _kept(value: Entry, key: str, indent: int) -> list[str]:
    """An entry as it was written the last time: a save changes one rule of a thousand."""
    found = value.lines.get((key, indent))
    if found is None:
        found = value.lines[key, indent] = _item(value, key, indent)
    return found


def _item(value: Any, key: str, indent: int) -> list[str]:
    """An entry of a sequence, each line indented."""
    pad = " " * indent
    if isinstance(value, Mapping) and value and (len(value) == 1 or key not in _LINES):
        return _mapping(value, indent)
    inline = _flow(value)
    short = inline is not None and indent + len(inline) < WIDTH
    if isinstance(value, Mapping) and value:
        return [pad + str(inline)] if short else _mapping(value, indent)
    if isinstance(value, list) and value:
        return [pad + str(inline)] if short else _sequence(value, "", indent)
    return [pad + _inline(value)]


def _wants_block(key: str, value: Any) -> bool:
    return key in _BLOCKS and isinstance(value, (list, Mapping)) and bool(value)


def _inline(value: Any) -> str:
    """A scalar, or an empty collection, after a key or a dash."""
    if isinstance(value, (list, Mapping)):
        return "{}" if isinstance(value, Mapping) else "[]"
    return _scalar(value, flow=False)


def _flow(value: Any, inside: bool = False) -> str | None:
    """The value on one line; None when a key is too long for that."""
    if isinstance(value, Mapping):
        parts = []
        for key, item in value.items():
            text, inner = _text(key, flow=True), _flow(item, True)
            if inner is None or len(text) > _LONGEST_KEY:
                return None
            parts.append(f"{text}: {inner}")
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list):
        found = [_flow(item, True) for item in value]
        return None if None in found else "[" + ", ".join(map(str, found)) + "]"
    return _scalar(value, flow=inside)


def _scalar(value: Any, flow: bool) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return _number(value)
    return _text(str(value), flow)


def _number(value: int | Decimal) -> str:
    """A number that reads back as itself; one of too many digits stands in quotes, as text."""
    text = str(value) if isinstance(value, int) else f"{value:f}"
    if len(text) > 30:
        text = str(value)
    return text if scalar(text) == value and not isinstance(scalar(text), str) else f"'{text}'"


def _text(text: str, flow: bool = False) -> str:
    if _plain(text, flow):
        return text
    if flow and text == "-":
        return text
    if _UNPRINTABLE.search(text) or ("'" in text and '"' not in text):
        return '"' + "".join(map(_escaped, text)) + '"'
    return "'" + text.replace("'", "''") + "'"


def _plain(text: str, flow: bool) -> bool:
    """Whether the text may stand without quotes and still be read as this text."""
    if not _PLAIN.match(text) or text.endswith((" ", ":")) or scalar(text) is not text:
        return False
    if _UNPRINTABLE.search(text) or ": " in text or " #" in text or _OLD.match(text):
        return False
    return not flow or not re.search(r"[,\[\]{}]|:[,\[\]{}]", text)


def _escaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if not _UNPRINTABLE.match(letter):
        return letter
    code = ord(letter)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65_536 else f"\\U{code:08x}"
    )
