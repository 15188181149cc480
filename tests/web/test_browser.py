"""The pages in a real browser: accessible, quiet, inside their width, and quick where HTMX helps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pictures import picture

from tidegate.store.tables import Order

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
PAGES = {
    "board": "/",
    "orders": "/orders",
    "order": "/orders/1",
    "order-held": "held",
    "review": "/review",
    "alerts": "/alerts",
    "labels": "/labels",
    "hand-over": "/labels?queue=hand_over",
    "stock": "/stock?q=BA-E",
    "rules": "/rules",
    "connections": "/connections",
    "jobs": "/jobs",
    "analysis": "/analysis",
    "missing": "/nope",
}


@pytest.fixture(scope="module")
def address(shop: Any, serve: Callable[[Any], str]) -> str:
    return serve(shop)


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """A page in a language, width and colour scheme; whatever it complains about ends up in `page.complaints`."""
    contexts = []

    def start(base: str, language: str = "zh", width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.add_cookies([{"name": "tidegate_language", "value": language, "url": base}])
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on(
            "console", lambda m: m.type in ("error", "warning") and page.complaints.append(m.text)
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    yield start
    for context in contexts:
        context.close()


def held_address(shop: Any) -> str:
    return f"/orders/{shop.all(Order, Order.state == 'on_hold')[0].id}"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_accessible_quiet_and_inside_its_width(
    shop, address, open_page, axe, language, width
) -> None:
    page = open_page(address, language, width)
    for name, path in PAGES.items():
        page.goto(address + (held_address(shop) if path == "held" else path))
        picture(page, f"{name}-{language}-{width}")
        assert axe(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
    assert [text for text in page.complaints if "404" not in text] == []


@pytest.mark.parametrize("name", ["board", "order-held", "alerts", "stock"])
def test_dark_mode_is_accessible(shop, address, open_page, axe, name) -> None:
    page = open_page(address, color_scheme="dark")
    path = PAGES[name]
    page.goto(address + (held_address(shop) if path == "held" else path))
    picture(page, f"{name}-dark-1280")
    assert axe(page) == []


def test_what_is_touched_on_a_phone_is_at_least_44_pixels_high(address, open_page) -> None:
    page = open_page(address, width=390)
    for path in ("/", "/review", "/labels", "/alerts"):
        page.goto(address + path)
        low = page.evaluate(
            """() => [...document.querySelectorAll(
                'main .tg-btn, main select, main input:not([type=checkbox]):not([type=hidden])')]
              .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)
              .map(e => e.outerHTML.slice(0, 120))"""
        )
        assert low == [], path


def test_board_refreshes_itself_and_keeps_the_focus(shop, address, open_page) -> None:
    page = open_page(address)
    page.goto(address)
    page.focus("#board-hands + span, .tg-queue-h a")
    kept = page.evaluate("document.activeElement.textContent")
    with page.expect_response(
        lambda r: r.request.headers.get("hx-request") == "true", timeout=8000
    ) as got:
        pass
    assert got.value.status == 200
    page.wait_for_timeout(150)
    assert page.evaluate("document.activeElement.textContent") == kept
    assert page.complaints == []


def test_hidden_board_does_not_refresh(address, open_page) -> None:
    page = open_page(address)
    page.goto(address)
    asked = []
    page.on("request", lambda request: "/static/" not in request.url and asked.append(request.url))
    page.evaluate("Object.defineProperty(document, 'visibilityState', {get: () => 'hidden'})")
    page.wait_for_timeout(6500)
    assert asked == []


def test_search_swaps_the_list_and_keeps_the_address(shop, address, open_page) -> None:
    order = shop.all(Order)[5]
    page = open_page(address)
    page.goto(address + "/orders")
    page.fill("#q", order.number)
    page.press("#q", "Enter")
    page.wait_for_url(re.compile("q="))
    assert page.locator("#orders-list tbody tr").count() == 1
    assert page.evaluate("document.activeElement.id") == "q"
    assert page.complaints == []


def test_review_by_keyboard_moves_releases_and_announces(desk, serve, open_page) -> None:
    base = serve(desk)
    page = open_page(base)
    page.goto(base + "/review")
    first = page.locator("#review-number").inner_text()
    page.keyboard.press("j")
    page.wait_for_function(
        "was => document.querySelector('#review-number').innerText !== was", arg=first
    )
    second = page.locator("#review-number").inner_text()
    page.keyboard.press("a")  # no reason yet: refused, and the focus goes to the message
    page.wait_for_function("() => document.activeElement.getAttribute('role') === 'alert'")
    page.select_option("#decide-code", "verified")
    page.locator("[data-tg-key=a]").click()
    page.wait_for_function(
        "was => document.querySelector('#review-number').innerText !== was", arg=second
    )
    assert "已放行" in page.locator("#live").inner_text()
    released = [o for o in desk.all(Order) if o.manual_review == "released"]
    assert [order.number for order in released] == [second]
    assert [text for text in page.complaints if "422" not in text] == []


def test_key_pressed_while_a_part_is_being_swapped_still_leads_to_the_message(
    desk, serve, open_page
) -> None:
    base = serve(desk)
    page = open_page(base)
    page.goto(base + "/review")
    page.evaluate(
        """() => new MutationObserver((seen, watch) => {
          watch.disconnect();
          document.querySelector('[data-tg-key=a]').click();  // HTMX has not taken up the form yet
        }).observe(document.querySelector('#review-number'), {childList: true, characterData: true, subtree: true})"""
    )
    page.keyboard.press("j")
    page.wait_for_function("() => document.activeElement.getAttribute('role') === 'alert'")
    assert page.locator("#decide-code").is_visible()
    assert [text for text in page.complaints if "422" not in text] == []


def test_every_decision_folds_open_and_escape_closes_a_panel(shop, address, open_page) -> None:
    page = open_page(address)
    page.goto(address + held_address(shop))
    page.locator("details.tg-drop > summary").nth(1).click()
    assert page.locator("details.tg-drop[open]").count() == 1
    page.locator("details.tg-drop[open] input:visible").first.focus()
    page.keyboard.press("Escape")
    assert page.locator("details.tg-drop[open]").count() == 0
    for summary in page.locator("details.tg-decide:not([open]) > summary").all():
        summary.click()
    assert page.locator("details.tg-decide:not([open])").count() == 0


def test_skip_link_comes_first_and_leads_to_the_content(address, open_page) -> None:
    page = open_page(address)
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "tg-skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
