"""Conditions as formulas over atoms: the smallest parts that are true, false or unknown by
themselves, and the places each of them looks at.

Groups, `and`, `or`, `not`, derived facts and quantifiers over the subject's lines are taken apart
(a quantifier becomes one part per line), because a part that nobody can change then stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidegate.engine.changes.slots import Bench, Slot, Values
from tidegate.engine.evaluation import Context
from tidegate.engine.language import tree
from tidegate.engine.language.rendering import render
from tidegate.engine.logic import Truth, conjunction, disjunction, negation
from tidegate.engine.regions import is_constant
from tidegate.engine.rulesets import Condition, Leaf, RuleSet

TRUE, FALSE, UNKNOWN, ANY = 1, 2, 4, 7
Place = tuple[str, object]  # ("line", (list, index)) or ("value", constant)
Surrounding = tuple[tuple[str, Place], ...]
_BOOLEAN = (
    tree.And, tree.Or, tree.Not, tree.Compare, tree.In, tree.Between, tree.Quantified,
    tree.Presence, tree.Derived,
)  # fmt: skip


@dataclass(eq=False)
class Atom:
    """`kind` is `is` (a condition), `known` (true when the value is known, else unknown) or `raw`
    (a condition on the facts as given, without what the evaluation itself wrote).

    `late` is one that looks at what the evaluation wrote before.
    """

    node: tree.Node
    around: Surrounding
    kind: str
    slots: frozenset[Slot]
    late: bool
    seen: dict[tuple[object, ...], Truth] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Join:
    """All of the parts (`every`) or any of them."""

    every: bool
    parts: tuple[Formula, ...]


@dataclass(frozen=True, eq=False)
class Opposite:
    part: Formula


Formula = Atom | Join | Opposite


def mask(truth: Truth) -> int:
    return TRUE if truth is True else FALSE if truth is False else UNKNOWN


def swapped(wanted: int) -> int:
    """What the part may be so that its opposite is what is wanted."""
    return (wanted & UNKNOWN) | (TRUE if wanted & FALSE else 0) | (FALSE if wanted & TRUE else 0)


def truth_of(formula: Formula, value: Callable[[Atom], Truth]) -> Truth:
    if isinstance(formula, Atom):
        return value(formula)
    if isinstance(formula, Opposite):
        return negation(truth_of(formula.part, value))
    parts = (truth_of(part, value) for part in formula.parts)
    return conjunction(parts) if formula.every else disjunction(parts)


def atoms_of(formula: Formula) -> Iterator[Atom]:
    if isinstance(formula, Atom):
        yield formula
    else:
        for part in (formula.part,) if isinstance(formula, Opposite) else formula.parts:
            yield from atoms_of(part)


class Book:
    """The atoms of one set on one subject, each once, with the values they had."""

    def __init__(self, ruleset: RuleSet, context: Context, slots: Sequence[Slot]) -> None:
        self.ruleset = ruleset
        self.context = context
        self.bench: Bench = context.facts  # type: ignore[assignment]  # made by `changes`
        self.written = {
            name
            for rule in ruleset.rules
            for name in rule.writes
            if name in ruleset.vocabulary.facts
        }
        self._slots: dict[str, list[Slot]] = {}
        for slot in slots:
            self._slots.setdefault(slot.fact.id, []).append(slot)
        self._atoms: dict[object, Atom] = {}
        self._names: dict[tree.Node, frozenset[str]] = {}
        self.doubts: dict[str, None] = {}  # expressions that keep an answer from being complete

    # building

    def condition(self, condition: Condition) -> Formula:
        parts = tuple(
            self.formula(part.node) if isinstance(part, Leaf) else self.condition(part)
            for part in condition.parts
        )
        if len(parts) == 1 and condition.kind != "none":
            return parts[0]
        joined = Join(condition.kind == "all", parts)
        return Opposite(joined) if condition.kind == "none" else joined

    def formula(self, node: tree.Node, around: Surrounding = ()) -> Formula:
        if isinstance(node, (tree.And, tree.Or)):
            parts = tuple(self.formula(part, around) for part in node.parts)
            return Join(isinstance(node, tree.And), parts)
        if isinstance(node, tree.Not):
            return Opposite(self.formula(node.value, around))
        if isinstance(node, tree.Derived):
            if self.ruleset.derive[node.id].type.kind == "boolean":
                return self.formula(self.ruleset.derive[node.id].node)
        elif isinstance(node, tree.Quantified):
            found = self._quantified(node, around)
            if found:
                return found
        elif isinstance(node, tree.Compare):
            found = self._compared_with_a_truth(node, around)
            if found:
                return found
        return self.atom(node, around)

    def _compared_with_a_truth(self, node: tree.Compare, around: Surrounding) -> Formula | None:
        """`condition = false` is the opposite of the condition, unknown when that is."""
        for one, other in ((node.left, node.right), (node.right, node.left)):
            literal = isinstance(other, tree.Literal) and isinstance(other.value, bool)
            if node.op in ("=", "!=") and literal and self._is_condition(one):
                inner = self.formula(one, around)
                same = other.value == (node.op == "=")  # type: ignore[attr-defined]  # a Literal
                return inner if same else Opposite(inner)
        return None

    def _is_condition(self, node: tree.Node) -> bool:
        if isinstance(node, tree.Derived):
            return self.ruleset.derive[node.id].type.kind == "boolean"
        return isinstance(node, _BOOLEAN)

    def _quantified(self, node: tree.Quantified, around: Surrounding) -> Formula | None:
        """One part per line or constant; None when the elements themselves may change."""
        places = self._elements(node.over)
        if places is None:
            return None
        parts = tuple(
            self.formula(node.condition, (*around, (node.variable, place))) for place in places
        )
        if node.kind == "every":
            return Join(True, parts) if parts else Join(False, ())
        return Opposite(Join(False, parts)) if node.kind == "no" else Join(False, parts)

    def _elements(self, over: tree.Node) -> list[Place] | None:
        if isinstance(over, tree.Fact) and over.id in self.ruleset.vocabulary.groups:
            lines = self.bench.get(over.id)
            if isinstance(lines, tuple):
                return [("line", (over.id, index)) for index in range(len(lines))]
        elif is_constant(over):
            values = self.context.value(over)
            if type(values) is tuple and not any(isinstance(v, tuple) for v in values):
                return [("value", value) for value in values]
        return None

    def atom(self, node: tree.Node, around: Surrounding = (), kind: str = "is") -> Atom:
        key = (node, around, kind)
        if key not in self._atoms:
            names = self.names(node)
            late = kind != "raw" and any(
                name.startswith("decided.") or name in self.written for name in names
            )
            self._atoms[key] = Atom(node, around, kind, self._looked_at(node, around), late)
        return self._atoms[key]

    def doubt(self, node: tree.Node) -> None:
        self.doubts[render(node)] = None

    # what a node looks at

    def names(self, node: tree.Node) -> frozenset[str]:
        """Ids of the facts and lists below a node, also through derived facts."""
        if node not in self._names:
            found: set[str] = set()
            for part in tree.walk(node):
                if isinstance(part, tree.Derived):
                    found |= self.names(self.context.derive[part.id])
                elif isinstance(part, tree.Fact):
                    found.add(part.id)
                elif isinstance(part, (tree.Member, tree.Window)):
                    found.add(part.fact)
            self._names[node] = frozenset(found)
        return self._names[node]

    def _looked_at(self, node: tree.Node, around: Surrounding) -> frozenset[Slot]:
        """A field of a bound line is that line's; any other mention of it is every line's."""
        bound = {name: place[1] for name, place in around if place[0] == "line"}
        own: dict[str, set[object]] = {}
        anywhere: set[str] = set()

        def visit(part: tree.Node, hidden: frozenset[str]) -> None:
            if isinstance(part, tree.Derived):
                anywhere.update(self.names(self.context.derive[part.id]))
            elif isinstance(part, tree.Member):
                name = part.of.id if isinstance(part.of, tree.Variable) else ""
                if name in bound and name not in hidden:
                    own.setdefault(part.fact, set()).add(bound[name])
                    return
                anywhere.add(part.fact)
            elif isinstance(part, tree.Fact):
                anywhere.add(part.id)
            elif isinstance(part, tree.Window):
                anywhere.add(part.fact)
            elif isinstance(part, (tree.Quantified, tree.Filter)):
                hidden |= {part.variable}
            elif isinstance(part, tree.Sequence):
                hidden |= {step.name for step in part.steps}
            for child in tree.children(part):
                visit(child, hidden)

        visit(node, frozenset())
        found = {slot for name in anywhere for slot in self._slots.get(name, ())}
        for name, places in own.items():
            found |= {s for s in self._slots.get(name, ()) if (s.list, s.line - 1) in places}
        return frozenset(found)

    # evaluating

    def value(self, atom: Atom, values: Values) -> Truth:
        """What an atom says with these values in place; a late one only as things stand on the
        bench.
        """
        key = tuple((slot, value) for slot, value in values.items() if slot in atom.slots)
        if atom.late:
            return self.evaluate(atom)
        if key not in atom.seen:
            self.place(values)
            atom.seen[key] = self.evaluate(atom)
        return atom.seen[key]

    def place(self, values: Values) -> None:
        if self.bench.values is not values:
            self.bench.put(values)
            self.context.derived.clear()

    def evaluate(self, atom: Atom) -> Truth:
        """On the bench as it is."""
        with_written = self.bench.written
        if atom.kind == "raw":
            self.bench.written = {}
            self.context.derived.clear()
        try:
            found = self.within(atom.around, lambda: self.context.value(atom.node))
        finally:
            if atom.kind == "raw":
                self.bench.written = with_written
                self.context.derived.clear()
        if atom.kind == "known":
            return None if found is None else True
        return found  # type: ignore[no-any-return]  # conditions are true, false or unknown

    def within(self, around: Surrounding, ask: Callable[[], Any]) -> Any:
        """The answer with an atom's variables bound."""
        if not around:
            return ask()
        variables = self.context.variables
        outer = dict(variables)
        for name, (kind, what) in around:
            variables[name] = self.bench.get(what[0])[what[1]] if kind == "line" else what  # type: ignore[index]  # (list, index)
        try:
            return ask()
        finally:
            variables.clear()
            variables.update(outer)
