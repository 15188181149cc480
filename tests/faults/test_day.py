"""B16: a day in minutes: six connectors, a thousand faults, a clock that jumps; every invariant holds, nothing swells."""

from __future__ import annotations

import gc
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fault_day
import fault_merchant
import psutil
import pytest
from fault_day import DOWN_STEPS, STEP, STEPS, Outside, at, plan
from fault_history import judged
from fault_remote import Case, FaultServer, Register

from tidegate.jobs.clerk import Clerk
from tidegate.jobs.runner import drain
from tidegate.logs import configure_logs
from tidegate.services.context import Context
from tidegate.services.contexts import Contexts
from tidegate.services.intake import import_orders
from tidegate.services.invariants.checks import check
from tidegate.services.rulebook import Rulebook
from tidegate.store.schema import Base
from tidegate.store.tables import Tenant
from tidegate.store.unit_of_work import Store, open_engine

pytestmark = [pytest.mark.faults, pytest.mark.long]
MIB = 1 << 20


class Day:
    """All of it in one process, whose clock goes in steps."""

    def __init__(self, url: str, folder: Path, remote: FaultServer, orders: int, seed: int) -> None:
        self.outside = Outside(remote, seed)
        self.orders = orders
        self.times = [datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)]
        self.path = folder / "day.db"
        engine = open_engine(url)
        Base.metadata.create_all(engine)
        context = Context(
            store=Store(engine), tenant_id=1, rules=Rulebook(), clock=lambda: self.times[0],
            carriers={}, data_dir=folder,
        )  # fmt: skip
        self.context = fault_day.connected(context, remote.url, seed, timeout_s=0.5)
        with self.context.store.unscoped() as session:
            session.add(Tenant(code="main", name="main", created_at=self.times[0]))
            session.commit()
        fault_day.furnish(self.context, orders, self.times[0])
        self.clerk = Clerk(Contexts(self.context))
        self.clerk.begin()
        self.taken = 0

    def take_in(self, until: int) -> None:
        drafts = fault_day.drafts(self.taken + 1, until, self.times[0])
        if drafts:
            import_orders(self.context, drafts, source="day")
        self.taken = until

    def step(self) -> None:
        """Five minutes: what the schedules start, the warehouse, couriers."""
        self.times[0] += STEP
        self.clerk.round()
        drain(self.context)
        fault_merchant.leave_all(self.context, 500)
        drain(self.context)
        self.outside.couriers(self.times[0])

    def person(self) -> None:
        fault_merchant.person(self.context, self.outside, self.outside)

    def wal(self) -> int:
        """Bytes of SQLite's log; PostgreSQL minds its own."""
        wal = Path(f"{self.path}-wal")
        return wal.stat().st_size if wal.exists() else 0


def resident(day: Day) -> int:
    """Bytes of this process without the books of the carriers and shops, which live in it, too."""
    gc.collect()
    return int(psutil.Process().memory_info().rss) - size_of(day.outside)


def size_of(root: object) -> int:
    """Bytes of plain data and all that hangs on it, each thing once."""
    seen: set[int] = set()
    todo, total = [root], 0
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        if isinstance(one, dict):
            todo += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set):
            todo += one
        elif isinstance(one, Outside | Case | Register):
            todo += vars(one).values()
    return total


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("sqlite", 86_400),
        pytest.param("postgres", 20_000, marks=pytest.mark.postgres),  # it takes as long
    ],
)
def test_a_day_with_a_thousand_faults(
    tmp_path: Path, remote: FaultServer, request: pytest.FixtureRequest, kind: str, size: int
) -> None:
    seed = int(os.environ.get("TIDEGATE_SEED") or time.time_ns() % 10**9)
    orders = int(os.environ.get("TIDEGATE_DAY_ORDERS") or size)
    url = request.getfixturevalue("postgres_url") if kind == "postgres" else ""
    print(f"seed: {seed}")
    configure_logs("CRITICAL")
    began = time.monotonic()
    day = Day(url or f"sqlite:///{tmp_path / 'day.db'}", tmp_path, remote, orders, seed)
    downs = plan(day.outside.chance)
    jumps = {STEPS // 3: timedelta(hours=1), STEPS // 3 + 6: -timedelta(hours=1)}
    wal, quarters = 0, []
    for step in range(1, STEPS + 1):
        day.outside.rate(orders)
        for name, start in downs.items():
            day.outside.carriers[name].down = start <= step < start + DOWN_STEPS
        day.times[0] += jumps.get(step, timedelta())
        day.take_in(at(step / STEPS, orders))
        day.step()
        if step % 12 == 0:
            day.person()
            print(
                f"{step // 12} h: {day.taken} orders, {time.monotonic() - began:.0f} s", flush=True
            )
        wal = max(wal, day.wal())
        if step % (STEPS // 4) == 0:
            quarters.append(resident(day))
            print(f"{quarters[-1] / MIB:.0f} MiB", flush=True)
    day.outside.calm()
    for _ in range(24):
        day.step()
        day.person()
    quarter, *_ = quarters
    grown = resident(day) / quarter - 1
    took = time.monotonic() - began
    history = day.outside.history(orders, fault_merchant.export(day.context))
    states = {row["state"] for row in history.export}
    print(
        f"{kind}: {orders} orders, {day.outside.faults()} faults, 4 carriers down half an hour each, {took:.0f} s; memory since the "
        f"first quarter {grown:+.1%} ({quarter / MIB:.0f} MiB), log at most {wal / MIB:.1f} MiB; {states}"
    )
    assert {name: rows for name, rows in judged(history).items() if rows} == {}
    assert {one.id: one.offenders for one in check(day.context) if one.count} == {}
    assert states == {"in_transit"}
    assert wal < 64 * MIB
    assert grown < 0.10
    day.context.store.close()


def test_the_size_of_books_counts_what_hangs_on_them_once() -> None:
    case = Case()
    empty = size_of([case])
    word = "x" * 10_000
    case.told.append({"class": "A", "key": "k", "number": word})
    case.calls.append((1.5, "A", word, ""))
    assert case.told_by.of("A", "key") == []
    grown = size_of([case]) - empty
    assert sys.getsizeof(word) + sys.getsizeof(case.calls[0]) < grown < 1.6 * sys.getsizeof(word)


def test_the_curve_of_a_day_brings_every_order() -> None:
    assert at(1.0, 86_400) == 86_400
    come = [at(step / STEPS, 1000) for step in range(STEPS)]
    assert come == sorted(come)
