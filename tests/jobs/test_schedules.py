"""Schedules: one job per time whoever asks, none lost and none twice when clocks jump."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from tidegate.jobs import schedules, table
from tidegate.services.context import Context
from tidegate.store.tables import Job
from tidegate.store.unit_of_work import Store

NOW = datetime(2026, 11, 11, tzinfo=UTC)
BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


@pytest.fixture(autouse=True)
def two_schedules(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of each sort, so that the times below can be worked out by hand."""
    monkeypatch.setattr(schedules, "RECURRING_S", {"pull": 60})
    monkeypatch.setattr(schedules, "DAILY", {"nightly": "03:30"})


def made(store: Store, name: str = "pull") -> list[Job]:
    with store.begin(1, readonly=True) as work:
        return list(work.session.scalars(select(Job).where(Job.name == name).order_by(Job.id)))


def work_off(world: Context) -> None:
    while jobs := table.claim(world.store, 1, world.clock(), 9):
        table.finish(world.store, jobs, world.clock())


def run_for(world: Context, clock, span: timedelta, step: timedelta) -> list[str]:
    """Names fired while the clock goes on evenly and every job is done at once."""
    fired = []
    end = clock.now + span
    while clock.now < end:
        fired += schedules.tick(world)
        work_off(world)
        clock.now += step
    return fired


def test_six_processes_ask_and_one_job_is_made(world: Context, store: Store) -> None:
    schedules.set_up(world)
    start, fired = threading.Barrier(6), list[str]()

    def ask() -> None:
        start.wait()
        fired.extend(schedules.tick(world))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fired == ["pull"]
    assert len(made(store)) == 1


def test_an_interval_fires_once_per_period_and_not_while_the_last_run_is_open(
    world: Context, clock, store: Store
) -> None:
    assert schedules.tick(world) == ["pull"]
    clock.now += timedelta(seconds=60)
    assert schedules.tick(world) == [], "the first one still waits"
    work_off(world)
    clock.now += timedelta(seconds=59)
    assert schedules.tick(world) == []
    clock.now += timedelta(seconds=1)
    assert schedules.tick(world) == ["pull"]
    assert len(made(store)) == 2


def test_what_a_stop_of_three_days_skipped_is_made_up_once(world: Context, clock) -> None:
    assert run_for(world, clock, timedelta(days=1), timedelta(hours=1)).count("nightly") == 1
    clock.now += timedelta(days=3)
    assert sorted(schedules.tick(world)) == ["nightly", "pull"]
    work_off(world)
    assert schedules.tick(world) == []


@pytest.mark.parametrize("jump_h", [-1, 1])
def test_jumps_of_an_hour_repeat_no_daily_job_and_lose_none(world: Context, clock, jump_h) -> None:
    """From 19:00 to 20:00 UTC is from 03:00 to 04:00 in Shanghai: the jump is right behind the daily time."""
    clock.now = datetime(2026, 11, 10, 18, 0, tzinfo=UTC)
    first = run_for(world, clock, timedelta(minutes=95), timedelta(minutes=5))
    clock.now += timedelta(hours=jump_h)
    later = run_for(world, clock, timedelta(hours=26), timedelta(minutes=30))
    assert first.count("nightly") == 1
    assert later.count("nightly") == 1, "the next day's"
    assert later.count("pull") == 52, "the interval goes on at once after the jump"


def test_a_clock_a_year_ahead_and_back_again_silences_nothing(world: Context, clock) -> None:
    run_for(world, clock, timedelta(hours=1), timedelta(minutes=20))
    clock.now += timedelta(days=365)
    assert sorted(schedules.tick(world)) == ["nightly", "pull"]
    work_off(world)
    clock.now -= timedelta(days=365)
    fired = run_for(world, clock, timedelta(days=2), timedelta(hours=1))
    assert fired.count("nightly") == 1, (
        "that of the first evening was made when the clock was ahead"
    )
    assert fired.count("pull") == 48


@pytest.mark.parametrize(
    ("zone", "at", "after", "expected"),
    [
        (SHANGHAI, "03:30", "2026-11-10T19:29:59", "2026-11-10T19:30:00"),
        (SHANGHAI, "03:30", "2026-11-10T19:30:00", "2026-11-11T19:30:00"),
        # 29 March 2026 in Berlin: 02:00 becomes 03:00, there is no 02:30; it counts as 03:30 summer time.
        (BERLIN, "02:30", "2026-03-28T12:00:00", "2026-03-29T01:30:00"),
        (BERLIN, "02:30", "2026-03-29T01:30:00", "2026-03-30T00:30:00"),
        # 25 October 2026: 03:00 becomes 02:00, 02:30 comes twice; the first is 00:30 UTC.
        (BERLIN, "02:30", "2026-10-24T12:00:00", "2026-10-25T00:30:00"),
        (BERLIN, "02:30", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
        # A leap day is a day.
        (SHANGHAI, "00:00", "2028-02-28T16:00:00", "2028-02-29T16:00:00"),
    ],
)
def test_daily_times_are_shop_time(zone, at: str, after: str, expected: str) -> None:
    found = schedules.daily(
        time.fromisoformat(at), zone, datetime.fromisoformat(after).replace(tzinfo=UTC)
    )
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_year_of_a_zone_with_summer_time_has_365_nights(world: Context, clock) -> None:
    berlin = replace(world, timezone="Europe/Berlin")
    found, at = set(), datetime(2026, 1, 1, tzinfo=UTC)
    while at < datetime(2027, 1, 1, tzinfo=UTC):
        at = schedules.next_time("nightly", ZoneInfo(berlin.timezone), at)
        found.add(at.astimezone(BERLIN).date())
    assert len(found) == 366  # the last one found is the next year's first
