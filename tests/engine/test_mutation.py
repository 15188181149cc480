"""What no test would notice is named, and tests for it are proposed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

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


def test_every_survivor_carries_a_case_that_notices_it(read: Any) -> None:
    ruleset = read(SET + ONE)
    found = mutants(ruleset).survivors
    assert len(found) == 6
    for one in found:
        assert one.noticing is not None, one.text()
        assert run_case(ruleset, one.noticing).passed
        more = mutants(ruleset, [*ruleset.cases, replace(one.noticing, name="notices")]).survivors
        assert one not in more
    lower = next(one for one in found if one.what == "parameter")
    assert lower.after == "1800 CNY"
    total = Decimal(str(lower.witness["order"]["total"]).split()[0])  # type: ignore[index]
    assert 1800 <= total < 2000


def test_a_condition_that_another_implies_is_proved_to_be_idle(read: Any) -> None:
    text = SET.replace("[order.total >= high,", "[order.total >= high, order.total > 50 CNY,")
    survey = mutants(read(text + WHOLE))
    # without it, with >= for >, with 45 and with 55: none of these can be noticed
    assert survey.same == 4
    assert survey.survivors == ()
    assert len(mutants(read(text + WHOLE), witnesses=False).survivors) == 4


def test_a_threshold_nothing_reads_cannot_be_noticed(read: Any) -> None:
    text = SET.replace("lists:", "  idle: {type: number, value: 3}\nlists:", 1)
    text = text.replace("min: 100 CNY}}\n  idle", "min: 100 CNY}\n  idle").replace(
        "parameters: {high: {", "parameters:\n  high: {"
    )
    survey = mutants(read(text + WHOLE))
    assert survey.same == 2
    assert survey.survivors == ()


def test_what_a_rule_that_always_loses_asks_for_has_no_case_that_notices(read: Any) -> None:
    more = (
        SET
        + "  - {id: low, if: [order.total >= high, recipient.province in remote], then: [reject: x]}\n"
    )
    found = [one for one in mutants(read(more + ONE)).survivors if one.rule == "low"]
    assert {one.what for one in found if one.noticing is None} == {"argument", "operator"}
    dropped = [one for one in found if one.what == "condition"]
    assert len(dropped) == 2
    assert all(one.noticing is not None for one in dropped)


def test_a_survey_can_be_watched_and_ended(read: Any) -> None:
    seen: list[tuple[int, int]] = []

    def watch(done: int, total: int) -> None:
        seen.append((done, total))
        if len(seen) == 4:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        mutants(read(SET), watch=watch)
    assert seen == [(0, 2)] * 4
