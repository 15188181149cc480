"""The try panel and the page of tests in Chromium: accessible, inside their width, quick without a reload."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pictures import picture

from tidegate.services.workshop import drafts
from tidegate.store.tables import Order

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[3]
LOW = """() => [...document.querySelectorAll(
    'main .tg-btn, main select, main summary, main input:not([type=checkbox]):not([type=radio]):not([type=hidden])')]
  .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML.slice(0, 120))"""
STOCKED = {
    "id": "stocked",
    "title": {"zh": "有货且已付款则通过", "en": "Paid and in stock is approved"},
    "why": "六成转人工的订单原样放行",
    "if": [
        'payment.status = "paid"',
        "every item in items satisfies item.available >= item.quantity + 100000",
        "order.total < 2000 CNY",
    ],
    "then": ["approve"],
}


TITLE = {"zh": "贵重易碎", "en": "Dear and fragile"}
DEAR = {
    "id": "dear",
    "title": {"zh": "新疆大额转人工", "en": "Large to Xinjiang is held"},
    "why": "拒付复盘",
    "if": ["order.total > 2000 CNY", 'recipient.province = "新疆维吾尔自治区"'],
    "then": [{"hold": {"reason": "high_value"}}],
}
GIVEN = {"order": {"total": "2500 CNY"}, "recipient": {"province": "新疆维吾尔自治区"}}
CASES = [
    {
        "name": "远超门槛转人工",
        "given": GIVEN,
        "expect": {"actions": ["hold"], "hold": "high_value"},
    },
    {
        "name": "浙江应当通过",
        "given": {"order": {"total": "2500 CNY"}},
        "expect": {"actions": ["approve"]},
    },
]


@pytest.fixture
def written(desk: Any) -> Any:
    """A draft of review with a rule that no order meets, and a test that fails."""
    draft = drafts.start(desk.context, "review", "mei")
    drafts.save_rule(desk.context, "review", draft.version, "stocked", STOCKED, "mei", new=True)
    draft = drafts.create(desk.context, "pilot", "review", TITLE, "first", "mei")
    draft = drafts.save_rule(desk.context, "pilot", draft.version, "dear", DEAR, "mei", new=True)
    drafts.save_cases(desk.context, "pilot", draft.version, CASES, "mei")
    return desk


def looks(desk: Any) -> dict[str, str]:
    order = next(o for o in desk.all(Order) if o.state not in ("on_hold", "rejected", "received"))
    here = f"/rules/review/try?rule=stocked&subject={order.id}"
    return {
        "try": here,
        "try-ways": f"{here}&want=hold",
        "try-hand": f"/rules/review/try?tab=hand&rule=stocked&base=order:{order.id}",
        "try-cases": "/rules/review/try?tab=cases&case=" + desk_case(desk),
        "tests": "/rules/pilot/tests",
        "tests-form": "/rules/pilot/tests?edit=" + quote(str(CASES[1]["name"])),
        "tests-proposed": "/rules/pilot/tests?more=proposed",
        "tests-mutants": "/rules/pilot/tests?more=mutants",
        "tests-review": "/rules/review/tests",
    }


def desk_case(desk: Any) -> str:
    return str(drafts.working_set(desk.context, "review").cases[0].name)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_panel_is_accessible_and_inside_its_width(
    written: Any, open_page: Callable[..., Any], axe: Any, language: str, width: int
) -> None:
    page = open_page(written, language, width)
    for name, path in looks(written).items():
        page.goto(page.address + path)
        if page.locator("progress").count():
            page.wait_for_selector(".tg-mutants", timeout=20_000)
        picture(page, f"{name}-{language}-{width}")
        assert axe(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        if width == 390:
            assert page.evaluate(LOW) == [], name
    assert page.complaints == []


def test_dark_mode_is_accessible(written: Any, open_page: Callable[..., Any], axe: Any) -> None:
    page = open_page(written, color_scheme="dark")
    for name, path in looks(written).items():
        if name in ("try-ways", "tests-form", "tests-mutants"):
            page.goto(page.address + path)
            assert axe(page) == [], name
            picture(page, f"{name}-dark-1280")


def test_tabs_ways_and_boxes_answer_in_the_panel_without_a_reload(
    written: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(written)
    page.goto(page.address + looks(written)["try"])
    page.evaluate("window.kept = true")
    page.fill("#try-name", "新疆大额 转人工")
    page.select_option("#try-want", "hold")
    page.get_by_role("button", name="看怎样才会").click()
    page.wait_for_selector(".tg-try-ways")
    assert page.input_value("#try-name") == "新疆大额 转人工", (
        "an answer takes nothing that is being typed"
    )
    page.locator(".tg-try-ways li button").first.click()
    page.wait_for_selector(".tg-v-warn")
    page.locator(".tg-try-hand > summary").click()
    page.fill("input[name='f.order.total']", "viel")
    page.locator(".tg-try-hand button[type=submit]").click()
    page.wait_for_selector("input[aria-invalid=true]")
    assert page.input_value("input[name='f.order.total']") == "viel"
    page.get_by_role("link", name="存过的例子").click()
    page.wait_for_selector("#try-case")
    assert page.evaluate("window.kept") is True
    assert page.complaints == []
