"""The manager's story, step by step; each step says what it saw. `hand` is one of `hands`, `words` the labels of a language."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tidegate.engine.writing import rule_document
from tidegate.services.workshop import drafts

OWNER, MANAGER = "owner@example.com", "manager@example.com"
SET = "far-away"
HOME = f"/rules/{SET}"
WORDS = {
    "zh": {
        "routing": "选快递", "first": "从上往下", "no": "否", "more": "大于", "xinjiang": "新疆",
        "hold": "转人工", "service": "指定快递", "packaging": "包装", "reinforced": "加固",
        "phone": "电话有效", "total": "订单金额", "province": "省份", "fragile": "易碎",
        "by_sf": "顺丰", "held": "转人工", "title": "新疆大额易碎走顺丰",
        "otherwise": "按策略选快递",
    },
    "en": {
        "routing": "Routing", "first": "From the top", "no": "is “no”", "more": "is more", "xinjiang": "新疆",
        "hold": "Hold", "service": "Use a service", "packaging": "Packaging", "reinforced": "Reinforced",
        "phone": "phone valid", "total": "total", "province": "province", "fragile": "fragile",
        "by_sf": "SF", "held": "Hold", "title": "Dear and fragile to Xinjiang",
        "otherwise": "Choose by",
    },
}  # fmt: skip


def sign_in(hand: Any) -> None:
    hand.write("#account-login", hand.page.login)
    hand.write("#account-password", hand.page.password)
    hand.page.keyboard.press("Enter")
    hand.page.wait_for_url("**/")


def tab(hand: Any, name: str) -> None:
    """One of the pages of the set, by its tab."""
    address = HOME if name == "rules" else f"{HOME}/{name}"
    crumb = f'.tg-ed-crumb a[href="{HOME}"]'
    if hand.page.locator(crumb).count():  # the editor has no tabs, it leads back to the set
        hand.press(crumb)
        hand.page.wait_for_url(f"**{HOME}")
    hand.press(f'.tg-set-tabs a[href="{address}"]')
    hand.page.wait_for_url(f"**{address}")
    hand.page.wait_for_load_state("load")


def empty_set(hand: Any, words: dict[str, str]) -> None:
    """An empty set that four eyes must see."""
    hand.visit("/rules")
    hand.press("#new-set > summary")
    hand.write("#new-id", SET)
    hand.write("#new-zh", "远途")
    hand.write("#new-en", "Far away")
    hand.choose("#new-gate", words["routing"])
    hand.choose("#new-policy", words["first"])
    hand.press("#new-set button[type=submit]")
    hand.page.wait_for_url(f"**{HOME}")
    hand.press("#settings > summary")
    hand.tick("#settings [name=four_eyes]")
    hand.press("#settings form:first-of-type button.tg-pri")
    hand.page.wait_for_load_state("load")


def new_rule(hand: Any, rule_id: str, zh: str, en: str, why: str) -> None:
    tab(hand, "rules")
    hand.press(f'main a[href="{HOME}/rules/new"]')
    hand.page.wait_for_url("**/rules/new")
    for box, text in {"zh": zh, "en": en, "why": why, "id": rule_id}.items():
        hand.write(f"#{box}", text)
    hand.settle()


def saved(hand: Any, rule_id: str) -> None:
    hand.press("#save")
    hand.page.wait_for_url(f"**{HOME}/rules/{rule_id}")
    hand.page.wait_for_load_state("load")


def hold_bad_phones(hand: Any, words: dict[str, str]) -> None:
    new_rule(
        hand, "bad-phone", "电话无效先停", "Stop when the phone is invalid", "打不通的电话派不出去"
    )
    hand.pick("c-0", words["phone"], "recipient.phone_valid")
    hand.choose('[id="c-0.o"]', words["no"])
    hand.choose('[id="a-0.action"]', words["hold"])
    hand.settle()
    hand.write('[id="a-0.arg.reason"]', "invalid_phone")
    saved(hand, "bad-phone")


def far_and_fragile(hand: Any, words: dict[str, str]) -> None:
    new_rule(
        hand,
        "far-and-fragile",
        "新疆大额易碎走顺丰",
        "Dear and fragile to Xinjiang by SF",
        "远途易碎破损多",
    )
    hand.pick("c-0", words["total"], "order.total")
    hand.choose('[id="c-0.o"]', words["more"])
    hand.settle()
    hand.write('[id="c-0.v"]', "2000")
    hand.press("#add-row")
    hand.settle()
    hand.pick("c-1", words["province"], "recipient.province")
    hand.choose('[id="c-1.v"]', words["xinjiang"])
    hand.settle()
    hand.press("#add-row")
    hand.settle()
    hand.pick("c-2", words["fragile"], "item.fragile")
    hand.choose('[id="a-0.action"]', words["service"])
    hand.settle()
    hand.write('[id="a-0.arg.service"]', "SF.standard")
    hand.press("#add-action")
    hand.settle()
    hand.choose('[id="a-1.action"]', words["packaging"])
    hand.settle()
    hand.choose('[id="a-1.arg.packaging"]', words["reinforced"])
    hand.settle()
    saved(hand, "far-and-fragile")


def as_meant(crew: Any) -> None:
    """The draft says what the manager meant, the hold first."""
    first, second = drafts.working_set(crew.desk.context, SET).written
    assert rule_document(first)["if"] == ["not(recipient.phone_valid)"]
    assert rule_document(first)["then"] == [{"hold": "invalid_phone"}]
    assert rule_document(second)["if"] == [
        "order.total > 2000 CNY",
        'recipient.province = "新疆维吾尔自治区"',
        "some item in items satisfies item.fragile",
    ]
    assert rule_document(second)["then"] == [
        {"use_service": "SF.standard"},
        {"use_packaging": "reinforced"},
    ]


def tried_and_kept(hand: Any, order_id: int, number: str, verdict: str) -> None:
    """A real order tried, and what came of it kept as a test."""
    tab(hand, "try")
    hand.write("#try-q", number)
    hand.page.keyboard.press("Enter")
    order = f'.tg-try-order[value="{order_id}"]'
    hand.page.wait_for_selector(order)
    hand.press(order)
    hand.page.wait_for_selector(f"{order}.tg-on", state="attached")
    hand.page.wait_for_selector(".htmx-request, .htmx-swapping, .htmx-settling", state="detached")
    assert verdict in hand.page.inner_text(".tg-try-verdict"), number
    hand.write("#try-name", f"order {number}")
    hand.press("form:has(#try-name) button[type=submit]")
    hand.page.wait_for_selector("#live .tg-flash")


def tests_pass(hand: Any, count: int) -> None:
    tab(hand, "tests")
    assert hand.page.locator(".tg-case .tg-chip.tg-ok").count() == count
    assert hand.page.locator(".tg-case .tg-chip.tg-bad").count() == 0


def gap_closed(hand: Any, words: dict[str, str]) -> None:
    """What no rule decides is found by the check, and the set says what happens then."""
    tab(hand, "check")
    gap = f'a[href^="{HOME}?open=settings"]'
    checked(hand)
    hand.press(gap)
    hand.page.wait_for_url("**open=settings**")
    hand.choose("#s-otherwise", words["otherwise"])
    hand.press("#settings form:first-of-type button.tg-pri")
    hand.page.wait_for_load_state("load")
    tab(hand, "check")
    checked(hand)
    assert hand.page.locator(gap).count() == 0


def checked(hand: Any) -> None:
    """Wait for the check; where no script runs, by asking again."""
    for _ in range(120):
        if not hand.page.locator("main progress").count():
            return
        hand.page.wait_for_timeout(300)
        if not hand.scripted:
            hand.press(f'.tg-ck-wait a[href="{HOME}/check"]')
    raise AssertionError("the check does not end")


def review_asked(hand: Any) -> None:
    tab(hand, "review")
    hand.write("#note-ask", "please")
    hand.press('form:has(input[value="ask"]) button[type=submit]')
    hand.page.wait_for_selector('form:has(input[value="approve"])')


def own_approval_refused(hand: Any) -> None:
    hand.press('form:has(input[value="approve"]) button[type=submit]')
    hand.page.wait_for_selector(".tg-wrong")


def approved(other: Any) -> None:
    """By a second person, in a browser of their own."""
    sign_in(other)
    other.visit(f"{HOME}/review")
    other.press('form:has(input[value="approve"]) button[type=submit]')
    other.page.wait_for_selector('form:has(input[value="approve"])', state="detached")


def published(hand: Any, crew: Any) -> None:
    """For an hour from now: until then it decides nothing, then it does."""
    hand.visit(f"{HOME}/review")
    clock, rules = crew.desk.clock, crew.desk.context.rules
    start = clock.now + timedelta(hours=1)
    hand.moment("#starts_at", start + timedelta(hours=8))
    hand.press('form:has(input[value="publish"]) button[type=submit]')
    hand.page.wait_for_selector(".tg-planned")
    rules.look_now()
    assert SET not in [one.id for one in rules.for_gate("routing")]
    clock.now = start + timedelta(minutes=5)
    rules.look_now()
    assert SET in [one.id for one in rules.for_gate("routing")]


def decides_the_next_order(hand: Any, crew: Any, title: str) -> None:
    """Seen on the order's own page."""
    order = crew.imported("STORY-NEXT")
    crew.released(order)
    (found,) = crew.decisions(order, SET)
    assert found.ruleset_hash == drafts.info(crew.desk.context, SET).live.hash
    hand.visit(f"/orders/{order}")
    shown = hand.page.locator("main").text_content()
    assert title in shown


