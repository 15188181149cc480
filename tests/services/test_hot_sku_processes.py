"""Eight processes want three times what is there: exactly what is there is promised, and the books add up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import insert

from tidegate.services.stock_books import differences
from tidegate.services.stock_sync import Told, sync_stock
from tidegate.store.tables import Order, OrderLine, Reservation, Stock

PROCESSES = 8
UNITS = int(os.environ.get("HOT_UNITS", "200"))  # 4000 is the bar; the benchmark goes there
BUYERS = """
import json, multiprocessing, sys
from datetime import UTC, datetime
from tidegate.services.reserving import Want, reserve_all
from tidegate.store.unit_of_work import Store, open_engine

url, first, last, step, batch = sys.argv[1], *map(int, sys.argv[2:])
forks = multiprocessing.get_context("fork")
gate = forks.Barrier(step)

def buy(mine):
    store, now, sold = Store(open_engine(url)), datetime(2026, 11, 11, tzinfo=UTC), 0
    wants = [Want(n, 1, ((n, "HOT", 1), (n + 1_000_000, "ALSO", 1))) for n in range(mine, last, step)]
    gate.wait(60)
    for start in range(0, len(wants), batch):
        with store.begin(1) as work:
            found = sum(reserve_all(work, wants[start : start + batch], now))
            if found:
                work.commit()
            sold += found
    return sold

with forks.Pool(step) as buyers:
    print(json.dumps(buyers.map(buy, range(first, first + step), chunksize=1)))
"""


def orders(world: Any, count: int) -> None:
    """Orders 1 … count of one HOT and one ALSO each; ids as the buyers know them."""
    order_id = world.order(("X", 1))
    order = world.get(Order, Order.id == order_id)
    common = {
        column.name: getattr(order, column.key)
        for column in Order.__table__.columns
        if column.name not in ("id", "number")
    }
    lines = [
        {"id": n + more, "tenant_id": 1, "order_id": n, "position": at, "sku": sku, "quantity": 1}
        for n in range(1_000, count + 1_000)
        for at, sku, more in ((1, "HOT", 0), (2, "ALSO", 1_000_000))
    ]
    with world.context.store.begin(1) as work:
        connection = work.session.connection()
        rows = [{**common, "id": n, "number": f"H{n}"} for n in range(1_000, count + 1_000)]
        connection.execute(insert(Order.__table__), rows)
        connection.execute(insert(OrderLine.__table__), lines)
        work.commit()


@pytest.mark.parametrize("batch", [1, 50])
def test_exactly_what_is_there_is_promised(both: Any, batch: int) -> None:
    wanted = 3 * UNITS
    orders(both, wanted)
    sync_stock(
        both.context,
        [Told("HOT", "jiaxing", on_hand=UNITS), Told("ALSO", "jiaxing", on_hand=wanted)],
        source="wms",
    )
    url = both.context.store.engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", BUYERS, url, *map(str, (1_000, 1_000 + wanted, PROCESSES, batch))],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sold = json.loads(done.stdout)
    assert len(sold) == PROCESSES
    assert sum(sold) == UNITS
    rows = {row.sku: (row.on_hand, row.reserved) for row in both.all(Stock)}
    assert rows == {"HOT": (UNITS, UNITS), "ALSO": (wanted, UNITS)}
    assert both.count(Reservation, Reservation.state == "active") == 2 * UNITS
    with both.context.store.begin(1, readonly=True) as work:
        assert differences(work) == []
