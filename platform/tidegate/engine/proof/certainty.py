"""Whether an expression is certain to have a value, given that some of its parts have one."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.engine.language import tree
from tidegate.engine.values import Money

_TEXTUAL = frozenset(
    ("contains", "list_contains", "starts_with", "ends_with", "matches", "exact", "lower_case",
     "upper_case", "string_length", "count", "weekday", "hour", "date", "since", "until", "string")
)  # fmt: skip
Known = frozenset[tree.Node]


def certain(node: tree.Node, known: Known) -> bool:
    """Never unknown when `known` (facts, lists, fields of a line) are there. Amounts may be of two
    currencies, so a comparison of money is never certain; what isn't recognised isn't either.
    """
    if node in known or isinstance(node, (tree.Presence, tree.Variable)):
        return True
    if isinstance(node, tree.Literal):
        return node.value is not None
    if isinstance(node, (tree.And, tree.Or)):
        guards = _guards(node)
        return all(certain(part, known | guards) for part in node.parts)
    if isinstance(node, tree.Quantified):
        return certain(node.over, known) and certain(node.condition, known)
    if isinstance(node, tree.Call):
        return _certain_call(node, known)
    if isinstance(node, (tree.Compare, tree.Between, tree.In)):
        first, *others = tree.children(node)
        return certain(first, known) and _plain_constants(others)
    plain = (tree.Not, tree.If, tree.ListOf, tree.Range, tree.Test, tree.Calendar)
    return isinstance(node, plain) and all(certain(child, known) for child in tree.children(node))


def _certain_call(node: tree.Call, known: Known) -> bool:
    if node.function == "coalesce":
        return certain(node.args[1], known)
    return node.function in _TEXTUAL and all(certain(arg, known) for arg in node.args)


def _guards(node: tree.And | tree.Or) -> Known:
    """`x is present and …`: where the rest counts, x has a value. `x is missing or …` likewise."""
    missing = isinstance(node, tree.Or)
    found = set()
    for part in node.parts:
        turned = isinstance(part, tree.Not)
        inner = part.value if isinstance(part, tree.Not) else part
        if isinstance(inner, tree.Presence) and (inner.missing is not turned) is missing:
            found.add(inner.value)
    return frozenset(found)


def _plain_constants(nodes: Iterable[tree.Node]) -> bool:
    """Constants other than amounts of money, also inside lists and ranges."""
    for node in nodes:
        if isinstance(node, (tree.ListOf, tree.Range, tree.Test)):
            if not _plain_constants(tree.children(node)):
                return False
        elif not isinstance(node, tree.Literal) or isinstance(node.value, Money):
            return False
    return True
