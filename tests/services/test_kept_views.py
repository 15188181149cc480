"""A view that took long is kept for a while; a quick one is read each time; nobody is shown another's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tidegate.services.context import Context
from tidegate.services.kept_views import KeptViews


class Reading:
    """A view that takes as long as is said, on a clock of its own."""

    def __init__(self) -> None:
        self.now, self.takes, self.read = 0.0, 0.0, 0

    def __call__(self, context: Context) -> tuple[int, int]:
        self.now += self.takes
        self.read += 1
        return context.tenant_id, self.read


@pytest.fixture
def reading() -> Reading:
    return Reading()


@pytest.fixture
def kept(reading: Reading) -> KeptViews[tuple[int, int]]:
    return KeptViews(reading, lambda: reading.now)


def test_what_is_quick_is_read_each_time(world: Any, reading: Reading, kept: Any) -> None:
    reading.takes = 0.4
    assert [kept.of(world.context)[1] for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(("takes", "lasts"), [(0.5, 5.0), (2.0, 20.0), (9.0, 30.0)])
def test_what_takes_long_is_kept_ten_times_as_long_and_half_a_minute_at_most(
    world: Any, reading: Reading, kept: Any, takes: float, lasts: float
) -> None:
    reading.takes = takes
    assert kept.of(world.context)[1] == 1
    reading.now += lasts - 0.01
    assert kept.of(world.context)[1] == 1
    reading.now += 0.02
    assert kept.of(world.context)[1] == 2


def test_merchants_and_people_of_some_shops_have_their_own(
    world: Any, reading: Reading, kept: Any
) -> None:
    reading.takes = 1.0
    other = replace(world.context, tenant_id=2)
    narrow = replace(world.context, store=world.context.store.limited_to(frozenset({1})))
    seen = [kept.of(context) for context in (world.context, other, narrow)]
    assert [tenant for tenant, _ in seen] == [world.context.tenant_id, 2, world.context.tenant_id]
    assert len(set(seen)) == 3
    assert [kept.of(context) for context in (world.context, other, narrow)] == seen


def test_of_many_who_ask_at_once_one_reads(world: Any, kept: Any, reading: Reading) -> None:
    reading.takes = 1.0
    gate = threading.Barrier(8)
    found: list[Any] = []

    def ask(look: Callable[[Context], Any]) -> None:
        gate.wait()
        found.append(look(world.context))

    threads = [threading.Thread(target=ask, args=(kept.of,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(world.context.tenant_id, 1)] * 8


def test_what_fails_is_not_kept(world: Any, reading: Reading) -> None:
    def fail(_context: Context) -> int:
        reading.now += 1.0
        reading.read += 1
        if reading.read == 1:
            raise OSError("away")
        return reading.read

    kept = KeptViews(fail, lambda: reading.now)
    with pytest.raises(OSError, match="away"):
        kept.of(world.context)
    assert kept.of(world.context) == 2
