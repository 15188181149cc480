"""Rules without a table laid out as one: a column per subject their conditions look at, a column
of its own for every condition that is no test of one subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tidegate.engine.language import tree
from tidegate.engine.language.parser import UnaryTests
from tidegate.engine.language.rendering import render
from tidegate.engine.rulesets import Condition, Leaf, Rule

TRUE = UnaryTests((tree.Literal(True),))
FALSE = UnaryTests((tree.Literal(False),))
ANY = UnaryTests(())
_NAMES = (tree.Fact, tree.Derived, tree.Parameter)


@dataclass
class RuleTable:
    """`cells` has, per rule, the test under each column's number."""

    subjects: list[tree.Node] = field(default_factory=list)
    cells: list[dict[int, UnaryTests]] = field(default_factory=list)

    def rows(self) -> list[list[UnaryTests]]:
        return [[row.get(n, ANY) for n in range(len(self.subjects))] for row in self.cells]


def laid_out(rules: Sequence[Rule]) -> RuleTable:
    """One row per rule."""
    table = RuleTable()
    numbers: dict[str, int] = {}
    for rule in rules:
        row: dict[int, UnaryTests] = {}
        for part in [*rule.condition.parts, *_days(rule)]:
            subject, cell = split(expression_of(part))
            if numbers.get(render(subject), -1) in row:  # looked at before in this rule
                subject, cell = expression_of(part), TRUE
            while numbers.get(render(subject), -1) in row:  # even as a whole: told apart by form
                subject = tree.And((subject, tree.Literal(True)))
            if render(subject) not in numbers:
                numbers[render(subject)] = len(table.subjects)
                table.subjects.append(subject)
            row[numbers[render(subject)]] = cell
        table.cells.append(row)
    return table


def expression_of(part: Condition | Leaf) -> tree.Node:
    """A condition, or a group of them, as one expression."""
    if isinstance(part, Leaf):
        return part.node
    inner = tuple(expression_of(one) for one in part.parts)
    if part.kind == "all":
        return inner[0] if len(inner) == 1 else tree.And(inner)
    whole = inner[0] if len(inner) == 1 else tree.Or(inner)
    return tree.Not(whole) if part.kind == "none" else whole


def _days(rule: Rule) -> list[Leaf]:
    """The days on which a rule is active, as a condition."""
    first, last = rule.active_from, rule.active_to
    if first is None and last is None:
        return []
    today = tree.Call("date", (tree.Fact("now"),))
    if first and last:
        node: tree.Node = tree.In(
            today, (tree.Range(tree.Literal(first), tree.Literal(last), True, True),)
        )
    else:
        node = tree.Compare(">=" if first else "<=", today, tree.Literal(first or last))
    return [Leaf(node, render(node))]


def split(node: tree.Node) -> tuple[tree.Node, UnaryTests]:
    """What a condition looks at, and the test on it."""
    if isinstance(node, tree.Compare) and not isinstance(node.left, tree.Literal):
        test = node.right if node.op == "=" else tree.Test(node.op, node.right)
        if not _is_list(test):
            return node.left, UnaryTests((test,))
    constant = isinstance(node, tree.In) and isinstance(node.value, tree.Literal)
    if isinstance(node, tree.In) and not constant and not any(map(_is_calendar, node.tests)):
        return node.value, UnaryTests(node.tests)
    if isinstance(node, tree.Between):
        return node.value, UnaryTests((tree.Range(node.low, node.high, True, True),))
    if isinstance(node, tree.Presence):
        test = tree.Presence(tree.Input(), missing=True)
        return node.value, UnaryTests((test,), negated=not node.missing)
    if isinstance(node, tree.Not) and isinstance(node.value, _NAMES):
        return node.value, FALSE
    return node, TRUE


def _is_list(node: tree.Node) -> bool:
    """`tags = [...]` compares whole lists; as a cell it would ask for a member."""
    return isinstance(node, tree.ListOf | tree.ListName | tree.Range | tree.Fact | tree.Derived)


def _is_calendar(node: tree.Node) -> bool:
    return isinstance(node, tree.Calendar)
