"""Rule documents that come as data instead of YAML: JSON text, or what another program built."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from tidegate.engine.frozen import Entry
from tidegate.engine.limits import MAX_BYTES, MAX_DEPTH, MAX_DIGITS, MAX_VALUES
from tidegate.engine.problems import RuleProblems
from tidegate.engine.sourced import SURROGATE, TOO_MANY, Sourced, refused
from tidegate.simple_yaml import Path, scalar


def read_json(text: str) -> Sourced | None:
    """The data of a JSON text, without places; None if it is not JSON or breaks a limit, so that
    `read_yaml` says what is wrong.
    """
    if len(text) > MAX_BYTES or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        data = json.loads(
            text, parse_int=scalar, parse_float=scalar, object_pairs_hook=_unique_keys
        )
        return Sourced(plain_data(data, "json"))
    except (ValueError, RecursionError, RuleProblems):
        return None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def plain_data(value: Any, name: str) -> Any:
    """Data from outside (as from JSON) with dicts, lists, text and exact numbers only.

    Raises:
        RuleProblems: it is too large or too deep, or holds something that no document can.
    """
    return _Plain(name).copy(value, ())


def _writable(value: Decimal) -> bool:
    """Whether the number can be written in a document with all its digits."""
    return (
        value.is_finite()
        and abs(value.adjusted()) < 1_000
        and len(value.as_tuple().digits) <= MAX_DIGITS
    )


class _Plain:
    """A checked copy of data from outside."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values = 0

    def copy(self, value: Any, path: Path) -> Any:
        # plain data already, and nobody can have changed it
        shared = isinstance(value, Entry) and len(path) + value.height <= MAX_DEPTH
        self.values += value.size if shared else 1
        if self.values > MAX_VALUES:
            raise refused(self.name, "yaml.too_many_values", *TOO_MANY)
        if len(path) > MAX_DEPTH:
            raise refused(self.name, "yaml.too_deep", "嵌套过深", "it is nested too deeply")
        if shared:
            return value
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float, Decimal)):
            return self._number(value)
        if isinstance(value, Mapping):
            return {
                self._text(str(key)): self.copy(item, (*path, str(key)))
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.copy(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, date):
            return value.isoformat()
        what = type(value).__name__
        zh, en = f"文档里不能有 {what}", f"a document can't hold a {what}"
        raise refused(self.name, "yaml.bad_value", zh, en)

    def _text(self, text: str) -> str:
        if not SURROGATE.search(text):
            return str(text)
        zh, en = "文字里有不成对的代理字符", "text holds half of a surrogate pair"
        raise refused(self.name, "yaml.bad_text", zh, en)

    def _number(self, value: int | float | Decimal) -> object:
        """Floats become the decimal they show; what YAML would not read as a number is refused."""
        whole = isinstance(value, int)
        fits = abs(value) < 10**MAX_DIGITS if whole else _writable(Decimal(str(value)))
        if not fits:
            raise refused(
                self.name,
                "yaml.bad_number",
                f"数字超过 {MAX_DIGITS} 位，或不是有限的数",
                f"a number has more than {MAX_DIGITS} digits or isn't finite",
            )
        return Decimal(str(value)) if isinstance(value, float) else value
