"""A small merchant on a real database, with a clock that tests move and a carrier that keeps a ledger."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tidegate.errors import RemoteRefused, RemoteUnknown, TidegateError
from tidegate.sdk.carrier import CarrierScan, DuplicateClass, ScanPage, Waybill, WaybillRequest
from tidegate.services.context import Context
from tidegate.services.rulebook import Rulebook, shipped_rules
from tidegate.services.workshop.publications import publications
from tidegate.store.schema import Base
from tidegate.store.tables import (
    CarrierService,
    Decision,
    Event,
    Order,
    OrderLine,
    Parcel,
    Product,
    RateCard,
    ServiceZone,
    Shop,
    Stock,
    Tenant,
    TenantScoped,
    Warehouse,
)
from tidegate.store.unit_of_work import Store, open_engine

START = datetime(2026, 11, 11, 1, 0, tzinfo=UTC)


@dataclass
class LedgerCarrier:
    """A carrier in this process: what it accepted stays accepted, whatever it answered.

    `trouble` are outcomes of the next create calls: an error raised before the work ("before"), after it ("after").
    """

    duplicates: DuplicateClass = DuplicateClass.HONOURS_KEY
    name: str = "sandbox"
    made: dict[str, str] = field(default_factory=dict)  # client key: number
    cancelled: set[str] = field(default_factory=set)
    requests: list[WaybillRequest] = field(default_factory=list)
    scans: list[CarrierScan] = field(default_factory=list)
    trouble: list[tuple[str, TidegateError]] = field(default_factory=list)
    cancel_trouble: list[TidegateError] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        with self.lock:
            self.requests.append(request)
            when, error = self.trouble.pop(0) if self.trouble else ("", None)
            if when == "before" and error:
                raise error
            key = request.client_key
            if key in self.made and self.duplicates is DuplicateClass.REFUSES_AND_QUERIES:
                raise refused("carrier.duplicate")
            if key in self.made and self.duplicates is DuplicateClass.NEITHER:
                key = f"{key}#{len(self.made)}"  # a careless carrier bills twice
            self.made.setdefault(key, f"SB{len(self.made) + 1:08d}")
            if when == "after" and error:
                raise error
            return Waybill(self.made[key], "330-A01-02")

    def query_waybill(self, client_key: str) -> Waybill | None:
        with self.lock:
            if client_key in self.cancelled or client_key not in self.made:
                return None
            return Waybill(self.made[client_key], "330-A01-02")

    def cancel_waybill(self, client_key: str) -> None:
        with self.lock:
            if self.cancel_trouble:
                raise self.cancel_trouble.pop(0)
            if client_key not in self.made:
                raise refused("carrier.not_found")
            self.cancelled.add(client_key)

    def scans_since(self, cursor: str) -> ScanPage:
        start = int(cursor or "0")
        page = self.scans[start : start + 3]
        end = start + len(page)
        return ScanPage(page, str(end), end < len(self.scans))

    def scan(self, waybill_no: str, state: str, at: datetime, event_id: str | None = None) -> None:
        """Tell of an event; `event_id` repeats one told before."""
        told = event_id or f"e{len(self.scans) + 1}"
        self.scans.append(CarrierScan(told, waybill_no, at, state.upper(), state, "嘉兴市", "快件"))

    def live(self) -> dict[str, str]:
        """Waybills that would be billed."""
        return {key: no for key, no in self.made.items() if key not in self.cancelled}


def refused(code: str) -> RemoteRefused:
    return RemoteRefused(code, zh="快递公司拒绝。", en="The carrier refused.")


def unknown() -> RemoteUnknown:
    return RemoteUnknown("carrier.no_answer", zh="没有答复。", en="No answer.")


@dataclass
class World:
    """The merchant: its context, its carrier, and short ways to fill and look."""

    context: Context
    carrier: LedgerCarrier
    times: list[datetime]
    numbers: int = 0

    @property
    def now(self) -> datetime:
        return self.times[0]

    def wait(self, **span: float) -> None:
        """Move the clock."""
        self.times[0] += timedelta(**span)

    def add(self, *rows: TenantScoped) -> list[int]:
        with self.context.store.begin(self.context.tenant_id) as work:
            for row in rows:
                work.add(row)
            work.commit()
            return [row.id for row in rows]  # type: ignore[attr-defined]

    def stock(self, sku: str, units: int, warehouse: int = 1) -> None:
        self.add(
            Stock(warehouse_id=warehouse, sku=sku, on_hand=units, reserved=0, updated_at=self.now)
        )

    def order(self, *lines: tuple[str, int], **fields: Any) -> int:
        """A paid order with a good address, received just now."""
        self.numbers += 1
        given: dict[str, Any] = {
            "shop_id": 1, "channel": "taobao", "number": f"N{self.numbers:04d}", "state": "received",
            "state_since": self.now, "currency": "CNY", "total_minor": 12900, "goods_total_minor": 12900,
            "payment_status": "paid", "payment_method": "online", "ordered_at": self.now,
            "paid_at": self.now, "source_status": "to_ship", "refund_status": "none",
            "recipient_name": "张三", "recipient_phone": "13800002291", "phone_kind": "mobile",
            "phone_valid": True, "phone_key": f"phone-{self.numbers}", "country": "CN",
            "province": "浙江省", "city": "杭州市", "district": "余杭区", "town": "仓前街道",
            "address": "文一西路 969 号", "address_key": f"place-{self.numbers}",
            "region_code": "330110", "address_check": "deliverable", "address_reason": "ok",
            "address_is_new": False, "source_hash": f"h{self.numbers}", "imported_at": self.now,
            "updated_at": self.now, "cod_minor": 0, "refund_total_minor": 0, "paid_total_minor": 12900,
        }  # fmt: skip
        (order_id,) = self.add(Order(**{**given, **fields}))
        for position, (sku, quantity) in enumerate(lines or (("KETTLE", 1),), start=1):
            self.add(
                OrderLine(
                    order_id=order_id, position=position, sku=sku, title="手冲壶", quantity=quantity,
                    line_total_minor=12900, refund_status="none", is_gift=False,
                )
            )  # fmt: skip
        return order_id

    def get(self, table: type[Any], *where: Any) -> Any:
        """The only row that fits."""
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            return work.session.scalars(select(table).where(*where)).one()

    def all(self, table: type[Any], *where: Any) -> list[Any]:
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            return list(work.session.scalars(select(table).where(*where).order_by(table.id)))

    def count(self, table: type[Any], *where: Any) -> int:
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            return work.session.scalar(select(func.count()).select_from(table).where(*where)) or 0

    def state(self, order_id: int) -> str:
        found: str = self.get(Order, Order.id == order_id).state
        return found

    def parcel(self, order_id: int) -> Parcel:
        found: Parcel = self.get(Parcel, Parcel.order_id == order_id, Parcel.state != "cancelled")
        return found

    def events(self, order_id: int) -> list[str]:
        return [event.kind for event in self.all(Event, Event.order_id == order_id)]

    def decisions(self, order_id: int, gate: str) -> list[Decision]:
        return self.all(Decision, Decision.order_id == order_id, Decision.gate == gate)

    def everything(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """The whole database as plain data, to compare before and after; jobs aside, which only say who works."""
        with self.context.store.unscoped(readonly=True) as session:
            return [
                (table.name, [dict(row._mapping) for row in session.execute(select(table))])
                for table in Base.metadata.sorted_tables
                if table.name != "job"
            ]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Both databases, one after the other; the tables are there."""
    found: str = request.getfixturevalue(f"{request.param}_tables_url")
    return found


