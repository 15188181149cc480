"""B10 and its neighbours: whatever a carrier or a shop answers, one waybill and one telling; what can't be known is asked."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import fault_merchant
import pytest
from fault_client import FaultCarrier
from fault_remote import FAULTS, FaultServer
from sqlalchemy import select, update

from tidegate.services.chain import advance_many
from tidegate.store.tables import CarrierService, Order, Parcel

pytestmark = pytest.mark.faults
CLASSES = ("A", "B", "C")


@pytest.mark.parametrize("kind", CLASSES)
def test_a_carrier_that_accepts_and_never_answers_for_five_minutes(
    open_merchant: Any, kind: str
) -> None:
    merchant = open_merchant(kind)
    merchant.case.rate, merchant.case.kinds = 1.0, ("drop_after",)
    merchant.take_in(8)
    for _ in range(10):
        merchant.wait(30)
    assert set(merchant.effects()) == {"unknown"} or kind == "B"  # B finds them by asking
    merchant.case.rate = 0.0
    healed_at = merchant.times[0]
    while merchant.times[0] < healed_at + timedelta(minutes=2) and kind != "C":
        if set(merchant.effects()) == {"confirmed"}:
            break
        merchant.wait(10)
    print(f"{kind}: resolved {(merchant.times[0] - healed_at).total_seconds():.0f} s after healing")
    if kind != "C":
        assert merchant.effects() == ["confirmed"] * 8
        assert len(merchant.case.live()) == 8
    else:
        merchant.wait(3600)
        assert merchant.effects() == ["unknown"] * 8
        assert merchant.held() == {"waybill_unknown"}
        assert merchant.creates() == 8, "class C must never be sent again"
        merchant.person()
        merchant.wait(1)
        assert merchant.effects() == ["confirmed"] * 8
        assert merchant.creates() == 8
    merchant.sound()


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("fault", FAULTS)
def test_each_misbehaviour_ends_in_one_waybill_and_one_telling(
    open_merchant: Any, kind: str, fault: str
) -> None:
    merchant = open_merchant(kind)
    merchant.case.script = {"create": [fault], "ship": [fault]}
    merchant.take_in(1)
    for _ in range(4):
        merchant.wait(130)
        merchant.person()
        merchant.wait(1)
    fault_merchant.leave(merchant.context, "N000001")
    for _ in range(4):
        merchant.wait(130)
    assert [call for _, _, _, call in merchant.case.calls].count(fault) == 2
    assert merchant.effects().count("confirmed") == 1
    assert set(merchant.effects()) <= {"confirmed", "voided"}
    assert len(merchant.case.live()) == 1
    clear = fault in ("throttle", "slow")
    parked = kind == "C" and not clear
    assert merchant.effects("write_back") == ["unknown" if parked else "confirmed"]
    merchant.person()
    merchant.wait(130)
    assert merchant.effects("write_back") == ["confirmed"]
    assert len(merchant.case.told) == 1
    merchant.sound()


def test_a_carrier_that_is_down_half_an_hour_catches_up_without_a_double(
    open_merchant: Any,
) -> None:
    merchant = open_merchant("A")
    merchant.case.down = True
    merchant.take_in(30)
    for _ in range(60):
        merchant.wait(30)
    tries = merchant.creates()
    print(f"30 orders, 30 min down: {tries} calls")
    assert tries <= 30 * 20, "a carrier that is down must not be hammered"
    merchant.case.down = False
    healed_at = merchant.times[0]
    while set(merchant.effects()) != {"confirmed"}:
        assert merchant.times[0] < healed_at + timedelta(minutes=6)
        merchant.wait(10)
    print(f"caught up {(merchant.times[0] - healed_at).total_seconds():.0f} s after healing")
    assert len(merchant.case.live()) == 30
    merchant.sound()


def test_a_slow_carrier_does_not_keep_another_ones_waybills_back(
    open_merchant: Any, remote: FaultServer
) -> None:
    merchant = open_merchant("A")
    slow = remote.case(f"slow-{id(merchant)}")
    slow.delay_s = 0.4
    carriers = {**merchant.context.carriers}
    carriers["slow"] = FaultCarrier(remote.url, f"slow-{id(merchant)}", "A", 0.5)
    object.__setattr__(merchant.context, "carriers", carriers)
    with merchant.context.store.begin(1) as work:
        work.session.execute(
            update(CarrierService)
            .where(CarrierService.code == "SF.standard")
            .values(connector="slow")
        )
        work.commit()
    merchant.take_in(24)
    with merchant.context.store.begin(1) as work:
        ids = list(work.session.scalars(select(Order.id).order_by(Order.id)))
        work.session.execute(
            update(Order).where(Order.id % 2 == 0).values(manual_service="SF.standard")
        )
        work.commit()
    seen: dict[str, float] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            with merchant.context.store.begin(1, readonly=True) as work:
                for code, state in work.session.execute(select(Parcel.service_code, Parcel.state)):
                    if state == "waybill":
                        seen.setdefault(code or "", time.monotonic())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        advance_many(merchant.context, ids, "received")
        end = time.monotonic()
    finally:
        over.set()
        looking.join()
    assert set(seen) >= {"ZTO.standard"}
    print(
        f"the fast carrier's waybills were there {end - seen['ZTO.standard']:.1f} s before the slow one's"
    )
    assert end > seen["ZTO.standard"]
    assert len(merchant.case.live()) == 12
    merchant.sound()


def test_a_clock_that_jumps_an_hour_back_and_forth_asks_nobody_twice(open_merchant: Any) -> None:
    merchant = open_merchant("C")
    merchant.take_in(4)
    for jump in (3600, -3600, 7200, -3600, 10, 3600):
        merchant.wait(jump)
    assert merchant.effects() == ["confirmed"] * 4
    assert merchant.creates() == 4
    merchant.sound()
