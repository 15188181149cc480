"""Moves of orders and parcels: allowed ones are data (states.yaml); the rest is recorded, never applied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, cast

from ruamel.yaml import YAML
from sqlalchemy import CursorResult, Table, update
from sqlalchemy.orm.attributes import set_committed_value

from tidegate.errors import Conflict
from tidegate.store.tables import Event, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork

MOVED = {"order": "order_moved", "parcel": "parcel_moved"}  # Event.kind of a move
NAMES = {"order": "订单", "parcel": "包裹"}


@cache
def moves() -> Mapping[str, Mapping[str, Any]]:
    """`{"order": {state: {title, to, final}}, "parcel": …}` as shipped."""
    text = files("tidegate_rules").joinpath("states.yaml").read_text("utf-8")
    found: Mapping[str, Mapping[str, Any]] = YAML(typ="safe", pure=True).load(text)
    return found


def allowed(kind: str, state: str, to: str) -> bool:
    """Whether an `order` or a `parcel` may go from `state` to `to`."""
    return to in moves()[kind].get(state, {"to": ()})["to"]


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
    return _move(work, "order", Order, order, to, now, actor_kind, actor, data)


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
    return _move(work, "parcel", Parcel, parcel, to, now, actor_kind, actor, data)


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


def touch(work: UnitOfWork, order: Order, now: datetime) -> None:
    """A new version of an order whose fields change but not its state.

    Raises:
        Conflict: somebody else changed it meanwhile.
    """
    _guarded(work, "order", Order, order, {"updated_at": now})


def _guarded(
    work: UnitOfWork,
    kind: str,
    table: type[Order] | type[Parcel],
    row: Order | Parcel,
    values: Mapping[str, object],
) -> None:
    """Write only if state and version are still those that were read; the row lock lasts until the commit."""
    if row.id is None:
        work.session.flush()
    values = {**values, "version": row.version + 1}
    bare = cast(Table, table.__table__)  # Core: cheaper than an ORM update, so it names the tenant
    changed = work.session.execute(
        update(bare)
        .where(
            bare.c.id == row.id,
            bare.c.tenant_id == work.tenant_id,
            bare.c.state == row.state,
            bare.c.version == row.version,
        )
        .values(values)
    )
    if not isinstance(changed, CursorResult) or changed.rowcount != 1:
        raise Conflict(
            "state.changed_meanwhile",
            zh=f"{NAMES[kind]} {row.number} 刚被改动, 请刷新后重试。",
            en=f"The {kind} {row.number} changed meanwhile; reload and try again.",
            number=row.number,
        )
    for name, value in values.items():
        set_committed_value(row, name, value)


def _move(
    work: UnitOfWork,
    kind: str,
    table: type[Order] | type[Parcel],
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
        _guarded(work, kind, table, row, {"state": to, "state_since": now})
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
