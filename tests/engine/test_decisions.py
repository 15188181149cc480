"""What a set decides, policy by policy. Expected values are worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tidegate.engine.reference import why, why_not
from tidegate.errors import InputError

REVIEW = """
tidegate: ruleset/1
id: review
gate: review
title: {zh: 订单审核, en: Order review}
policy: priority
severity: [reject, hold, approve]
otherwise:
  - hold: {reason: no_rule_decided, queue: manual_review}
on_missing: hold
parameters:
  duplicate_window:
    {type: duration, value: 24h, min: 1h, max: 7d, title: {zh: 重复时间窗, en: Duplicate window}}
  high_value:
    {type: money, value: 2000 CNY, min: 100 CNY, title: {zh: 高价值门槛, en: High value}}
lists:
  bad_address: {type: text, values: [undeliverable, fake, incomplete]}
derive:
  repeat_buyer: history.similar_orders(duplicate_window) >= 1
rules:
  - id: paid-and-in-stock
    title: {zh: 已付款且全部有货则通过, en: Paid and in stock}
    if:
      - payment.status = "paid"
      - every item in items satisfies item.available >= item.quantity
    then:
      - approve
  - id: suspicious-address
    title: {zh: 地址可疑转人工, en: Suspicious address}
    why: 2026-03 退件复盘
    if:
      - any:
          - recipient.address_check in bad_address
          - recipient.phone_valid = false
    then:
      - hold: {reason: suspicious_address, queue: manual_review}
  - id: duplicate-order
    title: {zh: 疑似重复下单, en: Possible duplicate}
    active: {from: 2026-11-01, to: 2026-11-12}
    if: [repeat_buyer]
    then:
      - hold: {reason: possible_duplicate, queue: manual_review}
      - tag: 疑似重复
