"""Every move of states.yaml, allowed and refused, on rows of a real database."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.errors import Conflict
from tidegate.services.states import allowed, is_final, move_order, move_parcel, moves
from tidegate.store.tables import Event, Order, Parcel

PAIRS = [
    (kind, state, to)
    for kind in ("order", "parcel")
    for state in moves()[kind]
    for to in moves()[kind]
    if state != to
]


def subject(world: Any, kind: str, state: str) -> int:
    if kind == "order":
        return int(world.order(state=state))
    order_id = world.order()
    (parcel_id,) = world.add(
        Parcel(order_id=order_id, number=f"P{order_id}", warehouse_id=1, state=state, state_since=world.now)
    )  # fmt: skip
    return int(parcel_id)


def move(world: Any, kind: str, row_id: int, to: str) -> bool:
    table, act = (Order, move_order) if kind == "order" else (Parcel, move_parcel)
    with world.context.store.begin(world.context.tenant_id) as work:
        row = work.session.get(table, row_id)
        done = act(work, row, to, now=world.now, actor_kind="system", actor="test")
        work.commit()
    return bool(done)


def test_the_table_names_only_states_it_has() -> None:
    assert len(PAIRS) > 300
    for kind in ("order", "parcel"):
        table = moves()[kind]
        assert {to for row in table.values() for to in row["to"]} <= set(table)
        assert all(is_final(kind, state) == (not row["to"]) for state, row in table.items())


def test_every_allowed_move_is_made_and_told_and_every_other_is_refused_and_told(
    world: Any,
) -> None:
    made = refused = 0
    for kind, state, to in PAIRS:
        table = Order if kind == "order" else Parcel
        row_id = subject(world, kind, state)
        before = world.get(table, table.id == row_id)
        done = move(world, kind, row_id, to)
        row = world.get(table, table.id == row_id)
        event = world.all(Event)[-1]
        if allowed(kind, state, to):
            assert (done, row.state, row.version) == (True, to, before.version + 1), (state, to)
            assert event.kind == f"{kind}_moved"
            made += 1
        else:
            assert (done, row.state, row.version) == (False, state, before.version), (state, to)
            assert event.kind == "move_refused"
            refused += 1
        assert (event.data["from"], event.data["to"]) == (state, to)
        with world.context.store.begin(
            world.context.tenant_id
        ) as work:  # keep the last event cheap to find
            for old in work.session.query(Event):
                work.session.delete(old)
            work.commit()
    assert (made, refused) == (
        sum(len(row["to"]) for kind in ("order", "parcel") for row in moves()[kind].values()),
        len(PAIRS) - made,
    )


def test_a_move_to_where_it_is_writes_nothing(world: Any) -> None:
    order_id = world.order(state="approved")
    assert move(world, "order", order_id, "approved") is False
    assert world.events(order_id) == []


def test_two_who_read_the_same_order_cannot_both_move_it(both: Any) -> None:
    order_id = both.order(state="approved")
    context = both.context
    with context.store.begin(context.tenant_id, readonly=True) as work:
        stale = work.session.get(Order, order_id)
    with context.store.begin(context.tenant_id) as work:
        move_order(work, work.session.get(Order, order_id), "waiting_stock", now=both.now)
        work.commit()
    with (
        context.store.begin(context.tenant_id) as work,
        pytest.raises(Conflict, match="changed meanwhile"),
    ):
        move_order(work, stale, "allocated", now=both.now)
    assert both.state(order_id) == "waiting_stock"
