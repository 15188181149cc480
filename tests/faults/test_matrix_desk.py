"""Cells of the resiliency matrix that people and programs see over HTTP: pages, orders in, rules, simulations, webhooks."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import fault_merchant
import pytest
from cryptography.fernet import Fernet
from fault_client import FaultCarrier
from fault_desk import ALL_WELL, Desk
from fault_disk import fill
from fault_postgres import Postgres
from fault_remote import FAULTS
from sqlalchemy import func, select
from test_matrix import drain_in_spite, swap, until

from tidegate.jobs.runner import Runner
from tidegate.services.secrets_box import SecretsBox
from tidegate.services.webhooks import endpoints
from tidegate.services.webhooks.guarded import GuardedCaller
from tidegate.services.work import enqueue
from tidegate.store import sqlite
from tidegate.store.tables import Scan
from tidegate.store.webhook_tables import WebhookDelivery

pytestmark = pytest.mark.faults


def told_each_once(desk: Desk, kind: str, times: int) -> None:
    """The subscriber heard of every one, each under an id of its own."""
    ids = [id_ for id_, told in desk.subscriber.heard if told == kind]
    assert len(ids) == len(set(ids)) == times, (kind, desk.subscriber.kinds())


def test_pages_orders_and_rules_go_on_while_a_carrier_is_down_or_hangs(
    open_merchant: Any, open_desk: Any
) -> None:
    """Carrier down, carrier hanging × pages, orders in, edit rules, simulate, webhooks out."""
    merchant = open_merchant("A")
    desk = open_desk(merchant)
    merchant.take_in(2)
    merchant.case.down = True
    merchant.wait(0)
    assert desk.uses("down") == ALL_WELL
    merchant.case.down, merchant.case.delay_s = False, 60.0
    runner = Runner(merchant.context)
    calls = merchant.creates()
    runner.start()
    try:
        until(lambda: merchant.creates() > calls)
        assert desk.uses("hanging") == ALL_WELL
    finally:
        merchant.case.delay_s = 0.0
        runner.stop()
    for _ in range(3):
        merchant.wait(900)
    assert desk.parcels() == ["waybill"] * 4
    assert desk.simulations() == ["done"] * 2
    told_each_once(desk, "parcel.waybill", 4)
    merchant.sound()


def test_scans_come_whatever_their_carrier_answered_before(
    open_merchant: Any, open_desk: Any
) -> None:
    """Carrier answers garbage, twice, 5xx × tracking: each scan is kept once; × orders in, pages, rules: as always."""
    merchant = open_merchant("A")
    desk = open_desk(merchant)
    merchant.take_in(3)
    merchant.wait(0)
    fault_merchant.leave_all(merchant.context, 10)
    merchant.wait(0)
    for fault in FAULTS:
        merchant.case.script = {"scans": [fault]}
        desk.go_on(10)
        assert merchant.case.script == {"scans": []}, "it was not asked"
    assert desk.uses("garbage") == ALL_WELL
    desk.go_on(60)
    with merchant.context.store.begin(1, readonly=True) as work:
        assert work.session.scalar(select(func.count(Scan.id))) == 3
    assert desk.parcels() == ["in_transit"] * 3 + ["waybill"]
    merchant.sound()


def test_whatever_the_clock_does_requests_are_answered_and_told_once(
    open_merchant: Any, open_desk: Any
) -> None:
    """Clock × orders in, pages, edit rules, simulate, webhooks out."""
    merchant = open_merchant("A")
    desk = open_desk(merchant)
    merchant.take_in(1)
    jumps = (3600, -3600, -3600, 7200)
    for jump in jumps:
        assert desk.uses(f"after {jump}") == ALL_WELL
        desk.go_on(jump)
    for _ in range(4):
        desk.go_on(900)
    assert desk.parcels() == ["waybill"] * (len(jumps) + 1)
    assert desk.simulations() == ["done"] * len(jumps)
    told_each_once(desk, "order.received", len(jumps) + 1)
    told_each_once(desk, "parcel.waybill", len(jumps) + 1)
    merchant.sound()


def test_under_another_key_requests_are_answered_and_what_is_sealed_waits(
    open_merchant: Any, open_desk: Any
) -> None:
    """Secret key missing or another × orders in, pages, edit rules, simulate: as always; webhooks out: delayed."""
    merchant = open_merchant("A")
    first, second = (Fernet.generate_key().decode("ascii") for _ in range(2))
    swap(merchant, box=SecretsBox([first]))
    desk = open_desk(merchant)
    merchant.take_in(2)
    swap(merchant, box=SecretsBox([second]))
    assert desk.uses("another key") == ALL_WELL
    for _ in range(6):
        desk.go_on(130)
    assert desk.uses("still") == ALL_WELL
    assert desk.parcels() == ["waybill"] * 3
    assert desk.subscriber.heard == []
    swap(merchant, box=SecretsBox([first, second]))
    for _ in range(4):
        desk.go_on(130)
    assert desk.parcels() == ["waybill"] * 4
    told_each_once(desk, "parcel.waybill", 4)
    with merchant.context.store.begin(1, readonly=True) as work:
        assert set(work.session.scalars(select(WebhookDelivery.tries))) == {1}, "tries were used up"
    merchant.sound()


def test_names_that_are_not_found_delay_scans_and_one_subscriber(
    open_merchant: Any, open_desk: Any
) -> None:
    """DNS × tracking, webhooks out."""
    merchant = open_merchant("A")
    desk = open_desk(merchant)
    trusted = [desk.subscriber.host, "erp.invalid"]
    swap(merchant, caller=GuardedCaller(trusted, connect_s=1, read_s=1, total_s=2))
    endpoint, _ = endpoints.create(
        merchant.context, "lost", "http://erp.invalid/", ("parcel.waybill",), "li"
    )
    merchant.take_in(2)
    merchant.wait(0)
    fault_merchant.leave_all(merchant.context, 10)
    merchant.wait(10)
    known = merchant.context.carriers
    swap(merchant, carriers={"sandbox": FaultCarrier("http://carrier.invalid:80", "x", "A", 0.5)})
    desk.go_on(60)
    assert desk.parcels() == ["handed_over"] * 2
    swap(merchant, carriers=known)
    desk.go_on(60)
    assert desk.parcels() == ["in_transit"] * 2
    told_each_once(desk, "parcel.waybill", 2)
    lost = {one.id: one for one in endpoints.endpoints(merchant.context)}[endpoint]
    assert (lost.state, lost.waiting, lost.dead) == ("active", 2, 0)
    merchant.sound()


def test_while_the_database_is_locked_people_read_and_what_waits_comes_after_it(
    make_merchant: Any, tmp_path: Path, open_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lock held too long × pages, orders in, edit rules, simulate, tracking, webhooks out."""
    monkeypatch.setattr(sqlite, "WAIT_S", 0.3)
    monkeypatch.setattr(sqlite, "PRAGMAS", (*sqlite.PRAGMAS, "busy_timeout=300"))
    merchant = make_merchant("A", tmp_path)
    desk = open_desk(merchant)
    merchant.take_in(2)
    merchant.wait(0)
    assert desk.uses("before") == ALL_WELL
    fault_merchant.leave_all(merchant.context, 10)
    heard = len(desk.subscriber.heard)
    path = merchant.context.store.engine.url.database
    runner = Runner(merchant.context, lease_s=2.0)
    ticking = Ticking(merchant)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA busy_timeout=10000")
        other.execute("BEGIN IMMEDIATE")
        runner.start()
        try:
            assert desk.uses("locked") == {
                "pages": 200, "orders in": 503, "edit rules": 503, "simulate": 503
            }  # fmt: skip
            assert desk.simulations() == ["queued"]
            assert len(desk.subscriber.heard) == heard
            other.execute("ROLLBACK")
            until(lambda: set(merchant.effects("write_back")) == {"confirmed"})
            until(lambda: desk.simulations() == ["done"])
            ask_for_scans(merchant)
            until(lambda: desk.parcels() == ["in_transit"] * 2 + ["waybill"])
            until(lambda: desk.subscriber.kinds().count("parcel.tracking") == 2)
            assert desk.uses("after") == ALL_WELL
        finally:
            runner.stop()
            ticking.stop()
    told_each_once(desk, "parcel.shipped", 2)
    merchant.sound()