"""


def clean(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "payment": {"status": "paid"},
        "recipient": {"address_check": "deliverable", "phone_valid": True},
        "history": {"similar_orders": 0},
        "items": [{"quantity": 2, "available": 5}, {"quantity": 1, "available": 1}],
    }
    return {**facts, **changes}


def names(decision: Any) -> list[str]:
    return [outcome.action for outcome in decision.actions]


def results(decision: Any) -> dict[str, str]:
    return {trace.rule.id: trace.result for trace in decision.rules}


def reasons(decision: Any) -> list[object]:
    return [outcome.args["reason"] for outcome in decision.actions if "reason" in outcome.args]


def a_set(policy: str, rules: str, head: str = "", gate: str = "review") -> str:
    return f"tidegate: ruleset/1\nid: t\ngate: {gate}\npolicy: {policy}\n{head}\n{rules}"


# priority


def test_paid_and_in_stock_is_approved(decide: Any) -> None:
    decision = decide(REVIEW, clean())
    assert names(decision) == ["approve"]
    assert [trace.rule.id for trace in why(decision)] == ["paid-and-in-stock"]


def test_the_document_of_a_decision_has_exactly_the_promised_form(decide: Any) -> None:
    items = [{"quantity": 2, "available": 5}, {"sku": "BA-1", "quantity": 3, "available": 1}]
    document = decide(REVIEW, clean(items=items, history={"similar_orders": 1})).as_document("en")
    assert json.loads(json.dumps(document)) == document
    keys = ["ruleset", "hash", "now", "actions", "overridden", "rules", "derived", "missing"]
    assert list(document) == keys
    assert document["now"] == "2026-11-11T12:00:00+08:00"
    assert document["actions"] == [
        {
            "action": "hold",
            "args": {"reason": "possible_duplicate", "queue": "manual_review"},
            "rule": "duplicate-order",
        },
        {"action": "tag", "args": {"tag": "疑似重复"}, "rule": "duplicate-order"},
    ]
    assert document["derived"] == {"repeat_buyer": True}
    leaf = document["rules"][0]["leaves"][1]
    assert leaf == {
        "text": "every item in items satisfies item.available >= item.quantity",
        "result": False,
        "values": {"items": 2, "item.sku": "BA-1", "item.available": 1, "item.quantity": 3},
        "sentence": "for every line, line available is at least line quantity",
        "line": 2,
    }
    assert [rule["id"] for rule in document["rules"]] == [
        "paid-and-in-stock",
        "suspicious-address",
        "duplicate-order",
    ]


def test_the_most_severe_outcome_wins_and_all_its_reasons_are_kept(decide: Any) -> None:
    facts = clean(
        history={"similar_orders": 1}, recipient={"address_check": "fake", "phone_valid": True}
    )
    decision = decide(REVIEW, facts)
    assert names(decision) == ["hold", "hold", "tag"]
    assert reasons(decision) == ["suspicious_address", "possible_duplicate"]
    overridden = [(o.outcome.action, o.by, o.reason) for o in decision.overridden]
    assert overridden == [("approve", "suspicious-address", "severity")]
    assert results(decision)["paid-and-in-stock"] == "fired"


def test_order_of_rules_does_not_matter_under_priority(decide: Any) -> None:
    head, _, rules = REVIEW.partition("rules:\n")
    parts = rules.split("  - id: ")[1:]
    reversed_set = head + "rules:\n" + "".join("  - id: " + part for part in reversed(parts))
    facts = clean(history={"similar_orders": 3})
    assert sorted(names(decide(reversed_set, facts))) == sorted(names(decide(REVIEW, facts)))


def test_no_outcome_means_otherwise(decide: Any) -> None:
    decision = decide(REVIEW, clean(payment={"status": "unpaid"}))
    assert reasons(decision) == ["no_rule_decided"]
    assert decision.actions[0].rule == "otherwise"


def test_unknown_stock_is_held_and_says_what_is_missing(decide: Any) -> None:
    decision = decide(REVIEW, clean(items=[{"quantity": 2}]))
    assert (names(decision), reasons(decision)) == (["hold"], ["missing_facts"])
    assert decision.actions[0].rule == "paid-and-in-stock"
    assert decision.actions[0].args["queue"] == "manual_review"
    assert decision.missing == ("item.available",)


def test_an_unknown_that_could_only_be_milder_does_not_hold_again(decide: Any) -> None:
    decision = decide(REVIEW, clean(items=[{"quantity": 2}], history={"similar_orders": 1}))
    assert reasons(decision) == ["possible_duplicate"]
    assert decision.missing == ("item.available",)


def test_an_unknown_that_could_be_more_severe_overrides_the_approval(decide: Any) -> None:
    decision = decide(REVIEW, clean(recipient={"phone_valid": True}))
    assert (names(decision), reasons(decision)) == (["hold"], ["missing_facts"])
    assert [(o.outcome.action, o.by, o.reason) for o in decision.overridden] == [
        ("approve", "suspicious-address", "missing_facts")
    ]
    assert decision.missing == ("recipient.address_check",)


def test_a_leaf_that_is_true_makes_its_unknown_neighbour_in_any_irrelevant(decide: Any) -> None:
    decision = decide(REVIEW, clean(recipient={"phone_valid": False}))
    assert reasons(decision) == ["suspicious_address"]
    assert decision.missing == ()


def test_skip_lets_unknown_rules_lie(decide: Any) -> None:
    text = REVIEW.replace("on_missing: hold", "on_missing: skip")
    decision = decide(text, clean(recipient={"phone_valid": True}))
    assert names(decision) == ["approve"]
    assert decision.missing == ("recipient.address_check",)


def test_fail_refuses_and_names_rule_and_fact(decide: Any) -> None:
    text = REVIEW.replace("on_missing: hold", "on_missing: fail")
    assert names(decide(text, clean())) == ["approve"]
    with pytest.raises(InputError, match=r"review/suspicious-address.*recipient\.address_check"):
        decide(text, clean(recipient={"phone_valid": True}))


@pytest.mark.parametrize(
    ("now", "result"),
    [
        ("2026-10-31T23:59:59+08:00", "inactive"),
        ("2026-11-01T00:00:00+08:00", "fired"),
        ("2026-11-12T23:59:59+08:00", "fired"),
        ("2026-11-13T00:00:00+08:00", "inactive"),
    ],
)
def test_active_days_are_inclusive_in_the_shops_zone(now: str, result: str, decide: Any) -> None:
    from datetime import datetime

    decision = decide(REVIEW, clean(history={"similar_orders": 1}), datetime.fromisoformat(now))
    assert results(decision)["duplicate-order"] == result


def test_active_days_follow_another_shops_zone(decide: Any) -> None:
    from datetime import datetime

    now = datetime.fromisoformat("2026-11-01T00:00:00+08:00")
    decision = decide(
        REVIEW, clean(history={"similar_orders": 1}), now, timezone="America/New_York"
    )
    assert results(decision)["duplicate-order"] == "inactive"


def test_the_same_facts_set_and_instant_give_the_same_bytes(decide: Any) -> None:
    documents = {
        json.dumps(decide(REVIEW, clean()).as_document(), ensure_ascii=False) for _ in range(5)
    }
    assert len(documents) == 1


def test_why_not_gives_the_first_failing_leaf_with_its_values(decide: Any) -> None:
    decision = decide(REVIEW, clean(items=[{"quantity": 2, "available": 1}]))
    answer = why_not(decision, "paid-and-in-stock")
    assert answer.cause == "leaf"
    assert answer.leaf is not None
    assert (answer.leaf.line, answer.leaf.values["item.available"]) == (1, 1)
    assert why_not(decision, "duplicate-order").cause == "leaf"
    with pytest.raises(KeyError):
        why_not(decision, "no-such-rule")


def test_two_rules_that_say_the_same_act_once(decide: Any) -> None:
    rules = """