@pytest.fixture
def sqlite_url(sqlite_tables_url: str) -> str:
    return sqlite_tables_url


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes a World on a database of its own; rules are the shipped ones unless a folder is given."""
    engines = []

    def make(url: str, rules: Path | None = None, carrier: Any = None) -> World:
        engine = open_engine(url)
        engines.append(engine)
        Base.metadata.create_all(engine)
        store = Store(engine)
        with store.unscoped() as session:
            for code in ("main", "other"):
                session.add(Tenant(code=code, name=code, created_at=START))
            session.commit()
            tenant = session.scalars(select(Tenant).where(Tenant.code == "main")).one()
        times = [START]
        ledger = carrier or LedgerCarrier()
        context = Context(
            store=store,
            tenant_id=tenant.id,
            rules=Rulebook(rules, published=publications(store, tenant.id, lambda: times[0])),
            carriers={"sandbox": ledger},
            clock=lambda: times[0],
            data_dir=tmp_path,
        )
        world = World(context, ledger, times)
        world.add(*merchant())
        return world

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def world(open_world: Callable[..., World], chosen_url: str) -> World:
    """A merchant on the session's database with the shipped rules."""
    return open_world(chosen_url)


@pytest.fixture
def both(open_world: Callable[..., World], database_url: str) -> World:
    """A merchant on SQLite, then on PostgreSQL."""
    return open_world(database_url)


