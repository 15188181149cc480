"""The cells of a GoRules table: values the column is compared with, and conditions on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.engine.language import tree
from tidegate.engine.language.parser import UnaryTests
from tidegate.interchange.feel_meaning import meaning
from tidegate.interchange.remarks import NotOurs


@dataclass(frozen=True)
class Condition:
    """A condition inside a cell, as against a value the column is compared with."""

    node: tree.Node


Alternative = tree.Node | Condition


def compared(op: str, value: tree.Node) -> tree.Node:
    """`> 5` as a test; `== x` and `in x` as the bare value."""
    if op in ("==", "in"):
        return value
    return tree.Test(op, value)


def both(left: list[Alternative], right: list[Alternative]) -> list[Alternative]:
    """`> 1 and < 6`: both, as a range where they are its ends."""
    if len(left) == len(right) == 1:
        found = _range(left[0], right[0]) or _range(right[0], left[0])
        if found:
            return [found]
    parts = [_or(left), _or(right)]
    return [Condition(tree.And(tuple(parts)))]


def _range(low: Alternative, high: Alternative) -> tree.Range | None:
    if not (isinstance(low, tree.Test) and isinstance(high, tree.Test)):
        return None
    if low.op in (">", ">=") and high.op in ("<", "<="):
        return tree.Range(low.value, high.value, low.op == ">=", high.op == "<=")
    return None


def _or(tests: Sequence[Alternative]) -> tree.Node:
    parts = tuple(_on_input(test) for test in tests)
    return parts[0] if len(parts) == 1 else tree.Or(parts)


def _on_input(test: Alternative) -> tree.Node:
    if isinstance(test, Condition):
        return test.node
    if isinstance(test, tree.Test):
        return tree.Compare(test.op, tree.Input(), test.value)
    if isinstance(test, tree.Range | tree.ListOf):
        return tree.In(tree.Input(), (test,))
    return tree.Compare("=", tree.Input(), test)


def cell_of(tests: list[Alternative]) -> UnaryTests | tree.Node:
    """Values become tests; a single condition that ignores the column stands by itself."""
    free = [t for t in tests if isinstance(t, Condition) and not _asks_input(t.node)]
    if not free:
        return UnaryTests(tuple(meaning(test) for one in tests for test in _tests(one)))
    if not any(_asks_input(_on_input(test)) for test in tests):
        return meaning(_or(tests))
    raise NotOurs(
        "interchange.mixed_cell",
        "单元格既比较本列，又写了与本列无关的条件；请把后者移到另一列",
        "the cell compares its column and also holds a condition on other things; move that to a "
        "column of its own",
    )


def _tests(one: Alternative) -> tuple[tree.Node, ...]:
    if isinstance(one, Condition):
        return (one.node,)
    if isinstance(one, tree.ListOf):
        return one.members
    return (tree.Presence(tree.Input(), missing=True),) if one == tree.Literal(None) else (one,)


def _asks_input(node: tree.Node) -> bool:
    return any(isinstance(part, tree.Input) for part in tree.walk(node))
