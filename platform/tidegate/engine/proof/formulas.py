"""A rule's condition as a formula of three-valued logic over atoms: the smallest conditions that
look at facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tidegate.engine.language import tree
from tidegate.engine.proof.inline import Inliner, constant_of
from tidegate.engine.rulesets import Condition, Leaf, Rule


@dataclass(frozen=True)
class Atom:
    """True, false or unknown as its condition; with `known` true or unknown: whether the value of
    the expression is known at all (the argument of an action).
    """

    node: tree.Node
    known: bool = False


@dataclass(frozen=True)
class Fixed:
    value: bool | None


@dataclass(frozen=True)
class Neg:
    part: Formula


@dataclass(frozen=True)
class Every:
    """Conjunction."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True)
class Some:
    """Disjunction."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True)
class Branch:
    """`if condition then … else …`: an unknown condition takes the else branch."""

    condition: Formula
    then: Formula
    otherwise: Formula


Formula = Atom | Fixed | Neg | Every | Some | Branch
ALWAYS = Every(())
_TURNED = {"!=": "=", ">=": "<"}
_OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_NONE = tree.Literal(Decimal(0))


def of_rule(rule: Rule, inline: Inliner) -> Formula:
    """When the rule fires: it is active, its condition holds and its arguments are known."""
    parts = [*_active(rule), of_condition(rule.condition, inline)]
    for call in rule.actions:
        for value in call.args.values():
            if isinstance(value, tree.Node):
                node = inline(value)
                if not isinstance(node, (tree.Literal, tree.ListOf)):
                    parts.append(Atom(node, known=True))
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def of_condition(condition: Condition, inline: Inliner) -> Formula:
    parts = tuple(
        of_node(inline(part.node)) if isinstance(part, Leaf) else of_condition(part, inline)
        for part in condition.parts
    )
    if condition.kind == "all":
        return parts[0] if len(parts) == 1 else Every(parts)
    return Neg(Some(parts)) if condition.kind == "none" else Some(parts)


def of_node(node: tree.Node) -> Formula:
    """The formula of a self-contained boolean expression."""
    if isinstance(node, tree.Literal):
        return Fixed(node.value if isinstance(node.value, bool) else None)
    if isinstance(node, (tree.And, tree.Or)):
        kind = Every if isinstance(node, tree.And) else Some
        return kind(tuple(of_node(part) for part in node.parts))
    if isinstance(node, tree.Not):
        return Neg(of_node(node.value))
    if isinstance(node, tree.If):
        return Branch(of_node(node.condition), of_node(node.then), of_node(node.otherwise))
    if isinstance(node, tree.Quantified) and node.kind != "some":
        return _quantified(node)
    if isinstance(node, tree.Compare):
        return _compared(node)
    if isinstance(node, tree.Presence) and not node.missing:
        return Neg(Atom(tree.Presence(node.value, missing=True)))
    return Atom(node)


def _quantified(node: tree.Quantified) -> Formula:
    """Both in terms of `some`: no line does; there are lines, and none fails."""
    if node.kind == "no":
        return Neg(Atom(tree.Quantified("some", node.variable, node.over, node.condition)))
    opposite = negated(node.condition)
    failing = Neg(Atom(tree.Quantified("some", node.variable, node.over, opposite)))
    if isinstance(node.over, tree.ListOf):
        return Every((Fixed(bool(node.over.members)), failing))
    empty = Atom(tree.Compare("=", tree.Call("count", (node.over,)), _NONE))
    return Every((Neg(empty), failing))


def _compared(node: tree.Compare) -> Formula:
    """Between two facts `=` and `<` alone, so that opposite comparisons of the same two sides are
    seen as such; a count is above zero when it isn't zero.
    """
    if constant_of(node.right) is not None:
        counted = isinstance(node.left, tree.Call) and node.left.function == "count"
        if counted and node.op in ("!=", ">") and node.right == _NONE:
            return Neg(Atom(tree.Compare("=", node.left, _NONE)))
        return Atom(node)
    if node.op in ("<=", ">"):
        turned = tree.Compare("<", node.right, node.left)
        return Neg(Atom(turned)) if node.op == "<=" else Atom(turned)
    if node.op in _TURNED:
        return Neg(Atom(tree.Compare(_TURNED[node.op], node.left, node.right)))
    return Atom(node)


def negated(node: tree.Node) -> tree.Node:
    """The opposite condition, the negation pushed inwards."""
    if isinstance(node, tree.Not):
        return node.value
    if isinstance(node, tree.Compare):
        return tree.Compare(_OPPOSITE[node.op], node.left, node.right)
    if isinstance(node, tree.Presence):
        return tree.Presence(node.value, not node.missing)
    if isinstance(node, tree.And):
        return tree.Or(tuple(negated(part) for part in node.parts))
    if isinstance(node, tree.Or):
        return tree.And(tuple(negated(part) for part in node.parts))
    return tree.Not(node)


def _active(rule: Rule) -> Iterator[Formula]:
    today = tree.Call("date", (tree.Fact("now"),))
    limits: list[tuple[str, date | None]] = [(">=", rule.active_from), ("<=", rule.active_to)]
    for op, day in limits:
        if day is not None:
            yield Atom(tree.Compare(op, today, tree.Literal(day)))


def atoms(formula: Formula) -> Iterator[Atom]:
    if isinstance(formula, Atom):
        yield formula
    elif isinstance(formula, Neg):
        yield from atoms(formula.part)
    elif isinstance(formula, (Every, Some)):
        for part in formula.parts:
            yield from atoms(part)
    elif isinstance(formula, Branch):
        for part in (formula.condition, formula.then, formula.otherwise):
            yield from atoms(part)