@pytest.mark.postgres
def test_people_are_told_that_the_database_is_away_and_go_on_when_it_is_back(
    make_merchant: Any, open_desk: Any, postgres: Postgres, tmp_path: Path
) -> None:
    """Database killed and restarted × pages, orders in, edit rules, simulate, tracking, webhooks out."""
    merchant = make_merchant("A", tmp_path, postgres.url)
    desk = open_desk(merchant)
    merchant.take_in(2)
    merchant.wait(0)
    assert desk.uses("before") == ALL_WELL
    fault_merchant.leave_all(merchant.context, 10)
    runner, ticking = Runner(merchant.context, lease_s=2.0), Ticking(merchant)
    postgres.kill()
    runner.start()
    try:
        assert desk.uses("away") == {
            "pages": 503, "orders in": 503, "edit rules": 503, "simulate": 503
        }  # fmt: skip
        postgres.start()
        until(lambda: desk.uses("after") == ALL_WELL)
        until(lambda: set(merchant.effects("write_back")) == {"confirmed"})
        ask_for_scans(merchant)
        until(lambda: set(desk.simulations()) == {"done"})
        until(lambda: desk.parcels()[:2] == ["in_transit"] * 2)
        until(lambda: desk.subscriber.kinds().count("parcel.tracking") == 2)
    finally:
        runner.stop()
        ticking.stop()
    told_each_once(desk, "parcel.shipped", 2)
    merchant.sound()


