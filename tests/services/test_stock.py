"""Promises, counts and shipments of stock: the books add up, whoever counts and whatever is cancelled."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tidegate.errors import Conflict, InputError, NotFound
from tidegate.services import stock_levels
from tidegate.services.chain import advance_many
from tidegate.services.inventory import promised
from tidegate.services.reserving import Want, give_back, reserve_all, ship
from tidegate.services.shipping import cancel_order
from tidegate.services.stock_books import differences
from tidegate.services.stock_sync import Told, sync_stock
from tidegate.services.sweeping import sweep
from tidegate.store.stock_tables import StockMove
from tidegate.store.tables import Event, Job, Order, OrderLine, Reservation, Stock


def count(world: Any, sku: str, units: int, warehouse: str = "jiaxing", **more: Any) -> Any:
    told = [Told(sku, warehouse, on_hand=units)]
    (level,) = sync_stock(world.context, told, source="wms", **more)
    return level


def want(world: Any, order_id: int, warehouse: int = 1, **more: Any) -> Want:
    lines = world.all(OrderLine, OrderLine.order_id == order_id)
    return Want(order_id, warehouse, tuple((x.id, x.sku, x.quantity) for x in lines), **more)


def reserve(world: Any, *order_ids: int) -> list[bool]:
    with world.context.store.begin(world.context.tenant_id) as work:
        done = reserve_all(work, [want(world, order_id) for order_id in order_ids], world.now)
        work.commit()
    return done


def level(world: Any, sku: str) -> tuple[int, int, int]:
    row = world.get(Stock, Stock.sku == sku)
    return row.on_hand, row.reserved, row.missing


def books(world: Any) -> list[Any]:
    with world.context.store.begin(world.context.tenant_id, readonly=True) as work:
        return differences(work)


def test_many_wants_are_met_in_their_order_as_far_as_stock_goes(both: Any) -> None:
    count(both, "KETTLE", 5)
    count(both, "CUP", 100)
    ids = [both.order(("CUP", 1), ("KETTLE", n)) for n in (2, 4, 3, 1)]
    assert reserve(both, *ids) == [True, False, True, False]
    assert (level(both, "KETTLE"), level(both, "CUP")) == ((5, 5, 0), (100, 2, 0))
    held = both.all(Reservation)
    assert {row.order_id for row in held} == {ids[0], ids[2]}
    assert books(both) == []


def test_one_want_is_all_or_nothing(both: Any) -> None:
    count(both, "CUP", 1)
    count(both, "KETTLE", 1)
    order_id = both.order(("CUP", 1), ("KETTLE", 2))
    assert reserve(both, order_id) == [False]
    assert (level(both, "CUP"), level(both, "KETTLE")) == ((1, 0, 0), (1, 0, 0))
    assert both.count(Reservation) == 0


def test_what_no_stock_row_knows_is_not_reserved(both: Any) -> None:
    count(both, "CUP", 1)
    ids = [both.order(("CUP", 1)), both.order(("NONE", 1))]
    assert reserve(both, *ids) == [True, False]


def test_units_are_given_back_once(both: Any) -> None:
    count(both, "CUP", 3)
    order_id = both.order(("CUP", 2))
    reserve(both, order_id)
    tenant = both.context.tenant_id
    with both.context.store.begin(tenant, readonly=True) as early:
        seen = promised(early, [order_id])[order_id]
    with both.context.store.begin(tenant) as work:
        assert give_back(work, promised(work, [order_id])[order_id], both.now) == 2
        work.commit()
    with both.context.store.begin(tenant) as late, pytest.raises(Conflict):
        ship(late, seen, both.now)
    assert level(both, "CUP") == (3, 0, 0)
    assert books(both) == []


def test_what_is_shipped_is_in_the_history(both: Any) -> None:
    count(both, "CUP", 7)
    order_id = both.order(("CUP", 2))
    reserve(both, order_id)
    with both.context.store.begin(both.context.tenant_id) as work:
        assert ship(work, promised(work, [order_id])[order_id], both.now) == 2
        work.commit()
    moves = [(row.kind, row.units, row.order_id) for row in both.all(StockMove)]
    assert moves == [("counted", 7, None), ("shipped", -2, order_id)]
    assert level(both, "CUP") == (5, 0, 0)
    assert books(both) == []


def test_the_chain_reserves_ships_and_cancels_with_books_that_add_up(both: Any) -> None:
    count(both, "KETTLE", 20)
    ids = [both.order(("KETTLE", 1)) for _ in range(6)]
    advance_many(both.context, ids, "received")
    assert level(both, "KETTLE") == (20, 6, 0)
    cancel_order(both.context, ids[0], "li", "test")
    stock_levels.adjust(both.context, "KETTLE", "jiaxing", 15, "li", "count")
    assert level(both, "KETTLE") == (15, 5, 0)
    assert books(both) == []


def test_a_count_below_what_is_promised_keeps_the_promise_and_is_told(both: Any) -> None:
    count(both, "CUP", 10)
    ids = [both.order(("CUP", 4)), both.order(("CUP", 4))]
    assert reserve(both, *ids) == [True, True]
    found = count(both, "CUP", 5)
    assert (found.on_hand, found.reserved, found.missing) == (8, 8, 3)
    (event,) = both.all(Event, Event.kind == "stock_below_reserved")
    assert event.data == {
        "sku": "CUP", "warehouse": "jiaxing", "told": 5, "reserved": 8, "missing": 3,
    }  # fmt: skip
    assert books(both) == []
    assert reserve(both, both.order(("CUP", 1))) == [False]
    with both.context.store.begin(both.context.tenant_id) as work:
        give_back(work, promised(work, [ids[0]])[ids[0]], both.now)
        work.commit()
    assert level(both, "CUP") == (5, 4, 0)  # 5 are there, as was counted
    assert books(both) == []
    assert count(both, "CUP", 9).missing == 0


def test_a_change_told_twice_under_its_reference_counts_once(both: Any) -> None:
    count(both, "CUP", 10)
    told = [Told("CUP", "jiaxing", change=-3)]
    first = sync_stock(both.context, told, source="wms", reference="R1")
    again = sync_stock(both.context, told, source="wms", reference="R1")
    assert ([x.on_hand for x in first], [x.on_hand for x in again]) == ([7], [7])
    assert (first[0].repeated, again[0].repeated) == (False, True)
    assert sync_stock(both.context, told, source="wms", reference="R2")[0].on_hand == 4
    assert books(both) == []


def test_more_stock_lets_waiting_orders_of_that_sku_go_on(both: Any) -> None:
    count(both, "CUP", 0)
    order_id = both.order(("CUP", 1))
    advance_many(both.context, [order_id], "received")
    assert both.state(order_id) == "waiting_stock"
    count(both, "KETTLE", 5)
    assert both.count(Job, Job.key == f"advance:{order_id}") == 0
    count(both, "CUP", 1)
    assert both.count(Job, Job.key == f"advance:{order_id}") == 1


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (Told("CUP", "none", on_hand=1), "stock.no_warehouse"),
        (Told("NEW", "jiaxing", change=1), "stock.not_found"),
        (Told("CUP", "jiaxing"), "stock.not_told"),
        (Told("CUP", "jiaxing", on_hand=1, change=1), "stock.not_told"),
        (Told("CUP", "jiaxing", on_hand=-1), "stock.not_told"),
    ],
)
def test_what_can_not_be_taken_over_changes_nothing(world: Any, told: Told, code: str) -> None:
    good = Told("KETTLE", "jiaxing", on_hand=4)
    with pytest.raises((InputError, NotFound)) as raised:
        sync_stock(world.context, [good, told], source="wms")
    assert raised.value.code == code
    assert world.count(Stock) == world.count(StockMove) == 0
    with pytest.raises(InputError):
        sync_stock(world.context, [good, good], source="wms")


def test_the_books_notice_what_does_not_add_up(both: Any) -> None:
    count(both, "CUP", 10)
    order_id = both.order(("CUP", 2))
    reserve(both, order_id)
    for table, values in (
        (Stock, {"on_hand": 9}), (Stock, {"on_hand": 10, "reserved": 1}), (Stock, {"reserved": 2}),
        (Reservation, {"state": "released"}),
    ):  # fmt: skip
        with both.context.store.begin(both.context.tenant_id) as work:
            work.session.execute(update(table).values(**values))
            work.commit()
        assert bool(books(both)) is (values != {"reserved": 2}), values


def test_stock_held_for_some_hours_goes_back_and_the_order_to_a_person(
    open_world: Any, sqlite_url: str, stubborn_rules: Any
) -> None:
    folder: Path = stubborn_rules("approve")
    for old in (folder / "inventory").iterdir():
        old.unlink()
    (folder / "inventory" / "own.yaml").write_text(
        "tidegate: ruleset/1\nid: own-stock\ngate: inventory\ntitle: {zh: 自定, en: Own}\n"
        "policy: first\non_missing: skip\nrules:\n  - id: a-while\n    title: {zh: 占用, en: Hold}\n"
        "    why: test\n    if: [stock.one_warehouse = true]\n"
        "    then: [{allocate: {prefer: nearest, for_hours: 2}}]\n",
        encoding="utf-8",
    )
    for old in (folder / "routing").iterdir():
        old.unlink()
    world = open_world(sqlite_url, folder)
    count(world, "CUP", 1)
    order_id = world.order(("CUP", 1))
    advance_many(world.context, [order_id], "received")
    (held,) = world.all(Reservation)
    assert held.expires_at == world.now + timedelta(hours=2)
    world.wait(hours=2, minutes=-1)
    sweep(world.context)
    assert level(world, "CUP") == (1, 1, 0)
    world.wait(minutes=1)
    sweep(world.context)
    assert level(world, "CUP") == (1, 0, 0)
    order = world.get(Order, Order.id == order_id)
    assert (order.state, order.hold_reason) == ("on_hold", "reservation_expired")
    assert "reservation_expired" in world.events(order_id)
    assert books(world) == []
