"""What the checker says of a set: each finding with the set that earns it, the one that just doesn't,
and a document on which the evaluator agrees.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tidegate.engine.checking import Finding, brief, check
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet

HEAD = "tidegate: ruleset/1\nid: {id}\ngate: {gate}\ntitle: t\npolicy: {policy}\n"


def a_set(
    rules: str, policy: str = "first", gate: str = "review", more: str = "", name: str = "t"
) -> str:
    head = HEAD.format(id=name, gate=gate, policy=policy)
    return f"{head}{more}\nrules:\n{rules}"


def rule(name: str, conditions: str, then: str = "[approve]", more: str = "") -> str:
    return f"  - {{id: {name}, title: {name}, why: x, if: {conditions}, then: {then}{more}}}\n"


def found(ruleset: RuleSet, code: str, *others: RuleSet, **options: Any) -> list[Finding]:
    return [f for f in check(ruleset, (), others, **options) if f.code == code]


def results(ruleset: RuleSet, finding: Finding) -> dict[str, str]:
    """The evaluator on the witness, asked once more."""
    assert finding.witness is not None
    decision = evaluate(ruleset, finding.witness.facts, finding.witness.now)
    return {trace.rule.id: trace.result for trace in decision.rules}


# never fires, never reached


def test_a_contradiction_never_fires(read: Any) -> None:
    text = a_set(rule("band", "[order.total > 500 CNY, order.total <= 500 CNY]"))
    assert [f.where for f in found(read(text), "check.never_fires")] == ["band"]
    touching = text.replace("> 500", ">= 500")
    assert found(read(touching), "check.never_fires") == []


def test_a_contradiction_is_seen_through_derived_facts_and_parameters(read: Any) -> None:
    more = """parameters: {low: {type: money, value: 500 CNY}, high: {type: money, value: 500 CNY}}
derive: {big: order.total > high, small: order.total < low}"""
    assert found(read(a_set(rule("r", "[big, small]"), more=more)), "check.never_fires")
    wider = more.replace("low: {type: money, value: 500 CNY}", "low: {type: money, value: 501 CNY}")
    assert not found(read(a_set(rule("r", "[big, small]"), more=wider)), "check.never_fires")


def test_a_missing_fact_and_a_comparison_of_it_contradict_each_other(read: Any) -> None:
    rules = rule("r", "[order.buyer_memo is missing, 'contains(order.buyer_memo, \"x\")']")
    assert found(read(a_set(rules)), "check.never_fires")


def test_amounts_in_two_currencies_never_hold_together(read: Any) -> None:
    rules = rule("r", "[order.total > 1 CNY, order.total < 9 USD]")
    assert found(read(a_set(rules)), "check.never_fires")


def test_a_row_below_a_wider_one_is_shadowed(read: Any) -> None:
    rules = rule("wide", "[order.total >= 100 CNY]") + rule(
        "narrow", "[order.total >= 200 CNY]", "[hold: x]"
    )
    ruleset = read(a_set(rules))
    (finding,) = found(ruleset, "check.shadowed")
    assert finding.rules == ("narrow", "wide")
    assert results(ruleset, finding) == {"wide": "fired", "narrow": "not"}
    turned = rule("narrow", "[order.total >= 200 CNY]", "[hold: x]") + rule(
        "wide", "[order.total >= 100 CNY]"
    )
    assert not found(read(a_set(turned)), "check.shadowed")


def test_rows_hide_one_jointly_and_the_least_of_them_are_named(read: Any) -> None:
    rules = (
        rule("low", "[order.quantity <= 5]")
        + rule("other", "['order.channel = \"jd\"', order.quantity = 4]")
        + rule("high", "[order.quantity >= 5]", "[hold: x]")
        + rule("never", "[order.quantity between 2 and 9]", "[hold: y]")
    )
    ruleset = read(a_set(rules))
    (finding,) = found(ruleset, "check.shadowed_jointly")
    assert finding.rules == ("never", "low", "high")
    assert results(ruleset, finding)["never"] == "not"
    gap = rules.replace("order.quantity >= 5", "order.quantity > 5").replace("<= 5", "< 5")
    assert not found(read(a_set(gap)), "check.shadowed_jointly")


def test_an_unknown_rule_above_hides_one_that_waits_for_the_fact_to_be_missing(read: Any) -> None:
    """Under hold the search stops at what can't be judged; under skip it goes on."""
    rules = rule("big", "[order.total > 5 CNY]") + rule(
        "none", "[order.total is missing]", "[hold: x]"
    )
    ruleset = read(a_set(rules))
    (finding,) = found(ruleset, "check.shadowed")
    assert (finding.where, results(ruleset, finding)["none"]) == ("none", "not")
    assert not found(read(a_set(rules, more="on_missing: skip")), "check.shadowed")


