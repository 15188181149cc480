"""A count below what is promised rings at the parcels it was promised to, and is quiet when the goods are found."""

from __future__ import annotations

from typing import Any

from tidegate.jobs.runner import drain
from tidegate.services.chain import advance
from tidegate.services.stock_sync import Told, sync_stock
from tidegate.services.view_stock import stock_page
from tidegate.store.tables import Alert


def alerts(world: Any) -> list[tuple[int, str]]:
    return [(a.order_id, a.state) for a in world.all(Alert, Alert.kind == "stock_missing")]


def test_a_count_below_what_is_promised_rings_until_the_goods_are_found(both: Any) -> None:
    both.stock("KETTLE", 2)
    both.stock("CUP", 5)
    ids = [both.order(), both.order(), both.order(("CUP", 1))]
    for order_id in ids:
        advance(both.context, order_id, "received")
    drain(both.context)
    assert alerts(both) == []
    sync_stock(both.context, [Told("KETTLE", "jiaxing", on_hand=1)], source="wms")
    drain(both.context)
    assert alerts(both) == [(ids[0], "open"), (ids[1], "open")], "either of them may be the one"
    (row,) = [row for row in stock_page(both.context).rows if row.sku == "KETTLE"]
    assert (row.missing, row.mark) == (1, "missing")
    sync_stock(both.context, [Told("KETTLE", "jiaxing", on_hand=2)], source="wms")
    drain(both.context)
    assert alerts(both) == [(ids[0], "resolved"), (ids[1], "resolved")]
