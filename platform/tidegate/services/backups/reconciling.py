"""After a restore: ask carriers what they made meanwhile, before anything new is asked of them.

The backup is older than the carriers' books. A parcel that had no waybill in the backup may have one by now, one whose
outcome was open may be settled, and one that had a waybill may have been voided and given another. For every parcel
that has not left the house the carriers are asked for the key of its generation and the next few.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import structlog
from sqlalchemy import Select, select

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.carrier import DuplicateClass
from tidegate.services.backups.adopting import Alive, Question, keep
from tidegate.services.backups.marking import JOB, waybill_key
from tidegate.services.context import Context
from tidegate.services.work import enqueue
from tidegate.store.backup_tables import RestoreMark
from tidegate.store.tables import CarrierService, Parcel
from tidegate.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
AT_HOME = ("allocated", "on_hold", "routed", "waybill", "printed")
AHEAD = 3  # generations beyond the one of the backup that are asked for
AGAIN = timedelta(seconds=30)


def reconcile(context: Context) -> None:
    """Compare the restored parcels of this tenant with the carriers' books; safe to repeat.

    While a carrier does not answer, it is asked again later and nothing is sent to any.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        marks = list(work.session.scalars(_open_marks()))
        if not marks:
            return
        questions = list(_questions(work, max(mark.parcels_up_to for mark in marks)))
    counts = {"same": 0, "adopted": 0, "parked": 0}
    late = 0
    for question in questions:
        try:
            alive = _ask(context, question)
        except (RemoteRetry, RemoteUnknown) as error:
            log.warning("restore.carrier_silent", parcel_id=question.parcel_id, code=error.code)
            late += 1
            continue
        with context.store.begin(context.tenant_id) as work:
            counts[keep(work, question, alive, context.clock())] += 1
            work.commit()
    _finish(context, counts, late)


def _open_marks() -> Select[RestoreMark]:
    return select(RestoreMark).where(RestoreMark.reconciled_at.is_(None)).order_by(RestoreMark.id)


def _questions(work: UnitOfWork, up_to: int) -> Iterator[Question]:
    """One for each parcel of the backup that has not left the house."""
    services = list(work.session.scalars(select(CarrierService).order_by(CarrierService.id)))
    connectors = {one.code: one.connector for one in services}
    any_service: dict[str, str] = {}
    for one in services:
        any_service.setdefault(one.connector, one.code)
    for parcel in work.session.scalars(
        select(Parcel).where(Parcel.state.in_(AT_HOME), Parcel.id <= up_to).order_by(Parcel.id)
    ):
        own = connectors.get(parcel.service_code or "")
        # Not routed in the backup: any carrier may have been asked since.
        asked = {own: parcel.service_code or ""} if own else any_service
        generations = range(parcel.generation, parcel.generation + AHEAD + 1)
        keys = tuple((number, waybill_key(work, parcel.id, number)) for number in generations)
        yield Question(parcel.id, own is not None, asked, keys)


def _ask(context: Context, question: Question) -> tuple[Alive, ...] | None:
    """What carriers have, oldest generation first; None when one of them can't be asked.

    Raises:
        RemoteRetry, RemoteUnknown: a carrier does not answer just now.
    """
    alive = []
    for connector, service in question.asked.items():
        carrier = context.carriers.get(connector)
        if carrier is None or carrier.duplicates is DuplicateClass.NEITHER:
            return None
        for generation, key in question.keys:
            try:
                found = carrier.query_waybill(key)
            except RemoteRefused:
                return None
            if found is not None:
                alive.append(Alive(generation, key, connector, service, found))
    return tuple(sorted(alive, key=lambda one: one.generation))


def _finish(context: Context, counts: dict[str, int], late: int) -> None:
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        for mark in work.session.scalars(_open_marks()):
            mark.asked += sum(counts.values())
            mark.adopted += counts["adopted"]
            mark.parked += counts["parked"]
            mark.reconciled_at = None if late else now
        if late:
            enqueue(work, JOB, {}, due_at=now + AGAIN, now=now, key=f"{JOB}:again")
        work.commit()
    log.info("restore.reconciled", late=late, **counts)