def test_nothing_below_a_rule_that_always_holds_is_reached(read: Any) -> None:
    rules = rule("always", "[]") + rule("below", "[order.quantity > 1]", "[hold: x]")
    (finding,) = found(read(a_set(rules)), "check.unreachable")
    assert (finding.severity, finding.where, finding.rules) == (
        "error",
        "below",
        ("below", "always"),
    )


def test_a_rule_that_may_be_excluded_hides_nothing(read: Any) -> None:
    text = """tidegate: ruleset/1
id: t
gate: routing
policy: stages
stages:
  - {id: exclude, policy: collect, rules: [{id: no-sf, if: [parcel.hazardous], then: [exclude: "SF.*"]}]}
  - {id: choose, policy: first, rules: [{id: sf, if: [], then: [use_service: SF.standard]}, {id: zto, if: [], then: [use_service: ZTO.standard]}]}
"""
    assert not found(read(text), "check.unreachable")
    other = text.replace('"SF.*"', '"YTO.*"')
    assert [f.where for f in found(read(other), "check.unreachable")] == ["zto"]


def test_an_outcome_beside_which_something_worse_always_holds_loses(read: Any) -> None:
    more = "severity: [reject, hold, approve]"
    rules = rule("bad", "[order.total > 100 CNY]", "[reject: x]") + rule(
        "worse", "[order.total > 200 CNY]"
    )
    ruleset = read(a_set(rules, "priority", more=more))
    (finding,) = found(ruleset, "check.always_loses")
    assert finding.rules == ("worse", "bad")
    assert results(ruleset, finding) == {"bad": "fired", "worse": "fired"}
    apart = rules.replace("> 100 CNY", "> 300 CNY")
    assert not found(read(a_set(apart, "priority", more=more)), "check.always_loses")


# twice, together, differently


def test_two_rules_that_mean_the_same_are_duplicates_however_they_are_written(read: Any) -> None:
    rules = (
        rule("a", '[\'order.channel in ("jd", "tmall")\', order.quantity > 1]')
        + rule(
            "b",
            "[{any: ['order.channel = \"TMALL\"', 'order.channel = \"JD\"']}, not(order.quantity <= 1)]",
        )
        + rule("c", '[\'order.channel in ("jd", "tmall")\', order.quantity >= 1]')
    )
    ruleset = read(a_set(rules))
    (finding,) = found(ruleset, "check.duplicate")
    assert finding.rules == ("b", "a")


def test_text_compared_exactly_is_no_duplicate_of_text_that_is_not(read: Any) -> None:
    rules = rule("a", "['order.channel = \"JD\"']") + rule("b", "['order.channel = exact(\"JD\")']")
    assert not found(read(a_set(rules)), "check.duplicate")


def test_rows_of_a_unique_table_that_meet_are_an_error(read: Any) -> None:
    rules = rule("a", "[order.quantity <= 5]") + rule("b", "[order.quantity >= 5]", "[hold: x]")
    ruleset = read(a_set(rules, "unique"))
    (finding,) = found(ruleset, "check.overlap")
    assert (finding.severity, set(finding.rules)) == ("error", {"a", "b"})
    assert finding.witness is not None
    assert finding.witness.facts == {"order": {"quantity": 5}}
    assert results(ruleset, finding) == {"a": "fired", "b": "fired"}
    assert not found(read(a_set(rules.replace(">= 5", "> 5"), "unique")), "check.overlap")


