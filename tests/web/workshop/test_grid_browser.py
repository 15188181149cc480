"""Decision tables and the check page in Chromium: keyboard, paste, marks, accessible, inside their width."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pictures import picture

from tidegate.services.workshop import drafts, grid_edits
from tidegate.services.workshop.grid_edits import Target

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[3]
PAGE = "/rules/pilot/tables/who"
TABLE: dict[str, Any] = {
    "id": "who",
    "title": {"zh": "谁来审", "en": "Who looks"},
    "policy": "first",
    "inputs": ["order.total", "order.channel", "recipient.province"],
    "outputs": ["hold"],
    "rows": [
        {"id": "r1", "when": [">= dear", "-", "-"], "then": [{"reason": "high_value"}]},
        {"id": "r2", "when": ["< dear", '"taobao"', "remote"], "then": [{"reason": "undeliverable_address"}]},
        {
            "id": "r3", "when": ["[500 CNY..2000 CNY)", "-", '"江苏", "浙江", "上海"'],
            "then": [{"reason": "blacklisted"}], "note": "华东先看一眼",
        },
        {"id": "r4", "when": ["-", '"taobao"', '"上海", "安徽"'], "then": [{"reason": "region_watched"}]},
        {"id": "r5", "when": [">= 3000 CNY", "-", '"安徽"'], "then": [{"reason": "blacklisted"}]},
        {"id": "r6", "when": ["< 500 CNY", "-", "not(remote)"], "then": ["-"]},
    ],
}  # fmt: skip


@pytest.fixture
def table(desk: Any) -> Any:
    context = desk.context
    draft = drafts.create(context, "pilot", "review", {"zh": "试点", "en": "Pilot"}, "first", "li")
    dear = {"type": "money", "value": "2000 CNY", "title": {"zh": "高价值门槛", "en": "High value"}}
    draft = drafts.save_parameter(context, "pilot", draft.version, "dear", dear, "li")
    remote = {
        "type": "text", "values": ["新疆", "西藏", "青海"],
        "title": {"zh": "偏远省份", "en": "Remote provinces"},
    }  # fmt: skip
    draft = drafts.save_list(context, "pilot", draft.version, "remote", remote, "li")
    drafts.save_table(context, "pilot", draft.version, "who", TABLE, "li")
    return desk


@pytest.fixture
def open_page(browser: Any, serve: Callable[[Any], str]) -> Iterator[Callable[..., Any]]:
    contexts = []

    def start(desk: Any, language: str = "zh", width: int = 1280, **options: Any) -> Any:
        address = serve(desk)
        context = browser.new_context(viewport={"width": width, "height": 1000}, **options)
        context.add_cookies([{"name": "tidegate_language", "value": language, "url": address}])
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: page.complaints.append(said.text) if said.type == "error" else None,
        )
        page.address = address
        return page

    yield start
    for context in contexts:
        context.close()


def rows(desk: Any) -> list[dict[str, Any]]:
    return list(grid_edits.document(Target(desk.context, "pilot", "who", 0, "li"))["rows"])


def test_the_keyboard_edits_a_cell_and_goes_on(table: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(table)
    page.goto(page.address + PAGE)
    page.locator('[data-cell="r1/when.0"]').focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.cell") == "r2/when.1"
    page.keyboard.press("F2")
    page.wait_for_selector("#cell-in:focus")
    assert page.evaluate("document.activeElement.id") == "cell-in"
    page.keyboard.press("Escape")
    page.wait_for_selector("#cell-in", state="detached")
    page.wait_for_selector('[data-cell="r2/when.1"]:focus')
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_selector("#cell-in:focus")
    page.keyboard.type("≥ 800")
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-cell="r3/when.0"]:focus')
    assert rows(table)[1]["when"][0] == ">= 800 CNY"
    assert "已保存" in page.inner_text("#live")
    page.keyboard.press("Enter")
    page.wait_for_selector("#cell-in:focus")
    page.keyboard.type("乱写")
    page.keyboard.press("Tab")
    page.wait_for_selector("#cell-in[aria-invalid=true]")
    assert page.input_value("#cell-in") == "乱写"
    assert [c for c in page.complaints if "422" not in c] == []


def test_a_block_is_pasted_at_the_focused_cell(table: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(table)
    page.goto(page.address + PAGE)
    page.locator('[data-cell="r5/when.0"]').focus()
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/plain", "≥ 9000\\t一律\\t西藏\\n< 10\\t一律\\t一律");
          document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        }"""
    )
    page.wait_for_selector('#live:has-text("已粘贴 2 行")')
    assert rows(table)[4]["when"] == [">= 9000 CNY", "-", '"西藏"']
    assert rows(table)[5]["when"] == ["< 10 CNY", "-", "-"]


def test_a_mark_opens_its_example_and_a_gap_becomes_a_row(
    table: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page(table)
    page.goto(page.address + PAGE)
    page.locator("a.tg-g-mark").first.click()
    page.wait_for_selector(".tg-g-find[open] .tg-wit")
    page.locator(".tg-g-ghost a").first.click()
    page.wait_for_selector("#new")
    page.fill('#new [name="then.0"]', "{reason: other}")
    page.keyboard.press("Enter")
    page.wait_for_selector('#live:has-text("已加一行")')
    assert len(rows(table)) == 7


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_are_accessible_and_stay_inside(
    table: Any, open_page: Callable[..., Any], axe: Any, language: str, width: int
) -> None:
    page = open_page(table, language, width)
    for name, address in {
        "grid": PAGE,
        "grid-cell": f"{PAGE}?row=r3&col=when.0",
        "grid-row": f"{PAGE}?row=r3",
        "grid-new": "/rules/pilot/tables",
        "check": "/rules/pilot/check",
    }.items():
        page.goto(page.address + address)
        picture(page, f"{name}-{language}-{width}")
        assert axe(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert page.complaints == []
