"""Rules that are written but switched off, and sets that hold no rule yet."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tidegate.engine.compiled import compile_set
from tidegate.engine.problems import RuleProblems
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import Money
from tidegate.engine.vocabulary import Vocabulary, load_vocabulary
from tidegate.engine.writing import write
from tidegate.services.rulebook import shipped_rules

NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
HEAD = """tidegate: ruleset/1
id: switches
gate: review
policy: first
otherwise: [approve]
"""
THREE = (
    HEAD
    + """rules:
  - {id: a, why: w, enabled: false, if: [order.total > 10 CNY], then: [{hold: {reason: one}}]}
  - {id: b, why: w, if: [order.total > 10 CNY], then: [{hold: {reason: two}}]}
  - {id: c, why: w, enabled: false, if: [order.total > 10 CNY], then: [{hold: {reason: three}}]}
"""
)
TABLE = (
    HEAD
    + """tables:
  - id: t
    inputs: [order.total]
    outputs: [hold]
    rows:
      - {id: x, when: ["> 10 CNY"], then: [one], enabled: false}
      - {id: y, when: ["> 10 CNY"], then: [two]}
"""
)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary(shipped_rules() / "vocabulary.yaml")


def _reasons(ruleset: RuleSet) -> list[list[object]]:
    facts = {"order": {"total": Money(Decimal(50), "CNY")}}
    answers = [
        evaluate(ruleset, facts, NOW).actions,
        compile_set(ruleset).decide(facts, NOW).actions,
    ]
    return [[outcome.args.get("reason") for outcome in actions] for actions in answers]


@pytest.mark.parametrize("text", [THREE, TABLE])
def test_a_rule_that_is_switched_off_never_fires_and_stays_in_its_place(
    text: str, vocabulary: Vocabulary
) -> None:
    ruleset = read_ruleset(text, vocabulary)
    assert _reasons(ruleset) == [["two"], ["two"]]
    again = read_ruleset(write(ruleset), vocabulary)
    assert [(rule.id, rule.enabled) for rule in again.written] == [
        (rule.id, rule.enabled) for rule in ruleset.written
    ]
    assert [rule.enabled for rule in ruleset.written].count(False) >= 1
    assert again.hash == ruleset.hash


def test_a_set_with_every_rule_switched_off_answers_otherwise(vocabulary: Vocabulary) -> None:
    ruleset = read_ruleset(THREE.replace("id: b,", "id: b, enabled: false,"), vocabulary)
    assert len(ruleset.written) == 3
    assert ruleset.rules == ()
    facts = {"order": {"total": Money(Decimal(50), "CNY")}}
    assert [found.action for found in evaluate(ruleset, facts, NOW).actions] == ["approve"]
    assert [found.action for found in compile_set(ruleset).decide(facts, NOW).actions] == [
        "approve"
    ]


def test_an_unfinished_set_may_say_that_it_has_no_rules(vocabulary: Vocabulary) -> None:
    with pytest.raises(RuleProblems):
        read_ruleset(HEAD + "rules: []\n", vocabulary)
    ruleset = read_ruleset(HEAD + "rules: []\n", vocabulary, unfinished=True)
    assert read_ruleset(write(ruleset), vocabulary, unfinished=True).hash == ruleset.hash
    facts = {"order": {"total": Money(Decimal(50), "CNY")}}
    assert [found.action for found in compile_set(ruleset).decide(facts, NOW).actions] == [
        "approve"
    ]


def test_a_switch_says_true_or_false(vocabulary: Vocabulary) -> None:
    with pytest.raises(RuleProblems) as raised:
        read_ruleset(THREE.replace("enabled: false", "enabled: off", 1), vocabulary)
    (problem,) = raised.value.problems
    assert problem.code == "rule.bad_switch"
