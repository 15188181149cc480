"""Jobs that call carriers run in the lane of their account: one that hangs keeps its own parcels only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tidegate.errors import RemoteRetry
from tidegate.jobs.runner import Runner, drain
from tidegate.sdk.carrier import Waybill, WaybillRequest
from tidegate.services.chain import decide_many
from tidegate.services.sweeping import sweep
from tidegate.services.work import enqueue_advance
from tidegate.store.tables import CarrierService, Job, Order, Parcel


class HangingCarrier:
    """Any other carrier, but its calls wait until `go` is set."""

    def __init__(self, carrier: Any) -> None:
        self.carrier = carrier
        self.asked = threading.Event()
        self.go = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.carrier, name)

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        self.asked.set()
        assert self.go.wait(60)
        found: Waybill = self.carrier.create_waybill(request)
        return found


@pytest.fixture
def hanging(both: Any) -> Iterator[HangingCarrier]:
    """SF hangs, the others are as they were; six orders, every other one goes by SF."""
    carrier = HangingCarrier(type(both.carrier)(name="slow"))
    both.context.carriers["slow"] = carrier
    both.stock("KETTLE", 50)
    ids = [both.order() for _ in range(6)]
    with both.context.store.begin(1) as work:
        by_sf = CarrierService.code == "SF.standard"
        work.session.execute(update(CarrierService).where(by_sf).values(connector="slow"))
        to_sf = Order.id.in_(ids[::2])
        work.session.execute(update(Order).where(to_sf).values(manual_service="SF.standard"))
        work.commit()
    yield carrier
    carrier.go.set()


def until(claim: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_carrier_that_hangs_keeps_only_its_own_parcels(
    both: Any, hanging: HangingCarrier
) -> None:
    with both.context.store.begin(1) as work:
        for order in both.all(Order):
            enqueue_advance(work, order.id, both.now)
        work.commit()
    runner = Runner(both.context)
    runner.start()
    try:
        assert hanging.asked.wait(60)
        until(lambda: both.count(Parcel, Parcel.state == "waybill") == 3)
        both.stock("LATE", 5)
        late = both.order(("LATE", 1))
        with both.context.store.begin(1) as work:
            enqueue_advance(work, late, both.now)
            work.commit()
        until(lambda: both.state(late) == "waybill")
        assert both.count(Parcel, Parcel.state == "routed") == 3, "the slow carrier still hangs"
        hanging.go.set()
        until(lambda: both.count(Parcel, Parcel.state == "waybill") == 7)
    finally:
        hanging.go.set()
        runner.stop()


def test_asking_commits_with_the_change_it_follows_from(both: Any) -> None:
    both.stock("KETTLE", 5)
    order_id = both.order()
    decide_many(both.context, [order_id], "received")
    assert both.state(order_id) == "routed"
    assert both.carrier.requests == [], "no carrier is called while gates decide"
    (job,) = both.all(Job, Job.name == "request_waybill")
    assert (job.lane, job.state) == ("sandbox", "ready")
    decide_many(both.context, [order_id])
    assert both.count(Job, Job.name == "request_waybill") == 1, "one that waits goes on waiting"
    drain(both.context)
    assert both.state(order_id) == "waybill"
    assert len(both.carrier.requests) == 1


def test_parcels_of_a_carrier_that_answers_again_go_on_soon_and_not_by_the_sweep(both: Any) -> None:
    both.stock("KETTLE", 50)
    down = RemoteRetry("carrier.down", zh="停机。", en="Down.", retry_after_s=1800)
    both.carrier.trouble = [("before", down)] * 5
    decide_many(both.context, [both.order() for _ in range(5)], "received")
    drain(both.context)
    assert both.count(Job, Job.due_at >= both.now + timedelta(minutes=29)) >= 5
    both.wait(minutes=5)
    assert sweep(both.context) == 0, "whatever waits for a carrier is not forgotten"
    fresh = both.order()
    decide_many(both.context, [fresh], "received")
    drain(both.context)
    assert both.state(fresh) == "waybill", "the carrier is there again"
    both.wait(seconds=20)
    drain(both.context)
    assert both.count(Parcel, Parcel.state == "waybill") == 6


def test_where_nobody_listens_one_parcel_asks_and_the_others_wait_for_it(both: Any) -> None:
    both.stock("KETTLE", 50)
    gone = RemoteRetry("carrier.unreachable", zh="没有人接。", en="Nobody listens.")
    asked: list[str] = []
    real = both.carrier.create_waybill

    def create_waybill(request: WaybillRequest) -> Waybill:
        asked.append(request.parcel_number)
        if gone is not None:
            raise gone
        found: Waybill = real(request)
        return found

    both.carrier.create_waybill = create_waybill
    decide_many(both.context, [both.order() for _ in range(6)], "received")
    drain(both.context)
    assert len(asked) == 6, "a batch finds out together"
    decide_many(both.context, [both.order()], "received")
    for _ in range(6):  # half a minute
        both.wait(seconds=5)
        drain(both.context)
    assert len(asked) == 6 + 1 + 6, "one asks every five seconds"
    assert both.count(Job, Job.state == "ready", Job.error == "carrier.away") >= 6
    gone = None
    both.wait(seconds=5)
    drain(both.context)
    assert both.count(Parcel, Parcel.state == "waybill") == 7, "then all of them at once"