severity: [approve]
rules:
  - {id: a, if: [order.quantity > 1], then: [approve, tag: vip]}
  - {id: b, if: [order.quantity > 2], then: [approve, tag: VIP, tag: vip]}
"""
    decision = decide(a_set("priority", rules), {"order": {"quantity": 3}})
    assert names(decision) == ["approve", "tag", "tag"]
    assert [(o.outcome.rule, o.by, o.reason) for o in decision.overridden] == [
        ("b", "a", "same"),
        ("b", "a", "same"),
    ]


# first

FIRST = """
rules:
  - {id: a, if: ["order.quantity > 10"], then: [reject: too_many]}
  - {id: b, if: ['order.channel = "jd"'], then: [hold: jd]}
  - {id: c, if: [], then: [approve]}
"""


def test_under_first_the_first_match_decides_and_later_matches_are_listed(decide: Any) -> None:
    decision = decide(a_set("first", FIRST), {"order": {"quantity": 1, "channel": "jd"}})
    assert reasons(decision) == ["jd"]
    assert results(decision) == {"a": "not", "b": "fired", "c": "not"}
    assert [(o.outcome.rule, o.by, o.reason) for o in decision.overridden] == [("c", "b", "first")]
    answer = why_not(decision, "c")
    assert (answer.cause, answer.by and answer.by.by) == ("overridden", "b")


@pytest.mark.parametrize(("quantity", "expected"), [(10, "approve"), (11, "reject")])
def test_first_at_the_boundary(quantity: int, expected: str, decide: Any) -> None:
    assert names(
        decide(a_set("first", FIRST), {"order": {"quantity": quantity, "channel": "x"}})
    ) == [expected]


def test_under_first_an_unknown_rule_above_the_match_holds(decide: Any) -> None:
    decision = decide(a_set("first", FIRST), {"order": {"channel": "jd"}})
    assert reasons(decision) == ["missing_facts"]
    assert results(decision) == {"a": "unknown", "b": "not", "c": "not"}
    assert [(o.outcome.rule, o.by, o.reason) for o in decision.overridden] == [
        ("b", "a", "missing_facts"),
        ("c", "a", "missing_facts"),
    ]


def test_under_first_an_unknown_rule_below_the_match_does_not_matter(decide: Any) -> None:
    decision = decide(a_set("first", FIRST), {"order": {"quantity": 11}})
    assert (names(decision), decision.missing) == (["reject"], ())


def test_under_first_and_skip_an_unknown_rule_is_passed_over(decide: Any) -> None:
    decision = decide(a_set("first", FIRST, "on_missing: skip"), {"order": {"channel": "jd"}})
    assert (reasons(decision), decision.missing) == (["jd"], ("order.quantity",))


def test_a_gate_without_hold_uses_otherwise_with_the_reason_put_in(decide: Any) -> None:
    rules = """
