"""Nothing is lost on the way: text, tree, form, document, YAML and back, over generated
vocabularies, expressions and sets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from random_patterns import VOCABULARY as EPISODES
from random_patterns import a_pattern_set
from strategies import a_ruleset, a_vocabulary, seeds, sizes

from tidegate import simple_yaml
from tidegate.engine.forms import (
    cell_form,
    cell_of,
    condition_form,
    entries_of,
    expression_of,
    form_of,
    node_of,
    rule_keys_of,
)
from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import parse, parse_unary
from tidegate.engine.language.rendering import render, render_unary
from tidegate.engine.limits import MAX_DEPTH, MAX_VALUES
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import Rule, RuleSet, Stage
from tidegate.engine.vocabulary import Vocabulary
from tidegate.engine.writing import condition_document, document_of, rule_document, write

VOCABULARIES = 24
trees: list[str] = []  # what the always-on run looked at


@lru_cache(maxsize=VOCABULARIES)
def vocabulary_of(number: int) -> Vocabulary:
    return a_vocabulary(Random(number))


def generated(seed: int, size: int) -> RuleSet:
    return a_ruleset(Random(seed), vocabulary_of(seed % VOCABULARIES), size=size)


def unplaced(ruleset: RuleSet) -> RuleSet:
    """The set without the lines its rules stand on."""

    def rule(one: Rule) -> Rule:
        return replace(one, line=0)

    def stage(one: Stage) -> Stage:
        return replace(one, rules=tuple(map(rule, one.rules)))

    return replace(ruleset, stages=tuple(map(stage, ruleset.stages)), source="")


def through_json(form: object) -> object:
    return json.loads(json.dumps(form, ensure_ascii=False))


def check_trees(ruleset: RuleSet) -> Iterator[str]:
    """Every condition: tree → text → tree, tree → form → text → tree."""
    for rule in ruleset.rules:
        for leaf in rule.leaves:
            text = render(leaf.node)
            assert text == leaf.text
            form = through_json(form_of(leaf.node))
            assert expression_of(form) == text, form  # type: ignore[arg-type]
            if not rule.row:
                assert node_of(form) == parse(text), form  # type: ignore[arg-type]
            yield text
        if rule.row:
            for cell in rule.row.when:
                unary = parse_unary(cell)
                assert parse_unary(render_unary(unary.tests, unary.negated)) == unary
                assert parse_unary(cell_of(through_json(cell_form(cell)))) == unary, cell  # type: ignore[arg-type]
                yield cell
        else:
            form = through_json(condition_form(rule.condition))
            assert entries_of(form) == condition_document(rule.condition)  # type: ignore[arg-type]


def check_set(ruleset: RuleSet) -> None:
    """The whole set: document → YAML → set, document → JSON → set, and writing again."""
    text = write(ruleset)
    again = read_ruleset(text, ruleset.vocabulary)
    assert again.hash == ruleset.hash
    assert unplaced(again) == unplaced(ruleset)
    assert write(again) == text
    as_json = json.dumps(document_of(ruleset), default=str, ensure_ascii=False)
    assert read_ruleset(as_json, ruleset.vocabulary).hash == ruleset.hash
    assert not isinstance(simple_yaml.read(text, MAX_DEPTH, MAX_VALUES), int), "no simple YAML"


def check_all(seed: int, size: int) -> list[str]:
    ruleset = generated(seed, size)
    check_set(ruleset)
    return list(check_trees(ruleset))


@given(seed=seeds(), size=sizes(4))
@settings(max_examples=320, deadline=None, suppress_health_check=list(HealthCheck))
def test_text_tree_form_and_yaml_are_the_same_thing(seed: int, size: int) -> None:
    trees.extend(check_all(seed, size))


def test_the_round_trip_has_seen_two_thousand_trees() -> None:
    """Follows the test above; alone it makes trees of its own."""
    seed = 0
    while len(trees) < 2_000:
        trees.extend(check_all(seed, 3))
        seed += 1
    assert len(set(trees)) > 1_000


@pytest.mark.long
@given(seed=seeds(), size=sizes(6))
@settings(max_examples=6_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_text_tree_form_and_yaml_are_the_same_thing_in_many_sets(seed: int, size: int) -> None:
    check_all(seed, size)


def test_binding_the_canonical_text_gives_the_bound_tree_again() -> None:
    looked = 0
    for seed in range(80):
        ruleset = generated(seed, 4)
        scope = Scope(
            ruleset.vocabulary,
            derived={name: d.type for name, d in ruleset.derive.items()},
            custom=ruleset.fields,
            gate="gate",
        )
        for derived in ruleset.derive.values():
            used = any(
                isinstance(part, (tree.Parameter, tree.ListName))
                for part in tree.walk(derived.node)
            )
            if not used and ruleset.policy != "stages":
                node, kind, problems = bind(parse(derived.text), scope)
                assert (node, kind, problems) == (derived.node, derived.type, [])
                looked += 1
    assert looked >= 40


def test_patterns_come_back() -> None:
    for seed in range(60):
        ruleset = a_pattern_set(Random(seed))
        again = read_ruleset(write(ruleset), EPISODES)
        assert again.hash == ruleset.hash
        for rule in ruleset.rules:
            keys = rule_keys_of(through_json(condition_form(rule.condition)))  # type: ignore[arg-type]
            document = rule_document(rule)
            assert keys == {key: document[key] for key in ("if", "pattern") if key in document}
