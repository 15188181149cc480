"""Rules about connections: every page of the workshop takes them; where there are no orders to judge it says so."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.store.tables import Order


@pytest.mark.parametrize(
    "page",
    [
        "",
        "/try",
        "/tests",
        "/check",
        "/simulate",
        "/rules/failing",
        "/parameters",
        "/lists",
        "/history",
        "/review",
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_page_of_the_set_opens(desk: Any, page: str, language: str) -> None:
    answer = desk.client(language).get(f"/rules/connections{page}")
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]


def test_an_order_is_refused_with_the_way_out(desk: Any) -> None:
    order = next(iter(desk.all(Order)))
    html = desk.client().get(f"/rules/connections/try?subject={order.id}").get_data(as_text=True)
    assert "这里判断的是连接，不是订单" in html


def test_a_saved_case_is_tried(desk: Any) -> None:
    case, page = "one delivery given up is a warning", "/rules/connections/try"
    answer = desk.client("en").post(page, page, tab="cases", case=case)
    assert "A webhook was given up" in answer.get_data(as_text=True)
