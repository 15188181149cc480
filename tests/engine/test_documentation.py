"""docs/rule-language.md says what the engine does: names are complete and examples hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tidegate.engine import cases, checking, reference, rulesets
from tidegate.engine.language.functions import FUNCTIONS
from tidegate.engine.reader import read_cases, read_ruleset
from tidegate.engine.vocabulary import Vocabulary

PAGE = (Path(__file__).parents[2] / "docs" / "rule-language.md").read_text(encoding="utf-8")
SECTION = PAGE.split("## Expressions")[1].split("| function")[0]
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_every_function_policy_expectation_and_finding_is_on_the_page() -> None:
    names = [name.replace("_", " ") for name in FUNCTIONS]
    names += [*rulesets.POLICIES, *rulesets.ON_MISSING, *cases._EXPECT]
    source = Path(str(checking.__file__)).read_text(encoding="utf-8")
    codes = re.findall(r'"(check\.\w+)"', source)
    assert len(codes) >= 10
    names += [*codes, reference.MISSING_REASON, reference.CONFLICT_REASON]
    assert not [name for name in names if not re.search(rf"\b{re.escape(name)}\b", PAGE)]


def test_every_function_on_the_page_exists() -> None:
    table = PAGE.split("| function | result |")[1].split("\n\n")[0]
    named = re.findall(r"`([a-z][a-z ]*)\(", table)
    assert len(named) >= 8
    assert not [name for name in named if name.replace(" ", "_") not in FUNCTIONS]


def test_the_first_example_and_its_test_hold(vocabulary: Vocabulary) -> None:
    ruleset = read_ruleset(BLOCKS[0], vocabulary)
    tests = read_cases(next(block for block in BLOCKS if block.startswith("tests:")))
    assert [result.passed for result in cases.run_cases(ruleset, tests)] == [True]


def test_the_table_example_reads(vocabulary: Vocabulary) -> None:
    table = next(block for block in BLOCKS if block.startswith("tables:"))
    head = "tidegate: ruleset/1\nid: t\ngate: routing\npolicy: first\n"
    head += (
        "parameters: {high_value: {type: money, value: 1 CNY}}\nlists: {remote_provinces: [新疆]}\n"
    )
    ids = [rule.id for rule in read_ruleset(head + table, vocabulary).rules]
    assert ids == ["carrier.high-value", "carrier.same-city", "carrier.remote"]


EXPRESSIONS = [
    text
    for row in re.findall(
        r"^\| (?:compare|membership|text|lines|time|window|presence|)\s*\| (.*) \|$",
        SECTION,
        re.MULTILINE,
    )
    for text in re.findall(r"`([^`]+)`", row)
    if "…" not in text
]


def test_the_page_has_expressions_to_try() -> None:
    assert len(EXPRESSIONS) >= 24


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_every_expression_on_the_page_type_checks(text: str, vocabulary: Vocabulary) -> None:
    from tidegate.engine.language.binding import Scope, bind
    from tidegate.engine.language.parser import parse
    from tidegate.engine.language.types import list_of, of_fact

    scope = Scope(
        vocabulary,
        parameters={"high_value": of_fact("money")},
        lists={"remote_provinces": list_of(of_fact("text"))},
    )
    wrapped: Any = parse(text)
    if text.startswith(("starts with(item", "matches(item")):
        wrapped = parse(f"some item in items satisfies {text}")
    assert bind(wrapped, scope)[2] == []
