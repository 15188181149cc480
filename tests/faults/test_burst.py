"""B1: a burst of orders while workers are killed and stalled and the carrier fails: nothing lost, double or oversold."""

from __future__ import annotations

from pathlib import Path

import pytest
from fault_burst import burst, burst_orders
from fault_harness import Harness
from fault_remote import FaultServer

pytestmark = pytest.mark.faults


def test_a_burst_with_kills_on_sqlite(tmp_path: Path, remote: FaultServer) -> None:
    harness = Harness(tmp_path, remote, stock=140)
    try:
        burst(harness, "A", orders=150, kills=15, stalls=2, workers=1, limit_s=300)
    finally:
        harness.close()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["A", "B"])
def test_ten_thousand_orders_on_sqlite(tmp_path: Path, remote: FaultServer, kind: str) -> None:
    orders = burst_orders()
    harness = Harness(tmp_path, remote, stock=orders * 95 // 100)
    try:
        burst(harness, kind, orders=orders, kills=50, stalls=10, workers=1, limit_s=3600)
    finally:
        harness.close()


@pytest.mark.postgres
@pytest.mark.long
@pytest.mark.parametrize("kind", ["A", "B"])
def test_ten_thousand_orders_on_postgres(
    tmp_path: Path, remote: FaultServer, postgres_url: str, kind: str
) -> None:
    orders = burst_orders()
    harness = Harness(tmp_path, remote, postgres_url, stock=orders * 95 // 100)
    try:
        burst(harness, kind, orders=orders, kills=50, stalls=10, workers=2, limit_s=3600)
    finally:
        harness.close()
