"""The reference evaluator: it defines what a rule set means, and returns the full trace.

    decision = evaluate(ruleset, facts, now)

A pure function of the facts, the set and the instant. docs/rule-language.md states the
semantics in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import localcontext
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine.decisions import (
    FIRED,
    INACTIVE,
    NOT,
    UNKNOWN,
    Decision,
    LeafTrace,
    Outcome,
    RuleTrace,
)
from tidegate.engine.evaluation import Context, context_of
from tidegate.engine.explain import WhyNot, why, why_not
from tidegate.engine.language import tree
from tidegate.engine.logic import Truth, conjunction, disjunction, negation
from tidegate.engine.looks import check_looks
from tidegate.engine.patterns.matcher import Matcher
from tidegate.engine.patterns.matcher import match as own_match
from tidegate.engine.policies import Candidate
from tidegate.engine.rulesets import ActionCall, Condition, Leaf, Rule, RuleSet, Stage
from tidegate.engine.settling import Settlement, list_facts_written, with_written
from tidegate.engine.values import EXACT
from tidegate.engine.vocabulary import Vocabulary
from tidegate.engine.wakeups import next_change

__all__ = ["Decision", "WhyNot", "evaluate", "next_change", "why", "why_not"]


def evaluate(
    ruleset: RuleSet,
    facts: Mapping[str, Any],
    now: datetime,
    timezone: str = "Asia/Shanghai",
    *,
    currency: str = "CNY",
    vocabulary: Vocabulary | None = None,
    lang: str = "zh",
    match: Matcher | None = None,
) -> Decision:
    """Decide one subject. `timezone` and `currency` are the shop's; `now` must be aware.

    `match` searches patterns in place of our own matcher (the meaning stays ours).
    `vocabulary` and `lang` are accepted for callers that carry them; a decision depends on
    neither.

    Raises:
        InputError: a fact has a value of the wrong kind, or facts are missing under
        `on_missing: fail`.
    """
    del vocabulary, lang
    context = context_of(ruleset, facts, now, timezone, currency, match or own_match)
    with localcontext(EXACT):
        context.facts.check(ruleset.facts_checked)
        check_looks(ruleset, facts)
        return _Evaluation(context, ruleset).decide()


@dataclass
class _Evaluation:
    context: Context
    ruleset: RuleSet
    traces: dict[str, RuleTrace] = field(default_factory=dict)

    def decide(self) -> Decision:
        settlement = Settlement(
            self.ruleset, self._outcome, lambda candidate: self.traces[candidate.rule.id].unknown
        )
        for stage in self.ruleset.stages:
            self._stage(stage, settlement)
        context = self.context
        derived = {name: context.value(tree.Derived(name)) for name in self.ruleset.derive}
        rules = tuple(self.traces[rule.id] for rule in self.ruleset.rules)
        return Decision(
            self.ruleset,
            context.now,
            context.zone,
            tuple(settlement.actions),
            tuple(settlement.overridden),
            rules,
            derived,
            settlement.missing,
        )

    def _stage(self, stage: Stage, settlement: Settlement) -> None:
        if self.ruleset.policy == "stages":
            self._publish_decided(settlement)
        candidates: dict[str, Candidate] = {}
        levels = sorted({rule.stratum for rule in stage.rules})
        for level in levels:
            rules = [rule for rule in stage.rules if rule.stratum == level]
            for rule in rules:
                candidates[rule.id] = self._candidate(rule)
            if level != levels[-1]:
                self._publish_written([candidates[rule.id] for rule in rules])
        ordered = [candidates[rule.id] for rule in stage.rules]
        settlement.settle(stage, ordered)
        if self.ruleset.policy == "stages":
            self._publish_written(ordered)
        for candidate in ordered:
            trace = self.traces[candidate.rule.id]
            if trace.result != candidate.result:
                self.traces[candidate.rule.id] = replace(trace, result=candidate.result)

    def _candidate(self, rule: Rule) -> Candidate:
        if not active(rule, self.context.now, self.context.zone):
            self.traces[rule.id] = RuleTrace(rule, INACTIVE, ())
            return Candidate(rule, INACTIVE)
        trace, outcomes = judge(rule, self.context)
        self.traces[rule.id] = trace
        return Candidate(rule, trace.result, outcomes)

    def _outcome(self, call: ActionCall, rule: str, unknown: dict[str, None]) -> Outcome | None:
        return perform(call, rule, unknown, self.context)

    # what rules see of what was done before

    def _publish_decided(self, settlement: Settlement) -> None:
        for action in self.ruleset.gate_spec.actions:
            self.context.facts.written[f"decided.{action}"] = settlement.decided(action)
        self.context.derived.clear()

    def _publish_written(self, candidates: Sequence[Candidate]) -> None:
        """Tags written so far become visible."""
        facts = self.context.facts
        names = {name for candidate in candidates for name in candidate.rule.writes}
        for name in list_facts_written(self.ruleset, names):
            facts.written[name] = with_written(facts.get(name), name, candidates)
        self.context.derived.clear()


def judge(
    rule: Rule, context: Context, seen: dict[str, LeafTrace] | None = None
) -> tuple[RuleTrace, tuple[Outcome, ...]]:
    """One active rule on one subject, leaf by leaf: its trace, and what it asks for if it fired.

    `seen` keeps leaves by their text, for rules judged in turn while nothing is written in between.
    """
    leaves: list[LeafTrace] = []
    truth = _condition(rule.condition, context, leaves, seen)
    result = FIRED if truth else UNKNOWN if truth is None else NOT
    unknown = {name: None for leaf in leaves if leaf.result is None for name in leaf.unknown}
    outcomes: tuple[Outcome, ...] = ()
    if result == FIRED:
        found = [perform(call, rule.id, unknown, context) for call in rule.actions]
        outcomes = tuple(outcome for outcome in found if outcome)
        if len(outcomes) < len(found):
            result, outcomes = UNKNOWN, ()
    return RuleTrace(rule, result, tuple(leaves), tuple(unknown)), outcomes


def _condition(
    condition: Condition,
    context: Context,
    leaves: list[LeafTrace],
    seen: dict[str, LeafTrace] | None,
) -> Truth:
    results: list[Truth] = []
    for part in condition.parts:
        results.append(
            _leaf(part, context, leaves, seen)
            if isinstance(part, Leaf)
            else _condition(part, context, leaves, seen)
        )
    if condition.kind == "any":
        return disjunction(results)
    return negation(disjunction(results)) if condition.kind == "none" else conjunction(results)


def _leaf(
    leaf: Leaf, context: Context, leaves: list[LeafTrace], seen: dict[str, LeafTrace] | None
) -> Truth:
    found = None if seen is None else seen.get(leaf.text)
    if found is None:
        value, reads = context.leaf(leaf.node)
        truth: Truth = value
        unknown = tuple(reads.unknown) if truth is None else ()
        found = LeafTrace(leaf, truth, reads.values, unknown, reads.line)
        if seen is not None:
            seen[leaf.text] = found
    leaves.append(found)
    return found.result


def perform(
    call: ActionCall, rule: str, unknown: dict[str, None], context: Context
) -> Outcome | None:
    """The action with its arguments; None when one cannot be known, its facts then in `unknown`."""
    args: dict[str, object] = {}
    for name, value in call.args.items():
        if isinstance(value, tree.Node):
            found, reads = context.leaf(value)
            if found is None:
                unknown.update(reads.unknown)
                return None
            args[name] = found
        else:
            args[name] = value
    action = call.action
    main = args.get(action.main) if action.main else True
    return Outcome(action.id, args, rule, main, action.writes, action.many)


def active(rule: Rule, now: datetime, zone: ZoneInfo) -> bool:
    """Whether the rule's days hold the instant, on the shop's wall."""
    if rule.active_from is None and rule.active_to is None:
        return True
    today = now.astimezone(zone).date()
    return (rule.active_from is None or rule.active_from <= today) and (
        rule.active_to is None or today <= rule.active_to
    )