def taken_back(hand: Any, crew: Any) -> None:
    hand.visit(f"{HOME}/history")
    hand.press("#v-1 .tg-drop > summary")
    hand.write("#out-1", "wrong carrier")
    hand.press("#v-1 .tg-drop button[type=submit]")
    hand.page.wait_for_selector("#live .tg-flash")
    assert "wrong carrier" in hand.page.locator("main").inner_text()
    crew.desk.context.rules.look_now()
    assert SET not in [one.id for one in crew.desk.context.rules.for_gate("routing")]
    order = crew.imported("STORY-AFTER")
    crew.released(order)
    assert crew.decisions(order, SET) == []


def whole_story(hand: Any, other: Any, crew: Any, language: str) -> None:
    """From an empty set to a decision and back."""
    words = WORDS[language]
    orders = {
        "STORY-1": (crew.imported("STORY-1"), words["by_sf"]),
        "STORY-2": (crew.imported("STORY-2", phone="123"), words["held"]),
        "STORY-3": (crew.imported("STORY-3", minor=39_900), words["otherwise"]),
    }
    sign_in(hand)
    empty_set(hand, words)
    hold_bad_phones(hand, words)
    far_and_fragile(hand, words)
    as_meant(crew)
    gap_closed(hand, words)
    for number, (order, verdict) in orders.items():
        tried_and_kept(hand, order, number, verdict)
    tests_pass(hand, len(orders))
    review_asked(hand)
    own_approval_refused(hand)
    approved(other)
    published(hand, crew)
    decides_the_next_order(hand, crew, words["title"])
    taken_back(hand, crew)
    assert hand.page.complaints == []
