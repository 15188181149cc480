"""Any rule opened in the editor's rows and written back is the same rule."""

from __future__ import annotations

from random import Random

from strategies import a_ruleset, a_vocabulary

from tidegate.engine.rulesets import Rule, RuleSet
from tidegate.services.workshop.rule_opening import rows_of
from tidegate.services.workshop.rule_reading import read_rule
from tidegate.services.workshop.rule_rows import Group, Part, Row
from tidegate.services.workshop.rule_writing import document_of
from tidegate.services.workshop.set_names import SetNames

SEEDS = range(4_000, 4_120)


def meaning(rule: Rule) -> tuple[object, ...]:
    actions = [call.text() for call in rule.actions]
    days = (rule.active_from, rule.active_to, rule.enabled)
    return (
        rule.id,
        dict(rule.title),
        dict(rule.why),
        rule.note,
        rule.condition.text(),
        actions,
        days,
    )


def written_back(rule: Rule, ruleset: RuleSet, names: SetNames) -> tuple[object, ...]:
    written = document_of(rows_of(rule, names), names)
    assert written.wrong == []
    again = read_rule(ruleset, written.document, written.places)
    assert again.wrong == ()
    assert again.rule is not None
    return meaning(again.rule)


def rows_in(part: Part) -> int:
    return sum(map(rows_in, part.parts)) if isinstance(part, Group) else isinstance(part, Row)


def test_random_rules_come_back_as_they_were() -> None:
    rules = rows = 0
    for seed in SEEDS:
        rng = Random(seed)
        ruleset = a_ruleset(rng, a_vocabulary(rng))
        names = SetNames(ruleset, {})
        for rule in ruleset.written:
            if not rule.table:
                assert written_back(rule, ruleset, names) == meaning(rule), f"seed {seed}"
                rules += 1
                rows += rows_in(rows_of(rule, names).condition)
    assert rules > 300
    assert rows > 250, "most conditions are rows, not text"
