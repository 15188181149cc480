"""B16: a day in minutes: six connectors, a thousand faults, a clock that jumps; every invariant holds, nothing swells."""

from __future__ import annotations

import gc
import math
import os
import random
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fault_merchant
import psutil
import pytest
from fault_client import FaultCarrier, FaultShop
from fault_history import History, judged
from fault_remote import Case, FaultServer, Register
from sqlalchemy import update

from tidegate.domain.orders import OrderDraft
from tidegate.jobs.clerk import Clerk
from tidegate.jobs.runner import drain
from tidegate.logs import configure_logs
from tidegate.services.context import Context
from tidegate.services.contexts import Contexts
from tidegate.services.intake import import_orders
from tidegate.services.invariants.checks import check
from tidegate.services.rulebook import Rulebook
from tidegate.store.schema import Base
from tidegate.store.tables import CarrierService, Order, RateCard, ServiceZone, Shop, Tenant
from tidegate.store.unit_of_work import Store, open_engine

pytestmark = [pytest.mark.faults, pytest.mark.long]
STEP = timedelta(minutes=5)
STEPS = 288
FAULTS = 1000
CARRIERS = {"ZTO": "A", "SF": "B", "YTO": "C", "STO": "A"}
SHOPS = {1: "B", 2: "A"}
MIB = 1 << 20


class Day:
    """A merchant with four carriers and two shops, each with books of its own."""

    def __init__(self, url: str, folder: Path, remote: FaultServer, orders: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.orders = orders
        self.times = [datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)]
        self.path = folder / "day.db"
        engine = open_engine(url)
        Base.metadata.create_all(engine)
        server = remote.url
        self.carriers = {name: remote.case(f"day-{seed}-{name}") for name in CARRIERS}
        self.shops = {number: remote.case(f"day-{seed}-shop-{number}") for number in SHOPS}
        for case in (*self.carriers.values(), *self.shops.values()):
            case.chance = random.Random(self.chance.random())
        self.context = Context(
            store=Store(engine), tenant_id=1, rules=Rulebook(), clock=lambda: self.times[0],
            carriers={
                name: FaultCarrier(server, f"day-{seed}-{name}", kind, 0.5)
                for name, kind in CARRIERS.items()
            },
            shops={
                number: FaultShop(server, f"day-{seed}-shop-{number}", kind, 0.5)
                for number, kind in SHOPS.items()
            },
            data_dir=folder,
        )  # fmt: skip
        self._furnish()
        self.clerk = Clerk(Contexts(self.context))
        self.clerk.begin()
        self.taken = 0
        self.moved: set[str] = set()

    def _furnish(self) -> None:
        with self.context.store.unscoped() as session:
            session.add(Tenant(code="main", name="main", created_at=self.times[0]))
            session.commit()
        fault_merchant.furnish(self.context, self.orders, self.times[0])
        with self.context.store.begin(1) as work:
            work.add(Shop(channel="jd", name="南岸器物"))
            for name in ("YTO", "STO"):
                code = f"{name}.standard"
                work.add(CarrierService(code=code, carrier=name, name_zh=name, name_en=name))
                work.add(
                    ServiceZone(service_code=code, province="浙江省", zone="1", transit_hours=24)
                )
                work.add(
                    RateCard(
                        service_code=code, zone="1", first_g=1000, first_price_minor=900, step_g=500,
                        step_price_minor=200,
                    )
                )  # fmt: skip
            work.session.flush()
            for name in CARRIERS:
                work.session.execute(
                    update(CarrierService)
                    .where(CarrierService.carrier == name)
                    .values(connector=name)
                )
            work.commit()

    def take_in(self, until: int) -> None:
        """Orders of both shops; a person chose the carrier of each."""
        if until <= self.taken:
            return
        drafts = [self._draft(draft, n) for n, draft in enumerate(
            fault_merchant.drafts(self.taken + 1, until, self.times[0]), self.taken + 1
        )]  # fmt: skip
        import_orders(self.context, drafts, source="day")
        names = list(CARRIERS)
        with self.context.store.begin(1) as work:
            for number in range(self.taken + 1, until + 1):
                chosen = f"{self.chance.choice(names)}.standard"
                found = Order.number == f"N{number:06d}"
                work.session.execute(update(Order).where(found).values(manual_service=chosen))
            work.commit()
        self.taken = until

    def _draft(self, draft: OrderDraft, number: int) -> OrderDraft:
        return replace(draft, channel="jd", shop="南岸器物") if number % 2 else draft

    def step(self) -> None:
        """Five minutes: what the schedules start, the warehouse, couriers."""
        self.times[0] += STEP
        self.clerk.round()
        drain(self.context)
        fault_merchant.leave_all(self.context, 500)
        drain(self.context)
        self._couriers()

    def person(self) -> None:
        live = {row["key"]: row["number"] for case in self.carriers.values() for row in case.live()}
        told = [row["number"] for case in self.shops.values() for row in case.told]
        fault_merchant.person(self.context, live, told)

    def _couriers(self) -> None:
        """A parcel that a shop was told of is picked up: its carrier says so."""
        owner = {row["number"]: case for case in self.carriers.values() for row in case.made}
        for shop in self.shops.values():
            for row in shop.told:
                if row["number"] in self.moved:
                    continue
                self.moved.add(row["number"])
                scans = owner[row["number"]].scans
                scans.append({
                    "id": f"s{len(self.moved)}", "number": row["number"], "state": "picked_up",
                    "at": self.times[0].isoformat(),
                })  # fmt: skip

    def rate(self, rate: float) -> None:
        for case in (*self.carriers.values(), *self.shops.values()):
            case.rate = rate

    def faults(self) -> int:
        cases = (*self.carriers.values(), *self.shops.values())
        return sum(1 for case in cases for *_, fault in case.calls if fault)

    def wal(self) -> int:
        """Bytes of SQLite's log; PostgreSQL minds its own."""
        wal = Path(f"{self.path}-wal")
        return wal.stat().st_size if wal.exists() else 0

    def books(self) -> int:
        """Bytes that the books of the other side take."""
        return size_of([*self.carriers.values(), *self.shops.values(), self.moved])

    def history(self) -> History:
        cases = [*self.carriers.values()]
        return History(
            {f"N{number:06d}" for number in range(1, self.orders + 1)},
            [row for case in cases for row in case.made],
            [row for case in cases for row in case.live()],
            [row for case in self.shops.values() for row in case.told],
            fault_merchant.export(self.context), self.orders,
        )  # fmt: skip


