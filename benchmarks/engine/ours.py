"""Tidegate as a contestant: the compiled evaluator as the product calls it, and the reference beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orders import CURRENCY, NOW

from tidegate.engine.compiled import compile_set
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet

ZONE = "Asia/Shanghai"
Facts = Mapping[str, Any]


def decider(ruleset: RuleSet) -> Callable[[Facts], Any]:
    """The compiled set: facts to a decision."""
    decide = compile_set(ruleset).decide
    return lambda facts: decide(facts, NOW, ZONE, currency=CURRENCY)


def actions(ruleset: RuleSet) -> Callable[[Facts], Sequence[Any]]:
    """What is timed: a decision down to its actions, which may be worked out late."""
    decide = compile_set(ruleset).decide
    return lambda facts: decide(facts, NOW, ZONE, currency=CURRENCY).actions


def reference(ruleset: RuleSet) -> Callable[[Facts], Any]:
    return lambda facts: evaluate(ruleset, facts, NOW, ZONE, currency=CURRENCY)


def fired(decision: Any) -> list[int]:
    """The numbers of the rules that fired, of a decision of the reference."""
    return [int(trace.rule.id[1:]) for trace in decision.rules if trace.result == "fired"]


def differences(ruleset: RuleSet, inputs: Sequence[Facts]) -> int:
    """On how many of the inputs the compiled evaluator says anything else than the reference."""
    compiled, plain = decider(ruleset), reference(ruleset)
    return sum(_said(compiled(facts)) != _said_at_length(plain(facts)) for facts in inputs)


def _said(decision: Any) -> object:
    return (decision.actions, decision.overridden, decision.missing, decision.fired)


def _said_at_length(decision: Any) -> object:
    ids = tuple(trace.rule.id for trace in decision.rules if trace.result == "fired")
    return (decision.actions, decision.overridden, decision.missing, ids)
