"""When carriers are asked: a job per parcel in the lane of its account, committed with the change it follows from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, exists, literal, literal_column, select, update

from tidegate.services.subjects import Subject
from tidegate.services.work import JOB, Wanted, enqueue, enqueue_many, open_keys
from tidegate.store.tables import CarrierService, Job, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork

PREFIX = "waybill:"
GRACE = timedelta(seconds=20)  # what was sent may still arrive: not asked again before
PROBE = timedelta(seconds=5)  # where nobody listens, one parcel asks again so soon
AWAY = timedelta(seconds=60)  # and the others so late, unless it gets through
NEAR = timedelta(
    seconds=30
)  # longer than a call may take: those that would be due by then are put off
STANDS_BACK = "carrier.away"  # Job.error of those others


def request_later(work: UnitOfWork, subjects: Iterable[Subject], now: datetime) -> Sequence[Parcel]:
    """A job for every routed parcel that has none, and these parcels; one that waits for its next attempt goes on
    waiting.
    """
    routed = [parcel for s in subjects for parcel in s.parcels if parcel.state == "routed"]
    busy = open_keys(work, {_key(parcel) for parcel in routed}) if routed else ()
    missing = [parcel for parcel in routed if _key(parcel) not in busy]
    if not missing:
        return missing
    codes = {parcel.service_code for parcel in missing}
    rows = work.session.execute(
        select(CarrierService.code, CarrierService.connector).where(CarrierService.code.in_(codes))
    )
    lanes = {code: connector for code, connector in rows}
    wanted = [
        Wanted(_key(parcel), _args(parcel), now, lanes.get(parcel.service_code or ""))
        for parcel in missing
    ]
    enqueue_many(work, "request_waybill", wanted, now)
    return missing


def request_again(
    work: UnitOfWork, parcel: Parcel, account: str | None, due_at: datetime, now: datetime
) -> None:
    """Ask the carrier about this parcel at `due_at`."""
    key, args = _key(parcel), _args(parcel)
    enqueue(work, "request_waybill", args, due_at=due_at, now=now, key=key, lane=account)


def go_on(work: UnitOfWork, accounts: Collection[str], now: datetime) -> None:
    """These carriers answer: parcels that stood back are asked about now, those that wait for a far attempt soon."""
    if not accounts:
        return
    connection, waiting = work.session.connection(), _waiting(work, accounts)
    back = (JOB.c.error == STANDS_BACK, JOB.c.due_at > now)
    connection.execute(update(JOB).where(*waiting, *back).values(due_at=now, error=None))
    far = JOB.c.due_at > now + 2 * GRACE
    connection.execute(update(JOB).where(*waiting, far).values(due_at=now + GRACE))


def stand_back(work: UnitOfWork, away: Mapping[str, Parcel], now: datetime) -> None:
    """Nobody listens at these carriers: of each, this parcel asks again soon, and the others only when it got
    through, or late. A thousand that try in turn would take the time of all that could go on.
    """
    for account, parcel in away.items():
        early = JOB.c.due_at < now + NEAR
        postponed = update(JOB).where(*_waiting(work, [account]), early)
        work.session.connection().execute(postponed.values(due_at=now + AWAY, error=STANDS_BACK))
        request_again(work, parcel, account, now + PROBE, now)


def _waiting(work: UnitOfWork, accounts: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        JOB.c.tenant_id == work.tenant_id,
        JOB.c.name == "request_waybill",
        JOB.c.state == literal_column("'ready'"),  # written out, so that the partial index serves
        JOB.c.lane.in_(accounts),
    )


def asked_for() -> ColumnElement[bool]:
    """An order has a job that asks a carrier about a parcel of its."""
    return exists().where(
        Parcel.order_id == Order.id,
        Job.tenant_id == Order.tenant_id,
        Job.key == literal(PREFIX).concat(cast(Parcel.id, String)),
        Job.state.in_(("ready", "leased")),
    )


def _args(parcel: Parcel) -> Mapping[str, object]:
    return {"parcel_id": parcel.id, "order_id": parcel.order_id}


def _key(parcel: Parcel) -> str:
    return f"{PREFIX}{parcel.id}"
