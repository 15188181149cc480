"""Redis away × waybill, write-back, tracking, simulate, webhooks out: the relay works alone, and all of it still goes on."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import fault_merchant
import pytest
from fault_desk import ALL_WELL
from sqlalchemy import select

from tidegate.jobs.celery_app import Messenger
from tidegate.jobs.relay import Relay
from tidegate.services.intake import import_orders
from tidegate.settings import Settings
from tidegate.store.tables import Parcel

pytestmark = [pytest.mark.faults, pytest.mark.long]


def test_without_redis_parcels_are_numbered_told_and_followed(
    open_merchant: Any, open_desk: Any
) -> None:
    merchant = open_merchant("B")
    merchant.case.scan_age = timedelta()
    merchant.context = replace(merchant.context, clock=lambda: datetime.now(UTC))
    desk = open_desk(merchant)
    context = desk.context
    settings = replace(Settings.from_environment(None), redis_url="redis://127.0.0.1:1/0")
    relay = Relay(context, Messenger(settings), lease_s=60)
    working = threading.Thread(target=relay.run)
    working.start()
    begun = time.monotonic()

    def until(state: str) -> None:
        while True:
            with context.store.begin(1, readonly=True) as work:
                found = set(work.session.scalars(select(Parcel.state)))
            if found == {state}:
                break
            assert time.monotonic() < begun + 120, found
            time.sleep(0.1)
        print(f"{state} after {time.monotonic() - begun:.1f} s")

    try:
        import_orders(context, fault_merchant.drafts(1, 5, datetime.now(UTC)), source="faults")
        until("waybill")
        fault_merchant.leave_all(context, 10)
        until("in_transit")
        assert desk.uses("without Redis") == ALL_WELL
        while desk.simulations() != ["done"] or desk.subscriber.kinds().count("parcel.waybill") < 6:
            assert time.monotonic() < begun + 240, (desk.simulations(), desk.subscriber.kinds())
            time.sleep(0.1)
        print(f"simulated and told after {time.monotonic() - begun:.1f} s")
    finally:
        relay.stop()
        working.join()
    assert merchant.effects("write_back") == ["confirmed"] * 5
    assert len(merchant.case.live()) == 6
    assert len(merchant.case.told) == 5
    merchant.sound()
