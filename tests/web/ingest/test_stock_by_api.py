"""Stock told by programs: all levels or none, once per reference, by those who may."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.store.tables import Stock, Warehouse


@pytest.fixture
def warehouse(program: Any) -> str:
    with program.context.store.begin(1) as work:
        work.add(Warehouse(code="jiaxing", name="嘉兴仓", priority=10))
        work.commit()
    return "jiaxing"


def levels(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"levels": [{"warehouse": "jiaxing", **row} for row in rows], **more}


def test_counts_and_changes_are_taken_over_once_per_reference(program: Any, warehouse: str) -> None:
    said = program("/stock/sync", levels({"sku": "KETTLE", "on_hand": 4}, reference="r1"))
    assert said.status_code == 200, said.get_json()
    told = {
        "sku": "KETTLE", "warehouse": warehouse, "on_hand": 4, "reserved": 0, "missing": 0,
        "repeated": False,
    }  # fmt: skip
    assert said.get_json() == {"levels": [told]}
    change = levels({"sku": "KETTLE", "change": -1}, reference="r2")
    for repeated in (False, True):
        said = program("/stock/sync", change)
        assert said.get_json() == {"levels": [{**told, "on_hand": 3, "repeated": repeated}]}


def test_one_wrong_level_leaves_all_as_they_were(program: Any, warehouse: str) -> None:
    both = levels({"sku": "KETTLE", "on_hand": 4}, {"sku": "CUP", "change": 1})
    said = program("/stock/sync", both)
    assert (said.status_code, said.get_json()["code"]) == (404, "stock.not_found")
    assert program.rows(Stock) == []
    said = program("/stock/sync", levels({"sku": "KETTLE"}))
    assert (said.status_code, said.get_json()["code"]) == (422, "stock.not_told")
    for wrong in ({"on_hand": -1}, {"on_hand": "4"}, {"on_hand": 1.5}):
        assert program("/stock/sync", levels({"sku": "KETTLE", **wrong})).status_code == 422


def test_who_may_only_read_tells_nothing(program: Any, warehouse: str) -> None:
    said = program.with_token("reader")("/stock/sync", levels({"sku": "KETTLE", "on_hand": 4}))
    assert said.status_code == 403
    assert program.rows(Stock) == []
