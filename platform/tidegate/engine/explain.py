"""Questions to a decision: why, why not, and what came close."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

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


def flipped(condition: Condition, truths: Sequence[Truth]) -> int | None:
    """The first leaf that, coming out otherwise, would make a condition hold that does not; else None."""
    return away(span(condition), truths.__getitem__)


@dataclass(frozen=True, slots=True)
class Span:
    """What a condition needs of its leaves: each of the `parts` when `every`, else one of them.

    A part is another span, or a leaf: its place and the result it is to have.
    """

    every: bool
    parts: tuple[Span | tuple[int, bool], ...]


def span(condition: Condition) -> Span:
    """What it takes for the condition to hold."""
    return _span(condition, True, count())


def _span(condition: Condition, wanted: bool, places: Iterator[int]) -> Span:
    inner = wanted if condition.kind != "none" else not wanted
    parts = tuple(
        (next(places), inner) if isinstance(part, Leaf) else _span(part, inner, places)
        for part in condition.parts
    )
    return Span((condition.kind == "any") is not wanted, parts)


def away(needed: Span, truth: Callable[[int], Truth], fails: bool = False) -> int | None:
    """The first leaf by which alone a condition fails; None when it holds, or when more than one is in its way.

    Leaves are asked in their order, and no more of them than it takes to know; `fails`: that it does not hold is
    known.
    """
    flips, place = _flips(needed, truth, fails)
    return place if flips == 1 else None


def _flips(needed: Span, truth: Callable[[int], Truth], fails: bool) -> tuple[int, int]:
    """How many leaves have to come out otherwise (2: two or more, or there is none), and the first."""
    flips, first = (0, -1) if needed.every else (2, -1)
    last = needed.parts[-1] if needed.parts else None
    for part in needed.parts:
        if part.__class__ is Span:
            must = fails and (not needed.every or (part is last and not flips))
            own, place = _flips(part, truth, must)
        else:
            place, wanted = part  # type: ignore[misc]  # a leaf
            own = int(truth(place) is not wanted)
        if needed.every:
            flips, first = flips + own, place if own == 1 else first
            if flips > 1:
                return 2, -1
        elif own < flips:
            flips, first = own, place
            if not own or fails:
                break
    return flips, first


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
