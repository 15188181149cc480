"""Trying orders, cases and facts by hand on a draft, and the page of its tests. Nothing but a saved test is written."""

from __future__ import annotations

import hashlib
import json
import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from tidegate.services.workshop import drafts, testing, trying
from tidegate.store.schema import Base
from tidegate.store.tables import Order

pytestmark = pytest.mark.xdist_group("web")
DEAR = {
    "id": "dear",
    "title": {"zh": "贵", "en": "Dear"},
    "why": "w",
    "if": ["order.total > 1 CNY"],
    "then": [{"hold": {"reason": "high_value"}}],
}


def everything(desk: Any) -> str:
    """A digest of every row of every table."""
    seen = hashlib.sha256()
    with desk.context.store.unscoped(readonly=True) as session:
        count = 0
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                seen.update(repr(tuple(row)).encode())
                count += 1
    assert count > 500
    return seen.hexdigest()


@pytest.mark.parametrize("gate", ["intake", "review", "inventory", "routing", "parcel-alerts"])
def test_every_gate_tries_a_real_order_and_writes_nothing(desk: Any, gate: str) -> None:
    before = everything(desk)
    order = next(o for o in desk.all(Order) if o.state not in ("received", "on_hold", "rejected"))
    someone = desk.client()
    html = someone.get(f"/rules/{gate}/try?subject={order.id}").get_data(as_text=True)
    assert "tg-try-verdict" in html
    assert html.count('class="tg-rule') >= 3
    assert (
        someone.post(
            f"/rules/{gate}/try", f"/rules/{gate}/try", subject=str(order.id), want=""
        ).status_code
        == 200
    )
    assert everything(desk) == before


def test_what_is_tried_says_what_the_chain_said(desk: Any) -> None:
    held = next(o for o in desk.all(Order, Order.state == "on_hold") if o.hold_reason)
    subject = trying.order_subject(desk.context, "review", held.id)
    view = trying.run(desk.context, "review", subject).view
    assert view.verdict == "hold"
    assert view.headline is not None
    assert view.headline.code == held.hold_reason


def test_an_unsaved_rule_is_tried_in_the_panel_and_the_live_answer_stands_beside(desk: Any) -> None:
    fine = next(o for o in desk.all(Order) if o.state not in ("on_hold", "rejected", "received"))
    subject = trying.order_subject(desk.context, "review", fine.id)
    tried = trying.run(desk.context, "review", subject, json.dumps(DEAR))
    assert tried.view.verdict == "hold"
    assert tried.live is not None
    assert tried.live.verdict == "approve"
    broken = trying.run(
        desk.context, "review", subject, json.dumps({**DEAR, "if": ["order.totl > 1"]})
    )
    assert broken.unsaved is not None
    assert broken.view.verdict == "approve"


def test_the_panel_answers_alone_for_the_editor(shop: Any) -> None:
    answer = shop.client().get(
        "/rules/review/try?rule=cod-over-limit", HX_Request="true", HX_Target="rule_try-panel"
    )
    html = answer.get_data(as_text=True).strip()
    assert html.startswith("<section") or 'id="rule_try-panel"' in html[:400]
    assert "<html" not in html


def test_a_wanted_outcome_lists_smallest_changes_that_do_it(desk: Any) -> None:
    context = desk.context
    shown = 0
    for order in desk.all(Order)[:12]:
        subject = trying.order_subject(context, "review", order.id)
        for want in ("approve", "hold"):
            found = trying.ways(context, "review", subject, want)
            for way in found.ways:
                facts = trying.hand_subject(context, "review", {}, way.facts).facts
                changed = trying.Subject("hand", "", facts, subject.at)
                assert trying.run(context, "review", changed).view.verdict == want
                shown += 1
    assert shown > 5
    html = (
        desk.client().get(f"/rules/review/try?subject={order.id}&want=hold").get_data(as_text=True)
    )
    assert "tg-try-ways" in html or "现在就是这个结果" in html


