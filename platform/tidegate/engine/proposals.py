"""Tests a set does not have yet and should: made from its conditions, expecting what it decides now.

A proposal is for a person to read. What it expects is what happens, which is not always what was
meant: that is the point of reading it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tidegate.engine.cases import DEFAULT_NOW, coverage, run_case, run_cases
from tidegate.engine.decisions import FIRED
from tidegate.engine.gate import changed
from tidegate.engine.language import tree
from tidegate.engine.reference import evaluate
from tidegate.engine.regions import Unary, constants_of, of_kind, representatives, truth, unary
from tidegate.engine.rulesets import Case, Leaf, Rule, RuleSet
from tidegate.engine.values import Money, plain
from tidegate.errors import TidegateError

LIMIT = 60
PAIRS = 300  # pairs of rules tried for an overlap
Document = dict[str, Any]


@dataclass(frozen=True)
class Proposal:
    """`kind` is fires, short, boundary or overlap; `case` passes as the set stands."""

    kind: str
    rules: tuple[str, ...]
    case: Case

    def as_document(self) -> dict[str, object]:
        """As it is pasted under `tests:`."""
        return {
            "name": self.case.name,
            "at": plain(self.case.at),
            "given": plain(self.case.given),
            "expect": plain(self.case.expect),
        }


def proposals(
    ruleset: RuleSet, cases: Sequence[Case] | None = None, limit: int = LIMIT
) -> tuple[Proposal, ...]:
    """Cases for rules that none fires or none stops just short of, for both sides of thresholds
    that none touches, and for rules that can hold together; at most `limit`, in a fixed order.
    """
    given = ruleset.cases if cases is None else tuple(cases)
    maker = Maker(ruleset, given)
    found: list[Proposal] = []
    names = {case.name for case in given}
    for kind, rules, name, document in maker.wanted():
        if len(found) >= limit:
            break
        proposal = _proposed(ruleset, kind, rules, _free(name, names), document)
        if proposal is not None:
            names.add(proposal.case.name)
            found.append(proposal)
    return tuple(found)


def _free(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


def _proposed(
    ruleset: RuleSet, kind: str, rules: tuple[str, ...], name: str, document: Document
) -> Proposal | None:
    try:
        decision = evaluate(ruleset, document, DEFAULT_NOW)
    except TidegateError:
        return None
    fired = list(decision.fired)
    if kind == "fires" and rules[0] not in fired:
        return None
    if kind == "short" and rules[0] in fired:
        return None
    expect = {"actions": [one.action for one in decision.actions], "fired": fired}
    case = Case(name, document, expect, DEFAULT_NOW.isoformat())
    return Proposal(kind, rules, case) if run_case(ruleset, case).passed else None


Wanted = tuple[str, tuple[str, ...], str, Document]


class Maker:
    """Makes documents that fire a rule of the set or stop just short of it."""

    def __init__(self, ruleset: RuleSet, cases: Sequence[Case]) -> None:
        self.ruleset = ruleset
        self.constants = constants_of(ruleset)
        results = run_cases(ruleset, cases)
        self.covered = coverage(ruleset, results)
        self.firing: dict[str, Mapping[str, Any]] = {}
        self.said = {repr(plain(case.given)) for case in cases}
        for result in results:
            for trace in result.decision.rules if result.decision else ():
                if trace.result == FIRED:
                    self.firing.setdefault(trace.rule.id, result.case.given)

    def wanted(self) -> Iterator[Wanted]:
        """Documents worth a case, the most needed first."""
        rules = self.ruleset.rules
        bases = {rule.id: self.base(rule) for rule in rules}
        for rule in rules:
            if rule.id in self.covered.never_fired and bases[rule.id] is not None:
                yield "fires", (rule.id,), f"{rule.id} fires", dict(bases[rule.id] or {})
        for rule in rules:
            if rule.id in self.covered.never_short:
                yield from self._short(rule, bases[rule.id])
        for rule in rules:
            yield from self._boundaries(rule, bases[rule.id])
        for rule in rules:  # every condition by itself, so that none could be dropped unnoticed
            yield from self._short(rule, bases[rule.id])
        yield from self._overlaps(bases)

    def base(self, rule: Rule) -> Document | None:
        """A document that fires the rule: a case's, else one made leaf by leaf."""
        if rule.id in self.firing:
            return dict(self.firing[rule.id])
        document: Document = {}
        for leaf in rule.leaves:
            made = self._meet(leaf, document)
            if made is not None:
                document = made
        return document or None

    def near(self, leaves: Sequence[Leaf], base: Document) -> Iterator[Document]:
        """The base with the fact of each simple condition at the values around its thresholds."""
        for leaf in leaves:
            for wanted in (False, True):
                for name, _, value in self._values(leaf, wanted):
                    document = put(self.ruleset, base, name, value)
                    if document is not None:
                        yield document

    def _meet(self, leaf: Leaf, document: Document) -> Document | None:
        """The document with the fact of a simple condition set so that it is true."""
        for name, _, value in self._values(leaf):
            other = put(self.ruleset, document, name, value)
            if other is not None:
                return other
        return None

    def _values(self, leaf: Leaf, wanted: bool = True) -> Iterator[tuple[str, Unary, object]]:
        """(fact, test, value) for values that give the condition this truth."""
        node, kind = leaf.node, ""
        if isinstance(node, tree.Quantified):
            node = node.condition
        test = unary(node, self.constants)
        name = _fact(test.subject) if test else ""
        if test is None or not name:
            return
        fact = self.ruleset.fields.get(name) or self.ruleset.vocabulary.facts.get(name)
        kind = fact.type if fact else ""
        aged = isinstance(test.subject, tree.Call)
        points = of_kind(test.points, "duration" if aged else kind, "CNY")
        values: list[object] = [True, False] if kind == "boolean" else _steps(points)
        if fact and not test.points and kind != "boolean":
            values = [fact.sample, None]
        for value in values:
            if truth(test.cell, value, self.constants) is wanted:
                yield name, test, _aged(value, test) if aged else value

    def _short(self, rule: Rule, base: Document | None) -> Iterator[Wanted]:
        for leaf in rule.leaves if base is not None else ():
            for name, _, value in self._values(leaf, wanted=False):
                document = put(self.ruleset, dict(base or {}), name, value)
                if document is None:
                    continue
                if repr(plain(document)) not in self.said:
                    self.said.add(repr(plain(document)))
                    yield "short", (rule.id,), f"just short of {rule.id}: {leaf.text}", document
                break

    def _boundaries(self, rule: Rule, base: Document | None) -> Iterator[Wanted]:
        """Both sides of every threshold, on a document that fires the rule otherwise."""
        for leaf in rule.leaves if base is not None else ():
            for wanted in (True, False):
                for name, test, value in self._values(leaf, wanted):
                    if not any(isinstance(p, Decimal | Money | timedelta) for p in test.points):
                        continue
                    document = put(self.ruleset, dict(base or {}), name, value)
                    if document is None:
                        continue
                    if repr(plain(document)) in self.said:
                        break
                    self.said.add(repr(plain(document)))
                    side = "at or beyond" if wanted else "just before"
                    yield "boundary", (rule.id,), f"{rule.id}, {name} {side}: {leaf.text}", document
                    break

    def _overlaps(self, bases: Mapping[str, Document | None]) -> Iterator[Wanted]:
        """Two rules of a stage on one document."""
        tried = 0
        for stage in self.ruleset.stages:
            for place, rule in enumerate(stage.rules):
                for other in stage.rules[place + 1 :]:
                    one, two = bases[rule.id], bases[other.id]
                    tried += 1
                    if one is None or two is None or tried > PAIRS:
                        continue
                    document = _merged(one, two)
                    if document is None or repr(plain(document)) in self.said:
                        continue
                    if _both(self.ruleset, document, (rule.id, other.id)):
                        self.said.add(repr(plain(document)))
                        yield "overlap", (rule.id, other.id), f"{rule.id} with {other.id}", document


