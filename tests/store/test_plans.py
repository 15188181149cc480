"""On PostgreSQL with hundreds of thousands of finished orders, what is asked often reads no table from end to end.

The statements are those the services send: each is caught on its way and explained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.engine import Engine

from tidegate.bootstrap import upgrade_database
from tidegate.jobs import table
from tidegate.jobs.relay import unsent_in_lanes
from tidegate.sdk.carrier import CarrierScan
from tidegate.services import view_alerts, view_board, view_connections, view_order, view_orders
from tidegate.services.context import Context
from tidegate.services.health.figures import read_figures
from tidegate.services.health.readiness import Readiness
from tidegate.services.history import load_history
from tidegate.services.rulebook import Rulebook
from tidegate.services.subjects import load_subjects
from tidegate.services.tracking import apply_scans
from tidegate.settings import Settings
from tidegate.store.tables import Order
from tidegate.store.unit_of_work import Store, open_engine

pytestmark = pytest.mark.postgres
NOW = datetime(2026, 11, 11, 1, 0, tzinfo=UTC)
MONTH = timedelta(days=30)
ORDERS = 100_000
BIG = ("sales_order", "order_line", "parcel", "effect", "decision", "event", "alert", "job", "scan")
# Every 500th order is open; one tenant in ten thousand rows is another's.
FILL = f"""
SET session_replication_role = replica;
INSERT INTO tenant (id, code, name, timezone, currency, created_at) VALUES (1, 'main', 'm', 'Asia/Shanghai', 'CNY', now());
INSERT INTO shop (id, tenant_id, channel, name, timezone, currency) VALUES (1, 1, 'taobao', 's', 'Asia/Shanghai', 'CNY');
INSERT INTO warehouse (id, tenant_id, code, name, priority) VALUES (1, 1, 'w', 'w', 1);
INSERT INTO sales_order (id, tenant_id, shop_id, channel, number, kind, state, state_since, version, currency, ordered_at,
  recipient_kind, phone_key, address_key, tags, issues, extra, edited, manual_review, source_hash, imported_at, updated_at, ship_by)
SELECT n, 1, 1, 'taobao', 'N' || n, 'normal', CASE WHEN n % 500 = 0 THEN 'on_hold' ELSE 'delivered' END,
  timestamptz '2026-11-11' - n * interval '30 minutes', 1, 'CNY', timestamptz '2026-11-11' - n * interval '30 minutes',
  'plain', 'p' || n % 50000, 'a' || n % 60000, '[]', '[]', '{{}}', '[]', 'none', 'h', timestamptz '2026-11-11' - n * interval '30 minutes', now(),
  timestamptz '2026-11-13' - n * interval '30 minutes'
FROM generate_series(1, {ORDERS}) n;
INSERT INTO carrier_service (tenant_id, code, carrier, name_zh, name_en, connector, same_city_only, active)
VALUES (1, 'ZTO.standard', 'ZTO', 'z', 'z', 'sandbox', false, true);
INSERT INTO order_line (tenant_id, order_id, position, sku, quantity) SELECT 1, n, 1, 'S' || n % 1000, 1 FROM generate_series(1, {ORDERS}) n;
INSERT INTO parcel (id, tenant_id, order_id, number, warehouse_id, state, state_since, version, generation, label_notes,
  currency, print_count, failed_deliveries, carrier, waybill_no, service_code, waybill_at, handed_over_at)
SELECT n, 1, n, 'P' || n, 1, CASE WHEN n % 500 = 0 THEN 'on_hold' ELSE 'delivered' END, now(), 1, 1, '[]', 'CNY', 0, 0, 'ZTO', 'W' || n,
  'ZTO.standard', timestamptz '2026-11-11' - n * interval '30 minutes', timestamptz '2026-11-11' - n * interval '30 minutes'
