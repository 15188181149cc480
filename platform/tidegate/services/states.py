"""Moves of orders and parcels: allowed ones are data (states.yaml); the rest is recorded, never applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, Update, bindparam, select, update
from sqlalchemy.orm.attributes import set_committed_value

from tidegate.errors import Conflict
from tidegate.services.shipped import shipped_document
from tidegate.services.webhooks import outbox
from tidegate.store.tables import Event, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork

MOVED = {"order": "order_moved", "parcel": "parcel_moved"}  # Event.kind of a move
NAMES = {"order": "订单", "parcel": "包裹"}
_TABLES = {"order": cast(Table, Order.__table__), "parcel": cast(Table, Parcel.__table__)}


def _guard(bare: Table) -> Update:
    """Core, built once. It names the tenant itself."""
    return (
        update(bare)
        .where(
            bare.c.id == bindparam("of_id"),
            bare.c.tenant_id == bindparam("of_tenant"),
            bare.c.state == bindparam("of_state"),
            bare.c.version == bindparam("of_version"),
        )
        .values(
            state=bindparam("to_state"),
            state_since=bindparam("to_since"),
            version=bindparam("to_version"),
        )
    )


_GUARDED = {kind: _guard(table) for kind, table in _TABLES.items()}


def moves() -> Mapping[str, Mapping[str, Any]]:
    """`{"order": {state: {title, to, final}}, "parcel": …}` as shipped."""
    return shipped_document("states.yaml")


def allowed(kind: str, state: str, to: str) -> bool:
    """Whether an `order` or a `parcel` may go from `state` to `to`."""
    return to in moves()[kind].get(state, {"to": ()})["to"]


def states_before(kind: str, to: str) -> tuple[str, ...]:
    """The states from which an `order` or a `parcel` may go to `to`, in the order of the chain."""
    return tuple(state for state in moves()[kind] if allowed(kind, state, to))


def is_final(kind: str, state: str) -> bool:
    """A terminal state is never left."""
    return bool(moves()[kind][state].get("final", False))


def move_order(
    work: UnitOfWork,
    order: Order,
    to: str,
    *,
    now: datetime,
    actor_kind: str = "rule",
    actor: str = "chain",
    **data: object,
) -> bool:
    """Move an order, with its event. False and a recorded refusal when the move is impossible.

    Raises:
        Conflict: somebody else moved it meanwhile.
    """
    return _move(work, "order", order, to, now, actor_kind, actor, data)


def move_parcel(
    work: UnitOfWork,
    parcel: Parcel,
    to: str,
    *,
    now: datetime,
    actor_kind: str = "rule",
    actor: str = "chain",
    **data: object,
) -> bool:
    """Move a parcel, with its event; as move_order."""
    return _move(work, "parcel", parcel, to, now, actor_kind, actor, data)


def record(
    work: UnitOfWork,
    kind: str,
    *,
    order_id: int | None,
    now: datetime,
    actor_kind: str,
    actor: str,
    parcel_id: int | None = None,
    data: Mapping[str, object] | None = None,
) -> None:
    """Put an event on the time line; `data` holds codes and numbers, never personal data."""
    work.add(
        Event(
            order_id=order_id,
            parcel_id=parcel_id,
            at=now,
            kind=kind,
            actor_kind=actor_kind,
            actor=actor,
            data=dict(data or {}),
        )
    )
    outbox.note(work, kind, data or {}, order_id=order_id, parcel_id=parcel_id, now=now)


def take(work: UnitOfWork, orders: Iterable[Order], parcels: Iterable[Parcel]) -> None:
    """Keep these rows for this transaction: their moves go out with the next flush, many in one statement, instead of
    an update each. Whoever wants them meanwhile waits. One that changed since it was read is left to its guard.

    Orders are taken before parcels, and by their ids, so that two that want the same rows don't wait for each other.
    """
    _take("order", work, orders)
    _take("parcel", work, parcels)


def _take(kind: str, work: UnitOfWork, rows: Iterable[Order | Parcel]) -> None:
    read = {row.id: row for row in rows if row.id is not None}
    if len(read) < 2:  # an update of its own costs as much
        return
    table = _TABLES[kind]
    there = work.session.connection().execute(
        select(table.c.id, table.c.state, table.c.version)
        .where(table.c.id.in_(read), table.c.tenant_id == work.tenant_id)
        .order_by(table.c.id)
        .with_for_update(key_share=True)  # rows that point at it may still be added
    )
    for id_, state, version in there:
        if (state, version) == (read[id_].state, read[id_].version):
            work.taken.add((kind, id_))


def touch(work: UnitOfWork, order: Order, now: datetime) -> None:
    """A new version of an order whose fields change but not its state.

    Raises:
        Conflict: somebody else changed it meanwhile.
    """
    _guarded(work, "order", order, now)
    order.updated_at = now


def _guarded(
    work: UnitOfWork, kind: str, row: Order | Parcel, now: datetime, to: str | None = None
) -> None:
    """Write only if state and version are still those that were read; the row lock lasts until the commit."""
    if row.id is None:
        work.session.flush()
    state, version = to or row.state, row.version + 1
    if (kind, row.id) in work.taken:
        row.state_since = now if to else row.state_since
        row.state, row.version = state, version
        return
    values = {
        "of_id": row.id,
        "of_tenant": work.tenant_id,
        "of_state": row.state,
        "of_version": row.version,
        "to_state": state,
        "to_since": now if to else row.state_since,
        "to_version": version,
    }
    changed = work.session.connection().execute(_GUARDED[kind], values)
    if changed.rowcount != 1:
        raise Conflict(
            "state.changed_meanwhile",
            zh=f"{NAMES[kind]} {row.number} 刚被改动, 请刷新后重试。",
            en=f"The {kind} {row.number} changed meanwhile; reload and try again.",
            number=row.number,
        )
    for name, value in (
        ("state", state),
        ("state_since", values["to_since"]),
        ("version", version),
    ):
        set_committed_value(row, name, value)


def _move(
    work: UnitOfWork,
    kind: str,
    row: Order | Parcel,
    to: str,
    now: datetime,
    actor_kind: str,
    actor: str,
    data: Mapping[str, object],
) -> bool:
    if row.state == to:
        return False
    order_id = row.id if isinstance(row, Order) else row.order_id
    parcel_id = None if isinstance(row, Order) else row.id
    told = {"from": row.state, "to": to, **data}
    possible = allowed(kind, row.state, to)
    if possible:
        _guarded(work, kind, row, now, to)
    record(
        work,
        MOVED[kind] if possible else "move_refused",
        order_id=order_id,
        parcel_id=parcel_id,
        now=now,
        actor_kind=actor_kind,
        actor=actor,
        data=told,
    )
    return possible
