"""B4: a thousand orders of arrival, one final state. Scans of real courses, repeated, cut into pages anywhere."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tidegate.sdk.carrier import CarrierScan
from tidegate.services import labels
from tidegate.services.chain import advance
from tidegate.services.tracking import apply_scans
from tidegate.store.tables import Order, Parcel, Reservation, Stock

SEED = random.randrange(10**6)
# (hour, state); equal hours are one instant. At most one terminal state each: of two, the first to come stays.
COURSES: dict[str, Sequence[tuple[int, str]]] = {
    "second_attempt": (
        (0, "picked_up"), (3, "arrived_at_hub"), (9, "arrived_at_destination"), (10, "out_for_delivery"),
        (12, "delivery_attempted"), (12, "recipient_unavailable"), (30, "out_for_delivery"), (33, "delivered"),
        (35, "in_transit"),
    ),
    "locker": (
        (0, "pickup_failed"), (2, "picked_up"), (9, "out_for_delivery"), (9, "delivery_to_locker"),
        (20, "exception"), (40, "signed_by_third_party"),
    ),
    "refused": (
        (0, "picked_up"), (8, "out_for_delivery"), (9, "refused"), (10, "return_initiated"),
        (11, "out_for_delivery"), (20, "in_return_transit"), (30, "returned_to_sender"), (31, "exception"),
    ),
    "lost": ((0, "picked_up"), (4, "departed_from_hub"), (4, "arrived_at_hub"), (100, "lost")),
    "open": ((0, "picked_up"), (8, "out_for_delivery"), (9, "in_transit"), (12, "exception"), (12, "no_such_state")),
    "nothing_moves": ((1, "pickup_scheduled"), (2, "pickup_failed")),
}  # fmt: skip
ENDS = {
    "second_attempt": "delivered", "locker": "delivered", "refused": "returned", "lost": "lost",
    "open": "in_transit", "nothing_moves": "printed",
}  # fmt: skip


def printed_order(world: Any) -> tuple[int, str]:
    world.stock("KETTLE", 5)
    order_id = world.order(("KETTLE", 2))
    advance(world.context, order_id, "received")
    labels.print_labels(world.context, None, "li")
    return order_id, str(world.parcel(order_id).waybill_no)


def after(world: Any, order_id: int, pages: Sequence[Sequence[CarrierScan]]) -> tuple[Any, ...]:
    """The state that these pages leave; undone afterwards."""
    with world.context.store.begin(world.context.tenant_id) as work:
        for page in pages:
            apply_scans(work, "sandbox", page, world.now)
            work.session.flush()
        parcel = work.session.scalars(select(Parcel).where(Parcel.order_id == order_id)).one()
        order = work.session.get_one(Order, order_id)
        stock = work.session.scalars(select(Stock)).one()
        held = work.session.scalars(select(Reservation)).one()
        found = (
            parcel.state, order.state, parcel.picked_up_at, parcel.handed_over_at,
            parcel.out_for_delivery_at, parcel.delivered_at, parcel.last_scan_at,
            parcel.last_scan_state, parcel.failed_deliveries, stock.on_hand, held.state,
        )  # fmt: skip
        work.session.rollback()
    return found


@pytest.mark.parametrize("orders", [150, pytest.param(1000, marks=pytest.mark.long)])
def test_all_orders_of_arrival_end_the_same(world: Any, orders: int) -> None:
    print(f"seed {SEED}")
    order_id, number = printed_order(world)
    ends: dict[str, tuple[Any, ...]] = {}
    tried: list[int] = []

    @seed(SEED)
    @settings(
        max_examples=orders, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def check(data: st.DataObject) -> None:
        course = data.draw(st.sampled_from(list(COURSES)))
        told = [
            CarrierScan(
                f"{course}{n}", number, world.now + timedelta(hours=hour), "X", state, "嘉兴", ""
            )
            for n, (hour, state) in enumerate(COURSES[course])
        ]
        repeats = data.draw(st.lists(st.sampled_from(told), max_size=4))
        arrived = data.draw(st.permutations([*told, *repeats]))
        cuts = sorted(data.draw(st.sets(st.integers(1, len(arrived)), max_size=4)))
        pages = [arrived[a:b] for a, b in zip([0, *cuts], [*cuts, len(arrived)], strict=True)]
        if course not in ends:
            ends[course] = after(world, order_id, [told])
        assert after(world, order_id, pages) == ends[course], f"seed {SEED}"
        tried.append(1)

    check()
    assert len(tried) >= orders
    assert {course: end[0] for course, end in ends.items()} == ENDS


def test_of_two_terminal_states_the_first_to_come_stays(world: Any) -> None:
    order_id, number = printed_order(world)
    lost = CarrierScan("a", number, world.now + timedelta(hours=50), "X", "lost", "", "")
    done = CarrierScan("b", number, world.now + timedelta(hours=20), "X", "delivered", "", "")
    assert after(world, order_id, [[lost], [done]])[0] == "lost"
    assert after(world, order_id, [[done], [lost]])[0] == "delivered"


def test_two_parcels_of_one_order_end_the_same_in_any_order(world: Any) -> None:
    """The order follows the parcel scanned last, comes back when one does, ends when both ended alike."""
    chance = random.Random(SEED)
    order_id, number = printed_order(world)
    first = world.parcel(order_id)
    copy = {
        name: getattr(first, name)
        for name in ("order_id", "warehouse_id", "state", "state_since", "currency", "carrier")
    }
    (second,) = world.add(Parcel(number="P-2", waybill_no="SB-2", **copy))
    for one, two, end in (
        (((0, "picked_up"), (5, "out_for_delivery")), ((1, "picked_up"), (9, "in_transit")), "in_transit"),
        (((0, "picked_up"), (9, "delivered")), ((1, "picked_up"), (5, "out_for_delivery")), "out_for_delivery"),
        (((0, "picked_up"), (9, "delivered")), ((1, "picked_up"), (30, "delivered")), "delivered"),
        (((0, "picked_up"), (9, "refused")), ((1, "picked_up"), (30, "in_transit")), "returning"),
    ):  # fmt: skip
        told = [
            CarrierScan(
                f"{waybill}{n}", waybill, world.now + timedelta(hours=hour), "X", state, "", ""
            )
            for waybill, course in ((number, one), ("SB-2", two))
            for n, (hour, state) in enumerate(course)
        ]
        for _ in range(20):
            chance.shuffle(told)
            with world.context.store.begin(world.context.tenant_id) as work:
                for scan in told:
                    apply_scans(work, "sandbox", [scan], world.now)
                    work.session.flush()
                assert work.session.get_one(Order, order_id).state == end, f"seed {SEED}"
                work.session.rollback()
    assert second
