"""A gap on the page of checks leads to where it can be closed."""

from __future__ import annotations

import re
import time
from typing import Any

from tidegate.services.workshop import checking, drafts

WAIT_S = 120
RULE = {
    "id": "bad-phone",
    "title": {"zh": "电话无效先停", "en": "Hold when the phone is invalid"},
    "why": "打不通的电话派不出去",
    "if": ["recipient.phone_valid = false"],
    "then": [{"hold": {"reason": "invalid_phone"}}],
}


def looked(someone: Any) -> str:
    """The page once the check is through."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        html: str = someone.get("/rules/far-away/check").get_data(as_text=True)
        if "<progress" not in html:
            return html
        time.sleep(0.1)
    raise AssertionError(f"the check is not through after {WAIT_S} s")


def test_a_gap_leads_to_the_settings_and_to_a_new_rule(empty_desk: Any) -> None:
    context = empty_desk.context
    title = {"zh": "远途", "en": "Far away"}
    draft = drafts.create(context, "far-away", "routing", title, "first", "mei")
    drafts.save_rule(context, "far-away", draft.version, "bad-phone", RULE, "mei", new=True)
    assert "check.gap" in [one.code for one in checking.findings(context, "far-away").findings]

    someone = empty_desk.client("en")
    html = looked(someone)
    found = [one for one in re.findall(r"<article.*?</article>", html, re.S) if "check.gap" in one]
    assert len(found) == 1
    links = re.findall(r'href="(/rules/[^"]+)"', found[0])
    assert links == ["/rules/far-away?open=settings#settings", "/rules/far-away/rules/new"]

    page = someone.get(links[0]).get_data(as_text=True)
    assert re.search(r'id="settings" open>', page)
    draft = drafts.draft_of(context, "far-away")
    assert draft is not None
    saved = someone.post(
        "/rules/far-away/settings", "/rules/far-away", version=str(draft.version), zh="远途",
        en="Far away", policy="first", on_missing="hold", otherwise="choose",
        value="cheapest_meeting_promise",
    )  # fmt: skip
    assert saved.status_code == 303
    assert "check.gap" not in [one.code for one in checking.findings(context, "far-away").findings]
