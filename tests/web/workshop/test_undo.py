"""What was removed from a draft comes back by one press right after; no script is needed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tidegate.services.workshop import drafts

PAGE = "/rules/review"


def pressed_undo(someone: Any, html: str) -> Any:
    """The form of the message, sent as it stands."""
    found = re.search(r'<form class="tg-flash tg-undo".*?</form>', html, re.S)
    assert found, "no way to take it back"
    fields = dict(re.findall(r'name="(version|back)" value="([^"]*)"', found.group(0)))
    action = re.search(r'action="([^"]+)"', found.group(0))
    assert action
    return someone.post(action.group(1), PAGE, **fields)


def version(desk: Any) -> str:
    draft = drafts.draft_of(desk.context, "review")
    return str(draft.version) if draft else "0"


@pytest.mark.parametrize("begun", [False, True])
def test_a_removed_rule_comes_back_to_its_place(desk: Any, begun: bool) -> None:
    if begun:
        drafts.start(desk.context, "review", "mei")
    before = drafts.working_set(desk.context, "review").hash
    someone = desk.client("en")
    gone = someone.post(f"{PAGE}/rules/cod-over-limit/remove", PAGE, version=version(desk))
    assert gone.status_code == 303
    assert drafts.working_set(desk.context, "review").hash != before
    back = pressed_undo(someone, someone.get(PAGE).get_data(as_text=True))
    assert (back.status_code, back.headers["Location"]) == (303, PAGE)
    assert drafts.working_set(desk.context, "review").hash == before


def test_a_changed_list_has_its_entries_again(desk: Any) -> None:
    draft = drafts.start(desk.context, "review", "mei")
    made = {"type": "text", "values": ["新疆", "西藏"], "title": {"zh": "远", "en": "Far"}}
    drafts.save_list(desk.context, "review", draft.version, "far", made, "mei")
    someone, page = desk.client("zh"), f"{PAGE}/lists"
    fields = {"name": "far", "known": "1"}
    for more in ({"values": "新疆"}, {"values": "新疆\n西藏", "remove": "1"}):
        saved = someone.post(page, page, version=version(desk), **fields, **more)
        assert saved.status_code == 303
        back = pressed_undo(someone, someone.get(page).get_data(as_text=True))
        assert back.headers["Location"] == page
        assert drafts.working_set(desk.context, "review").lists["far"].values == ("新疆", "西藏")


def test_a_later_save_is_not_taken_back_with_it(desk: Any) -> None:
    someone = desk.client("en")
    someone.post(f"{PAGE}/rules/cod-over-limit/remove", PAGE, version="0")
    html = someone.get(PAGE).get_data(as_text=True)
    drafts.switch_rule(desk.context, "review", int(version(desk)), "accounts-storm", False, "wang")
    after = drafts.working_set(desk.context, "review").hash
    assert pressed_undo(someone, html).status_code == 409
    assert drafts.working_set(desk.context, "review").hash == after


def test_a_draft_that_was_only_opened_has_nothing_to_take_back(desk: Any) -> None:
    drafts.start(desk.context, "review", "mei")
    answer = desk.client("en").post(f"{PAGE}/undo", PAGE, version="1")
    assert answer.status_code == 422
    assert "no change to take back" in answer.get_data(as_text=True)


def test_undo_leads_to_no_page_outside_the_set(desk: Any) -> None:
    someone = desk.client("en")
    someone.post(f"{PAGE}/rules/cod-over-limit/remove", PAGE, version="0")
    answer = someone.post(f"{PAGE}/undo", PAGE, version="1", back="//example.com/")
    assert answer.headers["Location"] == PAGE
