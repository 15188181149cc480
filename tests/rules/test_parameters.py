"""Any threshold changed in the YAML changes a decision, with no Python touched."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tidegate.engine.cases import DEFAULT_NOW, load_pack
from tidegate.engine.cases import Pack as EnginePack
from tidegate.engine.language.rendering import literal_text
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import Case, RuleSet
from tidegate.engine.sourced import read_yaml
from tidegate.engine.values import parse_instant
from tidegate.engine.vocabulary import load_vocabulary
from tidegate.services.rule_files import read_packs
from tidegate.services.rulebook import Rulebook, shipped_rules

VOCABULARY = load_vocabulary(shipped_rules() / "vocabulary.yaml")
Actions = list[tuple[str, dict[str, object]]]

PARAMETERS = [
    (pack.file.relative_to(shipped_rules()).as_posix(), name)
    for pack in read_packs([shipped_rules()])
    if pack.ruleset
    for name in pack.ruleset.parameters
]
LISTS = [
    (pack.file.relative_to(shipped_rules()).as_posix(), name)
    for pack in read_packs([shipped_rules()])
    if pack.ruleset
    for name in pack.ruleset.lists
]


def load(file: Path) -> tuple[RuleSet, tuple[Case, ...]]:
    return load_pack(EnginePack(file, file.with_name(file.stem + "_test.yaml")), VOCABULARY)


def answers(ruleset: RuleSet, cases: tuple[Case, ...]) -> list[Actions]:
    return [answer(ruleset, c.given, parse_instant(c.at) if c.at else DEFAULT_NOW) for c in cases]


def answer(ruleset: RuleSet, facts: Mapping[str, Any], now: datetime) -> Actions:
    return [(o.action, dict(o.args)) for o in evaluate(ruleset, facts, now).actions]


def test_there_are_parameters_and_lists_to_try() -> None:
    assert len(PARAMETERS) == 36
    assert len(LISTS) == 21


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_a_threshold_edited_in_the_yaml_changes_a_decision(
    copied: Path, name: str, parameter: str
) -> None:
    """Each parameter is set to its lowest and its highest value; the cases see at least one."""
    ruleset, cases = load(copied / name)
    before = answers(ruleset, cases)
    spec = ruleset.parameters[parameter]
    text = (copied / name).read_text("utf-8")
    changed = 0
    for bound in (spec.low, spec.high):
        pattern = rf"(\n  {parameter}: +\{{type: \w+, value: )[^,]+(,)"
        edited, count = re.subn(pattern, rf"\g<1>{literal_text(bound)}\g<2>", text)
        assert count == 1
        (copied / name).write_text(edited, "utf-8")
        after = answers(load(copied / name)[0], cases)
        assert len(after) == len(before) > 0
        changed += sum(one != other for one, other in zip(before, after, strict=True))
    assert changed > 0


@pytest.mark.parametrize(("name", "listed"), LISTS)
def test_a_list_emptied_changes_a_decision(copied: Path, name: str, listed: str) -> None:
    ruleset, cases = load(copied / name)
    document = read_yaml((copied / name).read_text("utf-8"), name).data
    assert document["lists"][listed]["values"]
    document["lists"][listed]["values"] = []
    after = answers(read_ruleset(document, VOCABULARY), cases)
    assert after != answers(ruleset, cases)


@pytest.mark.parametrize(
    ("name", "old", "new", "facts", "before", "after"),
    [
        (
            "review/review.yaml", "value: 2000 CNY", "value: 2000.01 CNY",
            {"order": {"total": "2000.00 CNY"}, "recipient": {"address_is_new": True}}, "hold", "approve",
        ),
        (
            "review/review.yaml", "value: 1000 CNY", "value: 999.99 CNY",
            {"order": {"total": "1000.00 CNY"}, "payment": {"method": "cod", "status": "unpaid"}}, "approve", "hold",
        ),
        ("review/review.yaml", "value: 5,", "value: 6,", {"history": {"orders_to_phone": 5}}, "hold", "approve"),
        ("review/review.yaml", "value: 2,", "value: 3,", {"history": {"returns_to_phone": 2}}, "hold", "approve"),
        (
            "review/review.yaml", "duplicate_window: {type: duration, value: 24h",
            "duplicate_window: {type: duration, value: 23h",
            {"history": {"similar_orders": {"24h": 1, "23h": 0}}}, "hold", "approve",
        ),
    ],
)  # fmt: skip
def test_one_step_of_a_threshold_tips_the_review(
    edit: Callable[[str, str, str], Path],
    copied: Path,
    name: str,
    old: str,
    new: str,
    facts: dict[str, dict[str, Any]],
    before: str,
    after: str,
) -> None:
    given = {
        "payment": {"status": "paid", **facts.get("payment", {})},
        "recipient": {
            "phone_valid": True,
            "address_check": "deliverable",
            **facts.get("recipient", {}),
        },
        "history": {"similar_orders": 0, **facts.get("history", {})},
        "items": [{"quantity": 1, "available": 1}],
        "order": facts.get("order", {"total": "10 CNY"}),
    }
    assert answer(Rulebook(copied).for_gate("review")[0], given, DEFAULT_NOW)[0][0] == before
    edit(name, old, new)
    assert answer(Rulebook(copied).for_gate("review")[0], given, DEFAULT_NOW)[0][0] == after
