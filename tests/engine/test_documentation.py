"""docs/rule-language.md says what the engine does: names are complete and examples hold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tidegate.engine import (
    cases,
    checking,
    conditions,
    form_operators,
    form_reading,
    forms,
    limits,
    rulesets,
    settling,
    values,
)
from tidegate.engine.language import parser
from tidegate.engine.language.functions import FUNCTIONS
from tidegate.engine.language.types import of_fact
from tidegate.engine.reader import read_cases, read_ruleset
from tidegate.engine.vocabulary import Vocabulary

PAGE = (Path(__file__).parents[2] / "docs" / "rule-language.md").read_text(encoding="utf-8")
SECTION = PAGE.split("## Expressions")[1].split("| function")[0]
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_every_function_policy_expectation_and_finding_is_on_the_page() -> None:
    names = [name.replace("_", " ") for name in FUNCTIONS]
    names += [*rulesets.POLICIES, *rulesets.ON_MISSING, *cases._EXPECT]
    folder = Path(str(checking.__file__)).parent
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))
    codes = sorted(set(re.findall(r'"(check\.\w+)"', source)))
    assert len(codes) >= 20
    names += [*codes, settling.MISSING_REASON, settling.CONFLICT_REASON]
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


# limits and forms

FORMS = (Path(__file__).parents[2] / "docs" / "rule-forms.md").read_text(encoding="utf-8")


def test_the_limits_on_the_page_are_those_of_the_engine() -> None:
    section = PAGE.split("## Limits")[1]
    numbers = {int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", section)}
    wanted = [getattr(limits, name) for name in vars(limits) if name.startswith("MAX_")]
    wanted += [parser.MAX_CHARACTERS, parser.MAX_DEPTH, values.MAX_TEXT, values.MAX_LIST]
    wanted += [conditions.MAX_GROUP_DEPTH]
    assert len(wanted) >= 18
    assert not [limit for limit in wanted if limit not in numbers | {limits.MAX_PROBLEMS}]
    assert f"At most {limits.MAX_PROBLEMS} problems" in PAGE


def test_the_forms_on_the_page_are_forms() -> None:
    found = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", FORMS, re.DOTALL)]
    condition, group, cell, offer = found
    assert forms.expression_of(condition) == "order.total >= high_value"
    assert forms.entries_of(group) == [
        'payment.status = "paid"',
        {
            "any": [
                "since(order.paid_at, warehouse_hours) > 24h",
                "count(items[item.fragile]) >= 2",
            ]
        },
    ]
    assert forms.cell_of(cell) == ">= high_value"
    assert offer in form_operators.operators_for(of_fact("instant"))


def test_every_shape_of_a_form_is_on_the_page() -> None:
    keys = {key for keys, optional, _ in form_reading._SHAPES for key in keys | optional}
    names = {*keys, *form_reading._LEAVES, "negated", "where", "variable", "tests", "any"}
    assert len(names) >= 40
    assert not [name for name in names if f'"{name}"' not in FORMS and f"`{name}`" not in FORMS]
