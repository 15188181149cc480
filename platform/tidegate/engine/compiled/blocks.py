"""Rules that are judged together (one stage, one stratum), sorted into columns, and what no column
can hold left with the rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from tidegate.engine.compiled.columns import TEXT_TESTS, Column, Members
from tidegate.engine.compiled.conjunctions import conjunction
from tidegate.engine.evaluation import Context
from tidegate.engine.language import tree
from tidegate.engine.language.rendering import render
from tidegate.engine.regions import Unary, is_constant, unary
from tidegate.engine.rulesets import Rule, RuleSet
from tidegate.engine.values import ExactText, Money

# measured: a condition asked of few rules costs less when only candidates are asked
SHARED_BY = 16
SHARED_SHARE = 4
COMPUTED_BY = 3
_KINDS = {
    "text": "text",
    "choice": "text",
    "boolean": "boolean",
    "number": "number",
    "money": "money",
    "duration": "duration",
    "instant": "instant",
    "date": "date",
}
_POINT_KINDS: tuple[tuple[type, str], ...] = (
    (str, "text"),
    (Money, "money"),
    (timedelta, "duration"),
    (datetime, "instant"),
    (date, "date"),
)


@dataclass
class Block:
    """`rules[i]` is bit i. `rest[i]` are the conditions of rule i outside the columns."""

    rules: Sequence[Rule]
    columns: list[Column] = field(default_factory=list)
    members: list[Members] = field(default_factory=list)
    rest: list[list[tree.Node]] = field(default_factory=list)

    @property
    def every(self) -> int:
        return (1 << len(self.rules)) - 1


@dataclass
class _Sorter:
    ruleset: RuleSet
    constants: Context
    overlaid: frozenset[str]
    block: Block
    cells: dict[tuple[str, str], dict[int, list[Unary]]] = field(default_factory=dict)
    nodes: dict[tuple[str, str], dict[int, list[tree.Node]]] = field(default_factory=dict)
    whole: dict[tree.Node, list[int]] = field(default_factory=dict)
    seen: dict[tree.Node, tuple[str, Unary] | None] = field(default_factory=dict)
    lines: bool = True

    def sort(self) -> None:
        for index, rule in enumerate(self.block.rules):
            self.block.rest.append([])
            for part in conjunction(rule.condition):
                self._place(index, _positive(part))
        for (kind, _), by_rule in self.cells.items():
            self._column(kind, by_rule)
        for node, indexes in self.whole.items():
            self._whole(node, indexes)

    def _place(self, index: int, part: tree.Node) -> None:
        if self._over_lines(index, part):
            return
        if part not in self.seen:
            self.seen[part] = self._unary(part)
        found = self.seen[part]
        if found is None:
            self.whole.setdefault(part, []).append(index)
            return
        kind, test = found
        self.cells.setdefault((kind, test.key), {}).setdefault(index, []).append(test)
        self.nodes.setdefault((kind, test.key), {}).setdefault(index, []).append(part)

    def _words(self, part: tree.Node) -> Unary | None:
        """`contains(order.buyer_memo, "加急")` and its like, or the opposite."""
        call = part.value if isinstance(part, tree.Not) else part
        if not isinstance(call, tree.Call) or call.function not in TEXT_TESTS:
            return None
        if len(call.args) != 2 or not is_constant(call.args[1]):
            return None
        subject, word = call.args[0], self.constants.value(call.args[1])
        if not isinstance(subject, tree.Fact) or subject.id in self.overlaid:
            return None
        fact = self.ruleset.fields.get(subject.id) or self.ruleset.vocabulary.facts.get(subject.id)
        if fact is None or _KINDS.get(fact.type) != "text":
            return None
        if not isinstance(word, str) or isinstance(word, ExactText):
            return None
        cell: tree.Node = tree.Call(call.function, (tree.Input(), call.args[1]))
        return Unary(subject, tree.Not(cell) if isinstance(part, tree.Not) else cell, ())

    def _unary(self, part: tree.Node) -> tuple[str, Unary] | None:
        words = self._words(part)
        if words:
            return "words", words
        test = unary(part, self.constants)
        kind = self._kind(test) if test else ""
        return (kind, test) if test and kind else None

    def _kind(self, test: Unary) -> str:
        """The kind of column for this test; empty when none fits."""
        subject = test.subject
        if isinstance(subject, tree.Variable | tree.Input):
            return ""
        kind = ""
        if isinstance(subject, tree.Fact):
            fact = self.ruleset.fields.get(subject.id) or self.ruleset.vocabulary.facts.get(
                subject.id
            )
            if subject.id == "now":
                kind = "instant"
            elif fact is None or subject.id in self.overlaid:
                return ""
            else:
                kind = _KINDS.get(fact.type, "")
        else:
            kind = _kind_of(test.points)
        if kind == "text" and not _tabled(test.cell):
            return ""
        return kind

    def _column(self, kind: str, by_rule: dict[int, list[Unary]]) -> None:
        subject = next(iter(by_rule.values()))[0].subject
        key = (kind, render(subject))
        if not isinstance(subject, tree.Fact) and len(by_rule) < COMPUTED_BY:
            for index, parts in self.nodes[key].items():
                self.block.rest[index] += parts
            return
        column = Column(subject, kind, self.block.every, self.constants)
        for index, tests in by_rule.items():
            if kind == "words":  # one false test closes a rule, whatever the others say
                for test in tests:
                    _add(column, [test], 1 << index)
            else:
                _add(column, tests, 1 << index)
        self.block.columns.append(column)

    def _whole(self, node: tree.Node, indexes: list[int]) -> None:
        """A condition shared by many rules is a column of its own."""
        if len(indexes) < max(SHARED_BY, len(self.block.rules) // SHARED_SHARE):
            for index in indexes:
                self.block.rest[index].append(node)
            return
        column = Column(node, "boolean", self.block.every, self.constants)
        cell = tree.Input()
        column.cells[cell] = sum(1 << index for index in indexes)
        column.points[cell] = ()
        self.block.columns.append(column)

    def _over_lines(self, index: int, part: tree.Node) -> bool:
        """Put `some item in items satisfies item.category = …` into the column of that field."""
        if not self.lines or not isinstance(part, tree.Quantified) or part.kind == "every":
            return False
        if not isinstance(part.over, tree.Fact) or part.over.id in self.overlaid:
            return False
        inner = unary(part.condition, self.constants)
        subject = inner.subject if inner else None
        if inner is None or not isinstance(subject, tree.Member):
            return False
        if not isinstance(subject.of, tree.Variable) or subject.of.id != part.variable:
            return False
        fact = self.ruleset.vocabulary.facts[subject.fact]
        kind = _KINDS.get(fact.type, "")
        if kind not in ("text", "boolean") or (kind == "text" and not _tabled(inner.cell)):
            return False
        members = self._members(part.over.id, subject, kind, 1 << index)
        _add(members.inner, [inner], 1 << index)
        if part.kind == "some":
            members.some |= 1 << index
        else:
            members.no |= 1 << index
        return True

    def _members(self, group: str, subject: tree.Member, kind: str, bit: int) -> Members:
        """A column for this field in which the rule has no condition yet."""
        for members in self.block.members:
            same = (members.group, members.field) == (group, subject.field)
            if same and not (members.some | members.no) & bit:
                return members
        inner = Column(tree.Input(), kind, self.block.every, self.constants)
        members = Members(group, subject.field, inner)
        self.block.members.append(members)
        return members


def block_of(
    ruleset: RuleSet,
    rules: Sequence[Rule],
    constants: Context,
    overlaid: Iterable[str],
    lines: bool,
) -> Block:
    """`overlaid` are facts that the evaluation itself writes: they get no column; `lines` is
    whether the lines of the document are read in the same pass.
    """
    sorter = _Sorter(ruleset, constants, frozenset(overlaid), Block(rules), lines=lines)
    sorter.sort()
    return sorter.block


def _add(column: Column, tests: Sequence[Unary], bit: int) -> None:
    cell = tests[0].cell if len(tests) == 1 else tree.And(tuple(test.cell for test in tests))
    column.cells[cell] = column.cells.get(cell, 0) | bit
    column.points[cell] = tuple(dict.fromkeys(point for test in tests for point in test.points))


def _positive(part: tree.Node) -> tree.Node:
    """`not(some …)` as `no …`, and back."""
    if isinstance(part, tree.Not) and isinstance(part.value, tree.Quantified):
        flipped = {"some": "no", "no": "some"}.get(part.value.kind)
        if flipped:
            return replace(part.value, kind=flipped)
    return part


def _kind_of(points: Sequence[object]) -> str:
    """What a computed subject must be, judged by what it is compared with."""
    known = [point for point in points if point is not None]
    if not known:
        return "boolean"
    if all(isinstance(point, bool) for point in known):
        return "boolean"
    zeros = [point for point in known if isinstance(point, Decimal)]
    if len(zeros) == len(known):
        return "number"
    others = [point for point in known if not isinstance(point, Decimal)]
    for kind, name in _POINT_KINDS:
        if all(isinstance(point, kind) for point in others) and not any(zeros):
            return name
    return ""


def _tabled(cell: tree.Node) -> bool:
    """Whether a table of folded texts can hold the cell: it compares for equality only, and with
    nothing made by a function, which may want to be compared letter by letter (`exact`).
    """
    return not any(
        isinstance(part, tree.Between | tree.Range | tree.Call)
        or (isinstance(part, tree.Compare | tree.Test) and part.op not in ("=", "!="))
        for part in tree.walk(cell)
    )
