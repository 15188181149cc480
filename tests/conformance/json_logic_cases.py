"""The cases of JsonLogic whose types are clean: a rule is a tree of operators over one document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from asking import Evaluator, Given, ask, kind_of, spelled, written
from reasons import NotOurs
from suites import Case

_SAME = {"==": "=", "===": "=", "!=": "!=", "!==": "!="}
_ORDER = ("<", "<=", ">", ">=")
_JOINED = {"and": "and", "or": "or", "+": "+", "*": "*", "-": "-", "/": "/", "cat": "+"}
_QUANTIFIERS = {"all": "every", "some": "some", "none": "no"}
_ABSENT = object()


def cases(data: Path) -> Iterator[Case]:
    path = data / "json_logic" / "typeclean_dev.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        name = f"{row['suite']}/{row['i']}"
        yield Case(name, lambda evaluator, row=row: _answer(row, evaluator))


def _answer(row: Mapping[str, Any], evaluator: Evaluator) -> tuple[Any, Any]:
    given = Given()
    text = _Text(row["data"], given, list(_texts(row["rule"]))).say(row["rule"])
    return row["expected"], ask(text, given, evaluator)


def _texts(rule: Any) -> Iterator[str]:
    """All texts of a rule but names."""
    if isinstance(rule, str):
        yield rule
    elif isinstance(rule, list):
        for part in rule:
            yield from _texts(part)
    elif isinstance(rule, dict):
        for name, args in rule.items():
            if name not in ("var", "missing"):
                yield from _texts(args)


class _Text:
    """A rule as our text; `texts` are all that it holds. Inside a quantifier, `item` is the text of the bound element and
    `fields` says whether it is a structure.
    """

    def __init__(
        self, data: Any, given: Given, texts: list[str], item: str = "", fields: bool = False
    ) -> None:
        self.data, self.given, self.texts = data, given, texts
        self.item, self.fields = item, fields

    def say(self, rule: Any) -> str:
        if isinstance(rule, str):
            return spelled(rule, self.texts)
        if not isinstance(rule, dict):
            return written(rule) if not isinstance(rule, list) else self.listed(rule)
        ((name, raw),) = rule.items()
        args = raw if isinstance(raw, list) else [raw]
        if name == "var":
            return self.variable(args)
        if name in ("all", "some", "none", "map", "filter"):
            return self.over(name, args)
        if name in ("if", "?:"):
            return self.branches(args)
        if name == "missing":
            return self.missing(args)
        parts = [f"({self.say(arg)})" for arg in args]
        if name in _SAME:
            return f"{parts[0]} {_SAME[name]} {parts[1]}"
        if name in _ORDER:
            return " and ".join(f"{a} {name} {b}" for a, b in pairwise(parts))
        if name in _JOINED:
            alone = f"{'-' if name == '-' else ''}{parts[0]}"
            return f" {_JOINED[name]} ".join(parts) if len(parts) > 1 else alone
        return self.simple(name, parts)

    def simple(self, name: str, parts: list[str]) -> str:
        if name in ("min", "max"):
            return f"{name}({', '.join(parts)})"
        shapes = {"!": "not({0})", "!!": "{0}", "%": "modulo({0}, {1})", "in": "contains({1}, {0})"}
        if name == "throw":
            return "null"  # an error is no value, like the result of dividing by zero
        if name not in shapes:
            raise NotOurs("other_field")
        return shapes[name].format(*parts)

    def listed(self, parts: list[Any]) -> str:
        return f"[{', '.join(self.say(part) for part in parts)}]"

    def branches(self, args: list[Any]) -> str:
        """`if` takes condition and value in turn; a last one alone is the value otherwise."""
        if not args:
            return "null"
        if len(args) == 1:
            return self.say(args[0])
        rest = self.branches(args[2:]) if len(args) > 2 else "null"
        return f"(if {self.say(args[0])} then {self.say(args[1])} else {rest})"

    def missing(self, args: list[Any]) -> str:
        """The names of what is missing: each name, if it is."""
        each = [
            f"if {self.variable([name])} is missing then [{written(name)}] else []" for name in args
        ]
        return f"concatenate({', '.join(each)})"

    # what the document holds

    def variable(self, args: list[Any]) -> str:
        if args and isinstance(args[0], dict):
            return self.chosen_name(args[0])
        path = "" if not args or args[0] is None else str(args[0])
        if self.item:
            if self.fields and path:
                return f"{self.item}.{path}"
            return self.item
        value = self.found(path)
        if isinstance(value, dict):
            raise NotOurs("no_structures")
        kind = kind_of(args[1]) if len(args) > 1 else "text"
        read = self.given.value(path or "data", None if value is _ABSENT else value, kind)
        return f"coalesce({read}, {self.say(args[1])})" if len(args) > 1 else read

    def chosen_name(self, rule: Mapping[str, Any]) -> str:
        """A name chosen between constants: the choice between what they name."""
        ((word, args),) = rule.items()
        if word not in ("if", "?:") or len(args) != 3 or any(isinstance(a, dict) for a in args[1:]):
            raise NotOurs("names_at_run_time")
        one, other = (self.variable([name]) for name in args[1:])
        return f"(if {self.say(args[0])} then {one} else {other})"

    def found(self, path: str) -> Any:
        value = self.data
        for part in path.split(".") if path else ():
            if isinstance(value, dict):
                value = value.get(part, _ABSENT)
            elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            else:
                return _ABSENT
        return _ABSENT if value is None else value

    def over(self, name: str, args: list[Any]) -> str:
        source, element, fields = self.source(args[0], name)
        inner = _Text(self.data, self.given, self.texts, element, fields).say(args[1])
        if name == "map":
            return f"for {element} in {source} return {inner}"
        if name == "filter":
            return f"{source}[{inner}]"
        return f"{_QUANTIFIERS[name]} {element} in {source} satisfies {inner}"

    def source(self, rule: Any, name: str) -> tuple[str, str, bool]:
        """What is run over, the name of one of it, and whether that is a structure."""
        plain = isinstance(rule, dict) and "var" in rule and not self.item
        value = self.found(str(rule["var"])) if plain else _ABSENT
        rows = isinstance(value, list) and any(isinstance(row, dict) for row in value)
        if self.item or (rows and any(isinstance(x, list) for row in value for x in row.values())):
            raise NotOurs("no_structures")
        if rows:
            source, element = self.given.lines(str(rule["var"]), value)
            return source, element, True
        return self.say(rule), "item" if name == "filter" else "x", False
