"""Ideas for rules on their page: shown with their orders, taken into a draft, put aside; hits in the rule list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pictures import picture
from sqlalchemy import select

from tidegate.services import review
from tidegate.services.chain import advance_many
from tidegate.services.workshop import drafts, feedback, ideas
from tidegate.store.tables import Order, OrderLine
from tidegate.store.workshop_tables import RuleDraft

ROOT = Path(__file__).parents[3]


def with_habits(desk: Any) -> None:
    """Twelve orders with a red flag and a risky word in their memo are held and released; nine with
    a blue one are rejected.
    """
    context = desk.context
    with context.store.begin(context.tenant_id) as work:
        model = work.session.scalars(select(Order).where(Order.state == "handed_over")).first()
        assert model is not None
        ids = []
        for n in range(21):
            values = {c.name: getattr(model, c.name) for c in Order.__table__.columns}
            del values["id"]
            values |= {
                "number": f"HABIT-{n:02d}", "state": "received", "state_since": desk.clock(),
                "buyer_memo": "请改地址", "seller_flag": "red" if n < 12 else "blue", "version": 1,
                "phone_key": f"habit-{n}", "address_key": f"habit-{n}", "imported_at": desk.clock(),
                "manual_review": "none", "source_status": "to_ship", "ordered_at": desk.clock(),
                "paid_at": desk.clock(), "source_hash": f"habit-{n}",
            }  # fmt: skip
            made = Order(**values)
            work.add(made)
            work.session.flush()
            ids.append(made.id)
            work.add(
                OrderLine(order_id=made.id, position=1, sku="KETTLE", title="手冲壶", quantity=1)
            )
        work.commit()
    advance_many(context, ids, "received")
    desk.clock.now += timedelta(minutes=30)
    for n, order_id in enumerate(ids):
        if n < 12:
            review.release(context, order_id, "local", "verified")
        else:
            review.reject(context, order_id, "local", "buyer_cancelled")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_answers_without_habits_too(shop: Any, language: str) -> None:
    html = shop.client(language).get("/rules/ideas").get_data(as_text=True)
    assert "tg-empty" in html
    ids = Counter(re.findall(r'\sid="([^"]+)"', html))
    assert [name for name, times in ids.items() if times > 1] == []


def test_an_idea_is_shown_with_its_orders_and_goes_into_a_draft_only(desk: Any) -> None:
    with_habits(desk)
    found = ideas.find(desk.context)
    assert {one.act for one in found} >= {"release", "reject"}
    idea = next(one for one in found if one.act == "release")
    someone = desk.client("en")
    html = someone.get("/rules/ideas").get_data(as_text=True)
    assert f'id="idea-{idea.key}"' in html
    assert "12 orders held by" in html
    for order_id, number in idea.samples:
        assert f'href="/orders/{order_id}">{number}</a>' in html
    ids = Counter(re.findall(r'\sid="([^"]+)"', html))
    assert [name for name, times in ids.items() if times > 1] == []
    assert desk.all(RuleDraft) == []
    done = someone.post(f"/rules/ideas/{idea.key}/rule", "/rules/ideas")
    assert done.status_code == 303
    assert done.headers["Location"] == f"/rules/{idea.set_id}/rules/{idea.rule_id}"
    draft = drafts.draft_of(desk.context, idea.set_id)
    assert draft is not None
    assert draft.state == "editing"
    assert someone.get(done.headers["Location"]).status_code == 200
    assert idea.key not in someone.get("/rules/ideas").get_data(as_text=True)
    assert someone.post(f"/rules/ideas/{idea.key}/rule", "/rules/ideas").status_code == 404


def test_putting_aside_asks_why_and_can_be_undone(desk: Any) -> None:
    with_habits(desk)
    idea = next(one for one in ideas.find(desk.context) if one.act == "release")
    someone = desk.client()
    answer = someone.post(f"/rules/ideas/{idea.key}/dismiss", "/rules/ideas", reason=" ")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.get_data(as_text=True)
    answer = someone.post(f"/rules/ideas/{idea.key}/dismiss", "/rules/ideas", reason="只是双十一")
    assert answer.status_code == 303
    html = someone.get("/rules/ideas").get_data(as_text=True)
    assert f'id="idea-{idea.key}"' not in html
    assert "只是双十一" in html
    assert someone.post(f"/rules/ideas/{idea.key}/back", "/rules/ideas").status_code == 303
    assert f'id="idea-{idea.key}"' in someone.get("/rules/ideas").get_data(as_text=True)


def test_the_rule_list_tells_hits_and_rules_that_never_fired(shop: Any) -> None:
    html = shop.client("en").get("/rules/inventory").get_data(as_text=True)
    found = feedback.hits(shop.context, "inventory")
    fired = [name for name, hits in found.items() if hits.total]
    assert fired
    for name in fired:
        assert f"fired {found[name].total} time" in html
    assert html.count("never fired") == sum(hits.last_at is None for hits in found.values())


def test_the_hold_queue_and_the_home_of_rules_lead_to_the_ideas(shop: Any) -> None:
    for address in ("/review", "/rules"):
        assert 'href="/rules/ideas"' in shop.client().get(address).get_data(as_text=True)


@pytest.mark.browser
def test_ideas_templates_and_hits_in_a_browser(
    desk: Any, open_page: Callable[..., Any], axe: Any
) -> None:
    with_habits(desk)
    addresses = {
        "ideas": "/rules/ideas",
        "templates": "/rules/templates",
        "template": "/rules/templates/hold-large",
        "set": "/rules/review",
    }
    looked = 0
    for language, width in (("zh", 1280), ("en", 1280), ("zh", 390), ("en", 390)):
        page = open_page(desk, language, width)
        for name, address in addresses.items():
            page.goto(page.address + address)
            assert axe(page) == [], (name, language, width)
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, (name, language, width, over)
            picture(page, f"{name}-{language}-{width}")
            looked += 1
        assert page.complaints == []
    assert looked == 16
