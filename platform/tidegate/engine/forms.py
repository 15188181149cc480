"""Conditions as forms: plain JSON that an editor shows as fields and lists, and back.

    form = form_of(node)                 # {"subject": …, "operator": ">=", "value": …}
    text = expression_of(form)           # the canonical text
    node = node_of(form)                 # that text, parsed

Nothing is lost: `expression_of(form_of(node)) == render(node)`. What no field can show is
`{"text": …}`. docs/rule-forms.md describes every shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tidegate.engine.form_reading import Builder, bad_form, checked
from tidegate.engine.language import tree, wording
from tidegate.engine.language.parser import parse_unary
from tidegate.engine.language.rendering import literal_text, render, render_unary
from tidegate.engine.patterns.reading import document as pattern_document
from tidegate.engine.rulesets import Condition, Leaf
from tidegate.engine.values import Money, Months, duration_text

Form = dict[str, Any]
GROUPS = ("all", "any", "none")
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")


def form_of(node: tree.Node) -> Form:
    """A condition as a form."""
    make = _CONDITIONS.get(type(node))
    found = make(node) if make else None
    return found if found is not None else _holds(node)


def expression_of(form: Mapping[str, Any]) -> str:
    """The canonical text of a condition's form. Raises ExpressionError for what is no form."""
    return render(node_of(form))


def node_of(form: Mapping[str, Any]) -> tree.Node:
    """The tree of a condition's form, names not yet bound. Raises ExpressionError."""
    return checked(Builder().condition(form))


def condition_form(condition: Condition) -> Form:
    """A rule's whole `if`: `{"all": […]}` of forms and further groups; a rule's pattern is the
    last part, `{"pattern": …}` as it is written in a document.
    """
    parts = [
        form_of(part.node) if isinstance(part, Leaf) else condition_form(part)
        for part in condition.parts
    ]
    return {condition.kind: parts}


def entries_of(form: Mapping[str, Any]) -> list[Any]:
    """The entries of `if` in a document, from `condition_form`. Raises ExpressionError."""
    return _entries(form, 0)[1]


def rule_keys_of(form: Mapping[str, Any]) -> dict[str, Any]:
    """`if`, and `pattern` where there is one, for a rule's document. Raises ExpressionError."""
    parts = form.get("all") if isinstance(form, Mapping) else None
    last = parts[-1] if isinstance(parts, list) and parts else None
    if not isinstance(last, Mapping) or set(last) != {"pattern"}:
        return {"if": entries_of(form)}
    rest = entries_of({"all": parts[:-1]}) if parts else []
    return ({"if": rest} if rest else {}) | {"pattern": last["pattern"]}


def _entries(form: Any, level: int) -> tuple[str, list[Any]]:
    kinds = [kind for kind in GROUPS if isinstance(form, Mapping) and kind in form]
    if len(kinds) != 1 or len(form) != 1 or not isinstance(form[kinds[0]], list) or level > 12:
        raise bad_form("all, any, none", form)
    entries: list[Any] = []
    for part in form[kinds[0]]:
        if isinstance(part, Mapping) and any(kind in part for kind in GROUPS):
            kind, inner = _entries(part, level + 1)
            entries.append({kind: inner})
        else:
            text = expression_of(part)
            entries.append({"true": True, "false": False}.get(text, text))
    return kinds[0], entries


# cells


def cell_form(text: str) -> Form:
    """A table cell: `{"any": true}` for `-`, else its tests. Raises ExpressionError."""
    cell = parse_unary(text)
    if not cell.tests:
        return {"any": True}
    form: Form = {"tests": [_cell_test(test) for test in cell.tests]}
    return form | ({"negated": True} if cell.negated else {})


def cell_of(form: Mapping[str, Any]) -> str:
    """The text of a cell's form. Raises ExpressionError."""
    if form == {"any": True}:
        return "-"
    tests = form.get("tests") if isinstance(form, Mapping) else None
    if not isinstance(tests, list) or not tests or set(form) - {"tests", "negated"}:
        raise bad_form("tests", form)
    negated = form.get("negated", False) is True
    text = render_unary(tuple(map(Builder().cell_test, tests)), negated)
    parse_unary(text)
    return text


def _cell_test(node: tree.Node) -> Form:
    """A test on the column's value, or a condition that names it as `?`."""
    whole = any(isinstance(part, tree.Input) for part in tree.walk(node))
    return {"condition": form_of(node)} if whole else _test(node)


# conditions


def _compare(node: tree.Compare) -> Form:
    value = operand_form(node.right)
    return {"subject": operand_form(node.left), "operator": node.op, "value": value}


def _between(node: tree.Between) -> Form:
    low, high = operand_form(node.low), operand_form(node.high)
    return {"subject": operand_form(node.value), "operator": "between", "low": low, "high": high}


def _in(node: tree.In) -> Form:
    tests = [_test(test) for test in node.tests]
    return {"subject": operand_form(node.value), "operator": "in", "tests": tests}


