"""Values of a rule document as the text of one spreadsheet cell, and back, exactly.

Text stands as it is, unless it looks like something else; structures are YAML's flow style:
`{reason: large_order, queue: finance}`. Lists of conditions and of actions have a line each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tidegate.engine.problems import RuleProblems
from tidegate.engine.sourced import read_yaml
from tidegate.interchange.remarks import NotOurs

ALWAYS = "-"  # a rule without conditions
_PLAIN = re.compile(r"[^\W\d][\w.-]*(?: [\w.-]+)*\Z")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\Z")
_WORDS = {"true", "false", "null", "~", ""}
_STRUCTURE = ("{", "[", '"')
_ACTION = re.compile(r"([^\s:]+)(?::\s*(.*))?\Z", re.S)
_GROUP = re.compile(r"( *)(all|any|none):\s*\Z")
_UNPRINTABLE = re.compile(
    r"[^\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def flow(value: Any) -> str:
    """A value in YAML's flow style, on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(str(key))}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        plain = _PLAIN.match(value) and value.lower() not in _WORDS
        return value if plain and not _UNPRINTABLE.search(value) else quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}" if value != value.to_integral_value() else _decimal(value)
    return "null" if value is None else str(value)


def quoted(text: str) -> str:
    return _UNPRINTABLE.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _decimal(value: Decimal) -> str:
    """A whole Decimal keeps its point, so that it is read as a Decimal again."""
    text = f"{value:f}"
    return text if "." in text else f"{text}.0"


def cell_text(value: Any) -> str:
    """Any value; `cell_value` gives it back."""
    if isinstance(value, str):
        return value if _stands(value) else quoted(value)
    return flow(value)


def _stands(text: str) -> bool:
    """Whether text needs no quotes in a cell."""
    return not (
        text.lower() in _WORDS
        or text.startswith(_STRUCTURE)
        or text != text.strip()
        or _NUMBER.match(text)
        or _UNPRINTABLE.search(text)
    )


def cell_value(text: str) -> Any:
    """Raises NotOurs."""
    stripped = text.strip()
    if not (
        stripped.startswith(_STRUCTURE) or stripped.lower() in _WORDS or _NUMBER.match(stripped)
    ):
        return stripped
    try:
        return read_yaml(stripped, "cell").data if stripped else None
    except RuleProblems as error:
        raise NotOurs(
            "interchange.cell",
            f"“{stripped[:40]}”读不懂：{error.problems[0].zh}；文字里有引号、括号时请整个加引号",
            f"“{stripped[:40]}” can't be read: {error.problems[0].en}; put text with quotes or "
            f"brackets into quotes as a whole",
        ) from error


def plain_text(value: Any) -> str:
    """A title, a why: as it is, unless a spreadsheet would change it."""
    text = str(value)
    odd = (
        text != text.strip() or text.startswith('"') or _UNPRINTABLE.search(text.replace("\n", ""))
    )
    return quoted(text) if odd else text


def plain_value(text: str) -> str:
    """Raises NotOurs."""
    stripped = text.strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] == '"':
        return str(cell_value(stripped))
    return stripped


# conditions: a line each, groups indented


def conditions_text(conditions: Any) -> str:
    """The `if` of a rule."""
    items = conditions if isinstance(conditions, list) else [conditions]
    return "\n".join(_condition_lines(items, 0)) or ALWAYS


def _condition_lines(items: list[Any], level: int) -> list[str]:
    found: list[str] = []
    for item in items:
        if isinstance(item, Mapping):
            for kind in (kind for kind in ("all", "any", "none") if kind in item):
                inner = item[kind] if isinstance(item[kind], list) else [item[kind]]
                found += [f"{'  ' * level}{kind}:", *_condition_lines(inner, level + 1)]
        else:
            text = flow(item) if not isinstance(item, str) else " ".join(item.split("\n"))
            found.append(f"{'  ' * level}{text}")
    return found


def conditions_of(text: str) -> list[Any]:
    """Lines to conditions; lines under `any:` and so on are indented further."""
    if text.strip() == ALWAYS:
        return []
    found: list[Any] = []
    open_groups: list[tuple[int, list[Any]]] = [(-1, found)]
    for line in text.split("\n"):
        if not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        while depth <= open_groups[-1][0]:
            open_groups.pop()
        group = _GROUP.match(line.rstrip())
        if group:
            inner: list[Any] = []
            open_groups[-1][1].append({group[2]: inner})
            open_groups.append((depth, inner))
        else:
            open_groups[-1][1].append(line.strip())
    return found


# actions: a line each


def actions_text(actions: Any) -> str:
    """A `then` or `otherwise`; an empty list is `-`."""
    lines: list[str] = []
    for item in actions or []:
        if isinstance(item, Mapping):
            lines += [f"{name}: {cell_text(value)}" for name, value in item.items()]
        else:
            lines.append(str(item))
    return "\n".join(lines) or ALWAYS


def actions_of(text: str) -> list[Any]:
    """Raises NotOurs."""
    if text.strip() == ALWAYS:
        return []
    found: list[Any] = []
    for line in text.split("\n"):
        match = _ACTION.match(line.strip())
        if line.strip() and match:
            found.append({match[1]: cell_value(match[2])} if match[2] is not None else match[1])
    return found
