"""A rule's condition as a flat conjunction, equal to it in three-valued logic.

Leaves joined by `and`, nested `all` groups and everything negated by `none` come apart; what
remains inside an `any` stays one part.
"""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.engine.language import tree
from tidegate.engine.rulesets import Condition, Leaf

_NEVER = tree.Literal(False)


def conjunction(condition: Condition) -> tuple[tree.Node, ...]:
    """The parts that must all be true, each once, in the order of the document."""
    return tuple(dict.fromkeys(_all(condition)))


def _all(part: Condition | Leaf) -> Iterator[tree.Node]:
    if isinstance(part, Leaf):
        yield from _conjuncts(part.node)
    elif part.kind == "all":
        for inner in part.parts:
            yield from _all(inner)
    elif part.kind == "none":
        for inner in part.parts:
            yield from _conjuncts(tree.Not(_whole(inner)))
    elif len(part.parts) == 1:
        yield from _all(part.parts[0])
    else:
        yield _whole(part)


def _conjuncts(node: tree.Node) -> Iterator[tree.Node]:
    """`a and b` as a, b; `not(a or b)` as not(a), not(b); a double negation falls away."""
    if isinstance(node, tree.And):
        for part in node.parts:
            yield from _conjuncts(part)
    elif isinstance(node, tree.Not) and isinstance(node.value, tree.Or):
        for part in node.value.parts:
            yield from _conjuncts(tree.Not(part))
    elif isinstance(node, tree.Not) and isinstance(node.value, tree.Not):
        yield from _conjuncts(node.value.value)
    else:
        yield node


def _whole(part: Condition | Leaf) -> tree.Node:
    """The condition as one node."""
    if isinstance(part, Leaf):
        return part.node
    nodes = tuple(_whole(inner) for inner in part.parts)
    if part.kind == "all":
        return nodes[0] if len(nodes) == 1 else tree.And(nodes)
    either = nodes[0] if len(nodes) == 1 else tree.Or(nodes) if nodes else _NEVER
    return tree.Not(either) if part.kind == "none" else either