def test_an_order_is_saved_as_a_test_without_anything_personal(desk: Any) -> None:
    order = next(o for o in desk.all(Order, Order.recipient_kind == "plain") if o.address)
    someone = desk.client()
    page = f"/rules/review/try?subject={order.id}"
    unnamed = someone.post(page, page, act="save", subject=str(order.id), version="0", name="")
    assert unnamed.status_code == 422
    done = someone.post(page, page, act="save", subject=str(order.id), version="0", name="真实订单")
    assert done.status_code == 303
    draft = drafts.draft_of(desk.context, "review")
    assert draft is not None
    assert draft.ruleset.cases[-1].name == "真实订单"
    for personal in (order.recipient_phone, order.address):
        assert personal not in draft.text
    html = someone.get("/rules/review/tests").get_data(as_text=True)
    assert re.search(r"(\d+) / \1 个测试通过", html)


def test_facts_by_hand_need_no_order_and_a_wrong_value_is_told(empty_desk: Any) -> None:
    someone = empty_desk.client()
    page = "/rules/review/try?tab=hand"
    good = someone.post(page, page, **{"f.order.total": "5000 CNY", "f.payment.status": "paid"})
    assert good.status_code == 200
    assert "tg-try-verdict" in good.get_data(as_text=True)
    bad = someone.post(page, page, **{"f.order.total": "a lot"})
    assert bad.status_code == 422
    html = bad.get_data(as_text=True)
    assert 'role="alert"' in html


def test_a_red_test_says_what_was_expected_and_can_be_mended(desk: Any) -> None:
    someone = desk.client()
    page = "/rules/inventory/tests"
    name = drafts.working_set(desk.context, "inventory").cases[0].name
    text = f"name: {json.dumps(name, ensure_ascii=False)}\ngiven: {{}}\nexpect: {{actions: [allocate]}}\n"
    done = someone.post(page, page, version="0", act="save", name=name, text=text)
    assert done.status_code == 303
    html = someone.get(page).get_data(as_text=True)
    assert "没通过" in html
    assert "allocate" in unescape(html)
    version = drafts.info(desk.context, "inventory").draft.version
    wrong = someone.post(page, page, version=str(version), act="save", name=name, text="name: [")
    assert wrong.status_code == 422
    gone = someone.post(page, page, version=str(version), act="remove", name=name)
    assert gone.status_code == 303


def test_proposed_tests_pass_when_added(desk: Any) -> None:
    context = desk.context
    draft = drafts.start(context, "inventory", "li")
    draft = drafts.save_cases(context, "inventory", draft.version, [], "li")
    before = testing.tests_page(context, "inventory")
    assert before.share == 0
    found = testing.proposed(context, "inventory")
    assert found
    someone = desk.client()
    page = "/rules/inventory/tests?more=proposed"
    done = someone.post(
        page, page, version=str(draft.version), act="add", names=[one.name for one in found]
    )
    assert done.status_code == 303
    after = testing.tests_page(context, "inventory")
    assert after.passed == len(after.cases) == len(found)
    assert after.share > 60


def test_a_weak_test_leaves_mutants_that_a_boundary_pair_catches(desk: Any) -> None:
    context = desk.context
    draft = drafts.create(context, "pilot", "review", {"zh": "试", "en": "P"}, "collect", "li")
    rule = {**DEAR, "if": ["order.total > 100 CNY"]}
    draft = drafts.save_rule(context, "pilot", draft.version, "dear", rule, "li", new=True)
    weak = [
        {"name": "far", "given": {"order": {"total": "900 CNY"}}, "expect": {"actions": ["hold"]}}
    ]
    draft = drafts.save_cases(context, "pilot", draft.version, weak, "li")
    alive = testing.survivors(context, "pilot").survivors
    assert any("100" in words["en"] for words in alive)
    strong = [
        {"name": "over", "given": {"order": {"total": "100.01 CNY"}}, "expect": {"args": {"hold": {"reason": "high_value"}}}},
        {"name": "at", "given": {"order": {"total": "100 CNY"}}, "expect": {"actions": []}},
    ]  # fmt: skip
    drafts.save_cases(context, "pilot", draft.version, strong, "li")
    left = testing.survivors(context, "pilot").survivors
    assert len(left) < len(alive)