def resident(day: Day) -> int:
    """Bytes of this process without the books of the carriers and shops, which live in it, too."""
    gc.collect()
    return int(psutil.Process().memory_info().rss) - day.books()


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
        elif isinstance(one, Case | Register):
            todo += vars(one).values()
    return total


def at(step: int, orders: int) -> int:
    """Orders that have come by the end of a step: few at night, most in the evening."""
    share = step / STEPS - math.sin(2 * math.pi * step / STEPS) / (2 * math.pi) * 0.8
    return round(orders * share)


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
    downs = {name: day.chance.randrange(12, STEPS - 24) for name in CARRIERS}
    jumps = {STEPS // 3: timedelta(hours=1), STEPS // 3 + 6: -timedelta(hours=1)}
    wal, quarters = 0, []
    for step in range(1, STEPS + 1):
        day.rate(min(0.3, FAULTS / (2 * orders)) if day.faults() < FAULTS else 0.0)
        for name, start in downs.items():
            day.carriers[name].down = start <= step < start + 6
        day.times[0] += jumps.get(step, timedelta())
        day.take_in(at(step, orders))
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
    day.rate(0.0)
    for _ in range(24):
        day.step()
        day.person()
    quarter, *_ = quarters
    grown = resident(day) / quarter - 1
    took = time.monotonic() - began
    history = day.history()
    states = {row["state"] for row in history.export}
    print(
        f"{kind}: {orders} orders, {day.faults()} faults, 4 carriers down half an hour each, {took:.0f} s; memory since the "
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
    assert at(STEPS, 86_400) == 86_400
    assert [at(step, 1000) for step in range(STEPS)] == sorted(at(s, 1000) for s in range(STEPS))
