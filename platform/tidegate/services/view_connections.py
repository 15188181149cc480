"""How the connections fare: shops by their last order, carriers by what they answered and what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import Session

from tidegate.services.context import Context
from tidegate.services.remotes.availability import unreachable
from tidegate.store.tables import CarrierService, Effect, ImportRun, Job, Order, Parcel, Scan, Shop
from tidegate.store.unit_of_work import UnitOfWork

WAITING = ("intent", "sending", "unknown")
QUIET_AFTER = timedelta(minutes=15)  # something waits and nothing was answered for so long
LATELY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ShopLine:
    """`orders` came in the last 24 hours; `waiting` counts those no gate has judged yet."""

    name: str
    channel: str
    last_at: datetime | None
    orders: int
    waiting: int


@dataclass(frozen=True, slots=True)
class CarrierLine:
    """`refused` counts parcels that wait for a person since their waybill was refused. `health` is ok, warn (slow) or
    bad (refusing, not connected, or not called for now).
    """

    connector: str
    connected: bool
    duplicates: str
    services: Sequence[CarrierService]
    last_answer_at: datetime | None
    last_scan_at: datetime | None
    waiting: int
    refused: int
    unknown: int
    health: str
    away: bool = False  # its account is stopped, or its waybill calls are not let through


@dataclass(frozen=True, slots=True)
class ImportLine:
    mapping: str
    at: datetime
    finished: bool
    report: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Connections:
    shops: Sequence[ShopLine]
    carriers: Sequence[CarrierLine]
    imports: Sequence[ImportLine]
    jobs_waiting: int
    jobs_failed: int

    @property
    def worried(self) -> int:
        """Connections that need a look."""
        return sum(1 for carrier in self.carriers if carrier.health != "ok")


def connections(context: Context) -> Connections:
    now = context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        session = work.session
        services = session.scalars(select(CarrierService).order_by(CarrierService.code)).all()
        names = sorted({*context.carriers, *(row.connector for row in services)})
        open_ = _open_effects(session)
        return Connections(
            shops=_shops(session, now),
            carriers=[_carrier(work, context, name, services, open_, now) for name in names],
            imports=_imports(session),
            jobs_waiting=_jobs(session, (Job.state == "ready") & (Job.due_at <= now)),
            jobs_failed=_jobs(session, Job.state == "dead"),
        )


def _shops(session: Session, now: datetime) -> list[ShopLine]:
    """What came lately and last is asked shop by shop, as the index has it; years of orders are not read."""
    of_shop = Order.shop_id == Shop.id
    last = select(func.max(Order.imported_at)).where(of_shop).scalar_subquery()
    lately = select(func.count()).where(of_shop, Order.imported_at >= now - LATELY)
    # counted here: to group by shop, SQLite would read all orders in the order of their shops
    waiting = Counter(session.scalars(select(Order.shop_id).where(Order.state == "received")))
    rows = session.execute(
        select(Shop.id, Shop.name, Shop.channel, last, lately.scalar_subquery()).order_by(
            Shop.channel, Shop.name
        )
    )
    return [
        ShopLine(name, channel, at, count, waiting[id_]) for id_, name, channel, at, count in rows
    ]


def _open_effects(session: Session) -> Counter[tuple[str, str]]:
    """By service and state: what is asked of carriers and not answered; `rejected` of parcels that wait for it."""
    rows = select(Parcel.service_code, Effect.state).join(Effect, Effect.parcel_id == Parcel.id)
    # written out, so that the index of what is unclear serves
    unclear = Effect.state.in_([literal_column(f"'{state}'") for state in WAITING])
    refused = (Effect.kind == "waybill") & (Effect.generation == Parcel.generation)
    found: Counter[tuple[str, str]] = Counter()
    for which in (
        unclear,
        (Parcel.state == "on_hold") & refused & (Effect.state == "rejected"),
    ):
        found.update((code or "", state) for code, state in session.execute(rows.where(which)))
    return found


def _carrier(
    work: UnitOfWork,
    context: Context,
    connector: str,
    services: Sequence[CarrierService],
    open_: Counter[tuple[str, str]],
    now: datetime,
) -> CarrierLine:
    session = work.session
    codes = [row.code for row in services if row.connector == connector]
    answers = [
        session.scalar(select(func.max(Parcel.waybill_at)).where(Parcel.service_code == code))
        for code in codes
    ]
    last_scan = session.scalar(select(func.max(Scan.received_at)).where(Scan.source == connector))
    waiting = sum(open_[code, state] for code in codes for state in WAITING)
    refused = sum(open_[code, "rejected"] for code in codes)
    unknown = sum(open_[code, "unknown"] for code in codes)
    answered = max((at for at in answers if at is not None), default=None)
    connected = connector in context.carriers
    away = bool(unreachable(work) & set(codes))
    quiet = waiting > 0 and (answered is None or now - answered > QUIET_AFTER)
    return CarrierLine(
        connector=connector,
        connected=connected,
        duplicates=context.carriers[connector].duplicates.value if connected else "",
        services=[row for row in services if row.connector == connector],
        last_answer_at=answered,
        last_scan_at=last_scan,
        waiting=waiting,
        refused=refused,
        unknown=unknown,
        away=away,
        health="bad" if not connected or refused or away else "warn" if quiet or unknown else "ok",
    )


def _imports(session: Session) -> list[ImportLine]:
    rows = session.scalars(select(ImportRun).order_by(ImportRun.id.desc()).limit(10))
    return [
        ImportLine(row.mapping, row.started_at, row.finished_at is not None, row.report)
        for row in rows
    ]


def _jobs(session: Session, which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Job).where(which)) or 0