def _fact(subject: tree.Node) -> str:
    if isinstance(subject, tree.Call) and subject.function in ("since", "until"):
        subject = subject.args[0]
    if isinstance(subject, tree.Fact) and "." in subject.id:
        return "" if subject.id.startswith("decided.") else subject.id
    return subject.fact if isinstance(subject, tree.Member | tree.Window) else ""


def _aged(value: object, test: Unary) -> object:
    """The instant that has this age at the default instant."""
    ahead = isinstance(test.subject, tree.Call) and test.subject.function == "until"
    if not isinstance(value, timedelta):
        return value
    now: datetime = DEFAULT_NOW
    return now + value if ahead else now - value


def _steps(points: Sequence[object]) -> list[object]:
    """The points, one step to either side of each, then what lies between; nearest first."""
    near: list[object] = list(points)
    for point in points:
        if isinstance(point, Decimal):
            step = Decimal(1) if point == point.to_integral_value() else Decimal("0.01")
            near += [point - step, point + step]
        elif isinstance(point, Money):
            near += [Money(point.amount + s * Decimal("0.01"), point.currency) for s in (-1, 1)]
        elif isinstance(point, timedelta):
            near += [point - timedelta(seconds=1), point + timedelta(seconds=1)]
    return [*near, *representatives(points), None]


def put(ruleset: RuleSet, document: Document, name: str, value: object) -> Document | None:
    """The document with one fact set; lines are made where there are none."""
    lists = ruleset.vocabulary.variables
    group, _, field = name.partition(".")
    if group in lists and not document.get(lists[group]):
        return {**document, lists[group]: [{field: plain(value)}]}
    if group in lists or field:
        return changed(ruleset, document, name, value)
    return None


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> Document | None:
    """Both documents in one; None where they say different things."""
    merged: Document = dict(one)
    for group, value in other.items():
        if group not in merged:
            merged[group] = value
        elif isinstance(value, Mapping) and isinstance(merged[group], Mapping):
            both = merged[group].keys() & value.keys()
            if any(plain(merged[group][key]) != plain(value[key]) for key in both):
                return None
            merged[group] = {**merged[group], **value}
        elif plain(merged[group]) != plain(value):
            return None
    return merged


def _both(ruleset: RuleSet, document: Document, rules: tuple[str, str]) -> bool:
    """Whether the conditions of both hold (one may lose to the other)."""
    try:
        decision = evaluate(ruleset, document, DEFAULT_NOW)
    except TidegateError:
        return False
    asked = {outcome.rule for outcome in decision.actions}
    asked |= {item.outcome.rule for item in decision.overridden} | set(decision.fired)
    return set(rules) <= asked
