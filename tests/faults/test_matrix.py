"""Cells of the resiliency matrix (docs/reliability.md): one part fails, and what each use of it does meanwhile."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import fault_merchant
import pytest
from fault_client import FaultCarrier, FaultShop
from fault_disk import fill
from fault_remote import FaultServer
from sqlalchemy import select

from tidegate.errors import StorageFull, Unavailable
from tidegate.jobs.runner import Runner, drain
from tidegate.services import tracking
from tidegate.services.labels import print_labels
from tidegate.store import sqlite
from tidegate.store.tables import Job, Parcel

pytestmark = pytest.mark.faults


def parcels(merchant: Any) -> list[str]:
    with merchant.context.store.begin(1, readonly=True) as work:
        return list(work.session.scalars(select(Parcel.state).order_by(Parcel.id)))


def swap(merchant: Any, **parts: Any) -> None:
    for name, part in parts.items():
        object.__setattr__(merchant.context, name, part)


def until(claim: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_name_that_is_not_found_delays_and_loses_nothing(open_merchant: Any) -> None:
    """DNS × waybill, write-back, tracking: nothing was sent, so it is simply tried later."""
    merchant = open_merchant(
        "C"
    )  # the class that can ask nobody: a lost name must not look unclear
    known = {"carriers": merchant.context.carriers, "shops": merchant.context.shops}
    nowhere = ("http://carrier.invalid:80", "x", "C", 0.5)
    lost = {"carriers": {"sandbox": FaultCarrier(*nowhere)}, "shops": {1: FaultShop(*nowhere)}}
    swap(merchant, **lost)
    merchant.take_in(2)
    merchant.wait(0)
    assert set(merchant.effects()) == {"intent"}
    swap(merchant, **known)
    merchant.wait(900)
    assert merchant.effects() == ["confirmed"] * 2
    swap(merchant, **lost)
    fault_merchant.leave_all(merchant.context, 10)
    merchant.wait(0)
    assert set(merchant.effects("write_back")) == {"intent"}
    swap(merchant, **known)
    merchant.wait(900)
    assert merchant.effects("write_back") == ["confirmed"] * 2
    assert parcels(merchant) == ["handed_over"] * 2
    tracking.pull_scans(merchant.context)
    assert parcels(merchant) == ["in_transit"] * 2
    merchant.sound()


def test_scans_of_one_carrier_come_while_another_is_down_or_says_too_often(
    open_merchant: Any, remote: FaultServer
) -> None:
    """Carrier down, throttled × tracking."""
    merchant = open_merchant("A")
    merchant.take_in(2)
    merchant.wait(0)
    fault_merchant.leave_all(merchant.context, 10)
    merchant.wait(0)
    other = remote.case(f"down-{id(merchant)}")
    away = FaultCarrier(remote.url, f"down-{id(merchant)}", "A", 0.5)
    swap(merchant, carriers={"away": away, **merchant.context.carriers})
    other.down = True
    tracking.spread_scans(merchant.context)
    drain(merchant.context)
    assert parcels(merchant) == ["in_transit"] * 2
    other.down, other.script = False, {"scans": ["throttle"]}
    merchant.wait(60)
    assert [fault for *_, call, fault in other.calls if call == "scans"][-2:] != []
    with merchant.context.store.begin(1, readonly=True) as work:
        states = set(work.session.scalars(select(Job.state).where(Job.name == "pull_scans_of")))
    assert "dead" not in states
    merchant.sound()


def test_a_clock_that_jumps_tells_a_shop_once(open_merchant: Any) -> None:
    """Clock × write-back, reserve."""
    merchant = open_merchant("C")
    merchant.take_in(3)
    merchant.wait(0)
    fault_merchant.leave_all(merchant.context, 10)
    for jump in (3600, -3600, 7200, -3600, 10, 3600):
        merchant.wait(jump)
    assert merchant.effects("write_back") == ["confirmed"] * 3
    assert len(merchant.case.told) == 3
    merchant.sound()


def test_labels_are_refused_when_their_folder_cannot_be_written(open_merchant: Any) -> None:
    """Label store × pages: no parcel counts as printed, and printing again works."""
    merchant = open_merchant("A")
    merchant.take_in(2)
    merchant.wait(0)
    folder = merchant.context.data_dir / "labels"
    folder.write_text("in the way")
    with pytest.raises(Unavailable) as told:
        print_labels(merchant.context, None, "li")
    assert told.value.code == "labels.store_away"
    assert parcels(merchant) == ["waybill"] * 2
    folder.unlink()
    assert print_labels(merchant.context, None, "li").printed == 2
    merchant.sound()


def test_while_the_database_is_locked_reading_goes_on_and_the_rest_follows(
    make_merchant: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lock held too long × orders in, pages (reading), reserve, waybill, write-back."""
    monkeypatch.setattr(sqlite, "WAIT_S", 0.3)
    monkeypatch.setattr(sqlite, "PRAGMAS", (*sqlite.PRAGMAS, "busy_timeout=300"))
    merchant = make_merchant("A", tmp_path)  # SQLite's lock
    merchant.take_in(2)
    path = merchant.context.store.engine.url.database
    runner = Runner(merchant.context, lease_s=2.0)
    ticking = threading.Event()

    def tick() -> None:
        while not ticking.wait(0.1):
            merchant.times[0] += timedelta(seconds=2)

    threading.Thread(target=tick).start()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA busy_timeout=10000")
        other.execute("BEGIN IMMEDIATE")
        runner.start()
        try:
            with pytest.raises(Unavailable):
                merchant.take_in(3)
            assert parcels(merchant) == []
            other.execute("ROLLBACK")
            until(lambda: parcels(merchant) == ["waybill"] * 2)
            fault_merchant.leave_all(merchant.context, 10)
            other.execute("BEGIN IMMEDIATE")
            time.sleep(0.5)
            other.execute("ROLLBACK")
            until(lambda: merchant.effects("write_back") == ["confirmed"] * 2)
        finally:
            runner.stop()
            ticking.set()
    assert len(merchant.case.live()) == len(merchant.case.told) == 2
    merchant.sound()


