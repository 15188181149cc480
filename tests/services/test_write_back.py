"""A shop hears each waybill number once, whatever it answers and whenever we die."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tidegate.errors import (
    RemoteCredentials,
    RemoteRefused,
    RemoteRetry,
    RemoteUnknown,
    RemoteWait,
    TidegateError,
)
from tidegate.jobs.rescue import rescue
from tidegate.jobs.runner import drain
from tidegate.sdk.carrier import DuplicateClass
from tidegate.sdk.shop import Shipment
from tidegate.services.chain import advance
from tidegate.services.handover import hand_over
from tidegate.services.labels import print_labels
from tidegate.services.sweeping import sweep
from tidegate.services.view_jobs import jobs_page
from tidegate.services.write_back import tell_later
from tidegate.store.tables import Effect, Job, Parcel, Warehouse

A, B, C = (
    DuplicateClass.HONOURS_KEY,
    DuplicateClass.REFUSES_AND_QUERIES,
    DuplicateClass.NEITHER,
)


@dataclass
class LedgerShop:
    """What it was told stays told, whatever it answered; `trouble`: errors before or after the work."""

    duplicates: DuplicateClass = A
    name: str = "ledger-shop"
    told: list[Shipment] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    trouble: list[tuple[str, TidegateError]] = field(default_factory=list)

    def ship(self, shipment: Shipment) -> None:
        self.calls.append(shipment.client_key)
        when, error = self.trouble.pop(0) if self.trouble else ("", None)
        if when == "before" and error:
            raise error
        known = [one.client_key for one in self.told]
        if shipment.client_key in known and self.duplicates is B:
            raise RemoteRefused("shop.shipped_before", zh="已发货。", en="Shipped before.")
        if shipment.client_key not in known or self.duplicates is C:
            self.told.append(shipment)
        if when == "after" and error:
            raise error

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        found = [
            one.waybill_no
            for one in self.told
            if (one.order_number, one.parcel_number) == (order_number, parcel_number)
        ]
        return found[0] if found else None


def no_answer() -> RemoteUnknown:
    return RemoteUnknown("shop.no_answer", zh="没有答复。", en="No answer.")


def gone(world: Any, shop: LedgerShop) -> int:
    """An order of a shop with an API that has just left the house; the parcel's id."""
    world.context = replace(world.context, shops={1: shop})
    world.stock("KETTLE", 5)
    order_id = world.order()
    advance(world.context, order_id, "received")
    parcel_id = int(world.parcel(order_id).id)
    print_labels(world.context, [parcel_id], "li")
    hand_over(world.context, [parcel_id], "li")
    return parcel_id


def effect(world: Any) -> Effect:
    found: Effect = world.get(Effect, Effect.kind == "write_back")
    return found


@pytest.mark.parametrize("duplicates", [A, B, C])
def test_the_number_is_told_once_and_put_on_the_time_line(both: Any, duplicates: Any) -> None:
    shop = LedgerShop(duplicates)
    parcel_id = gone(both, shop)
    drain(both.context)
    both.wait(minutes=5)
    sweep(both.context)
    drain(both.context)
    assert [one.waybill_no for one in shop.told] == [both.carrier.made["T1-P1-G1"]]
    assert shop.calls == [f"T1-P{parcel_id}-S1"]
    assert effect(both).state == "confirmed"
    assert "written_back" in both.events(1)


def test_a_parcel_of_several_is_told_with_what_is_in_it(world: Any) -> None:
    shop = LedgerShop(A)
    parcel_id = gone(world, shop)
    with world.context.store.begin(1) as work:  # another warehouse had sent a part before
        mine = work.session.get_one(Parcel, parcel_id)
        house = Warehouse(code="west", name="成都仓")
        work.add(house)
        work.session.flush()
        work.add(
            Parcel(
                order_id=mine.order_id, number="P-WEST", warehouse_id=house.id, state="shipped",
                state_since=world.now, label_notes=[],
            )
        )  # fmt: skip
        work.commit()
    drain(world.context)
    (told,) = shop.told
    assert [(one.sku, one.quantity) for one in told.items] == [("KETTLE", 1)]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("duplicates", [A, B])
def test_an_unknown_outcome_is_told_again_with_the_same_key(
    world: Any, duplicates: Any, when: str
) -> None:
    shop = LedgerShop(duplicates, trouble=[(when, no_answer())])
    gone(world, shop)
    drain(world.context)
    assert effect(world).state == "unknown"
    world.wait(seconds=21)
    drain(world.context)
    assert effect(world).state == "confirmed"
    assert len(shop.told) == 1
    assert len(set(shop.calls)) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_shop_that_can_not_be_asked_is_told_at_most_once(world: Any, when: str) -> None:
    shop = LedgerShop(C, trouble=[(when, no_answer())])
    gone(world, shop)
    for _ in range(4):
        drain(world.context)
        world.wait(minutes=10)
        sweep(world.context)
    assert effect(world).state == "unknown"
    assert len(shop.calls) == 1
    assert [one.what for one in jobs_page(world.context).parked] == ["write_back_unknown"]


