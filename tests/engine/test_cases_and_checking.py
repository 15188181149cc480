"""Tests written as data, and the findings of the checker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tidegate.engine import cases, checking
from tidegate.engine.problems import RuleProblems
from tidegate.engine.reader import read_cases, read_ruleset
from tidegate.engine.rulesets import Case
from tidegate.engine.vocabulary import Vocabulary

PACK = """\
tidegate: ruleset/1
id: large-order
gate: review
title: {zh: 大额新地址订单转人工, en: Large order to a new address is held}
policy: first
otherwise: []
on_missing: hold
parameters:
  large: {type: money, value: 500 CNY, min: 100 CNY, title: {zh: 大额门槛, en: Large}}
rules:
  - id: large-and-new
    title: {zh: 大额且新地址, en: Large and new}
    why: 拒付复盘 2026-10
    if: [order.total > large, recipient.address_is_new]
    then: [hold: {reason: large_order, queue: manual_review}]
"""
TESTS = """\
tests:
  - name: one cent over the limit is held
    at: 2026-11-22T09:00:00+08:00
    given: {order: {total: 500.01 CNY}, recipient: {address_is_new: true}}
    expect: {actions: [hold], reasons: [large_order]}
  - name: exactly the limit passes
    given: {order: {total: 500 CNY}, recipient: {address_is_new: true}}
    expect: {actions: []}
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "review").mkdir()
    (tmp_path / "review" / "large_order.yaml").write_text(PACK, encoding="utf-8")
    (tmp_path / "review" / "large_order_test.yaml").write_text(TESTS, encoding="utf-8")
    (tmp_path / "vocabulary.yaml").write_text("tidegate: vocabulary/1\n", encoding="utf-8")
    return tmp_path


def run(
    text: str, expect: dict[str, Any], given: dict[str, Any], vocabulary: Vocabulary
) -> list[str]:
    result = cases.run_case(read_ruleset(text, vocabulary), Case("x", given, expect))
    return [difference.key for difference in result.differences]


def test_packs_are_found_with_the_tests_beside_them(pack: Path, vocabulary: Vocabulary) -> None:
    found = cases.discover(pack)
    assert [(p.ruleset.name, p.tests and p.tests.name) for p in found] == [
        ("large_order.yaml", "large_order_test.yaml")
    ]
    assert cases.discover([pack / "review" / "large_order_test.yaml"]) == found
    assert cases.discover(str(pack / "review" / "large_order.yaml")) == found
    ruleset, tests = cases.load_pack(found[0], vocabulary)
    results = cases.run_cases(ruleset, tests)
    assert [(r.case.name, r.passed) for r in results] == [
        ("one cent over the limit is held", True),
        ("exactly the limit passes", True),
    ]
    assert [one.code for one in checking.check(ruleset, tests)] == [
        "check.gap"
    ]  # it says so itself


FULL = {"order": {"total": "501 CNY"}, "recipient": {"address_is_new": True}}


@pytest.mark.parametrize(
    ("expect", "wrong"),
    [
        ({"actions": ["hold"]}, []),
        ({"actions": "hold"}, []),
        ({"actions": []}, ["actions"]),
        ({"actions": ["hold", "hold"]}, ["actions"]),
        ({"fired": ["large-and-new"], "not_fired": []}, []),
        ({"not_fired": ["large-and-new"]}, ["not_fired"]),
        ({"fired": []}, ["fired"]),
        ({"fired": ["large-and-nw"]}, ["fired"]),
        ({"reasons": ["large_order"], "missing": [], "overridden": []}, []),
        ({"reasons": []}, ["reasons"]),
        ({"missing": ["order.total"]}, ["missing"]),
        ({"args": {"hold": {"queue": "manual_review"}}}, []),
        ({"args": {"hold": {"queue": "finance"}}}, ["args"]),
        ({"hold": "large_order"}, []),
        ({"hold": ["large_order", "x"], "tag": []}, ["hold"]),
        ({"action": ["hold"]}, ["action"]),
        ({"unknown": [], "inactive": []}, []),
        ({"overridden": ["large-and-new"]}, ["overridden"]),
    ],
)
def test_each_expectation_is_compared(
    expect: dict[str, Any], wrong: list[str], vocabulary: Vocabulary
) -> None:
    assert run(PACK, expect, FULL, vocabulary) == wrong


@pytest.mark.parametrize(
    "given",
    [
        {"order": {"totl": 5}},
        {"ordr": {}},
        {"items": [{"skuu": "x"}]},
        {"order": {"total": "x"}},
        {"custom": {"a": 1}},
    ],
)
def test_a_misspelt_or_wrong_fact_fails_the_case(
    given: dict[str, Any], vocabulary: Vocabulary
) -> None:
    assert run(PACK, {"actions": []}, given, vocabulary) in (["given"], ["error"])


