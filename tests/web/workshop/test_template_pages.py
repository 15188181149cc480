"""Ready rules: found, filled in without JavaScript, in a draft with two tests that pass."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tidegate.engine.cases import run_cases
from tidegate.services.workshop import drafts, templates


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_gallery_shows_every_template_and_finds_by_words(shop: Any, language: str) -> None:
    someone = shop.client(language)
    html = someone.get("/rules/templates").get_data(as_text=True)
    every = templates.every(shop.context)
    assert len(every) >= 40
    assert len(re.findall(r'<li class="tg-card" id="t-', html)) == len(every)
    found = someone.get("/rules/templates?q=PO&group=address").get_data(as_text=True)
    assert 'id="t-hold-po-box"' in found
    assert someone.get("/rules/templates/nothing").status_code == 404


def test_every_template_goes_into_the_shipped_set_of_its_gate_with_passing_tests(desk: Any) -> None:
    context = desk.context
    by_gate = {info.gate: info.set_id for info in drafts.sets(context)}
    used = 0
    for one in templates.every(context):
        set_id = by_gate[one.gate]
        draft, rule = templates.use(context, set_id, 0, one.id, {}, "li")
        (found,) = [found for found in draft.ruleset.written if found.id == rule]
        own = run_cases(draft.ruleset, draft.ruleset.cases[-2:], context.timezone)
        assert [result.passed for result in own] == [True, True], one.id
        assert found.why["zh"] != found.why["en"]
        drafts.discard(context, set_id, draft.version, "li")
        used += 1
    assert used >= 40


def test_a_blank_of_the_wrong_kind_is_told_at_its_box_and_kept(desk: Any) -> None:
    someone = desk.client()
    page = "/rules/templates/hold-large"
    fields = {"set": "review", "b.large_total": "很多"}
    answer = someone.post(page, page, **fields)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="很多"' in html
    assert 'aria-invalid="true"' in html
    done = someone.post(page, page, **{"set": "review", "b.large_total": "3,000 CNY"})
    assert done.status_code == 303
    assert done.headers["Location"].endswith("/rules/review/rules/hold-large")
    found = drafts.working_set(desk.context, "review")
    assert str(found.parameters["large_total"].value) == "3000 CNY"
    again = someone.post(page, page, **{"set": "review", "b.large_total": "4000 CNY"})
    assert again.headers["Location"].endswith("/rules/review/rules/hold-large-2")
