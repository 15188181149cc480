"""What depends on types: numbers beside money are amounts, `now - x` is the time since an instant;
texts that only differ in letter case are kept apart.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import UnaryTests
from tidegate.engine.language.types import ANY, Type
from tidegate.engine.values import Money, fold
from tidegate.interchange.feel_meaning import NOW
from tidegate.interchange.kinds import about
from tidegate.interchange.model import Row, Table, rebuilt


class Typed:
    """Rebuilds expressions of formats that know no currencies: where money is compared with a
    number, the number is an amount in `currency`.
    """

    def __init__(self, scope: Scope, currency: str) -> None:
        self.scope = scope
        self.currency = currency

    def kind(self, node: tree.Node) -> Type:
        return bind(node, self.scope)[1]

    def expression(self, node: tree.Node) -> tree.Node:
        if isinstance(node, tree.Quantified | tree.For):
            return self._within(node.variable, node.over).parts(node)
        if isinstance(node, tree.Filter):
            kind = self.kind(node.of)
            line = (kind.member or kind).line
            each = self.scope.vocabulary.groups[line].each if line else "item"
            return self._within(each, node.of).parts(node)
        return self._own(self.parts(node))

    def parts(self, node: tree.Node) -> tree.Node:
        return rebuilt(node, self.expression)

    def _within(self, variable: str, source: tree.Node) -> Typed:
        """Inside a condition over a list, whose elements have a name."""
        member = self.kind(source).member or ANY
        variables = {**self.scope.variables, variable: member}
        return Typed(replace(self.scope, variables=variables), self.currency)

    def _own(self, node: tree.Node) -> tree.Node:
        if isinstance(node, tree.Arithmetic) and node.op == "-" and NOW in (node.left, node.right):
            return self._span(node)
        if isinstance(node, tree.Compare):
            return tree.Compare(node.op, *self._alike(node.left, node.right, zero=False))
        if isinstance(node, tree.Between):
            sides = self._alike(node.value, node.low, node.high, zero=False)
            return tree.Between(*sides)
        if isinstance(node, tree.Arithmetic) and node.op in "+-":
            return tree.Arithmetic(node.op, *self._alike(node.left, node.right))
        if isinstance(node, tree.If):
            return tree.If(node.condition, *self._alike(node.then, node.otherwise))
        if isinstance(node, tree.Call) and node.function in ("coalesce", "min", "max"):
            return tree.Call(node.function, self._alike(*node.args))
        if isinstance(node, tree.ListOf):
            return tree.ListOf(self._alike(*node.members))
        if isinstance(node, tree.In) and self.kind(node.value).kind == "money":
            return tree.In(node.value, tuple(self.amount(test) for test in node.tests))
        return node

    def _span(self, node: tree.Arithmetic) -> tree.Node:
        """The time since an instant, or until it, so that the next change can be foreseen."""
        other = node.right if node.left == NOW else node.left
        if self.kind(other).kind != "instant" or other == NOW:
            return node
        return tree.Call("since" if node.left == NOW else "until", (other,))

    def _alike(self, *nodes: tree.Node, zero: bool = True) -> Any:
        if any(self.kind(node).kind == "money" for node in nodes):
            return tuple(self.amount(node, zero) for node in nodes)
        return nodes

    def amount(self, node: tree.Node, zero: bool = False) -> tree.Node:
        """Constants in a value, a test or a range as amounts; a compared `0` stays bare, it is
        zero in every currency (`0.00` is not).
        """
        if isinstance(node, tree.Literal) and isinstance(node.value, Decimal):
            amount = node.value or zero or "." in f"{node.value:f}"
            return tree.Literal(Money(node.value, self.currency)) if amount else node
        if isinstance(node, tree.Test | tree.Range | tree.ListOf | tree.Negate):
            return rebuilt(node, lambda part: self.amount(part, zero))
        return node

    def cell(self, subject: tree.Node, cell: UnaryTests) -> UnaryTests:
        money = self.kind(subject).kind == "money"
        return UnaryTests(tuple(self._test(t, subject, money) for t in cell.tests), cell.negated)

    def _test(self, test: tree.Node, subject: tree.Node, money: bool) -> tree.Node:
        if any(isinstance(part, tree.Input) for part in tree.walk(test)):
            return _asking(self.expression(about(test, subject)), subject)
        return self.amount(self.expression(test)) if money else self.expression(test)


def _asking(node: tree.Node, subject: tree.Node) -> tree.Node:
    if node == subject:
        return tree.Input()
    return rebuilt(node, lambda part: _asking(part, subject))


def strict_texts(table: Table) -> Table:
    """Where one column tells texts apart only by case or width, its cells compare letter by
    letter, as they did in their own format.
    """
    columns = [index for index in range(len(table.columns)) if _told_apart(table, index)]
    rows = [_strict_row(row, columns) for row in table.rows]
    return replace(table, rows=tuple(rows)) if columns else table


def _told_apart(table: Table, index: int) -> bool:
    texts = {
        part.value
        for row in table.rows
        for test in row.cells[index].tests
        for part in tree.walk(test)
        if isinstance(part, tree.Literal) and isinstance(part.value, str)
    }
    return len({fold(text) for text in texts}) < len(texts)


def _strict_row(row: Row, columns: list[int]) -> Row:
    cells = list(row.cells)
    for index in columns:
        tests = tuple(_strict(test) for test in cells[index].tests)
        cells[index] = UnaryTests(tests, cells[index].negated)
    return replace(row, cells=tuple(cells))


def _strict(test: tree.Node) -> tree.Node:
    if isinstance(test, tree.Literal) and isinstance(test.value, str):
        return tree.Call("exact", (test,))
    return rebuilt(test, _strict) if isinstance(test, tree.ListOf) else test
