"""Of each lane one batch is in hand at a time; other lanes, and work without a lane, do not wait for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tidegate.jobs import relay, table
from tidegate.services.work import enqueue
from tidegate.store.unit_of_work import Store

NAME = "request_waybill"


def put(store: Store, clock: Any, lane: str | None, count: int = 1, tenant: int = 1) -> None:
    with store.begin(tenant) as work:
        for n in range(count):
            enqueue(work, NAME, {"parcel_id": n}, due_at=clock.now, now=clock.now, lane=lane)
        work.commit()


def claim(store: Store, clock: Any, lane: str | None = None, tenant: int = 1) -> list[str | None]:
    found = table.claim(store, tenant, clock.now, 50, names=[NAME], lane=lane)
    return [job.lane for job in found]


def test_a_lane_in_hand_is_left_alone_and_others_are_taken(store: Store, clock: Any) -> None:
    for lane, count in (("sf", 60), ("zto", 2), (None, 1)):
        put(store, clock, lane, count)
    first = table.claim(store, 1, clock.now, 50, names=[NAME])
    assert {job.lane for job in first} == {"sf"}
    assert len(first) == 50
    assert claim(store, clock) == ["zto", "zto"]
    assert claim(store, clock) == [None]
    assert claim(store, clock) == [], "ten of sf wait until those in hand are over"
    table.finish(store, first, clock.now)
    assert claim(store, clock) == ["sf"] * 10


def test_to_see_that_nothing_can_be_claimed_takes_nobodys_turn_to_write(
    store: Store, clock: Any
) -> None:
    put(store, clock, "sf", 60)
    assert len(claim(store, clock)) == 50
    with store.begin(1) as work:
        enqueue(work, NAME, {"parcel_id": 0}, due_at=clock.now, now=clock.now, lane="sf")
        assert claim(store, clock) == [], "somebody else writes, and this did not wait for it"


def test_lanes_of_two_tenants_have_nothing_to_do_with_each_other(store: Store, clock: Any) -> None:
    put(store, clock, "sf", tenant=1)
    put(store, clock, "sf", tenant=2)
    assert claim(store, clock, tenant=1) == ["sf"]
    assert claim(store, clock, tenant=2) == ["sf"]


def test_a_lane_can_be_asked_for(store: Store, clock: Any) -> None:
    put(store, clock, "sf")
    put(store, clock, "zto")
    assert claim(store, clock, lane="zto") == ["zto"]


def test_the_relay_sends_one_message_of_each_free_lane(store: Store, clock: Any) -> None:
    for lane, count in (("sf", 60), ("zto", 2), ("yto", 1)):
        put(store, clock, lane, count)
    held = table.claim(store, 1, clock.now, 50, names=[NAME], lane="yto")
    put(store, clock, "yto")
    first = relay.unsent_in_lanes(store, 1, NAME, clock.now, 60)
    assert sorted(map(len, first)) == [2, 50], "yto is in hand"
    for message in first:
        relay.mark_sent(store, message)
    assert relay.unsent_in_lanes(store, 1, NAME, clock.now, 60) == [], "one at a time"
    table.finish(store, held, clock.now)
    again = relay.unsent_in_lanes(store, 1, NAME, clock.now + timedelta(seconds=1), 60)
    assert list(map(len, again)) == [1]