def test_on_a_full_disk_people_read_and_are_refused_the_rest(
    make_merchant: Any, open_desk: Any, small_disk: Path
) -> None:
    """Disk full × pages, orders in, edit rules, simulate, reserve, write-back, tracking, webhooks out."""
    merchant = make_merchant("A", small_disk)
    desk = open_desk(merchant)
    merchant.take_in(2)
    merchant.wait(0)
    assert desk.uses("before") == ALL_WELL
    fault_merchant.leave_all(merchant.context, 10)
    told = len(desk.subscriber.heard)
    fill(small_disk / "ballast", small_disk)
    kept, refused = {"orders in": 0, "edit rules": 0, "simulate": 0}, set()
    for n in range(400):  # what fits into the log of the database is still written
        said = desk.uses(f"full {n}")
        assert said.pop("pages") == 200
        for use, status in said.items():
            assert status in (ALL_WELL[use], 507), (use, status)
            kept[use] += status != 507
        refused |= {use for use, status in said.items() if status == 507}
        if len(refused) == 3:
            break
    assert len(refused) == 3
    drain_in_spite(merchant)
    assert "in_transit" not in desk.parcels()
    assert len(desk.orders()) == 3 + kept["orders in"]
    (small_disk / "ballast").unlink()
    for _ in range(12):
        fault_merchant.expire_leases(merchant.context)
        desk.go_on(130)
    orders = 3 + kept["orders in"]
    assert desk.parcels() == ["in_transit"] * 2 + ["waybill"] * (orders - 2)
    assert len(merchant.case.live()) == orders
    assert merchant.effects("write_back") == ["confirmed"] * 2
    assert len(merchant.case.told) == 2
    assert desk.simulations() == ["done"] * (1 + kept["simulate"])
    assert len(desk.subscriber.heard) > told
    told_each_once(desk, "parcel.shipped", 2)
    told_each_once(desk, "parcel.tracking", 2)
    assert desk.uses("after") == ALL_WELL
    merchant.sound()


def ask_for_scans(merchant: Any) -> None:
    """As the schedule does."""
    with merchant.context.store.begin(1) as work:
        now = merchant.times[0]
        enqueue(work, "pull_scans", {}, due_at=now, now=now)
        work.commit()


class Ticking:
    """The merchant's clock, twenty times as fast as the real one."""

    def __init__(self, merchant: Any) -> None:
        self._over = threading.Event()

        def tick() -> None:
            while not self._over.wait(0.1):
                merchant.times[0] += timedelta(seconds=2)

        self._thread = threading.Thread(target=tick)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()
