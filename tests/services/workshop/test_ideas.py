"""Habits at the desk become rules in a draft: counted exactly, published by nobody."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from tidegate.engine.cases import run_cases
from tidegate.errors import InputError, NotFound
from tidegate.services import chain, review, routing
from tidegate.services.workshop import drafts, ideas
from tidegate.store.tables import Decision, Event, Order, OrderLine, RulesetContent
from tidegate.store.workshop_tables import RuleAudit, RuleDraft


@pytest.fixture
def holding(
    open_world: Callable[..., Any], chosen_url: str, stubborn_rules: Callable[..., Any]
) -> Any:
    """A shop whose only review rule holds everything for its memo."""
    folder = stubborn_rules("hold: {reason: risky_memo, queue: manual_review}")
    return open_world(chosen_url, folder)


def held(world: Any, many: int, **fields: Any) -> list[int]:
    orders = [world.order(**fields) for _ in range(many)]
    chain.advance_many(world.context, orders, "received")
    assert {world.state(one) for one in orders} == {"on_hold"}
    world.wait(minutes=1)
    return orders


def decide(world: Any, orders: list[int], act: Any, reason: str = "verified") -> None:
    for one in orders:
        act(world.context, one, "li", reason)


def test_releases_with_the_same_facts_become_an_exception_of_the_rule_that_held(
    holding: Any,
) -> None:
    first = holding.now
    decide(holding, held(holding, 12, channel="jd"), review.release)
    jd = held(holding, 1, channel="jd")
    decide(holding, [*jd, *held(holding, 6)], review.reject, "fraud")
    held(holding, 3, channel="jd")  # nobody decided yet: says nothing
    (idea,) = ideas.find(holding.context)
    assert (idea.act, idea.target, idea.way) == ("release", "only", "except")
    assert [one.text for one in idea.conditions] == ['order.channel = "jd"']
    assert (idea.support, idea.exceptions) == (12, 1)
    assert [order for order, _ in idea.against] == jd
    assert idea.first_at.date() == first.date()
    assert idea.reasons == [("verified", 12)]
    assert holding.count(RuleDraft) == 0

    assert ideas.make_rule(holding.context, idea.key, "wang") == ("own-review", "only")
    draft = drafts.draft_of(holding.context, "own-review")
    assert draft is not None
    (rule,) = draft.ruleset.rules
    assert "人工放行 12 单，例外 1 单" in rule.why["zh"]
    assert rule.why["en"].endswith("released by hand: 12, exceptions: 1")
    assert "none" in draft.text
    assert ideas.find(holding.context) == []
    new = holding.order(channel="jd")  # the draft decides nothing
    chain.advance_many(holding.context, [new], "received")
    assert holding.state(new) == "on_hold"


def test_a_rule_that_everybody_overrules_is_proposed_to_be_switched_off(holding: Any) -> None:
    decide(holding, held(holding, 10), review.release)
    decide(holding, held(holding, 8, channel="jd"), review.release)
    (idea,) = ideas.find(holding.context)
    assert (idea.way, list(idea.conditions), idea.support) == ("off", [], 18)
    ideas.make_rule(holding.context, idea.key, "wang")
    draft = drafts.draft_of(holding.context, "own-review")
    assert draft is not None
    assert [rule.enabled for rule in draft.ruleset.written] == [False]


def test_rejections_for_one_reason_become_a_rule_with_a_test(holding: Any) -> None:
    decide(holding, held(holding, 9, total_minor=800_000), review.reject, "fraud: said so")
    decide(holding, held(holding, 9), review.release)
    found = [one for one in ideas.find(holding.context) if one.act == "reject"]
    (idea,) = found
    assert [one.text for one in idea.conditions] == ["order.total >= 5000 CNY"]  # nearest below
    assert (idea.target, idea.way, idea.support, idea.exceptions) == ("fraud", "new", 9, 0)
    set_id, rule_id = ideas.make_rule(holding.context, idea.key, "wang")
    draft = drafts.draft_of(holding.context, set_id)
    assert draft is not None
    assert draft.ruleset.rules[0].id == rule_id
    (result,) = run_cases(draft.ruleset, draft.ruleset.cases[-1:], "Asia/Shanghai")
    assert result.passed
    assert rule_id in draft.ruleset.cases[-1].expect["fired"]


def test_changes_of_courier_become_a_rule_where_couriers_are_chosen(world: Any) -> None:
    world.stock("KETTLE", 90)
    to_gd = [world.order(province="广东省", city="深圳市") for _ in range(9)]
    rest = [world.order() for _ in range(9)]
    chain.advance_many(world.context, [*to_gd, *rest], "received")
    world.wait(minutes=1)
    for one in to_gd:
        routing.change_service(world.context, one, "SF.standard", "li", "buyer_confirmed")
    (idea,) = ideas.find(world.context)
    assert [one.text for one in idea.conditions] == ['recipient.province = "广东省"']
    assert (idea.target, idea.support, idea.exceptions) == ("SF.standard", 9, 0)
    set_id, rule_id = ideas.make_rule(world.context, idea.key, "wang")
    draft = drafts.draft_of(world.context, set_id)
    assert draft is not None
    stage = next(stage for stage in draft.ruleset.stages if stage.id == "choose")
    assert stage.rules[0].id == rule_id
    (result,) = run_cases(draft.ruleset, draft.ruleset.cases[-1:], "Asia/Shanghai")
    assert result.passed
    assert rule_id in draft.ruleset.cases[-1].expect["fired"]


def test_a_dismissed_idea_stays_away_with_its_reason_until_it_is_brought_back(holding: Any) -> None:
    decide(holding, held(holding, 9, channel="jd"), review.release)
    decide(holding, held(holding, 9), review.reject, "fraud")
    context = holding.context
    idea = next(one for one in ideas.find(context) if one.act == "release")
    with pytest.raises(InputError):
        ideas.dismiss(context, idea.key, " ", "wang")
    ideas.dismiss(context, idea.key, "双十一期间例外", "wang")
    assert idea.key not in {one.key for one in ideas.find(context)}
    (kept,) = ideas.dismissed(context)
    assert (kept.reason, kept.by) == ("双十一期间例外", "wang")
    assert holding.count(RuleAudit, RuleAudit.act == "idea_dismissed") == 1
    with pytest.raises(NotFound):
        ideas.make_rule(context, idea.key, "wang")
    ideas.bring_back(context, idea.key, "wang")
    assert idea.key in {one.key for one in ideas.find(context)}


def test_few_acts_free_words_and_other_tenants_are_no_habit(holding: Any) -> None:
    decide(holding, held(holding, 7, channel="jd"), review.release)
    decide(holding, held(holding, 9), review.reject, "张三说不要了")
    assert ideas.find(holding.context) == []
    assert ideas.find(replace(holding.context, tenant_id=2)) == []


def test_what_a_person_edited_is_no_condition(holding: Any) -> None:
    orders = held(holding, 9, province="北京市", city="北京市")
    for one in orders:
        version = holding.get(Order, Order.id == one).version
        changes = {"recipient.town": "东街"}
        review.edit_order(holding.context, one, version, changes, "li", "address_fixed")
    chain.advance_many(holding.context, orders, "edited")
    holding.wait(minutes=1)
    decide(holding, orders, review.release)
    decide(holding, held(holding, 9), review.reject, "fraud")
    found = [one for one in ideas.find(holding.context) if one.act == "release"]
    assert all("recipient" not in c.field for one in found for c in one.conditions)


@pytest.mark.long
def test_fifty_thousand_orders_are_mined(world: Any) -> None:
    many_orders(world, 50_000)
    found = ideas.find(world.context)
    assert [(one.act, one.target, [c.text for c in one.conditions]) for one in found] == [
        ("release", "risky-memo", ['order.channel = "jd"'])
    ]
    assert found[0].exceptions == 0


def many_orders(world: Any, count: int) -> None:
    """A tenth is held; of those from jd all are released, of the others three in ten, by chance."""
    told = random.Random(1)
    world.order()
    base = {c.name: getattr(world.all(Order)[0], c.name) for c in Order.__table__.columns}
    rows: dict[Any, list[dict[str, Any]]] = {Order: [], OrderLine: [], Decision: [], Event: []}
    tenant = world.context.tenant_id
    for order_id in range(10, 10 + count):
        held = order_id % 10 == 0
        channel = told.choice(["taobao", "jd", "pdd", "douyin"])
        released = channel == "jd" or told.random() < 0.3
        action = (
            {"action": "hold", "args": {}, "rule": "risky-memo"} if held else {"action": "approve"}
        )
        rows[Order].append(
            base
            | {
                "id": order_id,
                "number": f"P{order_id}",
                "channel": channel,
                "source_hash": f"{order_id}",
            }
            | {
                "province": told.choice(["浙江省", "广东省", "北京市", "江苏省"]),
                "city": told.choice("abcdefgh"),
            }
            | {"total_minor": told.randrange(1_000, 900_000)}
        )
        rows[OrderLine].append(
            {"tenant_id": tenant, "order_id": order_id, "position": 1, "sku": "KETTLE",
             "category": told.choice(["杯", "壶", "盘"]), "quantity": told.randrange(1, 12)}
        )  # fmt: skip
        rows[Decision].append(
            {"tenant_id": tenant, "order_id": order_id, "gate": "review", "ruleset_id": "review",
             "ruleset_hash": "h", "trigger": "received", "verdict": action["action"], "facts": {},
             "decided_at": world.now - timedelta(days=2), "applied": True,
             "result": {"rules": [], "actions": [action]}}
        )  # fmt: skip
        if held:
            rows[Event].append(
                {"tenant_id": tenant, "order_id": order_id, "at": world.now - timedelta(days=1),
                 "kind": "released_by_hand" if released else "rejected_by_hand",
                 "actor_kind": "person", "actor": "li",
                 "data": {"reason": "verified" if released else "fraud"}}
            )  # fmt: skip
    with world.context.store.unscoped() as session:
        session.add(
            RulesetContent(
                hash="h", ruleset_id="review", gate="review", content="", first_seen_at=world.now
            )
        )
        session.commit()
        for table, found in rows.items():
            for start in range(0, len(found), 5_000):
                session.execute(insert(table), found[start : start + 5_000])
        session.commit()
