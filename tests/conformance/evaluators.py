"""The evaluators every published case is asked of: they must agree on all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asking import NOW, Evaluator

from tidegate.engine.compiled import compile_set
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet


def _reference(ruleset: RuleSet, facts: Mapping[str, Any]) -> tuple[Any, ...]:
    return evaluate(ruleset, facts, NOW, "UTC").actions


def _compiled(ruleset: RuleSet, facts: Mapping[str, Any]) -> tuple[Any, ...]:
    return compile_set(ruleset).decide(facts, NOW, "UTC").actions


EVALUATORS: dict[str, Evaluator] = {"reference": _reference, "compiled": _compiled}