@pytest.mark.parametrize(
    "kind",
    ["A", pytest.param("B", marks=pytest.mark.long), pytest.param("C", marks=pytest.mark.long)],
)
def test_a_disk_that_is_full_when_carriers_answer(
    make_merchant: Any, small_disk: Path, kind: str
) -> None:
    """Disk full × reserve, waybill, write-back: the answer cannot be written, and nothing is asked twice for it."""
    merchant = make_merchant(kind, small_disk)
    merchant.take_in(6)
    merchant.case.delay_s = 0.5  # the disk fills while the carrier thinks
    ballast = small_disk / "ballast"

    def fill_it() -> None:
        until(lambda: merchant.creates() > 0)
        fill(ballast, small_disk)

    filling = threading.Thread(target=fill_it)
    filling.start()
    drain_in_spite(merchant)
    filling.join()
    stuck = merchant.effects()
    assert "confirmed" not in stuck or "sending" in stuck, stuck
    with pytest.raises(StorageFull):
        merchant.take_in(60)
    merchant.case.delay_s = 0.0
    ballast.unlink()
    for _ in range(12):
        fault_merchant.expire_leases(merchant.context)
        merchant.wait(130)
        merchant.person()
    assert merchant.effects() == ["confirmed"] * 6
    assert len(merchant.case.live()) == 6
    fill(ballast, small_disk)
    with pytest.raises(StorageFull):
        fault_merchant.leave_all(merchant.context, 10)
    ballast.unlink()
    fault_merchant.leave_all(merchant.context, 10)
    merchant.wait(130)
    assert merchant.effects("write_back") == ["confirmed"] * 6
    merchant.sound()


def drain_in_spite(merchant: Any) -> None:
    """What the runner does: a full disk ends a round, not the runner."""
    for _ in range(3):
        try:
            drain(merchant.context)
        except StorageFull:
            time.sleep(0.2)
