"""Scans: kept once, applied only forwards, and the same in the end whatever the order they come in."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import event

from tidegate.errors import RemoteRetry
from tidegate.jobs.runner import drain
from tidegate.sdk.carrier import CarrierScan
from tidegate.services import handover, labels
from tidegate.services.chain import advance
from tidegate.services.tracking import apply_scans, pull_scans
from tidegate.services.work import enqueue
from tidegate.store.tables import Job, Order, Parcel, Reservation, Scan, Stock, SyncCursor

WAY = ("picked_up", "arrived_at_hub", "departed_from_hub", "out_for_delivery", "delivered")


def on_the_way(world: Any, *, handed: bool = True) -> tuple[int, str]:
    """An order handed over (or only printed) and its waybill number."""
    if not world.count(Stock):
        world.stock("KETTLE", 50)
    order_id = world.order(("KETTLE", 2))
    advance(world.context, order_id, "received")
    labels.print_labels(world.context, None, "li")
    if handed:
        handover.hand_over(world.context, [world.parcel(order_id).id], "li")
    return order_id, str(world.parcel(order_id).waybill_no)


def test_scans_carry_parcel_and_order_to_delivered(both: Any) -> None:
    order_id, number = on_the_way(both)
    for hour, state in enumerate(WAY):
        both.carrier.scan(number, state, both.now + timedelta(hours=hour))
    both.wait(hours=6)
    assert pull_scans(both.context) == 5
    parcel = both.parcel(order_id)
    assert (parcel.state, both.state(order_id)) == ("delivered", "delivered")
    start = both.now - timedelta(hours=6)
    assert parcel.picked_up_at == start
    assert parcel.out_for_delivery_at == start + timedelta(hours=3)
    assert parcel.delivered_at == parcel.last_scan_at == start + timedelta(hours=4)
    assert [scan.applied for scan in both.all(Scan)] == [True] * 5
    assert both.get(SyncCursor).cursor == "5"
    before = both.everything()
    assert pull_scans(both.context) == 0
    assert {name: rows for name, rows in both.everything() if name != "sync_cursor"} == {
        name: rows for name, rows in before if name != "sync_cursor"
    }


def test_a_scan_told_twice_is_kept_once(both: Any) -> None:
    order_id, number = on_the_way(both)
    both.carrier.scan(number, "delivery_attempted", both.now, "x1")
    both.carrier.scan(number, "delivery_attempted", both.now, "x1")
    pull_scans(both.context)
    both.carrier.scan(number, "delivery_attempted", both.now, "x1")
    pull_scans(both.context)
    assert both.count(Scan) == 1
    assert both.parcel(order_id).failed_deliveries == 1


def test_a_late_scan_is_kept_and_moves_nothing(world: Any) -> None:
    order_id, number = on_the_way(world)
    world.carrier.scan(number, "delivered", world.now + timedelta(hours=4))
    world.wait(hours=5)
    pull_scans(world.context)
    world.carrier.scan(number, "picked_up", world.now - timedelta(hours=5))
    world.carrier.scan(number, "in_transit", world.now + timedelta(hours=2))  # after the delivery
    pull_scans(world.context)
    parcel = world.parcel(order_id)
    assert (parcel.state, world.state(order_id)) == ("delivered", "delivered")
    assert [scan.applied for scan in world.all(Scan)] == [True, False, False]
    assert parcel.picked_up_at == world.now - timedelta(hours=5)


def test_an_impossible_scan_is_refused_and_told(world: Any) -> None:
    order_id, number = on_the_way(world)
    world.carrier.scan(number, "refused", world.now)
    world.carrier.scan(number, "out_for_delivery", world.now + timedelta(hours=1))
    pull_scans(world.context)
    assert (world.parcel(order_id).state, world.state(order_id)) == ("returning", "returning")
    assert [scan.applied for scan in world.all(Scan)] == [True, False]
    assert world.events(order_id).count("move_refused") == 1


def test_every_order_of_arrival_ends_the_same(world: Any) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    ends = set()
    for _ in range(12):
        order_id, number = on_the_way(world)
        told = [(state, world.now + timedelta(hours=hour)) for hour, state in enumerate(WAY)]
        chance.shuffle(told)
        for state, at in told:
            world.carrier.scan(number, state, at)
            if chance.random() < 0.5:
                pull_scans(world.context)
        pull_scans(world.context)
        parcel = world.parcel(order_id)
        times = [
            at - world.now for at in (parcel.picked_up_at, parcel.delivered_at, parcel.last_scan_at)
        ]
        ends.add((parcel.state, world.state(order_id), *times))
    zero, four = timedelta(0), timedelta(hours=4)
    assert ends == {("delivered", "delivered", zero, four, four)}, f"seed {seed}"


def test_a_pick_up_scan_hands_a_printed_parcel_over(both: Any) -> None:
    order_id, number = on_the_way(both, handed=False)
    both.carrier.scan(number, "picked_up", both.now + timedelta(hours=1))
    pull_scans(both.context)
    parcel = both.parcel(order_id)
    assert (parcel.state, both.state(order_id)) == ("in_transit", "in_transit")
    assert parcel.handed_over_at == both.now + timedelta(hours=1)
    assert both.get(Reservation).state == "consumed"
    assert [(row.on_hand, row.reserved) for row in both.all(Stock)] == [(48, 0)]


def test_scans_of_strangers_change_nothing(world: Any, intruder: Any) -> None:
    order_id, number = on_the_way(world)
    world.carrier.scan("SB99999999", "delivered", world.now)
    world.carrier.scan(number, "in_transit", world.now)
    assert pull_scans(intruder.context) == 0
    assert world.state(order_id) == "handed_over"
    assert pull_scans(world.context) == 1
    assert world.state(order_id) == "in_transit"
    assert world.count(Order) == world.count(Parcel) == 1


def test_information_without_a_move_is_kept(world: Any) -> None:
    order_id, number = on_the_way(world)
    world.carrier.scan(number, "pickup_failed", world.now + timedelta(hours=1))
    world.carrier.scan(number, "no_such_state", world.now + timedelta(hours=2))
    pull_scans(world.context)
    parcel = world.parcel(order_id)
    assert (parcel.state, parcel.last_scan_state, parcel.picked_up_at) == (
        "handed_over", "pickup_failed", None,
    )  # fmt: skip
    assert [scan.applied for scan in world.all(Scan)] == [True, False]


def test_a_carrier_away_for_long_leaves_no_dead_letters(both: Any) -> None:
    """Every few seconds its schedule asks again: half an hour away must not be hundreds of jobs for a person."""
    away = both.carrier.scans_since
    _, number = on_the_way(both)

    def nobody(_cursor: str) -> Any:
        raise RemoteRetry("carrier.unreachable", zh="没有人接。", en="Nobody listens.")

    both.carrier.scans_since = nobody
    for _ in range(12):
        with both.context.store.begin(1) as work:
            enqueue(work, "pull_scans", {}, due_at=both.now, now=both.now, key="scans")
            work.commit()
        drain(both.context)
        both.wait(seconds=31)
    tried = both.all(Job, Job.name == "pull_scans")
    assert {job.state for job in tried} == {"dropped"}
    assert {job.error for job in tried} == {"carrier.unreachable"}
    both.carrier.scans_since = away
    both.carrier.scan(number, "picked_up", both.now)
    pull_scans(both.context)
    assert both.count(Scan) == 1


def second_parcel(world: Any, order_id: int) -> str:
    """Another parcel of the same order, under way as well; its waybill number."""
    first = world.parcel(order_id)
    with world.context.store.begin(world.context.tenant_id) as work:
        number = f"{first.waybill_no}X"
        work.add(
            Parcel(
                order_id=order_id, number=f"{first.number}-2", state=first.state,
                state_since=first.state_since, warehouse_id=first.warehouse_id,
                carrier=first.carrier, service_code=first.service_code, waybill_no=number,
                handed_over_at=first.handed_over_at,
            )
        )  # fmt: skip
        work.commit()
    return number


def scan_of(number: str, state: str, at: datetime) -> CarrierScan:
    return CarrierScan(f"{number}-{state}", number, at, state.upper(), state, "杭州市", "快件")


def test_two_parcels_that_end_at_the_same_moment_end_their_order(both: Any) -> None:
    """Each in a transaction of its own: the second one sees what the first one wrote."""
    order_id, number = on_the_way(both)
    other = second_parcel(both, order_id)
    tenant, at = both.context.tenant_id, both.now + timedelta(hours=1)
    began = threading.Event()

    def second() -> None:
        began.set()
        with both.context.store.begin(tenant) as work:
            apply_scans(work, "sandbox", [scan_of(other, "delivered", at)], at)
            work.commit()

    thread = threading.Thread(target=second)
    with both.context.store.begin(tenant) as work:
        apply_scans(work, "sandbox", [scan_of(number, "delivered", at)], at)
        work.session.flush()
        thread.start()
        began.wait(10)
        time.sleep(0.3)  # it reads as far as it gets
        work.commit()
    thread.join(30)
    assert {parcel.state for parcel in both.all(Parcel)} == {"delivered"}
    assert both.state(order_id) == "delivered"


def test_a_page_of_many_scans_takes_no_more_statements_than_one_of_few(both: Any) -> None:
    numbers = [on_the_way(both)[1] for _ in range(24)]

    def asked(some: Sequence[str]) -> int:
        """Statements that a page with a scan of each of these parcels takes."""
        said: list[str] = []
        engine = both.context.store.engine
        listen = (engine, "before_cursor_execute", lambda *given: said.append(str(given[2])))
        event.listen(*listen)
        try:
            with both.context.store.begin(both.context.tenant_id) as work:
                page = [scan_of(number, "picked_up", both.now) for number in some]
                apply_scans(work, "sandbox", page, both.now)
                work.commit()
        finally:
            event.remove(*listen)
        assert [one for one in said if "scan" in one]
        return len(said)

    few, many = asked(numbers[:4]), asked(numbers[4:])
    assert many <= few + 2
    assert {parcel.state for parcel in both.all(Parcel)} == {"in_transit"}
