"""A person of some shops sees the rows of those shops only, whatever the query says.

Which tables that concerns is read off their columns: a table with `shop_id`, `order_id` or `parcel_id` belongs to a
shop; a row of such a table that names none of the three is not shown. Tables without them (products, stock,
warehouses, prices) belong to the whole tenant.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, event, false, or_, select
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.interfaces import ORMOption

from tidegate.store.schema import Base
from tidegate.store.tables import (
    ImportRun,
    LabelBatch,
    Order,
    Parcel,
    PrintRecord,
    Shop,
    TenantScoped,
)

ORDER: Any = Order.__table__  # Core tables: the criteria must not be applied to themselves
PARCEL: Any = Parcel.__table__
PRINT: Any = PrintRecord.__table__
KEY = "shops"


def limit(session: Session, shops: frozenset[int]) -> None:
    """Add the shops to every query of the session until it ends, outside `every_shop`."""
    session.info[KEY] = shops
    options = criteria(shops)

    @event.listens_for(session, "do_orm_execute")
    def _only_these_shops(state: ORMExecuteState) -> None:
        if state.session.info.get(KEY) is None:
            return
        if state.is_select or state.is_update or state.is_delete:
            state.statement = state.statement.options(*options)


@contextmanager
def every_shop(session: Session) -> Iterator[None]:
    """Look beyond the person's shops: for facts that rules judge by, never for what is shown."""
    kept = session.info.pop(KEY, None)
    try:
        yield
    finally:
        if kept is not None:
            session.info[KEY] = kept


@cache
def criteria(shops: frozenset[int]) -> tuple[ORMOption, ...]:
    """One option per table that belongs to a shop."""
    return tuple(
        with_loader_criteria(table, condition, include_aliases=True)
        for table, condition in _conditions(shops).items()
    )


def scoped_tables() -> frozenset[type[Any]]:
    """The tables whose rows belong to a shop."""
    return frozenset(_conditions(frozenset()))


def _conditions(shops: frozenset[int]) -> dict[type[Any], ColumnElement[bool]]:
    ids = sorted(shops)
    orders = select(ORDER.c.id).where(ORDER.c.shop_id.in_(ids))
    parcels = select(PARCEL.c.id).where(PARCEL.c.order_id.in_(orders))
    found: dict[type[Any], ColumnElement[bool]] = {
        Shop: Shop.id.in_(ids),
        ImportRun: false(),  # a report speaks of the orders of every shop
        LabelBatch: LabelBatch.id.in_(_batches(parcels)),
    }
    for mapper in Base.registry.mappers:
        table: Any = mapper.class_
        if table in found or not issubclass(table, TenantScoped):
            continue
        parts = []
        if "shop_id" in mapper.columns:
            parts.append(table.shop_id.in_(ids))
        if "order_id" in mapper.columns:
            parts.append(table.order_id.in_(orders))
        if "parcel_id" in mapper.columns:
            parts.append(table.parcel_id.in_(parcels))
        if parts:
            found[table] = or_(*parts)
    return found


def _batches(parcels: Any) -> Any:
    """Batches of these parcels alone: a PDF shows all of its labels or is not shown."""
    foreign = select(PRINT.c.batch_id).where(PRINT.c.parcel_id.not_in(parcels))
    return select(PRINT.c.batch_id).where(PRINT.c.batch_id.not_in(foreign))
