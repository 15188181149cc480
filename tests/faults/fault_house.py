"""A merchant in the process of the test, with a clock that tests move; its remotes are real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fault_merchant
import pytest
from fault_client import FaultCarrier, FaultShop
from fault_remote import Case, FaultServer
from sqlalchemy import select

from tidegate.jobs.runner import drain
from tidegate.services.context import Context
from tidegate.services.intake import import_orders
from tidegate.services.invariants.checks import check
from tidegate.services.rulebook import Rulebook
from tidegate.store.schema import Base
from tidegate.store.tables import Effect, Order, Tenant
from tidegate.store.unit_of_work import Store, open_engine


class Merchant:
    """A merchant in this process with a clock that tests move; its remotes are real HTTP."""

    def __init__(self, url: str, folder: Path, remote: FaultServer, name: str, kind: str) -> None:
        self.case: Case = remote.case(name)
        self.times = [datetime.now(UTC) - timedelta(days=20)]
        self.kind = kind
        engine = open_engine(url)
        Base.metadata.create_all(engine)
        asked = (remote.url, name, kind, 0.5)
        self.context = Context(
            store=Store(engine), tenant_id=1, rules=_rules(), clock=lambda: self.times[0],
            carriers={"sandbox": FaultCarrier(*asked)}, shops={1: FaultShop(*asked)}, data_dir=folder,
        )  # fmt: skip
        with self.context.store.unscoped() as session:
            session.add(Tenant(code="main", name="main", created_at=self.times[0]))
            session.commit()
        fault_merchant.furnish(self.context, 100, self.times[0])

    def take_in(self, orders: int) -> None:
        import_orders(
            self.context, fault_merchant.drafts(1, orders, self.times[0]), source="faults"
        )

    def wait(self, seconds: float) -> None:
        self.times[0] += timedelta(seconds=seconds)
        drain(self.context)

    def effects(self, kind: str = "waybill") -> list[str]:
        with self.context.store.begin(1, readonly=True) as work:
            return list(work.session.scalars(select(Effect.state).where(Effect.kind == kind)))

    def person(self) -> None:
        live = {row["key"]: row["number"] for row in self.case.live()}
        told = [row["number"] for row in self.case.told]
        fault_merchant.person(self.context, live, told)

    def held(self) -> set[str | None]:
        with self.context.store.begin(1, readonly=True) as work:
            return set(
                work.session.scalars(select(Order.hold_reason).where(Order.state == "on_hold"))
            )

    def creates(self) -> int:
        return sum(call == "create" for _, _, call, _ in self.case.calls)

    def keys(self) -> list[str]:
        return [row["key"] for row in self.case.made]

    def sound(self) -> None:
        assert {one.id: one.offenders for one in check(self.context) if one.count} == {}
        assert len(self.keys()) == len(set(self.keys())), "billed twice under one key"


_READ: list[Rulebook] = []


def _rules() -> Rulebook:
    """Read once: a rulebook without publications says the same to everybody."""
    if not _READ:
        _READ.append(Rulebook())
    return _READ[0]


@pytest.fixture
def make_merchant(
    remote: FaultServer, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Merchant]]:
    """A merchant of a duplicate class, its files in a folder; its database, too, or an empty one that is named."""
    made: list[Merchant] = []

    def make(kind: str, folder: Path, url: str = "") -> Merchant:
        name = f"{abs(hash(request.node.nodeid))}-{len(made)}"
        here = url or f"sqlite:///{folder / f'{len(made)}.db'}"
        made.append(Merchant(here, folder, remote, name, kind))
        return made[-1]

    yield make
    for merchant in made:
        merchant.context.store.close()


@pytest.fixture
def open_merchant(
    make_merchant: Callable[..., Merchant],
    tmp_path: Path,
    backend: str,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[[str], Merchant]]:
    """Merchants on the session's kind of database."""
    if backend == "sqlite":
        yield lambda kind: make_merchant(kind, tmp_path)
        return
    databases, urls = request.getfixturevalue("postgres_databases"), []

    def open_(kind: str) -> Merchant:
        urls.append(databases.make())
        return make_merchant(kind, tmp_path, urls[-1])

    yield open_
    for url in urls:
        databases.drop(url)