FROM generate_series(1, {ORDERS}) n;
INSERT INTO effect (tenant_id, parcel_id, kind, generation, client_key, state, attempts, answer, updated_at)
SELECT 1, n, 'waybill', 1, 'K' || n, CASE WHEN n % 5000 = 0 THEN 'unknown' ELSE 'confirmed' END, 1, '{{}}', now() FROM generate_series(1, {ORDERS}) n;
INSERT INTO ruleset_content (hash, ruleset_id, gate, content, first_seen_at) VALUES ('h', 'r', 'review', '', now());
INSERT INTO decision (tenant_id, order_id, gate, ruleset_id, ruleset_hash, trigger, verdict, decided_at, facts, result, applied)
SELECT 1, n, 'review', 'r', 'h', 'received', 'approve', now() - n * interval '1 minute', '{{}}', '{{}}', true FROM generate_series(1, {ORDERS}) n;
INSERT INTO event (tenant_id, order_id, at, kind, actor_kind, actor, data) SELECT 1, n, now(), 'x', 'system', 'x', '{{}}' FROM generate_series(1, {ORDERS}) n;
INSERT INTO alert (tenant_id, parcel_id, subject_key, kind, rule_id, severity, desk, state, raised_at)
SELECT 1, n, 'parcel:' || n, 'no_scan', 'r', 'warning', 'warehouse', CASE WHEN n % 2000 = 0 THEN 'open' ELSE 'resolved' END, now()
FROM generate_series(1, {ORDERS // 2}) n;
INSERT INTO scan (tenant_id, parcel_id, source, event_id, at, state, applied, received_at)
SELECT 1, n, 'sandbox', 'e' || n, now(), 'delivered', true, now() FROM generate_series(1, {ORDERS}) n;
INSERT INTO job (tenant_id, name, args, state, due_at, attempts, created_at)
SELECT 1, 'advance_order', '{{}}', CASE WHEN n % 2000 = 0 THEN 'ready' ELSE 'done' END, timestamptz '2026-11-10' + n * interval '1 second', 0, now()
FROM generate_series(1, {ORDERS}) n;
"""


@pytest.fixture(scope="module")
def context(postgres_databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A merchant with years behind it."""
    url = postgres_databases.make()
    folder: Path = tmp_path_factory.mktemp("plans")
    settings = Settings.from_environment(None)
    object.__setattr__(settings, "database_url", url)
    object.__setattr__(settings, "data_dir", folder)
    upgrade_database(settings)
    engine = open_engine(url)
    with engine.begin() as connection, connection.connection.cursor() as cursor:
        for statement in FILL.split(
            ";\n"
        ):  # by the driver itself, to which % is not a parameter here
            cursor.execute(statement)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    yield Context(Store(engine), 1, Rulebook(None), {}, lambda: NOW, folder)
    engine.dispose()
    postgres_databases.drop(url)


@contextmanager
def caught(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Statements that read or change big tables, with their parameters."""
    found: list[tuple[str, Any]] = []

    def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, _ctx: Any, many: bool) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE")) and not many:
            found.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", keep)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", keep)


def walked(engine: Engine, statement: str, parameters: Any) -> list[str]:
    """Big tables that a statement reads from end to end."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("EXPLAIN " + statement, parameters)
        plan = "\n".join(row[0] for row in rows)
    return [name for name in re.findall(r"Seq Scan on (\w+)", plan) if name in BIG]


def work_of_a_day(context: Context) -> dict[str, Any]:
    """What is asked often, by name."""

    def in_work(ask: Any) -> Any:
        with context.store.begin(1) as work:
            ask(work)

    scan = CarrierScan("new", "W777", NOW, "X", "delivered", "", "")
    return {
        "due jobs": lambda: table.claim(context.store, 1, NOW, 50),
        "figures": lambda: list(read_figures(context)),
        "readiness": lambda: Readiness(context).reasons(),
        "board": lambda: view_board.board(context),
        "board's connections": lambda: view_connections.connections(context),
        "list of orders": lambda: view_orders.search_orders(context, view_orders.OrderQuery()),
        "navigation": lambda: view_board.counts(context),
        "orders by state": lambda: view_orders.held_orders(context, None),
        "order by number": lambda: in_work(
            lambda work: work.session.scalars(select(Order).where(Order.number == "N777")).all()
        ),
        "order page": lambda: view_order.order_view(context, 777),
        "subjects and history": lambda: in_work(
            lambda work: load_history(
                work, load_subjects(work, [500]).values(), [("history.orders_to_address", MONTH)]
            )
        ),
        "parcel by waybill": lambda: in_work(
            lambda work: apply_scans(work, "sandbox", [scan], NOW)
        ),
        "alerts open": lambda: view_alerts.alert_desk(context),
    }


@pytest.mark.parametrize(
    "name",
    [
        "due jobs", "figures", "readiness", "board", "board's connections", "list of orders",
        "navigation", "orders by state",
        "order by number", "order page", "subjects and history", "parcel by waybill", "alerts open",
    ],
)  # fmt: skip
def test_no_big_table_is_read_from_end_to_end(context: Context, name: str) -> None:
    engine = context.store.engine
    with caught(engine) as statements:
        work_of_a_day(context)[name]()
    big = [one for one in statements if re.search(rf"\b({'|'.join(BIG)})\b", one[0])]
    assert big, "nothing was asked of a big table"
    bad = {
        statement: found for statement, given in big if (found := walked(engine, statement, given))
    }
    assert bad == {}


def test_a_statement_that_walks_is_noticed(context: Context) -> None:
    engine = context.store.engine
    assert walked(engine, "SELECT count(*) FROM event WHERE actor = %(a)s", {"a": "x"}) == ["event"]


def test_a_backlog_of_a_lane_is_not_read_once_for_each_of_its_jobs(context: Context) -> None:
    """Thousands wait for a carrier that is away: which lanes are busy is asked once for all of them."""
    engine = context.store.engine
    with caught(engine) as statements:
        unsent_in_lanes(context.store, 1, "request_waybill", NOW, 60)
    ((statement, given),) = [one for one in statements if "lane" in one[0]]
    with engine.connect() as connection:
        plan = [row[0] for row in connection.exec_driver_sql("EXPLAIN " + statement, given)]
    asked = [line for line in plan if "Filter" in line and "SubPlan" in line]
    assert asked, plan
    assert all("hashed SubPlan" in line for line in asked), asked


def test_partial_indexes_stay_small(context: Context) -> None:
    with context.store.engine.connect() as connection:
        sizes = {
            name: connection.execute(text(f"SELECT pg_relation_size('{name}')")).scalar_one()
            for name in ("ix_sales_order_open", "ix_sales_order_tenant_state", "ix_effect_unclear")
        }
    assert sizes["ix_sales_order_open"] * 20 < sizes["ix_sales_order_tenant_state"]
    assert sizes["ix_effect_unclear"] <= 16384
