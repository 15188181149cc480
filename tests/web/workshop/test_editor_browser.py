"""The rule editor in Chromium: written by mouse in Chinese, with keys alone in English, seen at both widths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pictures import picture

from tidegate.engine.writing import rule_document
from tidegate.services.workshop import drafts

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[3]
IF = [
    "order.total > 2000 CNY",
    'recipient.province = "新疆维吾尔自治区"',
    "some item in items satisfies item.fragile",
]
LOOKS = {
    "editor-groups": "/rules/intake/rules/fragile",
    "editor-stock": "/rules/review/rules/paid-and-in-stock",
    "editor-pattern": "/rules/review/rules/accounts-storm",
    "editor-new": "/rules/review/rules/new",
    "editor-text": "/rules/inventory/text",
}


@pytest.fixture
def open_page(browser: Any, serve: Callable[[Any], str]) -> Iterator[Callable[..., Any]]:
    contexts = []

    def start(desk: Any, language: str, width: int = 1280, **options: Any) -> Any:
        address = serve(desk)
        context = browser.new_context(viewport={"width": width, "height": 1000}, **options)
        context.add_cookies([{"name": "tidegate_language", "value": language, "url": address}])
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                page.complaints.append(said.text)
                if said.type == "error"
                and "inline style" not in said.text
                and "htmx:" not in said.text
                else None
            ),
        )
        page.address = address
        return page

    yield start
    for context in contexts:
        context.close()


def settle(page: Any, act: Callable[[], Any]) -> None:
    """Do something and wait until the bands it asked for stand on the page."""
    with page.expect_response(
        lambda answer: answer.request.method == "POST" and "/try" not in answer.url
    ):
        act()
    page.wait_for_function(
        "() => !document.querySelector('.htmx-request, .htmx-settling, .htmx-swapping')"
    )
    page.wait_for_timeout(120)  # a select keeps nothing that is chosen while its row settles


def written(desk: Any, name: str) -> Any:
    ruleset = drafts.working_set(desk.context, "review")
    return rule_document(next(rule for rule in ruleset.written if rule.id == name))


def test_a_rule_is_written_with_the_mouse_in_chinese(desk: Any, open_page: Any) -> None:
    page = open_page(desk, "zh")
    page.goto(f"{page.address}/rules/review/rules/new")
    page.fill("#zh", "新疆大额易碎先看一眼")
    page.fill("#why", "远途易碎破损多")
    page.fill("#id", "far-and-fragile")
    page.wait_for_timeout(700)  # what was typed is posted 300 ms later

    def choose(row: str, typed: str, title: str) -> None:
        page.click(f'[id="{row}.s"]')
        page.fill(f'[id="{row}.s"]', typed)
        page.wait_for_selector(f'[id="{row}-list"] mark')  # no longer the list of everything
        option = page.locator(f'[id="{row}-list"] [role=option]', has_text=title).first
        option.wait_for()
        settle(page, option.click)

    choose("c-0", "ddje", "订单金额")
    settle(page, lambda: page.select_option('[id="c-0.o"]', ">"))
    page.fill('[id="c-0.v"]', "2000")
    settle(page, lambda: page.click("#add-row"))
    choose("c-1", "sf", "收件人省份")
    settle(page, lambda: page.select_option('[id="c-1.v"]', "新疆维吾尔自治区"))
    settle(page, lambda: page.click("#add-row"))
    choose("c-2", "易碎", "商品易碎")
    assert page.is_checked('[id="c-2.q.some"]')
    settle(page, lambda: page.select_option('[id="a-0.action"]', "hold"))
    page.fill('[id="a-0.arg.reason"]', "far_and_fragile")
    settle(page, lambda: page.press('[id="a-0.arg.reason"]', "Tab"))
    reading = page.inner_text('[data-tg-reading="zh"]')
    assert reading.startswith("如果订单金额大于 2000 元，且收件人省份是“新疆维吾尔自治区”")
    page.click("#save")
    page.wait_for_url("**/rules/review/rules/far-and-fragile")
    found = written(desk, "far-and-fragile")
    assert found["if"] == IF
    assert found["then"] == [{"hold": "far_and_fragile"}]
    assert page.complaints == []


def test_a_rule_is_written_with_keys_alone_in_english(desk: Any, open_page: Any) -> None:
    page = open_page(desk, "en")
    page.goto(f"{page.address}/rules/review/rules/new")
    keys = page.keyboard

    def focused() -> str:
        return str(page.evaluate("document.activeElement.id || document.activeElement.name"))

    def reach(name: str) -> None:
        for _ in range(90):
            if focused() == name:
                return
            keys.press("Tab")
        raise AssertionError(f"Tab never reaches {name}")

    def find(row: str, typed: str) -> None:
        reach(f"{row}.s")
        with page.expect_response(
            lambda answer: "/fields" in answer.url and f"q={typed}" in answer.url
        ):
            keys.type(typed)
        page.wait_for_selector(f'[id="{row}-list"] [aria-selected="true"]')
        settle(page, lambda: keys.press("Enter"))

    page.evaluate("document.getElementById('main').focus()")
    reach("en")
    keys.type("Far and fragile")
    find("c-0", "total")
    assert focused() == "c-0.o", "after the field the operator has the focus"
    settle(page, lambda: page.keyboard.type("is more"))
    reach("c-0.v")
    keys.type("2000")
    reach("add-row")
    settle(page, lambda: keys.press("Enter"))
    find("c-1", "province")
    reach("c-1.v")

    def last_but_three() -> None:
        keys.press("End")
        for _ in range(3):
            keys.press("ArrowUp")

    settle(page, last_but_three)
    reach("add-row")
    settle(page, lambda: keys.press("Enter"))
    find("c-2", "fragile")
    reach("a-0.action")
    settle(page, lambda: keys.type("Hold"))
    reach("a-0.arg.reason")
    keys.type("far_and_fragile")
    reach("save")
    keys.press("Enter")
    page.wait_for_url("**/rules/review/rules/far-and-fragile")
    assert written(desk, "far-and-fragile")["if"] == IF
    assert page.complaints == []


def test_a_change_after_a_button_does_not_press_it_again(desk: Any, open_page: Any) -> None:
    page = open_page(desk, "zh")
    page.goto(f"{page.address}/rules/review/rules/cod-over-limit")
    settle(page, lambda: page.click("#add-group"))
    settle(page, lambda: page.click('[id="c-3-0-remove"]'))
    settle(page, lambda: page.select_option('[id="c-2.o"]', ">="))
    settle(page, lambda: page.select_option('[id="c.t"]', "any"))
    assert page.locator('[id^="c-"].tg-ed-clause, [id^="c-"].tg-ed-group').count() == 4


def test_what_is_being_typed_survives_a_swap(desk: Any, open_page: Any) -> None:
    page = open_page(desk, "zh")
    page.goto(f"{page.address}/rules/review/rules/cod-over-limit")
    page.select_option('[id="c-2.if"]', "no")
    page.focus("#why")
    page.keyboard.press("End")
    with page.expect_response(
        lambda answer: answer.request.method == "POST" and "/try" not in answer.url
    ):
        page.keyboard.type("，再写一点")
    assert page.input_value("#why").endswith("，再写一点")
    assert page.evaluate("document.activeElement.id") == "why"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_editor_is_accessible_and_keeps_its_width(
    shop: Any, open_page: Any, axe: Any, language: str
) -> None:
    seen = 0
    for width in (1280, 390):
        page = open_page(shop, language, width)
        for name, address in LOOKS.items():
            page.goto(page.address + address)
            page.wait_for_load_state("networkidle")
            if name == "editor-stock":
                settle(page, lambda: page.click("#add-row"))
                page.fill('[id="c-2.s"]', "dz")
                page.wait_for_selector(
                    '[id="c-2-list"] mark' if language == "zh" else '[id="c-2-list"]'
                )
            page.evaluate("scrollTo(0, 0)")
            picture(page, f"{name}-{language}-{width}")
            assert axe(page) == [], f"{name} {language} {width}"
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} wide"
            seen += 1
    assert seen == 10


def test_dark_and_touched_on_a_phone(shop: Any, open_page: Any, axe: Any) -> None:
    page = open_page(shop, "zh", 390, color_scheme="dark")
    for name in ("editor-groups", "editor-new", "editor-text"):
        page.goto(page.address + LOOKS[name])
        page.wait_for_load_state("networkidle")
        picture(page, f"{name}-dark-390")
        assert axe(page) == [], name
        low = page.evaluate(
            """() => [...document.querySelectorAll(
                'main :is(button, select, input:not([type=checkbox], [type=radio], [type=hidden]))')]
              .filter(e => e.checkVisibility() && !e.closest('.tg-sr') && !e.classList.contains('tg-sr'))
              .filter(e => e.getBoundingClientRect().height < 43.5)
              .map(e => e.outerHTML.slice(0, 120))"""
        )
        assert low == [], name
