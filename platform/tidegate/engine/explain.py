"""Questions to a decision: why, why not, and what came close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.engine.decisions import FIRED, INACTIVE, Decision, LeafTrace, Overridden, RuleTrace
from tidegate.engine.logic import Truth, conjunction, disjunction, negation
from tidegate.engine.rulesets import Condition, Leaf


@dataclass(frozen=True)
class WhyNot:
    """Why a rule's actions did not come about.

    `cause` is inactive, leaf (`leaf` is the first condition that failed or could not be
    judged), overridden (`by` says by what), or fired when it did fire after all.
    """

    rule: str
    cause: str
    leaf: LeafTrace | None = None
    by: Overridden | None = None


def why(decision: Decision) -> tuple[RuleTrace, ...]:
    """The rules that fired."""
    return tuple(trace for trace in decision.rules if trace.result == FIRED)


def why_not(decision: Decision, rule_id: str) -> WhyNot:
    """What stopped one rule. Raises KeyError for a rule the set does not have."""
    trace = decision.trace(rule_id)
    by = next((item for item in decision.overridden if item.outcome.rule == rule_id), None)
    if trace.result == INACTIVE:
        return WhyNot(rule_id, "inactive")
    if by:
        return WhyNot(rule_id, "overridden", by=by)
    if trace.result == FIRED:
        return WhyNot(rule_id, "fired")
    return WhyNot(rule_id, "leaf", leaf=_first_failing(trace))


@dataclass(frozen=True)
class NearMiss:
    """A rule that did not fire, and the one leaf that, the other way, would have let it."""

    rule: str
    leaf: LeafTrace


def near_misses(decision: Decision) -> tuple[NearMiss, ...]:
    """Rules whose condition does not hold but for one leaf, in rule order; an unknown leaf counts
    as one that failed. Of several such leaves (alternatives) the first.
    """
    found = []
    for trace in decision.rules:
        truths = [leaf.result for leaf in trace.leaves]
        if trace.result == INACTIVE or not truths:
            continue
        place = flipped(trace.rule.condition, truths)
        if place is not None:
            found.append(NearMiss(trace.rule.id, trace.leaves[place]))
    return tuple(found)


def one_away(condition: Condition, truths: Sequence[Truth]) -> bool:
    """Whether the condition does not hold and would if one leaf's result were the other."""
    return flipped(condition, truths) is not None


def flipped(condition: Condition, truths: Sequence[Truth]) -> int | None:
    """The first leaf whose other result would make a condition hold that does not; else None."""
    if _whole(condition, truths) is True:
        return None
    for place, truth in enumerate(truths):
        other = [*truths[:place], truth is not True, *truths[place + 1 :]]
        if _whole(condition, other) is True:
            return place
    return None


def _whole(condition: Condition, truths: Sequence[Truth]) -> Truth:
    rest = iter(truths)

    def visit(part: Condition | Leaf) -> Truth:
        if isinstance(part, Leaf):
            return next(rest)
        found = [visit(inner) for inner in part.parts]
        if part.kind == "all":
            return conjunction(found)
        either = disjunction(found)
        return negation(either) if part.kind == "none" else either

    return visit(condition)


def _first_failing(trace: RuleTrace) -> LeafTrace | None:
    """The first leaf without which the rule would not have stopped; groups that held are passed
    over.
    """
    leaves = iter(trace.leaves)

    def visit(condition: Condition) -> tuple[Truth, LeafTrace | None]:
        results: list[tuple[Truth, LeafTrace | None]] = []
        for part in condition.parts:
            if isinstance(part, Leaf):
                leaf = next(leaves)
                results.append((leaf.result, leaf))
            else:
                results.append(visit(part))
        truths = [truth for truth, _ in results]
        if condition.kind == "all":
            whole, guilty = conjunction(truths), (False, None)
        elif condition.kind == "any":
            whole, guilty = disjunction(truths), (False, None)
        else:
            whole, guilty = negation(disjunction(truths)), (True, None)
        wanted = guilty if whole is False else (None,)
        return whole, next((leaf for truth, leaf in results if truth in wanted and leaf), None)

    return visit(trace.rule.condition)[1]
