"""Four shops, an ERP and two carriers with their faults on: at the end the books agree to the last order.

A mild day of few orders is part of every test run; `make test-connectors-long` plays 20,000 on a bad one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import redis
import work_merchant
import work_orders
from work_run import MILD_DAY, play, report
from work_watch import Stillness
from work_world import Product

from tidegate.store.tables import Order, Shop

SEED = int(os.environ.get("TEST_SEED", "1"))
LONG = int(os.environ.get("TEST_ORDERS", "20000"))


def agree(folder: Path, orders: int, url: str, redis_url: str | None = None, **how: Any) -> None:
    found = play(folder, orders, SEED, url, redis_url, **how)
    print(report(found, {"orders": orders, "seed": SEED}))
    assert found.wrong == []
    for one in work_merchant.COURIERS:
        assert found.figures[f"live waybills of {one.account}"] > 0
    assert all(found.figures[f"numbers in {shop}"] > 0 for shop in work_orders.SHOPS)


@pytest.mark.faults
def test_a_mild_day_embedded(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tidegate.db'}"
    agree(tmp_path, 40, url, day=MILD_DAY, wait_s=300, hurry_s=1.5)


@pytest.mark.long
@pytest.mark.faults
def test_a_bad_day_embedded(tmp_path: Path) -> None:
    agree(tmp_path, 100, f"sqlite:///{tmp_path / 'tidegate.db'}", wait_s=600, hurry_s=5)


@pytest.mark.long
@pytest.mark.faults
def test_a_long_day_embedded(tmp_path: Path) -> None:
    agree(tmp_path, LONG, f"sqlite:///{tmp_path / 'tidegate.db'}")


@pytest.mark.long
@pytest.mark.faults
@pytest.mark.postgres
@pytest.mark.redis
def test_a_long_day_scaled_out(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    hurry_s = 10.0 if LONG < 1_000 else 0.0
    agree(tmp_path, LONG, postgres_url, redis_url, hurry_s=hurry_s)


def test_a_run_in_which_nothing_moves_says_so(tmp_path: Path) -> None:
    merchant = work_merchant.Merchant(
        Product(tmp_path, f"sqlite:///{tmp_path / 'tidegate.db'}"), {}
    )
    try:
        still = Stillness(merchant, still_s=0.0)
        still.check("the first look counts as a move")
        with pytest.raises(AssertionError, match="nothing moved for 0 s, waiting for: a waybill"):
            still.check("a waybill")
    finally:
        merchant.close()


def _held_order(merchant: work_merchant.Merchant) -> int:
    now = merchant.context.clock()
    with merchant.context.store.begin(merchant.context.tenant_id) as work:
        shop = Shop(channel="generic", name="mall")
        work.add(shop)
        work.session.flush()
        order = Order(
            shop_id=shop.id, channel="generic", number="M1", state="on_hold", state_since=now,
            hold_reason="waybill_refused", source_status="to_ship", currency="CNY", source_hash="0", imported_at=now,
            updated_at=now,
        )  # fmt: skip
        work.add(order)
        work.commit()
        return order.id


def test_what_is_held_again_is_let_go_once(tmp_path: Path) -> None:
    merchant = work_merchant.Merchant(
        Product(tmp_path, f"sqlite:///{tmp_path / 'tidegate.db'}"), {}
    )
    try:
        held = _held_order(merchant)
        merchant.release()
        assert merchant.states() == {"received": 1}
        with merchant.context.store.begin(merchant.context.tenant_id) as work:
            work.session.get_one(Order, held).state = "on_hold"
            work.session.get_one(Order, held).hold_reason = "waybill_refused"
            work.commit()
        merchant.release()
        assert merchant.states() == {"on_hold": 1}
        assert merchant.held() == []
    finally:
        merchant.close()


def test_a_plan_is_the_same_for_the_same_seed_and_has_every_end() -> None:
    first, again = work_orders.plan(400, 5), work_orders.plan(400, 5)
    assert [one.document for one in first.orders] == [one.document for one in again.orders]
    assert {one.end for one in first.orders} == {"ship", "cancel", "refund"}
    assert {one.shop for one in first.orders} == set(work_orders.SHOPS)
    assert len({one.number for one in first.orders}) == 400
