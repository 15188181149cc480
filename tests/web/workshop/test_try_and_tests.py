"""Trying orders, cases and facts by hand on a draft, and the page of its tests. Nothing but a saved test is written."""

from __future__ import annotations

import hashlib
import json
import re
import time
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from tidegate.services.workshop import drafts, testing, try_ways, trying
from tidegate.store.schema import Base
from tidegate.store.tables import Order
from tidegate_web import access

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
    assert html.count("tg-try-rule") >= 3
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
    for order in desk.all(Order)[:6]:
        subject = trying.order_subject(context, "review", order.id)
        for want in ("approve", "hold"):
            found = try_ways.ways(context, "review", subject, want)
            for way in found.ways:
                form = {"base": subject.base, **dict(way.boxes)}
                if not way.boxes:
                    form |= {"way": str(way.number), "way_want": want}
                changed = trying.hand(context, "review", form)
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
    done = someone.post(page, page, version="0", act="text", case=name, text=text)
    assert done.status_code == 303
    html = someone.get(page).get_data(as_text=True)
    assert "没通过" in html
    assert "应当做：占用库存；实际：" in unescape(html)
    found = drafts.draft_of(desk.context, "inventory")
    assert found is not None
    version = found.version
    wrong = someone.post(page, page, version=str(version), act="text", case=name, text="name: [")
    assert wrong.status_code == 422
    gone = someone.post(page, page, version=str(version), act="remove", case=name)
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
        page, page, version=str(draft.version), act="add", names=[one.key for one in found]
    )
    assert done.status_code == 303
    after = testing.tests_page(context, "inventory")
    assert after.passed == len(after.cases) == len(found)
    assert after.share > 60


def survivors(context: Any) -> list[testing.Survivor]:
    found = testing.hunt(context, "pilot", 20)
    assert isinstance(found, testing.Mutants)
    return list(found.survivors)


def test_a_weak_test_leaves_mutants_that_a_boundary_pair_catches(desk: Any) -> None:
    context = desk.context
    draft = drafts.create(context, "pilot", "review", {"zh": "试", "en": "P"}, "collect", "li")
    rule = {**DEAR, "if": ["order.total > 100 CNY"]}
    draft = drafts.save_rule(context, "pilot", draft.version, "dear", rule, "li", new=True)
    weak = [
        {"name": "far", "given": {"order": {"total": "900 CNY"}}, "expect": {"actions": ["hold"]}}
    ]
    draft = drafts.save_cases(context, "pilot", draft.version, weak, "li")
    alive = survivors(context)
    assert any("100" in one.title["en"] for one in alive)
    strong = [
        {"name": "over", "given": {"order": {"total": "100.01 CNY"}}, "expect": {"args": {"hold": {"reason": "high_value"}}}},
        {"name": "at", "given": {"order": {"total": "100 CNY"}}, "expect": {"actions": []}},
    ]  # fmt: skip
    drafts.save_cases(context, "pilot", draft.version, strong, "li")
    left = survivors(context)
    assert len(left) < len(alive)


def test_who_may_only_try_can_search_for_mutants_but_save_no_test() -> None:
    assert access.needed("POST", "rule_try.run", "") == "rules.try"
    assert access.needed("POST", "rule_try.run", "save") == "rules.edit"
    assert access.needed("POST", "rule_tests.act", "search") == "rules.try"
    assert access.needed("POST", "rule_tests.act", "form") == "rules.edit"


def test_nothing_personal_of_an_order_is_in_the_page_even_where_facts_are_carried_on(
    desk: Any,
) -> None:
    held = [o for o in desk.all(Order) if o.seller_memo and o.recipient_phone and o.address]
    assert held
    someone = desk.client()
    for order in held[:3]:
        for address in (
            f"/rules/review/try?subject={order.id}&want=hold",
            f"/rules/review/try?subject={order.id}&want=approve",
            f"/rules/review/try?tab=hand&base=order:{order.id}",
        ):
            html = unescape(someone.get(address).get_data(as_text=True))
            for personal in (order.recipient_phone, order.address, order.recipient_name):
                assert personal not in html
            memo = order.seller_memo
            assert len(memo) < 3 or f'value="{memo}"' not in html


def test_a_way_is_tried_without_javascript_and_may_be_saved(desk: Any) -> None:
    someone = desk.client()
    order = next(o for o in desk.all(Order) if o.state not in ("received", "on_hold", "rejected"))
    subject = trying.order_subject(desk.context, "review", order.id)
    way = try_ways.ways(desk.context, "review", subject, "hold").ways[0]
    page = f"/rules/review/try?subject={order.id}&want=hold"
    form = {"tab": "hand", "base": subject.base, **dict(way.boxes)}
    if not way.boxes:
        form |= {"way": str(way.number), "way_want": "hold"}
    shown = someone.post("/rules/review/try", page, **form).get_data(as_text=True)
    assert "tg-v-warn" in shown
    saved = someone.post("/rules/review/try", page, act="save", version="0", name="改过的", **form)
    assert saved.status_code == 303
    case = drafts.working_set(desk.context, "review").cases[-1]
    assert case.name == "改过的"
    opened = someone.get(saved.headers["Location"]).get_data(as_text=True)
    assert 'id="edit"' in opened


def test_a_test_form_keeps_what_was_typed_beside_its_error_and_saves_when_right(desk: Any) -> None:
    someone = desk.client("en")
    page = "/rules/inventory/tests?new=1"
    fields = {"act": "form", "version": "0", "case": "", "name": "mine", "at": "2026-11-11T12:00"}
    wrong = someone.post(page, page, **fields, **{"f.stock.short_units": "many"})
    html = unescape(wrong.get_data(as_text=True))
    assert wrong.status_code == 422
    assert 'value="many"' in html
    assert "is not a number" in html
    unnamed = someone.post(page, page, **{**fields, "name": ""})
    assert unnamed.status_code == 422
    done = someone.post(page, page, **fields, result="1", **{"f.stock.short_units": "2"})
    assert done.status_code == 303
    html = someone.get("/rules/inventory/tests?edit=mine").get_data(as_text=True)
    assert 'value="2"' in html
    text = someone.get("/rules/inventory/tests.yaml")
    assert text.mimetype == "text/yaml"
    assert "mine" in text.get_data(as_text=True)


def test_mutants_are_searched_beside_the_page_and_their_tests_added(desk: Any) -> None:
    someone = desk.client()
    page = "/rules/inventory/tests?more=mutants"
    html = someone.get(page).get_data(as_text=True)
    for _ in range(60):
        if "<progress" not in html:
            break
        time.sleep(0.5)
        html = someone.get(page, HX_Request="true", HX_Target="rule_tests-mutants").get_data(
            as_text=True
        )
        assert "<html" not in html
    assert "tg-mutants" in html or "每种改动都有测试会发现" in html
    stopped = someone.post("/rules/inventory/tests", page, act="stop")
    assert stopped.status_code == 200
    stale = someone.post("/rules/inventory/tests", page, act="notice", version="0", number="999")
    assert stale.status_code == 422
