"""The tests of a set: run and covered, told in words, written by form, proposed, and those that would notice a change."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.errors import InputError, NotFound
from tidegate.services.workshop import drafts, mutant_hunting, testing
from tidegate.services.workshop.model import Draft

DEAR = {
    "id": "dear",
    "title": {"zh": "大额转人工", "en": "Large is held"},
    "why": "拒付",
    "if": ["order.total > 100 CNY", "recipient.province = \"西藏自治区\""],
    "then": [{"hold": {"reason": "high_value", "queue": "finance"}}],
}  # fmt: skip
FIRES = {
    "name": "well over",
    "given": {"order": {"total": "900 CNY"}, "recipient": {"province": "西藏自治区"}},
    "expect": {"actions": ["hold"]},
}


@pytest.fixture
def pilot(world: Any) -> tuple[Any, Draft]:
    context = world.context
    draft = drafts.create(context, "pilot", "review", {"zh": "试", "en": "Pilot"}, "first", "li")
    draft = drafts.save_rule(context, "pilot", draft.version, "dear", DEAR, "li", new=True)
    return context, drafts.save_cases(context, "pilot", draft.version, [FIRES], "li")


def version(context: Any) -> int:
    found = drafts.draft_of(context, "pilot")
    assert found is not None
    return found.version


def found(context: Any) -> testing.Mutants:
    survey = testing.hunt(context, "pilot", 30, again=True)
    assert isinstance(survey, testing.Mutants)
    return survey


def test_a_failed_test_says_in_words_what_was_wanted_and_what_came(pilot: Any) -> None:
    context, _ = pilot
    wrong = {
        **FIRES,
        "name": "wrong",
        "expect": {"actions": ["approve"], "hold": "other", "fired": []},
    }
    drafts.save_cases(context, "pilot", version(context), [FIRES, wrong], "li")
    page = testing.tests_page(context, "pilot")
    assert (page.passed, [line.name for line in page.cases]) == (1, ["wrong", "well over"])
    assert [words["zh"] for words in page.cases[0].wrong] == [
        "应当做：通过；实际：转人工",
        "转人工应为：other；实际：高金额订单",
        "应当触发：无；实际：大额转人工",
    ]
    assert page.cases[0].wrong[0]["en"] == "Expected to do: Approve; came: Hold for a person"


def test_coverage_names_the_tests_of_a_rule_and_rules_without(pilot: Any) -> None:
    context, _ = pilot
    other = {**DEAR, "id": "never", "if": ["order.total < 1 CNY"]}
    drafts.save_rule(context, "pilot", version(context), "never", other, "li", new=True)
    page = testing.tests_page(context, "pilot")
    assert page.share == 50
    assert [(one.rule, list(one.fired), one.short) for one in page.covers] == [
        ("dear", ["well over"], 0),
        ("never", [], 1),
    ]
    status = testing.status(context)
    assert (status["pilot"].passed, status["pilot"].total, status["pilot"].untested) == (1, 1, 1)
    assert status["review"].passed == status["review"].total > 50


def test_proposals_have_names_in_words_and_pass_when_added(pilot: Any) -> None:
    context, _ = pilot
    proposed = testing.proposed(context, "pilot")
    titles = [one.title["zh"] for one in proposed]
    assert "《大额转人工》差一点：订单金额大于 100 元" in titles
    count = testing.add_proposed(
        context, "pilot", version(context), [one.key for one in proposed], "li", "zh"
    )
    page = testing.tests_page(context, "pilot")
    assert count == len(proposed)
    assert page.passed == len(page.cases) == 1 + count
    assert {line.name for line in page.cases} == {"well over", *titles}
    with pytest.raises(InputError):
        testing.add_proposed(context, "pilot", version(context), [], "li")


def test_survivors_are_sentences_and_their_tests_leave_none(pilot: Any) -> None:
    context, _ = pilot
    survey = found(context)
    said = {one.title["zh"] for one in survey.survivors}
    assert (
        "《大额转人工》如果“订单金额大于 100 元”变成“订单金额不少于 100 元”，没有测试会发现" in said
    )
    assert "《大额转人工》如果“转人工的队列”不再是“finance”，没有测试会发现" in said
    assert all(one.noticed for one in survey.survivors)
    numbers = [one.number for one in survey.survivors]
    added = testing.add_noticing(context, "pilot", version(context), numbers, "li", "zh")
    assert 0 < added <= len(numbers)
    page = testing.tests_page(context, "pilot")
    assert page.passed == len(page.cases)
    assert found(context).survivors == []
    with pytest.raises(InputError):
        testing.add_noticing(context, "pilot", version(context), [99], "li")


def test_a_search_can_be_stopped_and_begun_again(pilot: Any, monkeypatch: Any) -> None:
    context, _ = pilot
    ruleset = drafts.working_set(context, "pilot")
    run = mutant_hunting._Hunt()
    run.stop.set()
    mutant_hunting._work(ruleset, ("never", "kept"), run)
    assert run.state == "stopped"
    assert run.finished.is_set()
    first = mutant_hunting.begin(ruleset, 30)
    assert not isinstance(first, mutant_hunting.Progress)
    assert mutant_hunting.begin(ruleset, 0) is first


def test_a_test_is_written_by_form_and_what_it_has_no_box_for_stays(pilot: Any) -> None:
    context, _ = pilot
    odd = {**FIRES, "expect": {"actions": ["hold"], "args": {"hold": {"queue": "finance"}}}}
    drafts.save_cases(context, "pilot", version(context), [odd], "li")
    form = testing.opened(context, "pilot", "well over")
    assert "args" in form.rest
    assert [one.on for one in form.actions if one.id == "hold"] == [True]
    values = {f"f.{box.name}": box.value for group in form.groups for box in group.boxes}
    assert values == {"f.order.total": "900 CNY", "f.recipient.province": "西藏自治区"}
    given = {
        **values, "name": "renamed", "at": form.at, "f.order.total": "800", "e.actions": "exactly",
        "e.on.hold": "1", "e.main.hold": "high_value", "e.fired": "dear", "e.missing": "-",
    }  # fmt: skip
    name = testing.save_form(context, "pilot", version(context), "well over", given, "li")
    (case,) = testing.cases_of(drafts.working_set(context, "pilot"))
    assert name == case["name"] == "renamed"
    assert case["given"]["order"] == {"total": "800 CNY"}
    assert case["expect"] == {
        "actions": ["hold"], "hold": "high_value", "fired": ["dear"], "missing": [],
        "args": {"hold": {"queue": "finance"}},
    }  # fmt: skip
    assert testing.tests_page(context, "pilot").passed == 1


def test_a_form_may_expect_what_happens_now(pilot: Any) -> None:
    context, _ = pilot
    given = {
        "name": "as it is",
        "f.order.total": "100",
        "f.recipient.province": "西藏自治区",
        "result": "1",
    }
    testing.save_form(context, "pilot", version(context), "", given, "li")
    case = testing.cases_of(drafts.working_set(context, "pilot"))[-1]
    assert case["expect"] == {"actions": [], "fired": []}


def test_wrong_boxes_keep_what_was_typed_beside_the_message(pilot: Any) -> None:
    context, _ = pilot
    given = {"name": "x", "f.order.total": "much", "at": "2026-11-11T12:00"}
    with pytest.raises(InputError):
        testing.save_form(context, "pilot", version(context), "", given, "li")
    form = testing.reopened(context, "pilot", "", given)
    box = next(box for group in form.groups for box in group.boxes if box.name == "order.total")
    assert box.value == "much"
    assert box.wrong is not None
    assert "an amount" in box.wrong["en"]
    with pytest.raises(InputError, match="2026-11-11T12:00"):
        testing.save_form(context, "pilot", version(context), "", {"name": "x", "at": "soon"}, "li")
    assert testing.reopened(context, "pilot", "", {"name": "x", "at": "soon"}).at == "soon"


def test_a_copy_has_a_name_of_its_own_and_an_unknown_test_is_not_found(pilot: Any) -> None:
    context, _ = pilot
    form = testing.opened(context, "pilot", "well over", copy=True)
    assert (form.name, form.shown_name) == ("", "well over (2)")
    with pytest.raises(NotFound):
        testing.opened(context, "pilot", "nothing")


def test_all_tests_go_out_as_the_file_that_stands_beside_a_set(pilot: Any) -> None:
    from tidegate.engine.reader import read_cases

    context, _ = pilot
    text = testing.as_text(context, "pilot")
    assert [case.name for case in read_cases(text)] == ["well over"]
