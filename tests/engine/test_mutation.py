"""What no test would notice is named, and tests for it are proposed."""

from __future__ import annotations

from typing import Any

from tidegate.engine.cases import run_case, run_cases
from tidegate.engine.mutation import mutants
from tidegate.engine.proposals import proposals

SET = """tidegate: ruleset/1
id: t
gate: review
policy: first
otherwise: [approve]
parameters: {high: {type: money, value: 2000 CNY, min: 100 CNY}}
lists: {remote: [西藏, 新疆]}
rules:
  - id: high
    if: [order.total >= high, recipient.province in remote]
    then: [hold: {reason: high, queue: finance}]
"""
ONE = """tests:
  - name: fires
    given: {order: {total: 2000 CNY}, recipient: {province: 西藏}}
    expect: {fired: [high]}
"""
WHOLE = """tests:
  - name: at the threshold
    given: {order: {total: 2000 CNY}, recipient: {province: 西藏}}
    expect: {args: {hold: {reason: high, queue: finance}}}
  - name: one cent below
    given: {order: {total: 1999.99 CNY}, recipient: {province: 西藏}}
    expect: {actions: [approve]}
  - name: elsewhere
    given: {order: {total: 2000 CNY}, recipient: {province: 浙江省}}
    expect: {actions: [approve]}
  - name: the other province
    given: {order: {total: 2000 CNY}, recipient: {province: 新疆}}
    expect: {fired: [high]}
"""


def survivors(ruleset: Any) -> set[tuple[str, str]]:
    survey = mutants(ruleset)
    assert survey.complete
    assert (
        survey.tried == 9
    )  # two conditions, an operator, two arguments, the parameter twice, two members
    return {(one.what, one.before) for one in survey.survivors}


def test_one_test_that_fires_leaves_most_changes_unnoticed(read: Any) -> None:
    assert survivors(read(SET + ONE)) == {
        ("condition", "order.total >= high"),
        ("condition", "recipient.province in remote"),
        ("parameter", "high = 2000 CNY"),  # lower; higher is noticed
        ("list", "remote: 新疆"),
        ("argument", "hold.reason: high"),
        ("argument", "hold.queue: finance"),
    }


def test_boundary_pairs_notice_every_change(read: Any) -> None:
    assert survivors(read(SET + WHOLE)) == set()


def test_without_tests_everything_survives(read: Any) -> None:
    assert len(mutants(read(SET)).survivors) == 9


def test_a_failing_test_notices_nothing(read: Any) -> None:
    wrong = ONE.replace("fired: [high]", "actions: [approve]")
    assert len(mutants(read(SET + wrong)).survivors) == 9


def test_a_survey_over_budget_says_so(read: Any) -> None:
    survey = mutants(read(SET + ONE), budget=1)
    assert not survey.complete
    assert survey.tried < 9


def test_messages_speak_both_languages(read: Any) -> None:
    for one in mutants(read(SET + ONE)).survivors:
        assert "no case would notice" in one.text("en")
        assert "没有用例会发现" in one.text("zh")


def test_proposals_cover_what_is_missing_and_pass(read: Any) -> None:
    ruleset = read(SET)
    made = proposals(ruleset)
    kinds = [one.kind for one in made]
    assert kinds[:2] == ["fires", "short"]
    assert all(run_case(ruleset, one.case).passed for one in made)
    totals = {one.case.given["order"]["total"] for one in made if one.kind in ("short", "boundary")}
    assert {"1999.99 CNY", "2000 CNY"} <= totals
    assert proposals(ruleset) == made


def test_proposals_make_the_survivors_fewer(read: Any) -> None:
    ruleset = read(SET)
    cases = [one.case for one in proposals(ruleset)]
    assert all(result.passed for result in run_cases(ruleset, cases))
    left = {(one.what, one.before) for one in mutants(ruleset, cases).survivors}
    assert not {what for what, _ in left} & {"operator", "parameter", "condition"}


def test_two_rules_that_hold_together_get_a_test(read: Any) -> None:
    more = SET + "  - {id: jd, if: ['order.channel = \"jd\"'], then: [reject: channel]}\n"
    made = [one for one in proposals(read(more)) if one.kind == "overlap"]
    assert [one.rules for one in made] == [("high", "jd")]


def test_proposals_are_bounded(read: Any) -> None:
    assert len(proposals(read(SET), limit=2)) == 2
