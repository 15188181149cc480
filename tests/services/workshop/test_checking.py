"""The check of a set: what it finds, on which orders, what somebody accepts, and a long one in the background."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from tidegate.errors import InputError, NotFound
from tidegate.services.chain import advance
from tidegate.services.workshop import check_running, checking, drafts
from tidegate.services.workshop.check_running import Progress
from tidegate.services.workshop.checking import Checked, CheckReport
from tidegate.store.workshop_tables import AcceptedFinding


def a_rule(name: str, condition: str, reason: str) -> dict[str, Any]:
    return {
        "id": name, "title": {"zh": name, "en": name}, "why": "试点", "if": [condition],
        "then": [{"hold": {"reason": reason}}],
    }  # fmt: skip


@pytest.fixture
def clash(world: Any) -> Any:
    """A `unique` set in which orders of more than 200 CNY fit both rules: an error."""
    context = world.context
    draft = drafts.create(context, "pilot", "review", {"zh": "试点", "en": "Pilot"}, "unique", "li")
    for rule in (
        a_rule("over-100", "order.total > 100 CNY", "high_value"),
        a_rule("over-200", "order.total > 200 CNY", "many_units"),
    ):
        draft = drafts.save_rule(context, "pilot", draft.version, rule["id"], rule, "li", new=True)
    return world


def overlap(world: Any) -> Checked:
    report = checking.findings(world.context, "pilot")
    (found,) = [one for one in report.findings if one.code == "check.overlap"]
    return found


def test_a_finding_shows_an_order_that_both_rules_take(clash: Any) -> None:
    found = overlap(clash)
    assert found.severity == "error"
    assert set(found.rules) == {"over-100", "over-200"}
    (line,) = [one for one in found.witness if one.path == "order.total"]
    assert line.label == {"zh": "订单 金额", "en": "Order: total"}
    assert float(line.value["en"].split()[0]) > 200


def test_touched_counts_the_orders_that_fit_both_and_names_one(clash: Any) -> None:
    for total in (9_900, 15_000, 25_000, 30_000):
        advance(clash.context, clash.order(total_minor=total))
    found = overlap(clash)
    assert found.touched == 2  # 250 and 300; 150 fits one rule only
    assert found.nearest is not None
    assert found.nearest.inside
    assert found.nearest.number
    counts = [one.touched for one in checking.findings(clash.context, "pilot").findings]
    assert counts == sorted(counts, reverse=True)


def test_orders_older_than_thirty_days_do_not_count(clash: Any) -> None:
    advance(clash.context, clash.order(total_minor=30_000))
    assert overlap(clash).touched == 1
    clash.wait(hours=31 * 24)
    assert overlap(clash).touched == 0


def test_accepting_asks_for_a_reason_outlives_edits_and_can_be_taken_back(clash: Any) -> None:
    context, key = clash.context, overlap(clash).key
    with pytest.raises(InputError):
        checking.accept(context, "pilot", key, "  ", "li")
    with pytest.raises(NotFound):
        checking.accept(context, "pilot", "check.gone:x:", "为什么", "li")
    checking.accept(context, "pilot", key, "双十一前先这样", "li")
    checking.accept(context, "pilot", key, "双十一前先这样", "li")  # safe to repeat
    report = checking.findings(context, "pilot")
    assert report.count("error") == 0
    draft = drafts.draft_of(context, "pilot")
    assert draft is not None
    changed = a_rule("over-200", "order.total > 220 CNY", "many_units")
    drafts.save_rule(context, "pilot", draft.version, "over-200", changed, "li")
    accepted = overlap(clash).accepted
    assert accepted is not None
    assert (accepted.by, accepted.reason) == ("li", "双十一前先这样")
    checking.withdraw(context, "pilot", key, "wang")
    assert overlap(clash).accepted is None
    with context.store.begin(context.tenant_id, readonly=True) as work:
        (row,) = work.session.query(AcceptedFinding).all()
        assert (row.withdrawn_by, row.hash) == ("wang", report.hash)
    with pytest.raises(NotFound):
        checking.withdraw(context, "pilot", key, "wang")


def test_a_summary_never_waits(clash: Any) -> None:
    clash.wait(days=1)  # what was found today is kept
    assert checking.summary(clash.context, "pilot") is None
    checking.findings(clash.context, "pilot")
    counted = checking.summary(clash.context, "pilot")
    assert counted is not None
    assert counted[0] == 1


def test_a_threshold_no_test_guards_is_asked_about(clash: Any) -> None:
    context = clash.context
    draft = drafts.draft_of(context, "pilot")
    assert draft is not None
    case = {
        "name": "far above", "given": {"order": {"total": "150 CNY"}},
        "expect": {"actions": ["hold"]},
    }  # fmt: skip
    drafts.save_cases(context, "pilot", draft.version, [case], "li")
    report = finished(clash)
    unguarded = [one for one in report.findings if one.code == checking.UNGUARDED]
    assert report.surveyed
    assert report.tried > 0
    assert any("100" in one.words["zh"] and one.rules == ("over-100",) for one in unguarded)


def finished(world: Any) -> CheckReport:
    for _ in range(200):
        found = checking.checked(world.context, "pilot")
        if isinstance(found, CheckReport):
            return found
        assert found.state == "running"
        time.sleep(0.05)
    raise AssertionError("the check did not end")


def test_a_long_check_goes_on_in_the_background_and_can_be_stopped(world: Any) -> None:
    context = world.context
    draft = drafts.create(context, "long", "review", {"zh": "长", "en": "Long"}, "unique", "li")
    rules = [
        {
            **a_rule(f"r{n}", f"order.total > {n} CNY", "high_value"),
            "if": [f"order.total > {n} CNY", f'recipient.province = "P{n % 7}"'],
        }
        for n in range(400)
    ]

    def fill(document: dict[str, Any]) -> None:
        document["rules"] = rules

    drafts.change_document(context, "long", draft.version, "li", "filled", fill)
    ruleset = drafts.working_set(context, "long")
    begun = check_running.begin(context, ruleset, 0)
    assert isinstance(begun, Progress)
    assert begun.state == "running"
    checking.cancel(context, "long")
    after = checking.checked(context, "long")
    assert isinstance(after, Progress)
    assert after.state == "cancelled"


def test_another_tenant_sees_no_such_set(clash: Any, intruder: Any) -> None:
    with pytest.raises(NotFound):
        checking.findings(intruder.context, "pilot")


def test_a_person_of_one_shop_is_shown_no_order_of_another(clash: Any) -> None:
    advance(clash.context, clash.order(total_minor=30_000))
    assert overlap(clash).touched == 1
    elsewhere = replace(clash.context, store=clash.context.store.limited_to(frozenset({999})))
    report = checking.findings(elsewhere, "pilot")
    assert report.sample == 0
    assert all(one.nearest is None for one in report.findings)