def test_the_default_instant_is_noon_on_11_november(vocabulary: Vocabulary) -> None:
    result = cases.run_case(read_ruleset(PACK, vocabulary), Case("x", FULL, {"actions": ["hold"]}))
    assert result.decision is not None
    assert result.decision.as_document()["now"] == "2026-11-11T12:00:00+08:00"
    bad = cases.run_case(
        read_ruleset(PACK, vocabulary), Case("x", FULL, {"actions": ["hold"]}, at="soon")
    )
    assert [d.key for d in bad.differences] == ["at"]


def test_an_expected_error_is_a_pass(vocabulary: Vocabulary) -> None:
    text = PACK.replace("on_missing: hold", "on_missing: fail")
    assert run(text, {"error": "facts.missing"}, {}, vocabulary) == []
    assert run(text, {"actions": []}, {}, vocabulary) == ["error"]
    assert run(text, {"error": "facts.missing"}, FULL, vocabulary) == ["error"]


def test_coverage_names_what_no_case_fires_or_stops(vocabulary: Vocabulary) -> None:
    ruleset = read_ruleset(PACK, vocabulary)
    fires, short = read_cases(TESTS)
    only_short = cases.coverage(ruleset, cases.run_cases(ruleset, [short]))
    assert (only_short.never_fired, only_short.never_short) == (("large-and-new",), ())
    only_fires = cases.coverage(ruleset, cases.run_cases(ruleset, [fires]))
    assert (only_fires.never_fired, only_fires.never_short) == ((), ("large-and-new",))


def test_a_test_file_with_mistakes_is_refused() -> None:
    with pytest.raises(RuleProblems):
        read_cases("tests:\n  - {name: a, gven: {}}\n")
    with pytest.raises(RuleProblems):
        read_cases("- 1\n")


@pytest.mark.parametrize(
    ("old", "new", "severity", "code"),
    [
        ("    why: 拒付复盘 2026-10\n", "", "warning", "check.no_why"),
        ("    title: {zh: 大额且新地址, en: Large and new}\n", "", "error", "check.no_title"),
        ("> large, ", "> 500 CNY, ", "warning", "check.unused"),
        ("> large, ", "< large, ", "error", "check.test_fails"),
        ("otherwise: []", "otherwise: [approve]", "error", "check.test_fails"),
    ],
)
def test_findings(old: str, new: str, severity: str, code: str, vocabulary: Vocabulary) -> None:
    assert old in PACK
    ruleset = read_ruleset(PACK.replace(old, new), vocabulary)
    found = [(f.severity, f.code) for f in checking.check(ruleset, read_cases(TESTS))]
    assert (severity, code) in found


def test_findings_about_several_rules(vocabulary: Vocabulary) -> None:
    text = """
tidegate: ruleset/1
id: t
gate: review
policy: first
rules:
  - {id: a, if: [order.invoice_wanted], then: [approve]}
  - {id: b, if: [order.invoice_wanted = true], then: [approve]}
  - {id: c, if: [order.invoice_wanted], then: [hold: x]}
  - {id: d, if: [], then: [approve]}
  - {id: e, if: [order.quantity > 1], then: [hold: x]}
"""
    found = {(f.code, f.where) for f in checking.check(read_ruleset(text, vocabulary), ())}
    assert {("check.duplicate", "c"), ("check.unreachable", "e"), ("check.no_tests", "t")} <= found
    assert ("check.unreachable", "c") not in found


def test_findings_about_outcomes(vocabulary: Vocabulary) -> None:
    text = """
tidegate: ruleset/1
id: t
gate: review
policy: priority
severity: [reject, hold, approve]
rules:
  - {id: a, if: [order.invoice_wanted], then: [approve]}
"""
    found = [(f.code, f.where) for f in checking.check(read_ruleset(text, vocabulary), ())]
    assert ("check.outcome_impossible", "t") in found
    text = """
tidegate: ruleset/1
id: t
gate: routing
policy: collect
rules:
  - {id: a, if: [parcel.fragile], then: [use_packaging: reinforced]}
  - {id: b, if: [parcel.hazardous], then: [use_packaging: bag]}
"""
    assert ("check.double_write", "b") in [
        (f.code, f.where) for f in checking.check(read_ruleset(text, vocabulary), ())
    ]


def test_problems_of_the_reader_become_findings(vocabulary: Vocabulary) -> None:
    with pytest.raises(RuleProblems) as caught:
        read_ruleset(PACK.replace("order.total", "order.totl"), vocabulary)
    found = checking.findings_of(caught.value)
    assert [(f.severity, f.code) for f in found] == [("error", "rule.unknown_field")]
    assert "order.total" in found[0].text("zh")
