"""What a self-contained condition looks at, and in which form it looks at it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.proof.inline import FLIPPED, constant_of
from tidegate.engine.vocabulary import Vocabulary

FACT, WINDOW, LINES, NOW = "fact", "window", "lines", "now"
_KNOWN = (
    tree.Literal, tree.Fact, tree.Variable, tree.Member, tree.Window, tree.Arithmetic, tree.Negate,
    tree.Compare, tree.Between, tree.Test, tree.Range, tree.In, tree.ListOf, tree.And, tree.Or,
    tree.Not, tree.If, tree.Quantified, tree.Filter, tree.Presence, tree.Call, tree.Calendar,
    tree.Sequence, tree.Step, tree.For,
)  # fmt: skip
_CLOCKED = ("since", "until", "weekday", "hour", "date")
_LOGIC = (tree.And, tree.Or, tree.Not, tree.If, tree.Presence, tree.Test, tree.Range, tree.ListOf)
_INPUT = tree.Input()


@dataclass(frozen=True, order=True)
class Source:
    """A value of its own in a fact document: a fact, one window of a windowed fact, a list of
    lines, or `now`.
    """

    kind: str
    id: str = ""
    span: timedelta = timedelta(0)


def sources_of(node: tree.Node, vocabulary: Vocabulary) -> frozenset[Source] | None:
    """Everything the condition reads; None when it reads something no document can set (what
    earlier stages decided), or is of a kind this module doesn't know.
    """
    found: set[Source] = set()
    for part in tree.walk(node):
        if not isinstance(part, _KNOWN):
            return None
        if isinstance(part, tree.Fact):
            if part.id.startswith("decided."):
                return None
            listed = part.id in vocabulary.groups
            kind = NOW if part.id == "now" else LINES if listed else FACT
            found.add(Source(kind, "" if kind == NOW else part.id))
        elif isinstance(part, tree.Window):
            span = part.span.value if isinstance(part.span, tree.Literal) else None
            if not isinstance(span, timedelta):
                return None
            found.add(Source(WINDOW, part.fact, span))
    return frozenset(found)


def source_of(node: tree.Node) -> Source | None:
    """The source a fact or window node is, if it is one."""
    if isinstance(node, tree.Window) and isinstance(node.span, tree.Literal):
        span: Any = node.span.value
        return Source(WINDOW, node.fact, span)
    if isinstance(node, tree.Fact):
        return Source(NOW) if node.id == "now" else Source(FACT, node.id)
    return None


def looks(node: tree.Node) -> Iterator[tree.Node]:
    """The forms in which facts are looked at: a fact, or the clock's view of one (`since(x)`,
    `weekday(x)` …). A presence test is no look: it is the same for every form.
    """
    if isinstance(node, tree.Presence) and (_bare(node.value) or clocked(node.value)):
        return
    if _bare(node) or clocked(node):
        yield node
        return
    for child in tree.children(node):
        yield from looks(child)


def _bare(node: tree.Node) -> bool:
    return isinstance(node, (tree.Fact, tree.Window))


def clocked(node: tree.Node) -> bool:
    """Whether it is the clock's view of one fact."""
    return isinstance(node, tree.Call) and node.function in _CLOCKED and _bare(node.args[0])


def one_way(look: tree.Node) -> tree.Node:
    """`until(x)` is `since(x)` seen from the other side."""
    if isinstance(look, tree.Call) and look.function == "until":
        return tree.Call("since", look.args)
    return look


def compares_only(node: tree.Node, textual: bool, wide: bool = False) -> bool:
    """Whether facts are only compared, with one another and with constants, so that nothing but
    their order counts (for text nothing but equality). With `wide`, `x * 0` and the time since one
    of several instants may stand among them.
    """
    if isinstance(node, tree.Literal) or _bare(node) or clocked(node):
        return True
    if constant_of(node) is not None:
        return True
    if isinstance(node, tree.Compare) and textual and node.op not in ("=", "!="):
        return False
    if isinstance(node, tree.Test) and textual and node.op not in ("=", "!="):
        return False
    if isinstance(node, (tree.Between, tree.Range)) and textual:
        return False
    if isinstance(node, tree.Arithmetic):
        right = node.right
        zero = isinstance(right, tree.Literal) and not right.value and node.op == "*"
        return wide and zero and compares_only(node.left, textual, wide)
    if isinstance(node, tree.Call) and node.function in ("since", "until"):
        return wide and len(node.args) == 1 and compares_only(node.args[0], textual, wide)
    if isinstance(node, tree.Call) and node.function != "coalesce":
        return False
    if not isinstance(node, (*_LOGIC, tree.Compare, tree.Between, tree.In, tree.Call)):
        return False
    return all(compares_only(child, textual, wide) for child in tree.children(node))


def constants(nodes: Iterable[tree.Node]) -> Iterator[object]:
    """All constants that stand in the conditions."""
    for node in nodes:
        for part in tree.walk(node):
            value = constant_of(part)
            if value is not None:
                yield value


def as_cell(node: tree.Node) -> tree.Node:
    """The condition with `?` in place of the one thing it looks at."""
    if _bare(node):
        return _INPUT
    if isinstance(node, tree.Presence) and clocked(node.value):
        return tree.Presence(_INPUT, node.missing)
    if isinstance(node, tree.Call) and clocked(node):
        return tree.Negate(_INPUT) if node.function == "until" else _INPUT
    changes: dict[str, Any] = {}
    for name, value in vars(node).items():
        if isinstance(value, tree.Node):
            changes[name] = as_cell(value)
        elif isinstance(value, tuple):
            changes[name] = tuple(as_cell(v) if isinstance(v, tree.Node) else v for v in value)
    built = replace(node, **changes) if changes else node
    return _turned(built) if isinstance(built, tree.Compare) else built


def _turned(node: tree.Compare) -> tree.Node:
    """`-? < 4h` as `? > -4h`."""
    if isinstance(node.left, tree.Negate) and isinstance(node.right, tree.Literal):
        value: Any = node.right.value
        if isinstance(value, timedelta):
            return tree.Compare(FLIPPED[node.op], node.left.value, tree.Literal(-value))
    return node
