"""Conditions made self-contained: derived facts, parameters and lists replaced by what they stand
for, what is constant computed, and a few forms brought to one.
"""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal, localcontext
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.regions import constants_of, is_constant
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import EXACT, ExactText

MAX_NODES = 4_000  # derived facts built on one another can grow without end
FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_PLAIN = (tree.Literal, tree.ListOf, tree.Range, tree.Test)
_SPECS: dict[type[tree.Node], tuple[str, ...]] = {}


class Inliner:
    """Expressions of one set, each to a tree that refers to nothing but facts."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._ruleset = ruleset
        self._constants = constants_of(ruleset)
        self._derived: dict[str, tuple[tree.Node, int]] = {}

    def __call__(self, node: tree.Node) -> tree.Node:
        with localcontext(EXACT):
            return self._visit(node)[0]

    def _visit(self, node: tree.Node) -> tuple[tree.Node, int]:
        """The tree and how many nodes it has."""
        if isinstance(node, tree.Literal):
            return node, 1
        if isinstance(node, tree.Parameter):
            return _constant(self._ruleset.parameters[node.id].value), 1
        if isinstance(node, tree.ListName):
            values = self._ruleset.lists[node.id].values
            return tree.ListOf(tuple(_constant(value) for value in values)), 1
        if isinstance(node, tree.Derived):
            return self._derive(node)
        built, size = self._rebuilt(node)
        return self._simple(built), size

    def _derive(self, node: tree.Derived) -> tuple[tree.Node, int]:
        if node.id not in self._derived:
            self._derived[node.id] = self._visit(self._ruleset.derive[node.id].node)
        found, size = self._derived[node.id]
        return (node, 1) if size > MAX_NODES else (found, size)

    def _rebuilt(self, node: tree.Node) -> tuple[tree.Node, int]:
        changes: dict[str, Any] = {}
        total = 1
        for name in _parts(node):
            value = getattr(node, name)
            if isinstance(value, tree.Node):
                found, size = self._visit(value)
                total += size
                if found is not value:
                    changes[name] = found
            elif isinstance(value, tuple):
                visited = [
                    self._visit(part) if isinstance(part, tree.Node) else (part, 0)
                    for part in value
                ]
                total += sum(size for _, size in visited)
                if any(new is not old for (new, _), old in zip(visited, value, strict=True)):
                    changes[name] = tuple(part for part, _ in visited)
        return (replace(node, **changes) if changes else node), total

    def _simple(self, node: tree.Node) -> tree.Node:
        if not isinstance(node, _PLAIN) and _settled(node) and is_constant(node):
            value = self._constants.value(node)
            if isinstance(value, tuple):
                return tree.ListOf(tuple(_constant(member) for member in value))
            return _constant(value)
        if isinstance(node, tree.Compare):
            return _compared(node)
        if isinstance(node, tree.In):
            return _membership(node)
        return node


def _parts(node: tree.Node) -> tuple[str, ...]:
    kind = type(node)
    if kind not in _SPECS:
        _SPECS[kind] = tuple(spec.name for spec in fields(node) if spec.name != "at")
    return _SPECS[kind]


def _settled(node: tree.Node) -> bool:
    """Whether all that is below was computed already."""
    return all(
        constant_of(child) is not None
        or isinstance(child, tree.Literal)
        or (isinstance(child, _PLAIN) and _settled(child))
        for child in tree.children(node)
    )


def _constant(value: object) -> tree.Node:
    """Text that is compared letter by letter stays `exact("…")`: as a bare literal it would equal
    the text that isn't.
    """
    if isinstance(value, ExactText):
        return tree.Call("exact", (tree.Literal(str(value)),))
    return tree.Literal(value)


def constant_of(node: tree.Node) -> object:
    """The value of a computed constant; None for everything else."""
    if isinstance(node, tree.Literal):
        return node.value
    if isinstance(node, tree.Call) and node.function == "exact":
        inner = node.args[0]
        return ExactText(inner.value) if isinstance(inner, tree.Literal) else None
    return None


def _compared(node: tree.Compare) -> tree.Node:
    """The constant on the right; a boolean compared with true or false is itself or its opposite;
    `x * 0` beside `x` is a bare zero.
    """
    if isinstance(node.left, tree.Literal):
        node = tree.Compare(FLIPPED[node.op], node.right, node.left)
    left, right = node.left, node.right
    if isinstance(right, tree.Literal) and isinstance(right.value, bool) and node.op in ("=", "!="):
        return left if right.value is (node.op == "=") else tree.Not(left)
    if _nothing_of(right, left):
        return tree.Compare(node.op, left, tree.Literal(Decimal(0)))
    if _nothing_of(left, right):
        return tree.Compare(FLIPPED[node.op], right, tree.Literal(Decimal(0)))
    return node


def _nothing_of(node: tree.Node, value: tree.Node) -> bool:
    if not isinstance(node, tree.Arithmetic) or node.op != "*":
        return False
    pairs = ((node.left, node.right), (node.right, node.left))
    return any(
        one == value and isinstance(other, tree.Literal) and other.value == Decimal(0)
        for one, other in pairs
    )


def _membership(node: tree.In) -> tree.Node:
    """`valuable in (true)` and the like; one value alone is a comparison."""
    tests = node.tests
    if all(isinstance(t, tree.Literal) and isinstance(t.value, bool) for t in tests):
        parts = tuple(_compared(tree.Compare("=", node.value, test)) for test in tests)
        return parts[0] if len(parts) == 1 else tree.Or(parts)
    if len(tests) == 1 and isinstance(tests[0], tree.Literal):
        return _compared(tree.Compare("=", node.value, tests[0]))
    return node
