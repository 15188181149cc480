"""A tree as text: the canonical form, which parses back to an equal tree, and a sentence in zh
or en.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from tidegate.engine.language import tree
from tidegate.engine.language.functions import FUNCTIONS
from tidegate.engine.values import Money, Months, duration_text

_LOOSE, _OR, _AND, _COMPARE, _SUM, _PRODUCT, _UNARY, _ATOM = range(8)


def render(node: tree.Node) -> str:
    """The canonical text; `parse(render(tree)) == tree`."""
    return _text(node)[0]


def render_unary(tests: tuple[tree.Node, ...], negated: bool) -> str:
    """A table cell; `parse_unary` of it gives these tests."""
    if not tests:
        return "-"
    listed = _listed(tests, _COMPARE)
    if negated:
        return f"not({listed})"
    return f"({listed})" if len(tests) == 1 and isinstance(tests[0], tree.Not) else listed


def literal_text(value: object) -> str:
    """A constant as it is written in a rule."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, timedelta):
        text = duration_text(value)
        return f'duration("{text}")' if "P" in text or text.startswith("-") else text
    if isinstance(value, datetime):
        return f'@"{value.isoformat()}"'
    if isinstance(value, date):
        return f'@"{value.isoformat()}"'
    if isinstance(value, time):
        return f'time("{value.isoformat()}")'
    if isinstance(value, Months):
        return f'duration("{value}")'
    if isinstance(value, Money):
        return str(value)
    escaped = (
        str(value)
        .replace("\\", "\\\\")
        .replace('"', '\\"')
        .replace("\n", "\\n")
        .replace("\t", "\\t")
    )
    return f'"{escaped}"'


def _inside(node: tree.Node, level: int) -> str:
    text, own = _text(node)
    return text if own >= level else f"({text})"


def _text(node: tree.Node) -> tuple[str, int]:
    """The text and how tightly it binds."""
    return _RENDER[type(node)](node)


def _listed(nodes: tuple[tree.Node, ...], level: int = _LOOSE) -> str:
    return ", ".join(_inside(node, level) for node in nodes)


def _literal(n: tree.Literal) -> tuple[str, int]:
    text = literal_text(n.value)
    return text, _UNARY if text.startswith("-") else _ATOM


def _or(n: tree.Or) -> tuple[str, int]:
    return " or ".join(_inside(part, _AND) for part in n.parts), _OR


def _and(n: tree.And) -> tuple[str, int]:
    return " and ".join(_inside(part, _COMPARE) for part in n.parts), _AND


def _arithmetic(n: tree.Arithmetic) -> tuple[str, int]:
    own = _SUM if n.op in "+-" else _PRODUCT
    return f"{_inside(n.left, own)} {n.op} {_inside(n.right, own + 1)}", own


def _in(n: tree.In) -> tuple[str, int]:
    left = _inside(n.value, _SUM)
    if len(n.tests) > 1:
        return f"{left} in ({_listed(n.tests, _SUM)})", _COMPARE
    return f"{left} in {_inside(n.tests[0], _SUM)}", _COMPARE


def _quantified(n: tree.Quantified) -> tuple[str, int]:
    return (
        f"{n.kind} {n.variable} in {_inside(n.over, _SUM)} satisfies {_text(n.condition)[0]}",
        _LOOSE,
    )


def _for(n: tree.For) -> tuple[str, int]:
    return f"for {n.variable} in {_inside(n.over, _SUM)} return {_text(n.result)[0]}", _LOOSE


def _range(n: tree.Range) -> tuple[str, int]:
    opening, closing = "[" if n.low_closed else "(", "]" if n.high_closed else ")"
    return f"{opening}{_inside(n.low, _SUM)}..{_inside(n.high, _SUM)}{closing}", _ATOM


def _call(n: tree.Call) -> tuple[str, int]:
    name = n.function.replace("_", " ") if n.function in FUNCTIONS else n.function
    return f"{name}({_listed(n.args)})", _ATOM


def _presence(n: tree.Presence) -> tuple[str, int]:
    return f"{_inside(n.value, _SUM)} is {'missing' if n.missing else 'present'}", _COMPARE


def _member(n: tree.Member) -> tuple[str, int]:
    """`order.paid_at` would be one name, so that a field of a single name stands behind brackets."""
    of = _inside(n.of, _ATOM)
    return f"({of}).{n.field}" if isinstance(n.of, _SINGLE) else f"{of}.{n.field}", _ATOM


_SINGLE = (
    tree.Name, tree.Parameter, tree.ListName, tree.Derived, tree.Calendar, tree.Literal, tree.Input,
)  # fmt: skip


def _name(
    n: tree.Fact | tree.Parameter | tree.ListName | tree.Derived | tree.Calendar | tree.Variable,
) -> tuple[str, int]:
    return n.id, _ATOM


def _step(n: tree.Step) -> tuple[str, int]:
    return f"{'absent' if n.absent else n.name}: {_text(n.condition)[0]}", _LOOSE


def _sequence(n: tree.Sequence) -> tuple[str, int]:
    """For people and the hash; a pattern is written as a mapping (`patterns.reading.document`)."""
    steps = "; ".join(_text(step)[0] for step in n.steps)
    span = f" within {_text(n.within)[0]}" if n.within is not None else ""
    return f"over {_text(n.over)[0]} find {steps}{span}", _LOOSE


_RENDER: dict[type[tree.Node], Callable[..., tuple[str, int]]] = {
    tree.Literal: _literal,
    tree.Name: lambda n: (n.path, _ATOM),
    tree.Fact: _name,
    tree.Parameter: _name,
    tree.ListName: _name,
    tree.Derived: _name,
    tree.Calendar: _name,
    tree.Variable: _name,
    tree.Input: lambda n: ("?", _ATOM),
    tree.Member: _member,
    tree.Window: lambda n: (f"{n.fact}({_text(n.span)[0]})", _ATOM),
    tree.Arithmetic: _arithmetic,
    tree.Negate: lambda n: (f"-{_inside(n.value, _UNARY)}", _UNARY),
    tree.Compare: lambda n: (f"{_inside(n.left, _SUM)} {n.op} {_inside(n.right, _SUM)}", _COMPARE),
    tree.Between: lambda n: (
        f"{_inside(n.value, _SUM)} between {_inside(n.low, _SUM)} and {_inside(n.high, _SUM)}",
        _COMPARE,
    ),
    tree.Test: lambda n: (f"{n.op} {_inside(n.value, _SUM)}", _ATOM),
    tree.Range: _range,
    tree.In: _in,
    tree.ListOf: lambda n: (f"[{_listed(n.members)}]", _ATOM),
    tree.And: _and,
    tree.Or: _or,
    tree.Not: lambda n: (f"not({_text(n.value)[0]})", _ATOM),
    tree.If: lambda n: (
        f"if {_text(n.condition)[0]} then {_text(n.then)[0]} else {_text(n.otherwise)[0]}",
        _LOOSE,
    ),
    tree.Quantified: _quantified,
    tree.For: _for,
    tree.Filter: lambda n: (f"{_inside(n.of, _ATOM)}[{_text(n.condition)[0]}]", _ATOM),
    tree.Presence: _presence,
    tree.Step: _step,
    tree.Sequence: _sequence,
    tree.Call: _call,
}
