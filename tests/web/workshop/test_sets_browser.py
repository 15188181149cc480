"""The pages of a set in Chromium: accessible, inside their width, rules moved by mouse and by keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pictures import picture

from tidegate.services.workshop import drafts, lifecycle

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[3]
LOW = """() => [...document.querySelectorAll(
    'main .tg-btn, main select, main summary, main input:not([type=checkbox]):not([type=radio]):not([type=hidden])')]
  .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)
  .map(e => e.outerHTML.slice(0, 120))"""
LOOKS = {
    "sets": "/rules",
    "set": "/rules/routing",
    "set-inventory": "/rules/inventory",
    "set-parameters": "/rules/review/parameters",
    "set-what-if": "/rules/review/parameters?try=cod_limit&name=cod_limit&value=50+CNY",
    "all-parameters": "/rules/parameters",
    "set-lists": "/rules/routing/lists",
    "set-review": "/rules/routing/review",
    "set-history": "/rules/inventory/history",
    "set-diff": "/rules/routing/diff",
}


@pytest.fixture
def busy(desk: Any) -> Any:
    """A routing draft with changes of every kind, and an inventory set in shadow with a draft."""
    found = drafts.start(desk.context, "routing", "mei")
    text = found.text.replace("value: 2000 CNY", "value: 1500 CNY")
    found = drafts.save_text(desk.context, "routing", found.version, text, "mei")
    first = found.ruleset.written[0].id
    drafts.switch_rule(desk.context, "routing", found.version, first, False, "wang")
    found = drafts.start(desk.context, "inventory", "mei")
    lifecycle.publish(
        desk.context, "inventory", found.version, "mei", mode="shadow", note="双11前先看一周"
    )
    drafts.start(desk.context, "inventory", "mei")
    return desk


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_are_accessible_and_inside_their_width(
    busy: Any, open_page: Callable[..., Any], axe: Any, language: str, width: int
) -> None:
    page = open_page(busy, language, width)
    wrong = []
    for name, path in LOOKS.items():
        page.goto(page.address + path)
        picture(page, f"{name}-{language}-{width}")
        wrong += [f"{name}: {found}" for found in axe(page)]
        if page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
            wrong.append(f"{name}: wider than the window")
        if width == 390:
            wrong += [f"{name}: low {found}" for found in page.evaluate(LOW)]
    assert wrong == []
    assert page.complaints == []


def order_of(desk: Any) -> list[str]:
    return [rule.id for rule in drafts.working_set(desk.context, "inventory").written]


def test_a_rule_is_dragged_to_its_place(busy: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(busy)
    page.goto(page.address + "/rules/inventory")
    before = order_of(busy)
    last = page.locator(f"#rule-{before[2]}")
    last.drag_to(page.locator(f"#rule-{before[0]}"), target_position={"x": 60, "y": 4})
    page.wait_for_url("**/rules/inventory#rule-*")
    assert order_of(busy) == [before[2], before[0], before[1], before[3]]
    assert page.complaints == []


def test_a_rule_is_moved_with_keys_alone(busy: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(busy, "en")
    page.goto(page.address + "/rules/inventory")
    before = order_of(busy)
    page.locator(f"#rule-{before[0]} .tg-drop > summary").focus()
    page.keyboard.press("Enter")
    page.locator(f"#to-{before[0]}").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rules/inventory#rule-*")
    assert order_of(busy) == [before[1], before[2], before[0], before[3]]
    assert page.locator("#live").inner_text() == "Moved"


def test_dark_mode_and_open_menus_are_accessible(
    busy: Any, open_page: Callable[..., Any], axe: Any
) -> None:
    for width in (1280, 390):
        page = open_page(busy, width=width, color_scheme="dark")
        for name, path in LOOKS.items():
            page.goto(page.address + path)
            page.evaluate(
                "document.querySelectorAll('main details').forEach((d, n) => d.open = n < 1)"
            )
            page.evaluate("document.querySelectorAll('main .tg-more').forEach(d => d.open = true)")
            picture(page, f"{name}-dark-{width}")
            assert axe(page) == [], name
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name


def test_two_versions_are_shown_side_by_side(
    busy: Any, open_page: Callable[..., Any], axe: Any
) -> None:
    page = open_page(busy)
    page.goto(page.address + "/rules/inventory")
    first, second, *_ = order_of(busy)
    found = drafts.draft_of(busy.context, "inventory")
    drafts.switch_rule(busy.context, "inventory", found.version, second, False, "wang")
    page.locator(f"#rule-{first} .tg-rule-acts > form button").click()
    page.wait_for_selector("#theirs-h")
    picture(page, "set-conflict-zh-1280")
    assert axe(page) == []
    page.get_by_role("button", name="在对方版本上再做一次").click()
    page.wait_for_url("**/rules/inventory#rule-*")
    written = drafts.working_set(busy.context, "inventory").written
    assert [rule.enabled for rule in written] == [False, False, True, True]