@pytest.fixture
def intruder(world: World) -> World:
    """Another tenant on the same database."""
    return World(replace(world.context, tenant_id=2), world.carrier, world.times)


def merchant() -> Sequence[TenantScoped]:
    """A shop, two warehouses, two products, three services and their prices."""
    return [
        Shop(channel="taobao", name="北岸器物"),
        Warehouse(
            code="jiaxing", name="嘉兴仓", contact="发货组", phone="0573-88880001", province="浙江省",
            city="嘉兴市", district="南湖区", address="物流园 8 号", priority=10,
        ),
        Warehouse(
            code="beijing", name="北京仓", contact="发货组", phone="010-88880003", province="北京市",
            city="北京市", district="大兴区", address="仓北街 3 号", priority=20,
        ),
        Product(sku="KETTLE", title="手冲壶", weight_g=620, length_mm=200, width_mm=150, height_mm=120),
        Product(
            sku="CUP", title="玻璃杯", weight_g=310, length_mm=100, width_mm=100, height_mm=120, fragile=True,
        ),
        CarrierService(
            code="SF.standard", carrier="SF", name_zh="顺丰标快", name_en="SF", volumetric_divisor=6000,
        ),
        CarrierService(code="ZTO.standard", carrier="ZTO", name_zh="中通快递", name_en="ZTO", volumetric_divisor=6000),
        *(
            ServiceZone(service_code=code, province=province, zone="1", transit_hours=hours)
            for code, hours in (("SF.standard", 24), ("ZTO.standard", 48))
            for province in ("浙江省", "北京市", "广东省")
        ),
        RateCard(
            service_code="SF.standard", zone="1", first_g=1000, first_price_minor=1200, step_g=500,
            step_price_minor=200,
        ),
        RateCard(
            service_code="ZTO.standard", zone="1", first_g=1000, first_price_minor=640, step_g=1000,
            step_price_minor=150,
        ),
    ]  # fmt: skip


@pytest.fixture
def stubborn_rules(tmp_path: Path) -> Callable[..., Path]:
    """The shipped packs with another review set: `then` when `condition`, else `otherwise`."""

    def make(
        then: str | None, condition: str = "order.total >= 0 CNY", otherwise: str | None = None
    ) -> Path:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        shutil.copytree(shipped_rules(), folder, dirs_exist_ok=True)
        for old in (folder / "review").iterdir():
            old.unlink()
        lines = [
            "tidegate: ruleset/1", "id: own-review", "gate: review", "title: {zh: 自定, en: Own}",
            "policy: first", "on_missing: skip",
        ]  # fmt: skip
        lines += [f"otherwise: [{otherwise}]"] if otherwise else []
        act = then or "tag: 见过"
        lines += [
            "rules:", "  - id: only", "    title: {zh: 唯一, en: Only}", "    why: test",
            f"    if: ['{condition}']", f"    then: [{{{act}}}]" if ":" in act else f"    then: [{act}]",
        ]  # fmt: skip
        (folder / "review" / "own.yaml").write_text("\n".join(lines), encoding="utf-8")
        return folder

    return make
