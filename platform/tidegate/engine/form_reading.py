"""Forms to trees. What an editor sends is input from outside: whatever is no form is refused with
the part that is wrong, never with an exception of Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.parser import RESERVED, parse
from tidegate.engine.language.rendering import render
from tidegate.engine.language.wording import QUANTIFIERS, SIGNS, TEXT_TESTS
from tidegate.engine.problems import ExpressionError, Problem
from tidegate.engine.values import (
    parse_date,
    parse_decimal,
    parse_duration,
    parse_instant,
    parse_money,
    parse_months,
    parse_time,
)

_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")
MAX_LEVELS = 45
MAX_PARTS = 2_000


def bad_form(wanted: str, found: object) -> ExpressionError:
    """A part of a form that is not what it should be."""
    shown = _shown(found)
    zh, en = (
        f"表单有误：应有 {wanted}，实为 {shown}",
        f"the form is wrong: {wanted} expected, not {shown}",
    )
    return ExpressionError(Problem("rule.bad_form", zh, en), shown)


def _shown(found: object) -> str:
    """A part of a form in short; it may be of any size and depth."""
    if isinstance(found, str):
        return f'"{found[:60]}"'
    if isinstance(found, Mapping):
        return "{" + ", ".join(str(key)[:20] for key in list(found)[:6]) + "}"
    if found is None or isinstance(found, (bool, float)):
        return str(found)
    return type(found).__name__


def checked(node: tree.Node) -> tree.Node:
    """The node as the parser makes it from its text. Raises ExpressionError."""
    return parse(render(node))


class Builder:
    """Builds one tree; counts what it built, so that a form without end has one."""

    def __init__(self) -> None:
        self.level = 0
        self.parts = 0

    def _inside(self, form: Any, build: Callable[[Mapping[str, Any]], tree.Node]) -> tree.Node:
        self.parts += 1
        if not isinstance(form, Mapping) or not all(isinstance(key, str) for key in form):
            raise bad_form("{…}", form)
        if self.level >= MAX_LEVELS or self.parts > MAX_PARTS:
            raise bad_form(f"≤ {MAX_LEVELS} levels, ≤ {MAX_PARTS} parts", "…")
        self.level += 1
        try:
            return build(form)
        finally:
            self.level -= 1

    def condition(self, form: Any) -> tree.Node:
        return self._inside(form, self._condition)

    def operand(self, form: Any) -> tree.Node:
        return self._inside(form, self._operand)

    def _condition(self, form: Mapping[str, Any]) -> tree.Node:
        if "operator" in form and "subject" in form:
            return self._leaf(form)
        if set(form) == {"text"}:
            return _parsed(form["text"])
        if set(form) == {"not"}:
            return tree.Not(self.condition(form["not"]))
        for key, kind in (("and", tree.And), ("or", tree.Or)):
            if set(form) == {key}:
                return self._joined(kind, form[key])
        raise bad_form("subject + operator, and, or, not, text", dict(form))

    def _joined(self, kind: type[tree.And] | type[tree.Or], parts: Any) -> tree.Node:
        if not isinstance(parts, list) or len(parts) < 2:
            raise bad_form("[… , …]", parts)
        return kind(tuple(self.condition(part) for part in parts))

    def _leaf(self, form: Mapping[str, Any]) -> tree.Node:
        operator = form["operator"]
        make = _LEAVES.get(operator) if isinstance(operator, str) else None
        if make is None:
            raise bad_form(", ".join(_LEAVES), operator)
        keys, build = make
        _only(form, {"subject", "operator", "negated", *keys}, {"subject", "operator", *keys})
        node = build(self, form)
        return tree.Not(node) if form.get("negated") is True else node

    def compare(self, form: Mapping[str, Any]) -> tree.Node:
        left, right = self.operand(form["subject"]), self.operand(form["value"])
        return tree.Compare(form["operator"], left, right)

    def between(self, form: Mapping[str, Any]) -> tree.Node:
        return tree.Between(*(self.operand(form[key]) for key in ("subject", "low", "high")))

    def membership(self, form: Mapping[str, Any]) -> tree.Node:
        tests = form["tests"]
        if not isinstance(tests, list) or not tests:
            raise bad_form("tests: […]", tests)
        return tree.In(self.operand(form["subject"]), tuple(self.test(test) for test in tests))

    def text_test(self, form: Mapping[str, Any]) -> tree.Node:
        args = self.operand(form["subject"]), self.operand(form["value"])
        return tree.Call(form["operator"], args)

    def presence(self, form: Mapping[str, Any]) -> tree.Node:
        return tree.Presence(self.operand(form["subject"]), form["operator"] == "is_missing")

    def holds(self, form: Mapping[str, Any]) -> tree.Node:
        return self.operand(form["subject"])

    def quantified(self, form: Mapping[str, Any]) -> tree.Node:
        variable = _named(form["variable"])
        if "." in variable:
            raise bad_form("variable", variable)
        over, where = self.operand(form["subject"]), self.condition(form["where"])
        return tree.Quantified(form["operator"], variable, over, where)

    def test(self, form: Any) -> tree.Node:
        return self._inside(form, self._test)

    def _test(self, form: Mapping[str, Any]) -> tree.Node:
        if set(form) == {"is"}:
            return self.operand(form["is"])
        if set(form) == {"operator", "value"} and form["operator"] in SIGNS:
            return tree.Test(form["operator"], self.operand(form["value"]))
        return self.range(form)

    def cell_test(self, form: Any) -> tree.Node:
        if isinstance(form, Mapping) and set(form) == {"condition"}:
            return self.condition(form["condition"])
        return self.test(form)

    def range(self, form: Mapping[str, Any]) -> tree.Node:
        keys = {"low", "high", "low_closed", "high_closed"}
        _only(form, keys, keys)
        closed = form["low_closed"], form["high_closed"]
        if not all(isinstance(end, bool) for end in closed):
            raise bad_form("low_closed, high_closed: true / false", closed)
        return tree.Range(self.operand(form["low"]), self.operand(form["high"]), *closed)

    def _operand(self, form: Mapping[str, Any]) -> tree.Node:
        for keys, optional, build in _SHAPES:
            if keys <= set(form) <= keys | optional:
                return build(self, form)
        raise bad_form("name, type + value, call, …", dict(form))

    def name(self, form: Mapping[str, Any]) -> tree.Node:
        path = _named(form["name"])
        if "window" not in form:
            return tree.Name(path)
        if "." not in path:
            raise bad_form("group.fact", path)
        return tree.Call(path, (self.operand(form["window"]),))

    def elapsed(self, form: Mapping[str, Any]) -> tree.Node:
        which = "since" if "since" in form else "until"
        args: tuple[tree.Node, ...] = (self.operand(form[which]),)
        if "calendar" in form:
            args = (*args, tree.Name(_named(form["calendar"])))
        return tree.Call(which, args)

    def count(self, form: Mapping[str, Any]) -> tree.Node:
        lines = self.operand(form["count"])
        if "where" in form:
            lines = tree.Filter(lines, self.condition(form["where"]))
        return tree.Call("count", (lines,))

    def filter(self, form: Mapping[str, Any]) -> tree.Node:
        return tree.Filter(self.operand(form["filter"]), self.condition(form["where"]))

    def field(self, form: Mapping[str, Any]) -> tree.Node:
        name = _named(form["field"])
        if "." in name:
            raise bad_form("field", name)
        return tree.Member(self.operand(form["of"]), name)

    def call(self, form: Mapping[str, Any]) -> tree.Node:
        function, args = form["call"], form["args"]
        if not isinstance(args, list) or "." in _named(function):
            raise bad_form("call + args: […]", dict(form))
        return tree.Call(function, tuple(self.operand(arg) for arg in args))

    def arithmetic(self, form: Mapping[str, Any]) -> tree.Node:
        op = form["arithmetic"]
        if op not in ("+", "-", "*", "/"):
            raise bad_form("+ - * /", op)
        return tree.Arithmetic(op, self.operand(form["left"]), self.operand(form["right"]))

    def listed(self, form: Mapping[str, Any]) -> tree.Node:
        members = form["list"]
        if not isinstance(members, list):
            raise bad_form("list: […]", members)
        return tree.ListOf(tuple(self.operand(member) for member in members))


def _only(form: Mapping[str, Any], known: set[str], wanted: set[str]) -> None:
    if not wanted <= set(form) <= known:
        raise bad_form(", ".join(sorted(wanted)), dict(form))


def _named(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.match(name) or name in RESERVED:
        raise bad_form("name", name)
    return name


def _parsed(text: Any) -> tree.Node:
    if not isinstance(text, str):
        raise bad_form("text", text)
    return parse(text)


def _literal(_: Builder, form: Mapping[str, Any]) -> tree.Node:
    kind, value = form["type"], form["value"]
    if kind == "null" and value is None:
        return tree.Literal(None)
    if kind == "boolean" and isinstance(value, bool):
        return tree.Literal(value)
    read = _READ.get(kind) if isinstance(kind, str) else None
    if read is None or not isinstance(value, str):
        raise bad_form("type + value", dict(form))
    minus = kind in ("number", "money") and value.startswith("-")
    try:
        node = tree.Literal(read(value.removeprefix("-") if minus else value))
    except (ValueError, OverflowError):
        raise bad_form(kind, value) from None
    return tree.Negate(node) if minus else node


_READ: dict[str, Callable[[str], object]] = {
    "number": parse_decimal,
    "money": parse_money,
    "duration": parse_duration,
    "instant": parse_instant,
    "date": parse_date,
    "time": parse_time,
    "months": parse_months,
    "text": str,
}
_Leaf = tuple[tuple[str, ...], Callable[[Builder, Mapping[str, Any]], tree.Node]]
_LEAVES: dict[str, _Leaf] = {
    **dict.fromkeys(SIGNS, (("value",), Builder.compare)),
    "between": (("low", "high"), Builder.between),
    "in": (("tests",), Builder.membership),
    **dict.fromkeys(TEXT_TESTS, (("value",), Builder.text_test)),
    **dict.fromkeys(("is_missing", "is_present"), ((), Builder.presence)),
    "holds": ((), Builder.holds),
    **dict.fromkeys(QUANTIFIERS, (("variable", "where"), Builder.quantified)),
}
_Shape = tuple[set[str], set[str], Callable[[Builder, Mapping[str, Any]], tree.Node]]
_SHAPES: tuple[_Shape, ...] = (
    ({"name"}, {"window"}, Builder.name),
    ({"type", "value"}, set(), _literal),
    ({"text"}, set(), lambda _, form: _parsed(form["text"])),
    ({"since"}, {"calendar"}, Builder.elapsed),
    ({"until"}, {"calendar"}, Builder.elapsed),
    ({"count"}, {"where"}, Builder.count),
    ({"filter", "where"}, set(), Builder.filter),
    ({"field", "of"}, set(), Builder.field),
    ({"call", "args"}, set(), Builder.call),
    ({"left", "arithmetic", "right"}, set(), Builder.arithmetic),
    ({"minus"}, set(), lambda build, form: tree.Negate(build.operand(form["minus"]))),
    ({"list"}, set(), Builder.listed),
    ({"input"}, set(), lambda _, form: tree.Input()),
    ({"low", "high", "low_closed", "high_closed"}, set(), Builder.range),
)
