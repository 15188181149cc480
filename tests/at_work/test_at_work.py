"""Four shops, an ERP and two carriers with their faults on: at the end the books agree to the last order.

The small run is part of every test run; `make test-connectors-long` plays 20,000 orders.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import redis
import work_orders
from work_run import play, report

SEED = int(os.environ.get("TEST_SEED", "1"))
LONG = int(os.environ.get("TEST_ORDERS", "20000"))


def agree(folder: Path, orders: int, url: str, redis_url: str | None = None, **how: float) -> None:
    found = play(folder, orders, SEED, url, redis_url, **how)  # type: ignore[arg-type]
    print(report(found, {"orders": orders, "seed": SEED}))
    assert found.wrong == []
    assert found.figures["live waybills of kdniao"] > 0
    assert found.figures["live waybills of sf"] > 0
    assert all(found.figures[f"numbers in {shop}"] > 0 for shop in work_orders.SHOPS)


@pytest.mark.long
@pytest.mark.faults
@pytest.mark.xdist_group("at_work")
def test_a_small_day_embedded(tmp_path: Path) -> None:
    agree(tmp_path, 100, f"sqlite:///{tmp_path / 'tidegate.db'}", outage_s=3, wait_s=600, hurry_s=5)


@pytest.mark.long
@pytest.mark.faults
@pytest.mark.xdist_group("at_work")
def test_a_long_day_embedded(tmp_path: Path) -> None:
    agree(tmp_path, LONG, f"sqlite:///{tmp_path / 'tidegate.db'}")


@pytest.mark.long
@pytest.mark.faults
@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.xdist_group("at_work")
def test_a_long_day_scaled_out(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    hurry_s = 10.0 if LONG < 1_000 else 0.0
    agree(tmp_path, LONG, postgres_url, redis_url, hurry_s=hurry_s)


def test_a_plan_is_the_same_for_the_same_seed_and_has_every_end() -> None:
    first, again = work_orders.plan(400, 5), work_orders.plan(400, 5)
    assert [one.document for one in first.orders] == [one.document for one in again.orders]
    assert {one.end for one in first.orders} == {"ship", "cancel", "refund"}
    assert {one.shop for one in first.orders} == set(work_orders.SHOPS)
    assert len({one.number for one in first.orders}) == 400
