"""The demo's warehouse person and courier: small batches, and some left for the watcher."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol, runtime_checkable

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from tidegate.services.context import Context
from tidegate.services.handover import hand_over
from tidegate.services.labels import print_labels
from tidegate.store.tables import Parcel

ACTOR = "demo"
BATCH = 10
PAUSE = timedelta(seconds=45)  # nobody prints a label the moment it exists
LEAVE_UNPRINTED = 20
LEAVE_ON_THE_TABLE = 8


@runtime_checkable
class SendsCourier(Protocol):
    """A carrier that can be asked to pick up now: the sandbox can."""

    def request_pickup(self, waybill_nos: Sequence[str]) -> Sequence[str]: ...


def warehouse_step(context: Context) -> None:
    """Print some waiting labels, hand some printed parcels over, send the courier for them."""
    waiting = _oldest(context, "waybill", Parcel.waybill_at, LEAVE_UNPRINTED)
    if waiting:
        print_labels(context, waiting, actor=ACTOR)
    packed = _oldest(context, "printed", Parcel.printed_at, LEAVE_ON_THE_TABLE)
    if packed:
        hand_over(context, packed, actor=ACTOR)
    courier_step(context)


def courier_step(context: Context) -> None:
    """Ask for the pick-up of what was handed over, by whomever."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        numbers = work.session.scalars(
            select(Parcel.waybill_no).where(
                Parcel.state == "handed_over", Parcel.waybill_no.is_not(None)
            )
        ).all()
    for carrier in context.carriers.values():
        if numbers and isinstance(carrier, SendsCourier):
            carrier.request_pickup([number for number in numbers if number])


def _oldest(
    context: Context, state: str, since: InstrumentedAttribute[object], leave: int
) -> list[int]:
    """Ids of parcels that waited a while, oldest first, but never the newest `leave`."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(
            select(Parcel.id, since.label("since"))
            .where(Parcel.state == state)
            .order_by(since, Parcel.id)
        ).all()
    due = context.clock() - PAUSE
    spare = rows[: max(0, len(rows) - leave)]
    return [row.id for row in spare if row.since is not None and row.since <= due][:BATCH]