otherwise: [hold_for_stock: {}]
rules:
  - {id: a, if: ["stock.one_warehouse"], then: [allocate: nearest]}
"""
    decision = decide(a_set("first", rules, gate="inventory"), {})
    assert (names(decision), reasons(decision)) == (["hold_for_stock"], ["missing_facts"])
    decision = decide(a_set("first", rules, gate="inventory"), {"stock": {"one_warehouse": False}})
    assert (names(decision), reasons(decision)) == (["hold_for_stock"], ["out_of_stock"])


# unique, any, collect

PAIR = """
rules:
  - {id: a, if: ["order.quantity >= 5"], then: [hold: many]}
  - {id: b, if: ["order.quantity <= 5"], then: [hold: few]}
"""


@pytest.mark.parametrize(("quantity", "expected"), [(4, ["few"]), (5, ["conflict"]), (6, ["many"])])
def test_under_unique_a_second_match_is_a_conflict_and_holds(
    quantity: int, expected: list[str], decide: Any
) -> None:
    decision = decide(a_set("unique", PAIR), {"order": {"quantity": quantity}})
    assert reasons(decision) == expected
    assert {o.reason for o in decision.overridden} == ({"conflict"} if quantity == 5 else set())


def test_under_any_several_may_match_if_they_say_the_same(decide: Any) -> None:
    assert reasons(decide(a_set("any", PAIR), {"order": {"quantity": 5}})) == ["conflict"]
    same = PAIR.replace("hold: few", "hold: many")
    assert reasons(decide(a_set("any", same), {"order": {"quantity": 5}})) == ["many"]


def test_under_unique_without_a_match_an_unknown_holds(decide: Any) -> None:
    assert reasons(decide(a_set("unique", PAIR), {})) == ["missing_facts"]


COLLECT = """
rules:
  - id: late
    if: ["since(parcel.waybill_at) > 24h"]
    then: [raise: {kind: late_pickup, severity: critical}]
  - {id: lost, if: ["since(parcel.last_scan_at) > 48h"], then: [raise: stalled]}
  - {id: again, if: ["since(parcel.last_scan_at) > 72h"], then: [raise: stalled]}
"""


def test_under_collect_all_matches_act_in_rule_order_and_unknown_adds_nothing(decide: Any) -> None:
    facts = {"parcel": {"waybill_at": "2026-11-01T00:00:00Z"}}
    decision = decide(a_set("collect", COLLECT, gate="alert"), facts)
    assert [o.args for o in decision.actions] == [
        {"kind": "late_pickup", "severity": "critical", "desk": "operations"}
    ]
    assert decision.missing == ("parcel.last_scan_at",)
    facts["parcel"]["last_scan_at"] = "2026-11-01T00:00:00Z"
    decision = decide(a_set("collect", COLLECT, gate="alert"), facts)
    assert [o.main for o in decision.actions] == ["late_pickup", "stalled"]


def test_two_writes_to_one_thing_under_collect_are_a_conflict(decide: Any) -> None:
    rules = """
