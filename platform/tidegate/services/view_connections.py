"""How the connections fare: shops by their last order, carriers by what they answered and what waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from tidegate.services.context import Context
from tidegate.services.remotes.availability import unreachable
from tidegate.store.tables import CarrierService, Effect, ImportRun, Job, Order, Parcel, Scan, Shop
from tidegate.store.unit_of_work import UnitOfWork

WAITING = ("intent", "sending", "unknown")
QUIET_AFTER = timedelta(minutes=15)  # something waits and nothing was answered for so long


@dataclass(frozen=True, slots=True)
class ShopLine:
    """`waiting` counts orders no gate has judged yet."""

    name: str
    channel: str
    last_at: datetime | None
    orders: int
    waiting: int


@dataclass(frozen=True, slots=True)
class CarrierLine:
    """`health` is ok, warn (slow) or bad (refusing, not connected, or not called for now)."""

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
        return Connections(
            shops=_shops(session),
            carriers=[_carrier(work, context, name, services, now) for name in names],
            imports=_imports(session),
            jobs_waiting=_jobs(session, "ready"),
            jobs_failed=_jobs(session, "dead"),
        )


def _shops(session: Session) -> list[ShopLine]:
    waiting = func.sum(case((Order.state == "received", 1), else_=0))
    rows = session.execute(
        select(Shop.name, Shop.channel, func.max(Order.imported_at), func.count(Order.id), waiting)
        .outerjoin(Order, Order.shop_id == Shop.id)
        .group_by(Shop.id, Shop.name, Shop.channel)
        .order_by(Shop.channel, Shop.name)
    )
    return [ShopLine(name, channel, last, n, int(new or 0)) for name, channel, last, n, new in rows]


def _carrier(
    work: UnitOfWork,
    context: Context,
    connector: str,
    services: Sequence[CarrierService],
    now: datetime,
) -> CarrierLine:
    session = work.session
    codes = [row.code for row in services if row.connector == connector]
    found = {
        state: (count, last)
        for state, count, last in session.execute(
            select(Effect.state, func.count(), func.max(Effect.updated_at))
            .join(Parcel, Parcel.id == Effect.parcel_id)
            .where(Parcel.service_code.in_(codes))
            .group_by(Effect.state)
        )
    }
    last_scan = session.scalar(select(func.max(Scan.received_at)).where(Scan.source == connector))
    waiting = sum(found.get(state, (0, None))[0] for state in WAITING)
    refused = found.get("rejected", (0, None))[0]
    unknown = found.get("unknown", (0, None))[0]
    answered = found.get("confirmed", (0, None))[1]
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


def _jobs(session: Session, state: str) -> int:
    found = session.scalar(select(func.count()).select_from(Job).where(Job.state == state))
    return found or 0
