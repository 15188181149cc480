"""I1, I2, I8: orders exist once, none is forgotten, and each came where it is by allowed moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import String, cast, func, literal, or_, select, tuple_

from tidegate.services.intake_states import intake_states
from tidegate.services.invariants.checks import SETTLED_AFTER, Invariant, Look
from tidegate.services.states import MOVED, moves
from tidegate.store.tables import Event, Job, Order, OrderLine, Parcel

BY_ITSELF = ("received", "approved", "allocated", "routed")
WITH_PARCEL = (
    "allocated",
    "routed",
    "waybill",
    "printed",
    "handed_over",
)  # later ones may be imported
TABLES: dict[str, type[Order] | type[Parcel]] = {"order": Order, "parcel": Parcel}


def _once(look: Look) -> Iterator[str]:
    """I1. The database refuses equal numbers; numbers that differ in spaces or case are the same order, too."""
    same = func.upper(func.trim(Order.number))
    twice = select(func.max(Order.id)).group_by(Order.shop_id, same).having(func.count() > 1)
    yield from look.ids("order", twice)
    line = select(OrderLine.id).where(OrderLine.order_id == Order.id)
    yield from look.ids("order", select(Order.id).where(~line.exists()))


def _not_forgotten(look: Look) -> Iterator[str]:
    """I2. Whoever must act is known: a job, a person with a reason, a carrier with a parcel."""
    late = Order.state_since < look.now - SETTLED_AFTER
    waits = select(Job.id).where(Job.state.in_(("ready", "leased")))  # found by its key
    own = waits.where(Job.key == literal("advance:") + cast(Order.id, String))
    at_carrier = (
        select(Parcel.id)
        .join(Job, Job.key == literal("waybill:") + cast(Parcel.id, String))
        .where(Parcel.order_id == Order.id, Job.state.in_(("ready", "leased")))
    )
    nobody = ~own.exists() & ~at_carrier.exists()
    moving = select(Order.id).where(Order.state.in_(BY_ITSELF), late, nobody)
    yield from look.ids("order", moving)
    held = select(Order.id).where(Order.state == "on_hold", Order.hold_reason.is_(None))
    yield from look.ids("order", held)
    parcel = select(Parcel.id).where(Parcel.order_id == Order.id, Parcel.state != "cancelled")
    without = select(Order.id).where(Order.state.in_(WITH_PARCEL), ~parcel.exists())
    yield from look.ids("order", without)


def _by_moves(look: Look) -> Iterator[str]:
    """I8. The moves on the time line are allowed, follow each other, and end where the row is."""
    starts = {"order": {*intake_states().new.values(), intake_states().otherwise, "received"}}
    starts["parcel"] = {"allocated"}
    for kind, table in TABLES.items():
        owner = Event.order_id if kind == "order" else Event.parcel_id
        from_, to = Event.data["from"].as_string(), Event.data["to"].as_string()
        span: dict[str, Any] = {"partition_by": owner, "order_by": Event.id}
        steps = (
            select(
                owner.label("owner"),
                from_.label("from_state"),
                to.label("to_state"),
                func.lag(to).over(**span).label("before"),
                func.lead(to).over(**span).label("after"),
            )
            .where(Event.kind == MOVED[kind])
            .subquery()
        )
        pairs = [(a, b) for a, row in moves()[kind].items() for b in row["to"]]
        if kind == "order":  # one that nobody worked on follows its source
            pairs += [(a, b) for a, to_states in intake_states().follow.items() for b in to_states]
        wrong = or_(
            tuple_(steps.c.from_state, steps.c.to_state).not_in(pairs),
            steps.c.before.is_(None) & steps.c.from_state.not_in(starts[kind]),
            steps.c.before.is_not(None) & (steps.c.before != steps.c.from_state),
            steps.c.after.is_(None) & (steps.c.to_state != table.state),
        )
        row = select(table.id).join(steps, steps.c.owner == table.id).where(wrong)
        yield from look.ids(kind, row)
        # a join, since no index leads from a parcel to its events: each row would read all of them
        moved = select(owner.label("owner")).where(Event.kind == MOVED[kind]).distinct().subquery()
        unmoved = (
            select(table.id)
            .outerjoin(moved, moved.c.owner == table.id)
            .where(table.state.not_in(starts[kind]), moved.c.owner.is_(None))
        )
        yield from look.ids(kind, unmoved)


INVARIANTS = (
    Invariant(
        "I1",
        {
            "zh": "每个收下的订单只存在一次, 并且有商品行",
            "en": "Every order taken in exists once, with its lines",
        },
        _once,
    ),
    Invariant(
        "I2",
        {
            "zh": "没有被遗忘的订单: 未完成的都有任务、待办原因或在途包裹",
            "en": "No order is forgotten: each open one has a job, a reason to wait, or a parcel",
        },
        _not_forgotten,
    ),
    Invariant(
        "I8",
        {
            "zh": "订单和包裹的状态历史都是允许的路径",
            "en": "The history of every order and parcel is a path of allowed moves",
        },
        _by_moves,
    ),
)