rules:
  - {id: a, if: [parcel.fragile], then: [use_packaging: reinforced]}
  - {id: b, if: ["parcel.weight_g > 10"], then: [use_packaging: bag]}
"""
    text = a_set("collect", rules, gate="routing")
    decision = decide(text, {"parcel": {"fragile": True, "weight_g": 11}})
    assert reasons(decision) == ["conflict"]
    assert [(o.outcome.rule, o.by) for o in decision.overridden] == [("a", "b"), ("b", "a")]
    assert names(decide(text, {"parcel": {"fragile": True, "weight_g": 10}})) == ["use_packaging"]


def test_an_argument_may_be_an_expression_and_its_unknown_is_the_rules(decide: Any) -> None:
    rules = """
parameters: {insured: {type: money, value: 500 CNY}}
rules:
  - {id: a, if: [], then: [insure: parcel.goods_value]}
  - {id: b, if: ["parcel.goods_value > insured"], then: [add_label_note: "= order.delivery_wish"]}
"""
    text = a_set("collect", rules, gate="routing")
    facts = {"parcel": {"goods_value": "600.00 CNY"}, "order": {"delivery_wish": "工作日"}}
    document = decide(text, facts).as_document()
    assert [action["args"] for action in document["actions"]] == [
        {"amount": "600.00 CNY"},
        {"text": "工作日"},
    ]
    decision = decide(text, {})
    assert (decision.actions, results(decision)["a"]) == ((), "unknown")
    assert decision.missing == ("parcel.goods_value",)


# strata

TAGS = """
severity: [hold, approve]
rules:
  - {id: reader, if: ['"vip" in order.tags'], then: [hold: vip]}
  - {id: writer, if: ["order.total > 100 CNY"], then: [tag: VIP]}
  - {id: base, if: [], then: [approve]}
"""


def test_a_rule_sees_tags_written_earlier_in_the_same_evaluation(decide: Any) -> None:
    text = a_set("priority", TAGS)
    assert reasons(decide(text, {"order": {"total": 101, "tags": []}})) == ["vip"]
    assert names(decide(text, {"order": {"total": 100, "tags": []}})) == ["approve"]
    assert reasons(decide(text, {"order": {"total": 100, "tags": ["vip"]}})) == ["vip"]


def test_a_tag_that_might_have_been_written_is_unknown_not_absent(decide: Any) -> None:
    decision = decide(a_set("priority", TAGS), {"order": {"tags": []}})
    assert reasons(decision) == ["missing_facts"]
    assert results(decision)["reader"] == "unknown"


# stages

ROUTING = """
tidegate: ruleset/1
id: routing
gate: routing
title: {zh: 选快递, en: Routing}
policy: stages
parameters:
  high_value: {type: money, value: 2000 CNY}
lists:
  remote: [新疆, 西藏]
stages:
  - id: exclude
    policy: collect
    rules:
      - {id: restricted, if: [parcel.hazardous], then: [exclude: ["SF.*", INTRACITY.instant]]}
  - id: choose
    policy: first
    otherwise: [choose: cheapest]
    tables:
      - id: carrier
        policy: first
        inputs:  [parcel.goods_value, parcel.same_city, recipient.province]
        outputs: [use_service]
        rows:
          - {id: high-value, when: [">= high_value", -, -],  then: [SF.standard]}
          - {id: same-city,  when: [-, true, -],             then: [INTRACITY.instant]}
          - {id: remote, when: [-, -, remote], then: [CHINAPOST.parcel], note: 邮政可达}
  - id: package
    policy: collect
    rules:
      - {id: fragile, if: [parcel.fragile], then: [use_packaging: reinforced]}
      - {id: note, if: ['decided.use_service is missing'], then: [add_label_note: 待选]}
      - {id: said, if: ['"SF.*" in decided.exclude'], then: [add_label_note: 限运]}
      - {id: sf, if: ['"sf.standard" in decided.use_service'], then: [add_label_note: 顺丰]}
