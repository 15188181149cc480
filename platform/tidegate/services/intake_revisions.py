"""Which of two copies of an order is the newer: pages, pushes and pulls of one shop cross.

A copy carries `revision`, a number that its source raises with each change (its own version, or the time of the change
in microseconds). The highest that was seen is kept in `sales_order.source_revision`; a copy below it is left aside.
Copies of equal revision, and those without one (files), are compared by content as ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, update

from tidegate.domain.orders import OrderDraft
from tidegate.store.tables import Order
from tidegate.store.unit_of_work import UnitOfWork

_ORDERS: Any = Order.__table__
_RAISE = (
    update(_ORDERS)
    .where(_ORDERS.c.id == bindparam("b_id"), _ORDERS.c.tenant_id == bindparam("b_tenant"))
    .values(source_revision=bindparam("b_revision"))
)


def is_older(draft: OrderDraft, known: int | None) -> bool:
    """Whether the order that is here came from a later copy."""
    return draft.revision is not None and known is not None and draft.revision < known


def newest(known: int | None, told: int | None) -> int | None:
    """The revision to keep after a copy was taken."""
    return told if known is None else known if told is None else max(known, told)


def newer_of(first: OrderDraft, second: OrderDraft) -> OrderDraft:
    """Of two copies in one batch; where they don't say, the second."""
    return first if is_older(second, first.revision) else second


def raise_revisions(work: UnitOfWork, seen: Mapping[int, int]) -> None:
    """Keep that these orders were seen unchanged at a later revision: a copy in between must not win."""
    rows = [
        {"b_id": order_id, "b_tenant": work.tenant_id, "b_revision": revision}
        for order_id, revision in sorted(seen.items())
    ]
    if rows:
        work.session.connection().execute(_RAISE, rows)