def test_rules_under_any_may_meet_if_they_say_the_same(read: Any) -> None:
    rules = rule("a", "[order.quantity <= 5]") + rule("b", "[order.quantity >= 5]")
    assert not found(read(a_set(rules, "any")), "check.conflict")
    ruleset = read(a_set(rules + rule("c", "[order.quantity = 5]", "[hold: x]"), "any"))
    (finding,) = found(ruleset, "check.conflict")
    assert set(finding.rules) == {"a", "b", "c"}


def test_two_writes_of_one_thing_are_found_only_where_both_can_hold(read: Any) -> None:
    one = rule("a", "[parcel.fragile]", "[use_packaging: reinforced]")
    two = rule("b", "[parcel.hazardous]", "[use_packaging: bag]")
    ruleset = read(a_set(one + two, "collect", "routing"))
    (finding,) = found(ruleset, "check.double_write")
    assert finding.rules == ("b", "a")
    apart = two.replace("[parcel.hazardous]", "[parcel.hazardous, parcel.fragile = false]")
    assert not found(read(a_set(one + apart, "collect", "routing")), "check.double_write")


def test_two_sets_of_one_gate_contradict_each_other(read: Any) -> None:
    here = read(a_set(rule("a", "[order.quantity > 5]"), name="one"))
    there = read(a_set(rule("b", "[order.quantity < 7]", "[hold: x]"), name="two"))
    (finding,) = found(here, "check.sets_conflict", there)
    assert set(finding.rules) == {"a", "b"}
    assert results(here, finding) == {"a": "fired"}
    assert results(there, finding) == {"b": "fired"}
    apart = read(a_set(rule("b", "[order.quantity < 5]", "[hold: x]"), name="two"))
    assert not found(here, "check.sets_conflict", apart)


# gaps


def test_a_gap_is_shown_by_a_subject_that_every_rule_refuses(read: Any) -> None:
    rules = rule("a", "[order.quantity < 5]") + rule("b", "[order.quantity > 5]", "[hold: x]")
    ruleset = read(a_set(rules))
    (finding,) = found(ruleset, "check.gap")
    assert (finding.severity, finding.witness and finding.witness.facts) == (
        "warning",
        {"order": {"quantity": 5}},
    )
    assert set(results(ruleset, finding).values()) == {"not"}
    assert not found(read(a_set(rules.replace("< 5", "<= 5"))), "check.gap")


@pytest.mark.parametrize(
    ("otherwise", "severity"),
    [
        ("otherwise: [hold: x]", "warning"),
        ("otherwise: []", "info"),
        ("otherwise: [approve]", None),
    ],
)
def test_an_answer_for_the_rest_is_no_gap(read: Any, otherwise: str, severity: str | None) -> None:
    ruleset = read(a_set(rule("a", "[order.quantity < 5]", "[reject: x]"), more=otherwise))
    assert [f.severity for f in found(ruleset, "check.gap")] == ([severity] if severity else [])


def test_an_otherwise_that_no_subject_reaches_is_named(read: Any) -> None:
    rules = rule("a", "[order.invoice_wanted is missing]") + rule(
        "b", "[order.invoice_wanted is present]", "[hold: x]"
    )
    assert found(read(a_set(rules, more="otherwise: [reject: x]")), "check.otherwise_unused")
    judged = rules.replace("order.invoice_wanted is present", "order.invoice_wanted")
    assert not found(read(a_set(judged, more="otherwise: [reject: x]")), "check.otherwise_unused")


# parameters, names, days

BAND = """parameters:
  low:  {type: money, value: 100 CNY, min: 0 CNY, max: LOW}
  high: {type: money, value: 500 CNY, min: HIGH, max: 900 CNY}"""