def _test(node: tree.Node) -> Form:
    if isinstance(node, tree.Test):
        return {"operator": node.op, "value": operand_form(node.value)}
    if isinstance(node, tree.Range):
        return _range(node)
    return {"is": operand_form(node)}


def _range(node: tree.Range) -> Form:
    return {
        "low": operand_form(node.low),
        "high": operand_form(node.high),
        "low_closed": node.low_closed,
        "high_closed": node.high_closed,
    }


def _quantified(node: tree.Quantified) -> Form:
    return {
        "subject": operand_form(node.over),
        "operator": node.kind,
        "variable": node.variable,
        "where": form_of(node.condition),
    }


def _presence(node: tree.Presence) -> Form:
    operator = "is_missing" if node.missing else "is_present"
    return {"subject": operand_form(node.value), "operator": operator}


def _text_test(node: tree.Call) -> Form | None:
    if node.function not in wording.TEXT_TESTS or len(node.args) != 2:
        return None
    subject, value = map(operand_form, node.args)
    return {"subject": subject, "operator": node.function, "value": value}


def _not(node: tree.Not) -> Form:
    inner = form_of(node.value)
    if "operator" in inner and "negated" not in inner:
        return inner | {"negated": True}
    return {"not": inner}


def _holds(node: tree.Node) -> Form:
    """A value that is itself true or false."""
    subject = operand_form(node)
    return subject if "text" in subject else {"subject": subject, "operator": "holds"}


_CONDITIONS: dict[type[tree.Node], Callable[[Any], Form | None]] = {
    tree.Compare: _compare,
    tree.Between: _between,
    tree.In: _in,
    tree.Quantified: _quantified,
    tree.Presence: _presence,
    tree.Call: _text_test,
    tree.Not: _not,
    tree.And: lambda node: {"and": [form_of(part) for part in node.parts]},
    tree.Or: lambda node: {"or": [form_of(part) for part in node.parts]},
    tree.Sequence: lambda node: {"pattern": pattern_document(node)},
}


# values


def operand_form(node: tree.Node) -> Form:
    """A value as a form."""
    text = render(node)
    if _NAME.match(text) and not isinstance(node, tree.Literal):
        return {"name": text}
    make = _OPERANDS.get(type(node))
    found = make(node) if make else None
    return found if found is not None else {"text": text}


def _literal(node: tree.Literal) -> Form | None:
    return literal_form(node.value)


def literal_form(value: object) -> Form | None:
    """A constant with its type; its value is text as people type it, true, false or null."""
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return {"type": name, "value": _SHOWN[name](value)}
    return {"type": "null", "value": None} if value is None else None


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (Decimal, "number"),
    (Money, "money"),
    (timedelta, "duration"),
    (datetime, "instant"),
    (date, "date"),
    (time, "time"),
    (Months, "months"),
    (str, "text"),
)
_SHOWN: dict[str, Callable[[Any], Any]] = {
    "boolean": bool,
    "number": literal_text,
    "money": str,
    "duration": duration_text,
    "instant": lambda value: value.isoformat(),
    "date": lambda value: value.isoformat(),
    "time": lambda value: value.isoformat(),
    "months": str,
    "text": str,
}


def _negate(node: tree.Negate) -> Form:
    inner = node.value
    if isinstance(inner, tree.Literal) and isinstance(inner.value, (Decimal, Money)):
        found = literal_form(inner.value)
        if found and not found["value"].startswith("-"):
            return found | {"value": f"-{found['value']}"}
    return {"minus": operand_form(inner)}


def _call(node: tree.Call) -> Form | None:
    args = [operand_form(arg) for arg in node.args]
    if "." in node.function:
        return {"name": node.function, "window": args[0]} if len(args) == 1 else None
    if node.function in ("since", "until") and 0 < len(args) < 3:
        calendar = args[1] if len(args) == 2 else {}
        if calendar and set(calendar) != {"name"}:
            return None
        return {node.function: args[0]} | ({"calendar": calendar["name"]} if calendar else {})
    if node.function == "count" and len(args) == 1:
        inner = node.args[0]
        if isinstance(inner, tree.Filter):
            return {"count": operand_form(inner.of), "where": form_of(inner.condition)}
        return {"count": args[0]}
    return {"call": node.function, "args": args}


def _window(node: tree.Window) -> Form:
    return {"name": node.fact, "window": operand_form(node.span)}


def _arithmetic(node: tree.Arithmetic) -> Form:
    left, right = operand_form(node.left), operand_form(node.right)
    return {"left": left, "arithmetic": node.op, "right": right}


_OPERANDS: dict[type[tree.Node], Callable[[Any], Form | None]] = {
    tree.Literal: _literal,
    tree.Negate: _negate,
    tree.Call: _call,
    tree.Window: _window,
    tree.Arithmetic: _arithmetic,
    tree.Input: lambda node: {"input": True},
    tree.ListOf: lambda node: {"list": [operand_form(member) for member in node.members]},
    tree.Range: _range,
    tree.Member: lambda node: {"field": node.field, "of": operand_form(node.of)},
    tree.Filter: lambda node: {"filter": operand_form(node.of), "where": form_of(node.condition)},
}