"""


def parcel(**changes: Any) -> dict[str, Any]:
    known = {
        "goods_value": 100,
        "same_city": False,
        "hazardous": False,
        "fragile": False,
        **changes,
    }
    return {"parcel": known, "recipient": {"province": known.pop("province", "浙江")}}


@pytest.mark.parametrize(
    ("changes", "service"),
    [
        ({"goods_value": "1999.99"}, None),
        ({"goods_value": 2000}, "SF.standard"),
        ({"same_city": True}, "INTRACITY.instant"),
        ({"province": "新疆"}, "CHINAPOST.parcel"),
        ({"goods_value": 2000, "hazardous": True, "province": "西藏"}, "CHINAPOST.parcel"),
        ({"goods_value": 2000, "hazardous": True}, None),
    ],
)
def test_stages_choose_around_what_was_excluded(
    changes: dict[str, Any], service: str | None, decide: Any
) -> None:
    decision = decide(ROUTING, parcel(**changes))
    chosen = [outcome.main for outcome in decision.actions if outcome.writes == "routing.service"]
    assert chosen == [service or "cheapest"]


def test_an_excluded_choice_is_listed_with_who_excluded_it(decide: Any) -> None:
    decision = decide(ROUTING, parcel(goods_value=2000, hazardous=True, fragile=True))
    lost = [(o.outcome.rule, o.outcome.main, o.by, o.reason) for o in decision.overridden]
    assert lost == [("carrier.high-value", "SF.standard", "restricted", "excluded")]
    assert [(o.action, o.main) for o in decision.actions] == [
        ("exclude", "SF.*"),
        ("exclude", "INTRACITY.instant"),
        ("choose", "cheapest"),
        ("use_packaging", "reinforced"),
        ("add_label_note", "待选"),
        ("add_label_note", "限运"),
    ]
    assert why_not(decision, "carrier.high-value").cause == "overridden"


def test_later_stages_see_what_earlier_ones_decided(decide: Any) -> None:
    decision = decide(ROUTING, parcel(goods_value=2000))
    assert [o.main for o in decision.actions] == ["SF.standard", "顺丰"]
    assert results(decision)["note"] == "not"


def test_a_later_stage_sees_tags_of_an_earlier_one(decide: Any) -> None:
    text = """
tidegate: ruleset/1
id: t
gate: review
policy: stages
stages:
  - id: mark
    policy: collect
    rules: [{id: big, if: ["order.quantity > 10"], then: [tag: 大单]}]
  - id: judge
    policy: first
    otherwise: [approve]
    rules: [{id: hold-big, if: ['"大单" in order.tags'], then: [hold: big]}]
"""
    assert names(decide(text, {"order": {"quantity": 11, "tags": []}})) == ["tag", "hold"]
    assert names(decide(text, {"order": {"quantity": 10, "tags": []}})) == ["approve"]
    assert reasons(decide(text, {"order": {"tags": []}})) == ["missing_facts"]


def test_a_table_row_shows_one_leaf_for_each_cell_that_asks(decide: Any) -> None:
    decision = decide(ROUTING, parcel(province="新疆"))
    trace = decision.trace("carrier.remote")
    assert trace.result == "fired"
    assert [leaf.leaf.text for leaf in trace.leaves] == ["recipient.province in remote"]
    assert trace.rule.title["zh"] == "邮政可达"


def test_an_unknown_row_holds_its_stage_and_the_next_stage_still_runs(decide: Any) -> None:
    facts = parcel(fragile=True)
    del facts["parcel"]["goods_value"]
    decision = decide(ROUTING, facts)
    assert names(decision) == ["hold", "use_packaging", "add_label_note"]
    assert reasons(decision) == ["missing_facts"]
    assert decision.missing == ("parcel.goods_value",)


# tables


def test_a_table_with_two_outputs_and_a_dash_writes_only_what_it_says(decide: Any) -> None:
    rules = """
