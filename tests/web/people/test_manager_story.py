"""A manager without JavaScript: from an empty set to a rule that decides the next order, and back, with a second person."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from tidegate.services.chain import advance_many
from tidegate.services.demo import demo_feed, feed_step
from tidegate.services.workshop import drafts
from tidegate.store.tables import Decision, Order

HOLD = """id: bad-phone
title: {zh: 电话无效先停, en: Stop when the phone is invalid}
why: 打不通的电话派不出去
if: [recipient.phone_valid = false]
then: [{hold: {reason: invalid_phone, queue: customer_service}}]
"""
FAR = """id: far-and-fragile
title: {zh: 新疆大额易碎走顺丰, en: Dear and fragile to Xinjiang by SF}
why: 远途易碎破损多
if:
  - order.total > 2000 CNY
  - recipient.province in ["新疆", "新疆维吾尔自治区"]
  - some item in items satisfies item.fragile
then: [{use_service: SF.standard}, {use_packaging: reinforced}]
"""
CASES = [
    """name: a phone that is no phone stops it
given: {recipient: {phone_valid: false}}
expect: {actions: [hold]}
""",
    """name: over 2,000 to Xinjiang with a fragile line
given: {order: {total: 2000.01 CNY}, recipient: {province: 新疆, phone_valid: true}, items: [{fragile: false}, {fragile: true}]}
expect: {actions: [use_service, use_packaging], args: {use_service: {service: SF.standard}}}
""",
    """name: exactly 2,000 goes the usual way
given: {order: {total: 2000 CNY}, recipient: {province: 新疆, phone_valid: true}, items: [{fragile: true}]}
expect: {actions: []}
""",
]


def test_from_an_empty_set_to_a_decision_and_back(site: Any) -> None:
    desk = site.desk
    owner, manager = site.owner(), site.member("manager", login="manager@example.com")
    context, set_id = desk.context, "far-away"

    def version() -> str:
        draft = drafts.draft_of(context, set_id)
        return str(draft.version) if draft else "0"

    # an empty set
    made = manager.post(
        "/rules", "/rules", id=set_id, zh="远途", en="Far away", gate="routing", policy="first"
    )
    assert made.status_code == 303
    page = f"/rules/{set_id}"
    asked = manager.post(
        f"{page}/settings", page, version=version(), zh="远途", en="Far away", four_eyes="on"
    )
    assert asked.status_code == 303

    # two rules, written as text
    for text in (HOLD, FAR):
        new = f"{page}/rules/new"
        saved = manager.post(new, new, version=version(), face="text", text=text, do="save")
        assert saved.status_code == 303, saved.get_data(as_text=True)[-2000:]
    html = manager.get(page).get_data(as_text=True)
    assert html.index("bad-phone") < html.index("far-and-fragile")

    # tried on three real orders; nothing is published yet
    for order in desk.all(Order)[:3]:
        tried = manager.get(f"{page}/try?subject={order.id}")
        assert tried.status_code == 200
        assert "tg-try-verdict" in tried.get_data(as_text=True)

    # tests, a gap found and closed
    for text in CASES:
        done = manager.post(
            f"{page}/tests", f"{page}/tests", version=version(), act="text", case="", text=text
        )
        assert done.status_code == 303
    assert "3 of 3 tests pass" in manager.get(f"{page}/tests").get_data(as_text=True)
    check = f"{page}/check"
    found = manager.get(check).get_data(as_text=True)
    gap = re.search(r'name="key" value="(check\.gap[^"]*)"', found)
    if gap:
        accepted = manager.post(
            f"{check}/accept",
            check,
            key=gap.group(1),
            act="accept",
            reason="the usual routing decides the rest",
        )
        assert accepted.status_code in (200, 303)

    # reviewed by a second person, published at a set time
    review = f"{page}/review"
    early = manager.post(review, review, version=version(), act="publish")
    assert early.status_code == 409
    assert "four eyes" in early.get_data(as_text=True)
    assert (
        manager.post(review, review, version=version(), act="ask", note="please").status_code == 303
    )
    own = manager.post(review, review, version=version(), act="approve")
    assert own.status_code == 422
    assert owner.post(review, review, version=version(), act="approve").status_code == 303
    start = desk.clock.now + timedelta(hours=1)
    local = (start + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M")
    published = manager.post(review, review, version=version(), act="publish", starts_at=local)
    assert published.status_code == 303, published.get_data(as_text=True)[-3000:]
    context.rules.look_now()
    assert set_id not in [one.id for one in context.rules.for_gate("routing")]

    # seen deciding on the next imported orders
    desk.clock.now += timedelta(hours=1, minutes=5)
    context.rules.look_now()
    assert set_id in [one.id for one in context.rules.for_gate("routing")]
    feed = demo_feed(context, 90)
    for _ in range(90):
        if not feed_step(context, feed):
            break
    advance_many(
        context, [row.id for row in desk.all(Order, Order.state == "received")], "received"
    )
    decided = desk.all(Decision, Decision.ruleset_id == set_id)
    assert decided
    assert {row.ruleset_hash for row in decided} == {drafts.info(context, set_id).live.hash}

    # taken back
    history = f"{page}/history"
    back = manager.post(f"{page}/withdraw", history, number="1", reason="wrong carrier")
    assert back.status_code == 303
    assert set_id not in [one.id for one in context.rules.for_gate("routing")]
    html = manager.get(history).get_data(as_text=True)
    assert "wrong carrier" in html
    assert "manager@example.com" in html