def test_limits_under_which_two_parameters_may_cross_are_found(read: Any) -> None:
    rules = rule("band", "[order.total >= low, order.total < high]")
    crossing = BAND.replace("LOW", "400 CNY").replace("HIGH", "300 CNY")
    ruleset = read(a_set(rules, more=crossing))
    (finding,) = found(ruleset, "check.parameter_relation")
    assert "low = 400 CNY" in finding.en
    assert "high = 300 CNY" in finding.en
    assert results(ruleset, finding) == {"band": "fired"}
    apart = BAND.replace("LOW", "299 CNY").replace("HIGH", "300 CNY")
    assert not found(read(a_set(rules, more=apart)), "check.parameter_relation")


def test_a_limit_beyond_a_constant_of_the_same_rule_is_found(read: Any) -> None:
    rules = rule("band", "[order.total >= low, order.total < 500 CNY]")
    far = "parameters: {low: {type: money, value: 100 CNY, max: 500 CNY}}"
    assert found(read(a_set(rules, more=far)), "check.parameter_limit")
    near = far.replace("max: 500 CNY", "max: 499 CNY")
    assert not found(read(a_set(rules, more=near)), "check.parameter_limit")


def test_names_that_no_longer_exist_are_found_with_the_nearest(read: Any) -> None:
    rules = rule("a", "[]", "[use_service: SF.standrd]")
    ruleset = read(a_set(rules, gate="routing"))
    known = {"service": ["SF.standard", "ZTO.standard"]}
    (finding,) = found(ruleset, "check.dead_reference", known=known)
    assert (finding.severity, finding.rules) == ("error", ("a",))
    assert "SF.standard" in finding.en
    assert "SF.standard" in finding.zh
    assert not found(ruleset, "check.dead_reference", known={"service": ["sf.standrd"]})
    assert not found(ruleset, "check.dead_reference")
    excluded = read(a_set(rule("a", "[]", '[exclude: "SF.*"]'), "collect", "routing"))
    assert not found(excluded, "check.dead_reference", known=known)
    assert found(excluded, "check.dead_reference", known={"service": ["ZTO.standard"]})


def test_a_rule_whose_last_day_has_passed_is_over(read: Any) -> None:
    ruleset = read(a_set(rule("a", "[]", more=", active: {to: 2026-11-12}")))
    last = datetime.fromisoformat("2026-11-12T23:59:59+08:00")
    after = datetime.fromisoformat("2026-11-13T00:00:00+08:00")
    assert not found(ruleset, "check.expired", now=last)
    assert [f.where for f in found(ruleset, "check.expired", now=after)] == ["a"]
    assert not found(ruleset, "check.expired")


def test_rules_of_different_days_do_not_meet(read: Any) -> None:
    rules = rule("a", "[]", more=", active: {to: 2026-11-12}") + rule(
        "b", "[]", "[hold: x]", ", active: {from: 2026-11-13}"
    )
    assert not found(read(a_set(rules, "unique")), "check.overlap")
    ruleset = read(a_set(rules.replace("11-13", "11-12"), "unique"))
    (finding,) = found(ruleset, "check.overlap")
    assert finding.witness is not None
    assert finding.witness.now.astimezone().date().isoformat() == "2026-11-12"
    assert results(ruleset, finding) == {"a": "fired", "b": "fired"}


# beyond comparisons of one fact


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "some item in items satisfies item.fragile",
            "some item in items satisfies item.hazardous",
        ),
        ("count(items) > 1", "sum(items.quantity) < 3"),
        ("'contains(order.buyer_memo, \"a\")'", "'contains(order.buyer_memo, \"b\")'"),
        ("order.total > payment.paid_total", "payment.paid_total > 5 CNY"),
        ("since(order.paid_at) > 24h", "order.paid_at > order.ordered_at"),
        ('\'weekday(order.paid_at) in ("Sat", "Sun")\'', "hour(order.paid_at) >= 18"),
        ("order.total - order.discount > 100 CNY", "order.total < 150 CNY"),
        ("history.similar_orders(24h) >= 1", "history.similar_orders(7d) >= 2"),
        ("'contains(order.tags, \"x\")'", "'contains(order.tags, \"y\")'"),
    ],
)
def test_documents_are_found_for_conditions_of_every_kind(read: Any, one: str, other: str) -> None:
    ruleset = read(a_set(rule("a", f"[{one}]") + rule("b", f"[{other}]", "[hold: x]"), "unique"))
    (finding,) = found(ruleset, "check.overlap")
    assert results(ruleset, finding) == {"a": "fired", "b": "fired"}


