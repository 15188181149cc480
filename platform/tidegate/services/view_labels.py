"""What waits to be printed or handed over, and the batches printed so far."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tidegate.services.context import Context
from tidegate.services.label_batches import PRINT_DATA, kinds_of
from tidegate.services.view_masks import masked_name
from tidegate.services.view_names import Words, same
from tidegate.services.view_orders import place
from tidegate.services.view_parcels import service_names
from tidegate.store.tables import LabelBatch, Order, Parcel, Warehouse
from tidegate.store.unit_of_work import UnitOfWork

SHOWN_PARCELS = 500
SHOWN_BATCHES = 20
QUEUES = {"print": "waybill", "hand_over": "printed"}


@dataclass(frozen=True, slots=True)
class ParcelRow:
    id: int
    number: str
    order_id: int
    order_number: str
    recipient: str
    place: str
    warehouse: str
    service: Words
    waybill_no: str
    weight_g: int | None
    since: datetime
    ship_by: datetime | None


@dataclass(frozen=True, slots=True)
class BatchRow:
    """`problems` are the parcels that were left out, each with code and remedy as the printing service wrote them.
    `paper`: there is a PDF; `print_data`: something for platforms' print components.
    """

    number: str
    at: datetime
    by: str
    parcels: int
    printed: int
    problems: Sequence[Mapping[str, Any]]
    paper: bool
    print_data: bool


@dataclass(frozen=True, slots=True)
class PrintDesk:
    queue: str
    rows: Sequence[ParcelRow]
    count: int
    per_queue: Mapping[str, int]
    warehouses: Sequence[tuple[str, str]]
    carriers: Sequence[str]
    batches: Sequence[BatchRow]


def print_desk(
    context: Context, queue: str = "print", warehouse: str = "", carrier: str = ""
) -> PrintDesk:
    """Parcels in the order they should leave: by time limit, then by how long they wait."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        session = work.session
        state = QUEUES.get(queue, QUEUES["print"])
        statement = (
            select(Parcel, Order, Warehouse)
            .join(Order, Order.id == Parcel.order_id)
            .join(Warehouse, Warehouse.id == Parcel.warehouse_id)
            .where(Parcel.state == state)
        )
        if warehouse:
            statement = statement.where(Warehouse.code == warehouse)
        if carrier:
            statement = statement.where(Parcel.carrier == carrier)
        ordered = statement.order_by(Order.ship_by, Parcel.state_since, Parcel.id)
        rows = session.execute(ordered.limit(SHOWN_PARCELS)).all()
        names = service_names(session)
        return PrintDesk(
            queue=queue,
            rows=[_row(*row, names) for row in rows],
            count=session.scalar(select(func.count()).select_from(statement.subquery())) or 0,
            per_queue=_per_queue(session),
            warehouses=[
                (row.code, row.name)
                for row in session.scalars(select(Warehouse).order_by(Warehouse.priority))
            ],
            carriers=[
                found
                for found in session.scalars(
                    select(Parcel.carrier).where(Parcel.state.in_(QUEUES.values())).distinct()
                )
                if found
            ],
            batches=_batches(work),
        )


def _per_queue(session: Session) -> dict[str, int]:
    rows = session.execute(
        select(Parcel.state, func.count())
        .where(Parcel.state.in_(QUEUES.values()))
        .group_by(Parcel.state)
    )
    found = {state: count for state, count in rows}
    return {queue: found.get(state, 0) for queue, state in QUEUES.items()}


def _batches(work: UnitOfWork) -> list[BatchRow]:
    newest = select(LabelBatch).order_by(LabelBatch.id.desc()).limit(SHOWN_BATCHES)
    rows = work.session.scalars(newest).all()
    kinds = kinds_of(work, [row.id for row in rows])
    return [_batch(row, kinds.get(row.id, frozenset())) for row in rows]


def _batch(row: LabelBatch, kinds: Collection[str]) -> BatchRow:
    return BatchRow(
        number=row.number,
        at=row.created_at,
        by=row.created_by,
        parcels=row.parcels,
        printed=row.printed,
        problems=[problem for problem in row.problems if isinstance(problem, Mapping)],
        paper=bool(set(kinds) - {PRINT_DATA}),
        print_data=PRINT_DATA in kinds,
    )


def _row(
    parcel: Parcel, order: Order, warehouse: Warehouse, names: Mapping[str, Words]
) -> ParcelRow:
    code = parcel.service_code or "-"
    return ParcelRow(
        id=parcel.id,
        number=parcel.number,
        order_id=order.id,
        order_number=order.number,
        recipient=masked_name(order.recipient_name),
        place=place(order),
        warehouse=warehouse.name,
        service=names.get(code, same(code)),
        waybill_no=parcel.waybill_no or "-",
        weight_g=parcel.weight_g,
        since=parcel.state_since,
        ship_by=order.ship_by,
    )


def printable_parcels(context: Context, order_ids: Sequence[int]) -> list[int]:
    """Parcels of these orders that have a waybill and were not printed."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        statement = select(Parcel.id).where(
            Parcel.order_id.in_(order_ids), Parcel.state == QUEUES["print"]
        )
        return list(work.session.scalars(statement.order_by(Parcel.id)))
