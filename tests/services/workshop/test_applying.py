"""New rules and the orders that older ones judged: shown first, then asked again, people's decisions untouched."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.errors import Conflict
from tidegate.jobs.runner import drain
from tidegate.services.chain import advance
from tidegate.services.review import release
from tidegate.services.workshop import applying, drafts, lifecycle

DEAR = {
    "id": "dear", "title": {"zh": "贵", "en": "Dear"}, "why": "w",
    "if": ["order.total > 200 CNY"], "then": [{"hold": {"reason": "high_value"}}],
}  # fmt: skip
CASES = [
    {"name": "over", "given": {"order": {"total": "200.01 CNY"}}, "expect": {"actions": ["hold"]}},
    {"name": "at", "given": {"order": {"total": "200 CNY"}}, "expect": {"actions": []}},
]


def _publish(context: Any, rule: dict[str, Any], cases: list[Any]) -> None:
    known = [info.set_id for info in drafts.sets(context)]
    if "pilot" in known:
        draft = drafts.start(context, "pilot", "li")
        draft = drafts.save_rule(context, "pilot", draft.version, "dear", rule, "li")
    else:
        draft = drafts.create(context, "pilot", "review", {"zh": "试", "en": "P"}, "collect", "li")
        draft = drafts.save_rule(context, "pilot", draft.version, "dear", rule, "li", new=True)
    draft = drafts.save_cases(context, "pilot", draft.version, cases, "li")
    lifecycle.publish(context, "pilot", draft.version, "li")


def test_exactly_the_orders_that_change_are_asked_again(both: Any) -> None:
    context = both.context
    cheap, dear, released = (both.order(total_minor=n) for n in (10000, 30000, 40000))
    both.stock("KETTLE", 0)
    for order in (cheap, dear, released):
        advance(context, order)
    if both.state(released) == "on_hold":
        release(context, released, "wang", "checked")
    states = {order: both.state(order) for order in (cheap, dear, released)}
    _publish(context, DEAR, CASES)
    found = applying.preview(context, "pilot")
    assert {one.order_id for one in found.orders} == {dear, released}
    assert list(found.moved) == [("none", "hold", 2)]
    assert {order: both.state(order) for order in states} == states
    assert applying.apply(context, "pilot", "li") == 2
    drain(context)
    assert both.state(dear) == "on_hold"
    assert both.state(cheap) == states[cheap]
    assert applying.preview(context, "pilot").ids == []


def test_a_gate_that_is_behind_them_is_not_asked_again(world: Any) -> None:
    with pytest.raises(Conflict) as raised:
        applying.preview(world.context, "routing")
    assert raised.value.code == "rules.not_applied"
