"""The reference evaluator: it defines what a rule set means, and returns the full trace.

    decision = evaluate(ruleset, facts, now)

A pure function of the facts, the set and the instant. docs/rule-language.md states the
semantics in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import localcontext
from typing import Any

from tidegate.engine.decisions import (
    FIRED,
    INACTIVE,
    NOT,
    UNKNOWN,
    Decision,
    LeafTrace,
    Outcome,
    Overridden,
    RuleTrace,
)
from tidegate.engine.evaluation import Context, context_of
from tidegate.engine.explain import WhyNot, why, why_not
from tidegate.engine.language import tree
from tidegate.engine.logic import Truth, conjunction, disjunction, negation
from tidegate.engine.operations import wildcard
from tidegate.engine.policies import Candidate, Verdict, conclude
from tidegate.engine.rulesets import OTHERWISE, ActionCall, Condition, Leaf, Rule, RuleSet, Stage
from tidegate.engine.values import EXACT, Incomplete, fold
from tidegate.engine.vocabulary import Vocabulary
from tidegate.engine.wakeups import next_change
from tidegate.errors import InputError

__all__ = ["Decision", "WhyNot", "evaluate", "next_change", "why", "why_not"]
MISSING_REASON = "missing_facts"
CONFLICT_REASON = "conflict"


def evaluate(
    ruleset: RuleSet,
    facts: Mapping[str, Any],
    now: datetime,
    timezone: str = "Asia/Shanghai",
    *,
    currency: str = "CNY",
    vocabulary: Vocabulary | None = None,
    lang: str = "zh",
) -> Decision:
    """Decide one subject. `timezone` and `currency` are the shop's; `now` must be aware.

    `vocabulary` and `lang` are accepted for callers that carry them; a decision depends on
    neither.

    Raises:
        InputError: a fact has a value of the wrong kind, or facts are missing under
        `on_missing: fail`.
    """
    del vocabulary, lang
    with localcontext(EXACT):
        return _Evaluation(context_of(ruleset, facts, now, timezone, currency), ruleset).decide()


@dataclass
class _Evaluation:
    context: Context
    ruleset: RuleSet
    actions: list[Outcome] = field(default_factory=list)
    overridden: list[Overridden] = field(default_factory=list)
    missing: dict[str, None] = field(default_factory=dict)
    traces: dict[str, RuleTrace] = field(default_factory=dict)

    def decide(self) -> Decision:
        for stage in self.ruleset.stages:
            self._stage(stage)
        context = self.context
        derived = {name: context.value(tree.Derived(name)) for name in self.ruleset.derive}
        rules = tuple(self.traces[rule.id] for rule in self.ruleset.rules)
        return Decision(
            self.ruleset,
            context.now,
            context.zone,
            tuple(self.actions),
            tuple(self.overridden),
            rules,
            derived,
            tuple(self.missing),
        )

    # one stage

    def _stage(self, stage: Stage) -> None:
        self._publish_decided()
        candidates: dict[str, Candidate] = {}
        levels = sorted({rule.stratum for rule in stage.rules})
        for level in levels:
            rules = [rule for rule in stage.rules if rule.stratum == level]
            for rule in rules:
                candidates[rule.id] = self._candidate(rule)
            if level != levels[-1]:
                self._publish_written([candidates[rule.id] for rule in rules])
        ordered = [candidates[rule.id] for rule in stage.rules]
        self._drop_excluded(ordered)
        verdict = conclude(stage, ordered)
        self._missing(stage, ordered, verdict)
        self._settle(stage, verdict)
        if self.ruleset.policy == "stages":
            self._publish_written(ordered)
        for candidate in ordered:
            trace = self.traces[candidate.rule.id]
            if trace.result != candidate.result:
                self.traces[candidate.rule.id] = RuleTrace(
                    trace.rule, candidate.result, trace.leaves, trace.unknown
                )

    def _candidate(self, rule: Rule) -> Candidate:
        if not _active(rule, self.context):
            self.traces[rule.id] = RuleTrace(rule, INACTIVE, ())
            return Candidate(rule, INACTIVE)
        leaves: list[LeafTrace] = []
        truth = self._condition(rule.condition, leaves)
        result = FIRED if truth else UNKNOWN if truth is None else NOT
        unknown = {name: None for leaf in leaves if leaf.result is None for name in leaf.unknown}
        outcomes: tuple[Outcome, ...] = ()
        if result == FIRED:
            found = [self._outcome(call, rule.id, unknown) for call in rule.actions]
            outcomes = tuple(outcome for outcome in found if outcome)
            if len(outcomes) < len(found):
                result, outcomes = UNKNOWN, ()
        self.traces[rule.id] = RuleTrace(rule, result, tuple(leaves), tuple(unknown))
        return Candidate(rule, result, outcomes)

    def _condition(self, condition: Condition, leaves: list[LeafTrace]) -> Truth:
        results: list[Truth] = []
        for part in condition.parts:
            results.append(
                self._leaf(part, leaves)
                if isinstance(part, Leaf)
                else self._condition(part, leaves)
            )
        if condition.kind == "any":
            return disjunction(results)
        return negation(disjunction(results)) if condition.kind == "none" else conjunction(results)

    def _leaf(self, leaf: Leaf, leaves: list[LeafTrace]) -> Truth:
        value, reads = self.context.leaf(leaf.node)
        truth: Truth = value
        leaves.append(
            LeafTrace(
                leaf, truth, reads.values, tuple(reads.unknown) if truth is None else (), reads.line
            )
        )
        return truth

    def _outcome(self, call: ActionCall, rule: str, unknown: dict[str, None]) -> Outcome | None:
        """The action with its arguments; None when an argument cannot be known."""
        args: dict[str, object] = {}
        for name, value in call.args.items():
            if isinstance(value, tree.Node):
                found, reads = self.context.leaf(value)
                if found is None:
                    unknown.update(reads.unknown)
                    return None
                args[name] = found
            else:
                args[name] = value
        action = call.action
        main = args.get(action.main) if action.main else True
        return Outcome(action.id, args, rule, main, action.writes, action.many)

    # what rules see of what was done before

    def _publish_decided(self) -> None:
        if self.ruleset.policy != "stages":
            return
        for action in self.ruleset.gate_spec.actions:
            said = tuple(outcome.main for outcome in self.actions if outcome.action == action)
            self.context.facts.written[f"decided.{action}"] = said
        self.context.derived.clear()

    def _publish_written(self, candidates: Sequence[Candidate]) -> None:
        """Tags written so far become visible; if a writer is unknown, the list may hold more
        than it shows.
        """
        facts = self.context.facts
        for name in sorted({name for c in candidates for name in c.rule.writes}):
            fact = self.ruleset.vocabulary.facts.get(name)
            if fact is None or fact.type != "texts":
                continue
            known = facts.get(name)
            written = [
                o.main
                for c in candidates
                if c.result == FIRED
                for o in c.outcomes
                if o.writes == name
            ]
            open_end = known is None or isinstance(known, Incomplete)
            open_end = open_end or any(
                c.result == UNKNOWN and name in c.rule.writes for c in candidates
            )
            members = (*(known if isinstance(known, tuple) else ()), *written)
            facts.written[name] = Incomplete(members) if open_end else members

    def _drop_excluded(self, candidates: Sequence[Candidate]) -> None:
        """A rule that asks for what an earlier stage excluded loses; the next one gets its
        chance.
        """
        for candidate in candidates:
            by = next(
                (e for o in candidate.outcomes for e in self.actions if self._excludes(e, o)), None
            )
            if by:
                candidate.result = NOT
                self.overridden += [
                    Overridden(outcome, by.rule, "excluded") for outcome in candidate.outcomes
                ]
                candidate.outcomes = ()

    def _excludes(self, earlier: Outcome, outcome: Outcome) -> bool:
        target = self.ruleset.vocabulary.actions[earlier.action].excludes
        chosen = self.ruleset.vocabulary.actions[outcome.action]
        if not target or chosen.writes != target or chosen.main != target.partition(".")[2]:
            return False
        return wildcard(fold(str(outcome.main)), fold(str(earlier.main)))

    # the outcome

    def _missing(self, stage: Stage, candidates: Sequence[Candidate], verdict: Verdict) -> None:
        """Facts that were missing where it could matter: under `first`, up to the rule that
        decided.
        """
        for candidate in candidates:
            if candidate.result == UNKNOWN:
                self.missing.update(dict.fromkeys(self.traces[candidate.rule.id].unknown))
            if stage.policy == "first" and candidate.result == FIRED:
                break
        if verdict.blocker and stage.on_missing == "fail":
            names = ", ".join(self.traces[verdict.blocker.rule.id].unknown)
            where = f"{self.ruleset.id}/{verdict.blocker.rule.id}"
            raise InputError(
                "facts.missing",
                zh=f"规则 {where} 缺少事实 {names}，规则集要求齐全（on_missing: fail）",
                en=(
                    f"The rule {where} misses {names}, and the set wants all facts "
                    f"(on_missing: fail)"
                ),
                ruleset=self.ruleset.id,
                rule=verdict.blocker.rule.id,
                missing=names,
            )

    def _settle(self, stage: Stage, verdict: Verdict) -> None:
        self.overridden += verdict.overridden
        if verdict.conflict:
            held = self._held(stage, CONFLICT_REASON, verdict.conflict[0])
            verdict.outcomes = self._over(verdict.outcomes, held, CONFLICT_REASON)
        elif verdict.blocker:
            held = self._held(stage, MISSING_REASON, verdict.blocker.rule.id)
            verdict.outcomes = self._over(verdict.outcomes, held, MISSING_REASON)
        elif not verdict.decided:
            found = [self._outcome(call, OTHERWISE, self.missing) for call in stage.otherwise]
            verdict.outcomes = [*verdict.outcomes, *(outcome for outcome in found if outcome)]
        self.actions += verdict.outcomes

    def _over(self, outcomes: list[Outcome], held: list[Outcome], reason: str) -> list[Outcome]:
        """Holding replaces what writes the same thing, unless that is the same kind of hold
        already.
        """
        kept: list[Outcome] = []
        for outcome in outcomes:
            rival = next((h for h in held if h.writes == outcome.writes), None)
            if rival and rival.action == outcome.action:
                held = [h for h in held if h is not rival]
            elif rival:
                self.overridden.append(Overridden(outcome, rival.rule, reason))
                continue
            kept.append(outcome)
        return [*kept, *held]

    def _held(self, stage: Stage, reason: str, rule: str) -> list[Outcome]:
        """`otherwise` with the reason put in; else the gate's `hold`; else `otherwise` as it
        stands.
        """
        calls = [call for call in stage.otherwise if "reason" in call.action.args]
        hold = self.ruleset.vocabulary.actions.get("hold")
        if not calls and hold and "hold" in self.ruleset.gate_spec.actions:
            defaults = {
                name: arg.default for name, arg in hold.args.items() if arg.default is not None
            }
            calls = [ActionCall(hold, defaults)]
        held = [
            self._outcome(ActionCall(c.action, {**c.args, "reason": reason}), rule, self.missing)
            for c in calls
        ]
        if not calls:
            held = [self._outcome(call, rule, self.missing) for call in stage.otherwise]
        return [outcome for outcome in held if outcome]


def _active(rule: Rule, context: Context) -> bool:
    if rule.active_from is None and rule.active_to is None:
        return True
    today = context.now.astimezone(context.zone).date()
    return (rule.active_from is None or rule.active_from <= today) and (
        rule.active_to is None or today <= rule.active_to
    )
