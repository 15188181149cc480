"""Expressions of GoRules as our text. `$` is the value of a cell's column, or the object an
expression node has made so far; `#` is the element a function runs over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from asking import Given, written
from c_like import Node, parse
from reasons import NotOurs

_SIGNS = {"==": "=", "&&": "and", "||": "or", "and": "and", "or": "or"}
_PLAIN = {
    "contains": "contains", "startsWith": "starts with", "endsWith": "ends with", "upper": "upper case",
    "lower": "lower case", "trim": "trim", "abs": "abs", "min": "min", "max": "max", "sum": "sum",
    "avg": "mean", "median": "median", "round": "round", "floor": "floor", "ceil": "ceiling",
    "number": "number", "string": "string",
}  # fmt: skip
_MACROS = {"some": "some", "all": "every", "none": "no"}
_ABSENT = object()


def found(data: Any, path: str) -> Any:
    """What stands at a dotted path; None where there is nothing."""
    value = data
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


class Text:
    """`dollar` is what `$` stands for: our text, or an object whose fields may be read."""

    def __init__(self, data: Any, given: Given, dollar: str | Mapping[str, Any] = "?") -> None:
        self.data, self.given, self.dollar = data, given, dollar
        self.element = ""

    def of(self, text: str) -> str:
        return self.say(parse(text))

    def say(self, node: Node) -> str:
        path = _path(node)
        if path:
            return self.path(path)
        kinds: dict[str, Callable[..., str]] = {
            "literal": written, "list": self.list, "unary": self.unary, "binary": self.binary,
            "if": self.chosen, "call": self.call, "template": self.template, "range": self.range,
            "name": self.word, "member": self.member,
        }  # fmt: skip
        if node[0] not in kinds:
            raise NotOurs("no_structures")
        return kinds[node[0]](*node[1:])

    def value(self, node: Node) -> Any:
        """The value at a path, if the node is one; absent otherwise."""
        path = _path(node)
        if not path or path[0] == "#":
            return _ABSENT
        if path[0] == "$":
            return (
                found(self.dollar, ".".join(path[1:]))
                if isinstance(self.dollar, Mapping)
                else _ABSENT
            )
        return found(self.data, ".".join(path))

    # what is read

    def path(self, path: list[str]) -> str:
        if path[0] == "#":
            return ".".join([self.element, *path[1:]])
        if path[0] == "$" and not isinstance(self.dollar, Mapping):
            return self.dollar
        source = self.dollar if path[0] == "$" else self.data
        own = path[1:] if path[0] == "$" else path
        value = found(source, ".".join(own))
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            return self.given.lines("_".join(path), value)[0]
        shown = True if isinstance(value, Mapping) else value  # only its presence can be asked
        return self.given.value("_".join(path), shown, self.kind)

    kind = "number"  # of what is missing

    def word(self, word: str) -> str:
        return self.path([word])

    def member(self, of: Node, name: str) -> str:
        return f"{self.say(of)}.{name}"

    def list(self, parts: list[Node]) -> str:
        return f"[{', '.join(self.say(part) for part in parts)}]"

    def range(self, low: Node, high: Node, low_closed: bool, high_closed: bool) -> str:
        opening, closing = "[" if low_closed else "(", "]" if high_closed else ")"
        return f"{opening}{self.say(low)}..{self.say(high)}{closing}"

    # operators

    def unary(self, op: str, x: Node) -> str:
        return f"not({self.say(x)})" if op == "!" else f"(-{self.say(x)})"

    def binary(self, op: str, x: Node, y: Node) -> str:
        if op == "??":
            return self.otherwise(x, y)
        logical = op in ("and", "or", "&&", "||")
        outer, self.kind = self.kind, "boolean" if logical else _kind(y) or _kind(x) or "number"
        left, right = self.say(x), self.say(y)
        self.kind = outer
        if op in ("in", "not in"):
            held = f"({left} in {right})"
            return held if op == "in" else f"not{held}"
        if op == "%":
            return f"modulo({left}, {right})"
        return f"({left} {_SIGNS.get(op, op)} {right})"

    def otherwise(self, x: Node, y: Node) -> str:
        value = self.value(x)
        if value is None and y == ("list", []):
            return "[]"
        outer, self.kind = self.kind, _kind(y) or self.kind
        text = f"coalesce({self.say(x)}, {self.say(y)})" if y != ("list", []) else self.say(x)
        self.kind = outer
        return text

    def chosen(self, a: Node, b: Node, c: Node) -> str:
        return f"(if {self.say(a)} then {self.say(b)} else {self.say(c)})"

    def template(self, parts: list[Node]) -> str:
        said = [self.say(p) if p[0] == "literal" else f"string({self.say(p)})" for p in parts]
        return f"({' + '.join(said)})"

    # functions

    def call(self, of: Node, args: list[Node]) -> str:
        name = of[1]
        if name in _MACROS:
            source, condition = self.say(args[0]), self.inside(args[1], "x")
            return f"({_MACROS[name]} x in {source} satisfies {condition})"
        if name in ("filter", "count") and len(args) == 2:
            filtered = f"{self.say(args[0])}[{self.inside(args[1], 'item')}]"
            return filtered if name == "filter" else f"count({filtered})"
        if name == "map":
            return f"(for x in {self.say(args[0])} return {self.inside(args[1], 'x')})"
        if name == "len":
            text = self.say(args[0])
            return (
                f"string length({text})"
                if isinstance(self.value(args[0]), str)
                else f"count({text})"
            )
        if name == "values":
            return written(list((self.value(args[0]) or {}).values()))
        if name in ("date", "d"):
            return self.date(args[0])
        if name not in _PLAIN:
            raise NotOurs("other_field")
        return f"{_PLAIN[name]}({', '.join(self.say(arg) for arg in args)})"

    def inside(self, node: Node, element: str) -> str:
        outer, self.element = self.element, element
        text = self.say(node)
        self.element = outer
        return text

    def date(self, arg: Node) -> str:
        """Seconds since 1970, as there."""
        if arg == ("literal", "now"):
            raise NotOurs("incomplete_record")
        value = arg[1] if arg[0] == "literal" else self.value(arg)
        moment = datetime.fromisoformat(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return f'(({written(aware)} - @"1970-01-01T00:00:00+00:00") / 1s)'


def _path(node: Node) -> list[str]:
    if node[0] == "name":
        return [node[1]]
    if node[0] == "member":
        head = _path(node[1])
        return [*head, node[2]] if head else []
    return []


def _kind(node: Node) -> str:
    if node[0] != "literal":
        return ""
    value = node[1]
    return "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


# cells


def cell(text: str, said: Text) -> str:
    """A cell of a table as one of ours: `-`, our own unary tests, or a condition on `?`."""
    if not text.strip():
        return "-"
    return ", ".join(_test(part, said) for part in _split(text, [","]))


def _test(text: str, said: Text) -> str:
    for word in ("or", "and"):
        parts = _split(text, [f" {word} "])
        if len(parts) > 1:
            return "(" + f" {word} ".join(_condition(part, said) for part in parts) + ")"
    found = re.match(r"\s*(==|!=|<=|>=|<|>)(.*)", text, re.DOTALL)
    if found:
        return f"{found[1].replace('==', '=')} {said.of(found[2])}"
    return said.of(text)


def _condition(text: str, said: Text) -> str:
    """One of several tests of a cell, as a condition on the column's value."""
    found = re.match(r"\s*(==|!=|<=|>=|<|>)(.*)", text, re.DOTALL)
    if found:
        return f"? {found[1].replace('==', '=')} {said.of(found[2])}"
    return said.of(text) if "$" in text else f"? in ({said.of(text)})"


def _split(text: str, signs: list[str]) -> list[str]:
    """Parts of a text between signs that stand outside of brackets and quotes."""
    parts, level, quote, start = [], 0, "", 0
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"`":
            quote = letter
        elif letter in "([{":
            level += 1
        elif letter in ")]}":
            level -= 1
        sign = next((s for s in signs if not quote and level == 0 and text.startswith(s, at)), "")
        if sign and at >= start:
            parts.append(text[start:at])
            start = at + len(sign)
    return [*parts, text[start:]]