@pytest.mark.parametrize("kind", [RemoteRetry, RemoteWait, RemoteCredentials])
def test_what_was_certainly_not_told_is_told_later_and_a_no_is_kept(
    world: Any, kind: type[RemoteRetry]
) -> None:
    later = kind("shop.throttled", zh="稍后。", en="Later.", retry_after_s=90)
    no = RemoteRefused("shop.order_closed", zh="订单已关闭。", en="The order is closed.")
    shop = LedgerShop(trouble=[("before", later), ("before", no)])
    gone(world, shop)
    drain(world.context)
    assert effect(world).state == "intent"
    assert jobs_page(world.context).parked == [], "a job tells it again"
    world.wait(seconds=91)
    drain(world.context)
    assert (effect(world).state, effect(world).error_code) == ("rejected", "shop.order_closed")
    world.wait(minutes=30)
    sweep(world.context)
    drain(world.context)
    assert len(shop.calls) == 2
    assert "write_back_refused" in world.events(1)
    (parked,) = jobs_page(world.context).parked
    assert (parked.what, parked.code, parked.account, parked.order_id) == (
        "write_back_refused", "shop.order_closed", "ledger-shop", 1,
    )  # fmt: skip


@pytest.mark.parametrize("duplicates", [A, B])
def test_a_process_that_dies_while_telling_is_found_by_the_sweep(
    world: Any, duplicates: Any
) -> None:
    shop = LedgerShop(duplicates)

    class Died(BaseException):
        """Nothing catches this, like SIGKILL."""

    tell = shop.ship

    def die(shipment: Shipment) -> None:
        tell(shipment)
        raise Died

    shop.ship = die  # type: ignore[method-assign]
    gone(world, shop)
    with pytest.raises(Died):
        drain(world.context)
    shop.ship = tell  # type: ignore[method-assign]
    assert effect(world).state == "sending"
    world.wait(minutes=10)
    with world.context.store.begin(world.context.tenant_id) as work:
        long_ago = world.now - timedelta(days=100)
        work.session.execute(update(Job).where(Job.state == "leased").values(lease_until=long_ago))
        work.commit()
    rescue(world.context.store)  # what the clerk of a runner does once a lease is over
    sweep(world.context)
    drain(world.context)
    assert effect(world).state == "confirmed"
    assert len(shop.told) == 1


def test_a_shop_without_an_api_hears_nothing(world: Any) -> None:
    parcel_id = gone(world, LedgerShop())
    world.context = replace(world.context, shops={})
    drain(world.context)
    world.wait(minutes=10)
    assert sweep(world.context) == 0
    assert parcel_id
    assert world.count(Effect, Effect.kind == "write_back") == 0


@dataclass
class BusyShop(LedgerShop):
    """Notes whose calls are under way at the same moment."""

    under_way: list[str] = field(default_factory=list)
    together: list[tuple[str, ...]] = field(default_factory=list)

    def ship(self, shipment: Shipment) -> None:
        self.under_way.append(shipment.order_number)
        self.together.append(tuple(self.under_way))
        time.sleep(0.1)
        try:
            super().ship(shipment)
        finally:
            self.under_way.remove(shipment.order_number)


def test_orders_are_told_side_by_side_and_parcels_of_one_in_turn(both: Any) -> None:
    """One that hangs does not keep the others waiting; what one answers is written for that one only."""
    shop = BusyShop(A)
    both.context = replace(both.context, shops={1: shop})
    both.stock("KETTLE", 5)
    ids = [both.order() for _ in range(4)]
    for order_id in ids:
        advance(both.context, order_id, "received")
    parcels = [int(both.parcel(order_id).id) for order_id in ids]
    print_labels(both.context, parcels, "li")
    hand_over(both.context, parcels, "li")
    with both.context.store.begin(1) as work:  # a second parcel of the first order
        first = work.session.get_one(Parcel, parcels[0])
        house = Warehouse(code="west", name="成都仓")
        work.add(house)
        work.session.flush()
        second = Parcel(
            order_id=first.order_id, number="P-WEST", warehouse_id=house.id, state="handed_over",
            state_since=both.now, label_notes=[], waybill_no="WEST1", handed_over_at=both.now,
        )  # fmt: skip
        work.add(second)
        work.session.flush()
        tell_later(work, second.id, 1, both.now)
        work.commit()
    shop.trouble = [("before", RemoteRefused("shop.closed", zh="已关闭。", en="Closed."))]
    drain(both.context)
    assert max(len(now) for now in shop.together) >= 3, "they are told side by side"
    assert all(len(set(now)) == len(now) for now in shop.together), "never two of one order"
    states = sorted(one.state for one in both.all(Effect, Effect.kind == "write_back"))
    assert states == ["confirmed"] * 4 + ["rejected"]
    assert len(shop.told) == 4
