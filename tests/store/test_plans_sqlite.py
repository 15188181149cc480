"""On SQLite, too, what is asked often does not look through all that waits, nor through all of all years."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from tidegate.services import view_board, view_connections, view_orders
from tidegate.services.context import Context
from tidegate.services.rulebook import Rulebook
from tidegate.services.work import Wanted, drop_waiting, enqueue_many, open_keys
from tidegate.store.tables import (
    Alert,
    CarrierService,
    Effect,
    Event,
    Job,
    Order,
    Parcel,
    Scan,
    Shop,
    Warehouse,
)
from tidegate.store.unit_of_work import Store, UnitOfWork

NOW = datetime(2026, 11, 11, tzinfo=UTC)
WAITING = 20_000
KEYS = [f"alert:{n}" for n in range(50)]


@pytest.fixture
def busy(lite: Store) -> Store:
    """Thousands of wake-ups that wait, as many jobs that are over and have no key, and SQLite's own count of them."""
    row = {"tenant_id": 1, "name": "alert_wakeup", "args": {}, "attempts": 0, "created_at": NOW}
    with lite.engine.begin() as connection:
        connection.execute(insert(Job.__table__), [
            {**row, "key": f"alert:{n}", "state": "ready", "due_at": NOW + timedelta(days=1)} for n in range(WAITING)
        ] + [{**row, "key": None, "state": "done", "due_at": NOW} for _ in range(WAITING)])  # fmt: skip
        connection.execute(text("PRAGMA analysis_limit = 400"))
        connection.execute(text("ANALYZE"))
    lite.engine.dispose()  # counts are read when a connection is opened
    return lite


@pytest.mark.parametrize(
    "act",
    [
        lambda work: enqueue_many(work, "alert_wakeup", [Wanted(k, {}, NOW) for k in KEYS], NOW),
        lambda work: drop_waiting(work, KEYS),
        lambda work: open_keys(work, KEYS),
    ],
    ids=["enqueue_many", "drop_waiting", "open_keys"],
)
def test_jobs_of_some_keys_are_found_by_their_keys(
    busy: Store, act: Callable[[UnitOfWork], Any]
) -> None:
    caught: list[tuple[str, Any]] = []

    def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "DELETE")) and not many:
            caught.append((statement, parameters))

    event.listen(busy.engine, "before_cursor_execute", keep)
    with busy.begin(1) as work:
        act(work)
    event.remove(busy.engine, "before_cursor_execute", keep)
    assert caught
    with busy.engine.connect() as connection:
        for statement, parameters in caught:
            plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
            assert "(tenant_id=? AND key=?)" in str(plan), statement


GROWN = 3_000
BIG = "sales_order|parcel|effect|alert|event|decision|scan|job"
# the list of orders walks it backwards until its page is full
WALKED = "USING INDEX ix_sales_order_newest (tenant_id=?)"


@pytest.fixture
def grown(lite: Store) -> Context:
    """A merchant of years: every hundredth order is open; SQLite has counted."""
    many = range(1, GROWN + 1)

    def at(n: int) -> datetime:
        return NOW - timedelta(minutes=30 * n)

    def state(n: int) -> str:
        return "on_hold" if n % 100 == 0 else "delivered"

    fixed = {"tenant_id": 1, "shop_id": 1, "channel": "taobao", "currency": "CNY"}
    sealed = {"recipient_kind": "plain", "source_hash": "h", "updated_at": NOW}
    rows: dict[Any, list[dict[str, Any]]] = {
        Shop: [{"id": 1, "tenant_id": 1, "channel": "taobao", "name": "s"}],
        Warehouse: [{"id": 1, "tenant_id": 1, "code": "w", "name": "w"}],
        CarrierService: [{"tenant_id": 1, "code": "Z", "carrier": "ZTO", "name_zh": "z", "name_en": "z"}],
        Order: [
            {**fixed, **sealed, "id": n, "number": f"N{n}", "state": state(n), "state_since": at(n), "ordered_at": at(n), "imported_at": at(n), "ship_by": NOW}
            for n in many
        ],
        Parcel: [
            {"id": n, "tenant_id": 1, "order_id": n, "number": f"P{n}", "warehouse_id": 1, "state": state(n), "state_since": at(n), "service_code": "Z", "waybill_at": at(n), "handed_over_at": at(n)}
            for n in many
        ],
        Effect: [
            {"tenant_id": 1, "parcel_id": n, "kind": "waybill", "generation": 1, "client_key": f"K{n}", "state": "rejected" if n % 100 == 0 else "confirmed", "updated_at": at(n)}
            for n in many
        ],
        Scan: [
            {"tenant_id": 1, "parcel_id": n, "source": "sandbox", "event_id": f"e{n}", "at": at(n), "state": "x", "received_at": at(n)}
            for n in many
        ],
        Event: [
            {"tenant_id": 1, "order_id": n, "at": at(n), "kind": "received", "actor_kind": "system", "actor": "x", "data": {}}
            for n in many
        ],
        Alert: [
            {"tenant_id": 1, "order_id": n, "subject_key": f"order:{n}", "kind": "late", "rule_id": "r", "severity": "warning", "desk": "d", "state": "open" if n % 100 == 0 else "resolved", "raised_at": at(n)}
            for n in many
        ],
    }  # fmt: skip
    with lite.unscoped() as session:
        for table, found in rows.items():
            session.execute(insert(table), found)
        session.execute(text("PRAGMA analysis_limit = 400"))
        session.execute(text("ANALYZE"))
        session.commit()
    lite.engine.dispose()
    return Context(lite, 1, Rulebook(None), {}, lambda: NOW, Path())


@pytest.mark.parametrize(
    "look",
    [
        view_board.board, view_board.counts, view_connections.connections,
        lambda context: view_orders.search_orders(context, view_orders.OrderQuery()),
    ],
    ids=["board", "navigation", "connections", "orders"],
)  # fmt: skip
def test_pages_that_refresh_themselves_read_what_is_under_way(grown: Context, look: Any) -> None:
    caught: list[tuple[str, Any]] = []

    def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        caught.append((statement, parameters))

    event.listen(grown.store.engine, "before_cursor_execute", keep)
    look(grown)
    event.remove(grown.store.engine, "before_cursor_execute", keep)
    steps = []
    with grown.store.engine.connect() as connection:
        for statement, parameters in caught:
            if statement.startswith("SELECT"):
                plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
                steps += [row[3] for row in plan]
    big = [one for one in steps if re.match(rf"(SCAN|SEARCH) ({BIG})\b", one)]
    assert big, "nothing was asked of a big table"
    from_end_to_end = [
        one for one in big if one.startswith("SCAN") or one.endswith(" (tenant_id=?)")
    ]
    assert [one for one in from_end_to_end if WALKED not in one] == []