tables:
  - id: t
    inputs: ["order.quantity * 2", order.channel]
    outputs: [hold, tag]
    rows:
      - {id: one, when: ["[2..4)", 'not("jd", "amazon")'], then: [{reason: few, queue: finance}, -]}
      - {id: two, when: [">= 4", '"jd","tmall"'], then: [many, big]}
"""
    text = a_set("collect", rules)
    one = decide(text, {"order": {"quantity": 1, "channel": "x"}})
    assert [(o.action, o.args) for o in one.actions] == [
        ("hold", {"reason": "few", "queue": "finance"})
    ]
    two = decide(text, {"order": {"quantity": 2, "channel": "TMALL"}})
    assert names(two) == ["hold", "tag"]
    assert names(decide(text, {"order": {"quantity": 1, "channel": "jd"}})) == []


def test_a_table_with_its_own_first_policy_gives_one_row_to_the_set(decide: Any) -> None:
    rules = """
severity: [reject, hold, approve]
tables:
  - id: t
    policy: first
    inputs: [order.quantity]
    outputs: [hold]
    rows:
      - {id: big, when: ["> 10"], then: [big]}
      - {id: some, when: ["> 5"], then: [some]}
rules:
  - {id: ok, if: [], then: [approve]}
"""
    text = a_set("priority", rules)
    assert reasons(decide(text, {"order": {"quantity": 11}})) == ["big"]
    assert reasons(decide(text, {"order": {"quantity": 6}})) == ["some"]
    assert names(decide(text, {"order": {"quantity": 5}})) == ["approve"]
    assert reasons(decide(text, {"order": {}})) == ["missing_facts"]


# facts


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"payment": {"status": ["paid"]}}, "payment.status"),
        ({"recipient": {"phone_valid": "yes"}}, "recipient.phone_valid"),
        ({"items": [{"quantity": "two"}]}, "item.quantity 1"),
        ({"items": {"quantity": 2}}, "items"),
        ({"payment": "paid"}, "payment"),
        ({"history": {"similar_orders": {"day": 1}}}, "history.similar_orders"),
    ],
)
def test_a_fact_of_the_wrong_kind_is_refused_by_name_without_its_value(
    facts: dict[str, Any], name: str, decide: Any
) -> None:
    with pytest.raises(InputError) as caught:
        decide(REVIEW, clean(**facts))
    assert caught.value.fields == {"fact": name}
    assert "yes" not in caught.value.text("en")


def test_custom_fields_are_read_like_facts(decide: Any) -> None:
    rules = """
fields: {custom.age: {type: number, unit: years, title: {zh: 年龄, en: Age}}}
rules:
  - {id: a, if: ["custom.age >= 18", "自定义.年龄 < 70"], then: [approve]}
"""
    text = a_set("first", rules)
    assert names(decide(text, {"custom": {"age": 18}})) == ["approve"]
    assert names(decide(text, {"custom": {"age": 17}})) == []


def test_now_must_be_aware(decide: Any) -> None:
    from datetime import datetime

    with pytest.raises(InputError, match="offset"):
        decide(REVIEW, clean(), datetime(2026, 11, 11, 12))  # noqa: DTZ001  that is the point


def test_groups_all_any_none_nest(decide: Any) -> None:
    rules = """
rules:
  - id: a
    if:
      - any:
          - all: ["order.quantity > 1", "order.line_count > 1"]
          - none: ["order.quantity > 1", 'order.channel = "jd"']
    then: [approve]
"""
    text = a_set("first", rules, "on_missing: skip")
    yes = [(2, 2, "x"), (1, 1, "x"), (2, 2, "jd")]
    no = [(2, 1, "x"), (1, 2, "jd")]
    for expected, rows in ((["approve"], yes), ([], no)):
        for quantity, lines, channel in rows:
            order = {"quantity": quantity, "line_count": lines, "channel": channel}
            assert names(decide(text, {"order": order})) == expected, order
