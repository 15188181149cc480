"""The rule editor on a slow server: answers are held back by the test, so what comes when is no matter of luck."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tidegate.engine.writing import rule_document
from tidegate.services.workshop import drafts

pytestmark = pytest.mark.browser
RULE = "/rules/review/rules/cod-over-limit"


class Slow:
    """A page on the editor; posts wait until `answer` lets them go, in the order they came."""

    def __init__(self, page: Any) -> None:
        self.page, self.held = page, []
        page.goto(page.address + RULE)
        page.wait_for_load_state("networkidle")
        page.route("**" + RULE, self._hold)

    def _hold(self, route: Any) -> None:
        if route.request.method == "POST":
            self.held.append(route)
        else:
            route.continue_()

    def asked(self) -> None:
        """Wait until a post is under way."""
        for _ in range(100):
            if self.held:
                return
            self.page.wait_for_timeout(20)
        raise AssertionError("nothing was posted")

    def answer_all(self) -> int:
        """Let everything through until the form is calm; how many posts there were."""
        count = 0
        while self.page.locator("#editor-form[aria-busy]").count():
            while self.held:
                self.held.pop(0).continue_()
                count += 1
            self.page.wait_for_timeout(20)
        return count

    def rows(self) -> int:
        return int(self.page.locator("#editor-bands fieldset.tg-ed-clause").count())


@pytest.fixture
def slow(desk: Any, open_page: Callable[..., Any]) -> Iterator[Slow]:
    found = Slow(open_page(desk))
    yield found
    # a page that is closed while one of its requests is held waits for the holder, for ever
    found.page.unroute_all(behavior="ignoreErrors")


def test_a_change_made_before_the_answer_is_asked_too(slow: Slow) -> None:
    page = slow.page
    page.select_option('[id="c-2.if"]', "no")
    slow.asked()
    page.select_option('[id="c-2.o"]', "between")
    page.wait_for_timeout(400)  # the form posts 300 ms after a change
    assert len(slow.held) == 1, "one request at a time"
    assert slow.answer_all() >= 2
    assert page.input_value('[id="c-2.o"]') == "between"
    assert page.locator('[id="c-2.h"]').count() == 1, "the second box of the new operator"
    assert page.input_value('[id="c-2.if"]') == "no"


def test_what_is_typed_while_a_button_waits_is_kept(slow: Slow) -> None:
    page = slow.page
    before = slow.rows()
    page.click("#add-row")
    slow.asked()
    page.fill("#why", "新的理由")
    page.select_option('[id="c-2.if"]', "no")
    page.select_option('[id="a-0.action"]', "approve")
    slow.answer_all()
    assert slow.rows() == before + 1
    assert page.input_value("#why") == "新的理由"
    assert page.input_value('[id="c-2.if"]') == "no"
    assert page.input_value('[id="a-0.action"]') == "approve"


def test_every_press_of_a_button_counts_once(slow: Slow) -> None:
    before = slow.rows()
    slow.page.click("#add-row")
    slow.asked()
    slow.page.click("#add-row")
    slow.page.click("#add-group")
    slow.answer_all()
    assert slow.rows() == before + 3


def test_the_row_that_was_meant_goes_although_an_earlier_one_went_first(slow: Slow) -> None:
    page = slow.page
    kept = page.input_value('[id="c-1"] [name="c-1.f"]')
    page.click('[id="c-0-remove"]')
    slow.asked()
    page.click('[id="c-0-remove"]')  # pressed twice by mistake: that row is gone once
    page.click('[id="c-2-remove"]')
    slow.answer_all()
    assert slow.rows() == 1
    assert page.input_value('[name="c-0.f"]') == kept


def test_a_save_follows_the_buttons_before_it(slow: Slow, desk: Any) -> None:
    slow.page.click('[id="c-0-remove"]')
    slow.asked()
    slow.page.fill("#why", "少一个条件")
    slow.page.click("#save")
    for _ in range(200):
        while slow.held:
            slow.held.pop(0).continue_()
        if drafts.draft_of(desk.context, "review"):
            break
        slow.page.wait_for_timeout(20)
    ruleset = drafts.working_set(desk.context, "review")
    found = rule_document(next(one for one in ruleset.written if one.id == "cod-over-limit"))
    assert len(found["if"]) == 2
    assert found["why"]["zh"] == "少一个条件"


def test_no_answer_says_so_and_keeps_the_form(slow: Slow) -> None:
    page = slow.page
    page.select_option('[id="c-2.if"]', "no")
    slow.asked()
    slow.held.pop().abort()
    page.wait_for_selector('#editor-note:has-text("没有收到回答")')
    assert page.input_value('[id="c-2.if"]') == "no"
    page.select_option('[id="c-2.o"]', "between")
    slow.asked()
    slow.answer_all()
    assert page.locator('[id="c-2.h"]').count() == 1
