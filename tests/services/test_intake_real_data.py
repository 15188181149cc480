"""Three real order sets from file to database, twice: every row accounted for, nothing changes the second time."""

from __future__ import annotations

import csv
import json
import lzma
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from tidegate.services.context import Context
from tidegate.services.intake import import_source
from tidegate.services.intake_report import ImportReport
from tidegate.services.rulebook import Rulebook
from tidegate.store.tables import Base, Job, Order, OrderLine, Tenant
from tidegate.store.unit_of_work import Store, open_engine
from tidegate_connectors.files import open_source

pytestmark = pytest.mark.shared_data
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
RETAIL = Path("online_retail") / "online_retail_2_2009-12_2010-12.csv.xz"


@pytest.fixture
def context(tmp_path: Path, chosen_url: str) -> Iterator[Context]:
    engine = open_engine(chosen_url)
    Base.metadata.create_all(engine)
    store = Store(engine)
    with store.unscoped() as session:
        session.add(Tenant(id=1, code="main", name="Test", created_at=NOW))
        session.commit()
    yield Context(
        store=store,
        tenant_id=1,
        rules=Rulebook(None),
        carriers={},
        clock=lambda: NOW,
        data_dir=tmp_path,
    )
    engine.dispose()


def bring_in(context: Context, path: Path, mapping: str) -> ImportReport:
    report = import_source(context, open_source([str(path)], mapping))
    assert report.read == report.accepted + len(report.rejected)
    return report


def states(context: Context) -> dict[str, int]:
    with context.store.unscoped(readonly=True) as session:
        rows = session.execute(select(Order.state, func.count()).group_by(Order.state)).all()
        return {state: count for state, count in rows}


def total(context: Context, column: object) -> int:
    with context.store.unscoped(readonly=True) as session:
        return int(session.scalar(select(column)) or 0)  # type: ignore[call-overload]


def test_tmall_report(context: Context, shared_data: Path) -> None:
    folder = shared_data / "tmall_orders"
    path = folder / "tmall_order_report.csv.xz"
    wanted = json.loads((folder / "expected.json").read_text("utf-8"))
    report = bring_in(context, path, "tmall-report")
    assert (report.read, report.accepted, report.created) == (28_010, 28_010, 28_010)
    assert report.flagged == []
    assert total(context, func.sum(Order.total_minor)) == round(wanted["gross"] * 100)
    assert total(context, func.sum(Order.paid_total_minor)) == round(wanted["paid_amount"] * 100)
    assert total(context, func.sum(Order.refund_total_minor)) == round(
        wanted["refund_amount"] * 100
    )
    assert total(context, func.count(Order.paid_at)) == wanted["paid"] == 24_087
    with context.store.unscoped(readonly=True) as session:
        found = dict(
            session.execute(select(Order.province, func.count()).group_by(Order.province)).all()
        )
    assert found["广东省"] == wanted["by_province"]["广东省"] == 2_463
    assert total(context, select(func.count()).select_from(Job).scalar_subquery()) == 28_010
    again = bring_in(context, path, "tmall-report")
    assert (again.created, again.updated, again.unchanged) == (0, 0, 28_010)


def test_olist_orders(context: Context, shared_data: Path) -> None:
    path = shared_data / "olist" / "flat_orders.csv.xz"
    report = bring_in(context, path, "olist")
    assert (report.read, report.accepted, report.created) == (8_590, 8_590, 8_590)
    codes = Counter(flag.issue.code for flag in report.flagged)
    assert codes == {"import.no_lines": 80}
    # 8313 delivered; 92 shipped; 57 canceled; 68 unavailable, 32 processing and 28 invoiced wait.
    assert states(context) == {
        "delivered": 8_313,
        "in_transit": 92,
        "cancelled": 57,
        "received": 128,
    }
    again = bring_in(context, path, "olist")
    assert (again.created, again.updated, again.unchanged) == (0, 0, 8_590)


def test_a_hundred_thousand_lines_in_bounded_memory(
    context: Context, shared_data: Path, tmp_path: Path
) -> None:
    """The beginning of the file; all of it in the long suite."""
    path, wanted = tmp_path / "part.csv", Counter[bool]()
    with lzma.open(shared_data / RETAIL, "rt", encoding="utf-8") as whole, path.open("w") as part:
        lines = list(islice(csv.reader(whole), 100_001))
        csv.writer(part).writerows(lines)
    number, quantity = lines[0].index("Invoice"), lines[0].index("Quantity")
    for line in lines[1:]:
        wanted[int(line[quantity]) <= 0 and not line[number].startswith("C")] += 1
    assert wanted[True] > 100
    before = psutil.Process().memory_info().rss
    report = bring_in(context, path, "online-retail")
    assert psutil.Process().memory_info().rss - before < 300_000_000
    assert (report.read, report.accepted) == (100_000, wanted[False])
    assert len(report.rejected) == wanted[True]
    assert {row.code for row in report.rejected} == {"import.quantity_not_positive"}
    found = select(func.count()).select_from(OrderLine).scalar_subquery()
    assert total(context, found) == wanted[False]
    again = bring_in(context, path, "online-retail")
    assert (again.created, again.updated, again.unchanged) == (0, 0, report.created)


@pytest.mark.long
def test_online_retail_lines_in_bounded_memory(context: Context, shared_data: Path) -> None:
    path = shared_data / RETAIL
    before = psutil.Process().memory_info().rss
    report = bring_in(context, path, "online-retail")
    grown = psutil.Process().memory_info().rss - before
    assert grown < 300_000_000
    # 525,461 lines, 2,121 of them negative on invoices that are no cancellations.
    assert (report.read, report.accepted, len(report.rejected)) == (525_461, 523_340, 2_121)
    assert {row.code for row in report.rejected} == {"import.quantity_not_positive"}
    assert total(context, select(func.count()).select_from(OrderLine).scalar_subquery()) == 523_340
    assert report.created == 26_695
    found = states(context)
    assert found.keys() == {"cancelled", "delivered"}
    assert found["cancelled"] == 4_592
    again = bring_in(context, path, "online-retail")
    assert (again.created, again.updated, again.unchanged) == (0, 0, 26_695)
