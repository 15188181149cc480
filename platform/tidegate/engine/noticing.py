"""A case that would notice a mutant, or the proof that none can: the mutated rule means the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tidegate.engine.cases import DEFAULT_NOW, run_case
from tidegate.engine.checking.analysis import LOOSE, NOT_FALSE, TRUE, Analysis, OutOfBudget
from tidegate.engine.decisions import Decision
from tidegate.engine.proof.boxes import Box, TooManyBoxes
from tidegate.engine.proposals import Maker, put
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import Case, Leaf, Rule, RuleSet, Stage, reads
from tidegate.engine.values import parse_instant, plain
from tidegate.errors import TidegateError

TRIES = 40  # documents tried for one mutant
_MUTATED = "mutated."
Facts = Mapping[str, Any]


class Noticing:
    """Looks for cases for the mutants of one set; what it learns about the set is kept."""

    def __init__(self, ruleset: RuleSet, cases: Sequence[Case]) -> None:
        self.ruleset = ruleset
        self.cases = cases
        self.spent = 0  # evaluations of a rule, about
        self._maker = Maker(ruleset, cases)
        self._bases = {rule.id: self._maker.base(rule) for rule in ruleset.rules}
        self._before: dict[str, Decision | None] = {}

    def look(self, changed: RuleSet, rule: Rule | None) -> tuple[Case | None, bool]:
        """(a case that notices, whether none exists). `rule` is the mutated one, None for a change
        that may touch any.
        """
        found = self._tried(changed, self._documents(changed, rule))
        if found is not None:
            return found, False
        if rule is None:
            return None, not _touched(self.ruleset, changed)
        if rule.condition == self._rule(rule.id).condition:
            return None, False
        boxes = self._difference(rule)
        if boxes is None:
            return None, True
        return self._tried(changed, self._shown(rule, boxes)), False

    # documents

    def _documents(self, changed: RuleSet, rule: Rule | None) -> Iterator[tuple[Facts, datetime]]:
        """What fires the rule, the same with one fact at every boundary of the old and of the new
        condition, and the facts of the cases there are.
        """
        other = Maker(changed, ())
        names = {rule.id} if rule else _touched(self.ruleset, changed)
        for new in (one for one in changed.rules if one.id in names):
            base, old = self._bases[new.id], self._rule(new.id)
            if base is None:
                continue
            yield base, DEFAULT_NOW
            for facts in _other_lines(base):
                yield facts, DEFAULT_NOW
            for maker, leaves in ((other, _own(new, old)), (self._maker, _own(old, new))):
                for document in maker.near(leaves, base):
                    yield document, DEFAULT_NOW
        if rule is None:
            for facts in self._members(changed, names):
                yield facts, DEFAULT_NOW
        for case in self.cases:
            yield case.given, _instant(case)

    def _members(self, changed: RuleSet, names: set[str]) -> Iterator[Facts]:
        """Documents in which a text that may be looked for in a list is the member it has lost."""
        lost = [
            member
            for name, before in self.ruleset.lists.items()
            for member in before.values
            if member not in changed.lists[name].values
        ]
        for member in lost:
            for rule in (one for one in self.ruleset.rules if one.id in names):
                for fact in sorted(_texts_read(self.ruleset, rule)):
                    for base in (self._bases[rule.id] or {}, {}):
                        document = put(self.ruleset, base, fact, member)
                        if document is not None:
                            yield document

    def _rule(self, rule_id: str) -> Rule:
        return next(rule for rule in self.ruleset.rules if rule.id == rule_id)

    def _tried(self, changed: RuleSet, documents: Iterator[tuple[Facts, datetime]]) -> Case | None:
        seen: set[str] = set()
        for facts, at in documents:
            key = f"{at} {plain(facts)!r}"
            if key in seen:
                continue
            seen.add(key)
            self.spent += 2 * len(self.ruleset.rules)
            case = self._case(changed, facts, at, key)
            if case is not None:
                return case
            if len(seen) >= TRIES:
                return None
        return None

    def _case(self, changed: RuleSet, facts: Facts, at: datetime, key: str) -> Case | None:
        if key not in self._before:
            self._before[key] = _decided(self.ruleset, facts, at)
        before, after = self._before[key], _decided(changed, facts, at)
        if before is None or after is None or _said(before) == _said(after):
            return None
        case = Case("", facts, _expected(before), at.isoformat())
        passes = run_case(self.ruleset, case).passed
        return case if passes and not run_case(changed, case).passed else None

    # proof

    def _difference(self, rule: Rule) -> tuple[Analysis, list[Box]] | None:
        """Where the rule and its mutant part, or None: nowhere. Empty when that is too much to say."""
        own = self._rule(rule.id)
        both = _side_by_side(self.ruleset, own, replace(rule, id=_MUTATED + rule.id))
        analysis = Analysis(both, DEFAULT_NOW, "Asia/Shanghai")
        one, two = both.rules
        parted: list[Box] = []
        try:
            for mode in (TRUE, NOT_FALSE):
                layer = analysis.layer([one, two], mode, LOOSE)
                for here, there in ((one, 1), (two, 0)):
                    boxes = analysis.space.boxes((0, here.id), mode, LOOSE)
                    gap = layer.gap(boxes, layer.own[there])
                    parted += [gap] if gap is not None else []
        except (OutOfBudget, TooManyBoxes):
            return analysis, []
        return (analysis, parted) if parted else None

    def _shown(
        self, rule: Rule, found: tuple[Analysis, list[Box]]
    ) -> Iterator[tuple[Facts, datetime]]:
        analysis, boxes = found
        for box in boxes:
            witness = analysis.judge.confirmed(
                box, lambda seen: seen.holds(rule.id) is not seen.holds(_MUTATED + rule.id)
            )
            if witness is not None:
                yield witness.facts, witness.now


def _other_lines(base: Facts) -> Iterator[Facts]:
    """With one more line of which nothing is known, and with no line, in each list."""
    for name, rows in base.items():
        if isinstance(rows, list):
            yield {**base, name: [*rows, {}]}
            yield {**base, name: []}


def _own(rule: Rule, other: Rule) -> Sequence[Leaf]:
    """Conditions the other does not have; all of them where only a constant has changed."""
    texts = {leaf.text for leaf in other.leaves}
    own = [leaf for leaf in rule.leaves if leaf.text not in texts]
    return own if own or rule.condition != other.condition else rule.leaves


def _side_by_side(ruleset: RuleSet, one: Rule, other: Rule) -> RuleSet:
    """A set of just the two, each judged whatever the other says."""
    stage: Stage = replace(
        next(stage for stage in ruleset.stages if any(r.id == one.id for r in stage.rules)),
        policy="collect", otherwise=(), on_missing="skip", off=(),
        rules=tuple(replace(rule, table="", table_policy="") for rule in (one, other)),
    )  # fmt: skip
    return replace(ruleset, policy="collect", stages=(stage,), cases=(), tables={})


def _instant(case: Case) -> datetime:
    return DEFAULT_NOW if case.at is None else parse_instant(case.at)


def _decided(ruleset: RuleSet, facts: Facts, at: datetime) -> Decision | None:
    try:
        return evaluate(ruleset, facts, at)
    except TidegateError:
        return None


def _said(decision: Decision) -> object:
    """What a case can tell apart."""
    return [(one.action, repr(plain(one.args))) for one in decision.actions], decision.fired


def _expected(decision: Decision) -> dict[str, object]:
    expect: dict[str, object] = {
        "actions": [one.action for one in decision.actions],
        "fired": list(decision.fired),
    }
    args: dict[str, list[object]] = {}
    for one in decision.actions:
        if one.args:
            args.setdefault(one.action, []).append(plain(one.args))
    return expect | ({"args": args} if args else {})


def _touched(ruleset: RuleSet, changed: RuleSet) -> set[str]:
    """Rules that read the parameter or list that was changed."""
    names = {n for n, p in ruleset.parameters.items() if changed.parameters[n] != p}
    names |= {n for n, one in ruleset.lists.items() if changed.lists[n] != one}
    return {rule.id for rule in ruleset.rules if any(_reads(ruleset, rule, n) for n in names)}


def _reads(ruleset: RuleSet, rule: Rule, name: str) -> bool:
    texts = [leaf.text for leaf in rule.leaves] + [call.text() for call in rule.actions]
    texts += [derived.text for derived in ruleset.derive.values()]
    return any(name in text for text in texts)


def _texts_read(ruleset: RuleSet, rule: Rule) -> set[str]:
    """Texts of the document that the conditions of a rule look at, by themselves or through what is derived."""
    names = {name for leaf in rule.leaves for name in reads(leaf.node)}
    for name in [*names]:
        if name in ruleset.derive:
            names |= set(reads(ruleset.derive[name].node))
    facts = ruleset.vocabulary.facts
    return {
        name for name in names if name in facts and facts[name].type in ("text", "texts", "choice")
    }