@pytest.mark.parametrize(
    "conditions",
    [
        "[some item in items satisfies item.fragile, no item in items satisfies item.fragile]",
        "[every item in items satisfies item.quantity > 1, count(items) = 0]",
        "[order.total < payment.paid_total, order.total > payment.paid_total]",
        "[order.total < payment.paid_total, payment.paid_total < 5 CNY, order.total > 5 CNY]",
        "[since(order.paid_at) > 24h, until(order.paid_at) > 0h]",
        "[order.ship_by is missing, until(order.ship_by) <= 4h]",
    ],
)
def test_contradictions_between_facts_are_proved(read: Any, conditions: str) -> None:
    ruleset = read(a_set(rule("a", conditions)))
    assert [f.where for f in found(ruleset, "check.never_fires")] == ["a"]


def test_what_can_be_neither_proved_nor_shown_is_said(read: Any) -> None:
    """No text of at most 3 characters holds four; the procedure doesn't count letters."""
    rules = rule(
        "a", "['contains(order.buyer_memo, \"abcd\")', string length(order.buyer_memo) < 4]"
    )
    ruleset = read(a_set(rules))
    assert not found(ruleset, "check.never_fires")
    (finding,) = [f for f in found(ruleset, "check.cannot_decide") if "fire" in f.en]
    assert (finding.severity, finding.rules) == ("info", ("a",))
    assert "order.buyer_memo" in finding.en
    assert "order.buyer_memo" in finding.zh


def test_unique_wants_the_proof(read: Any) -> None:
    rules = rule("a", "['contains(order.buyer_memo, \"abcd\")']") + rule(
        "b", "[string length(order.buyer_memo) < 4]"
    )
    findings = found(read(a_set(rules, "unique")), "check.cannot_decide")
    assert "warning" in [f.severity for f in findings]


def test_tags_that_other_rules_write_are_tried_by_the_evaluator(read: Any) -> None:
    rules = (
        rule("writes", "[order.quantity > 5]", "[tag: big]")
        + rule("reads", "['contains(order.tags, \"big\")']", "[hold: x]")
        + rule("also", "[order.quantity > 7]")
    )
    ruleset = read(a_set(rules, "collect"))
    (finding,) = found(ruleset, "check.double_write")
    assert set(finding.rules) == {"reads", "also"}
    assert results(ruleset, finding)["reads"] == "fired"


# how it is said


def test_a_finding_is_plain_data_with_its_document(read: Any) -> None:
    rules = rule("a", "[order.total <= 5 CNY]") + rule("b", "[order.total >= 5 CNY]", "[hold: x]")
    (finding,) = found(read(a_set(rules, "unique")), "check.overlap")
    document = json.loads(json.dumps(finding.as_document("zh")))
    assert {"code", "severity", "rules", "message", "witness", "where", "line", "now"} == set(
        document
    )
    assert document["witness"] == {"order": {"total": "5 CNY"}}
    assert finding.witness is not None
    assert brief(finding.witness) == "order.total = 5 CNY"


def test_many_pairs_are_counted_rather_than_listed(read: Any) -> None:
    """60 rules of which each next pair meets in a place of its own: 59 pairs, 40 of them listed."""
    rules = "".join(
        rule(f"r{n}", f"[order.quantity between {n} and {n + 1}]", f"[hold: x{n}]")
        for n in range(60)
    )
    ruleset = read(a_set(rules, "unique"))
    assert len(found(ruleset, "check.overlap")) == 40
    (more,) = found(ruleset, "check.more")
    assert "19" in more.en


def test_the_same_set_gives_the_same_findings(read: Any) -> None:
    text = a_set(
        rule("a", "[order.quantity < 5]")
        + rule("b", "['contains(order.buyer_memo, \"x\")']", "[hold: x]")
    )
    assert check(read(text), ()) == check(read(text), ())
