"""The flow board: how much is where, since when, and what waits for a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from tidegate.services.context import Context
from tidegate.services.states import MOVED
from tidegate.services.view_figures import Figure, figures
from tidegate.services.view_marks import OPEN_ALERT, is_stuck
from tidegate.services.view_names import Words, stages
from tidegate.services.view_queues import Queue, queues
from tidegate.store.tables import Alert, Event, Order

BUCKETS = 24
BUCKET = timedelta(minutes=30)  # 24 of them: the last twelve hours
RECEIVED = "received"  # Event.kind of an arrival, and the state it begins in


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage now. `passed` counts arrivals per half hour, oldest first; `per_hour` those of the last hour."""

    id: str
    title: Words
    states: tuple[str, ...]
    count: int
    oldest_since: datetime | None
    stuck: int
    passed: tuple[int, ...]

    @property
    def per_hour(self) -> int:
        return sum(self.passed[-2:])


@dataclass(frozen=True, slots=True)
class Board:
    at: datetime
    figures: Sequence[Figure]
    stages: Sequence[Stage]
    queues: Sequence[Queue]


@dataclass(frozen=True, slots=True)
class Counts:
    """The two numbers every page shows in its navigation."""

    review: int
    alerts: int


def board(context: Context) -> Board:
    """Everything the board shows, read in one transaction."""
    now = context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return Board(
            at=now,
            figures=figures(work.session, context, now),
            stages=_stages(work.session, now),
            queues=queues(work.session),
        )


def counts(context: Context) -> Counts:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        held = select(func.count()).select_from(Order).where(Order.state == "on_hold")
        open_alerts = select(func.count()).select_from(Alert).where(Alert.state.in_(OPEN_ALERT))
        return Counts(work.session.scalar(held) or 0, work.session.scalar(open_alerts) or 0)


def _stages(session: Session, now: datetime) -> list[Stage]:
    stuck: ColumnElement[int] = func.sum(case((is_stuck(now), 1), else_=0))
    rows = session.execute(
        select(Order.state, func.count(), func.min(Order.state_since), stuck).group_by(Order.state)
    )
    found = {state: (count, oldest, late) for state, count, oldest, late in rows}
    passed = _passed(session, now)
    made = []
    for stage in stages():
        here = [found[state] for state in stage.states if state in found]
        made.append(
            Stage(
                id=stage.id,
                title=stage.title,
                states=stage.states,
                count=sum(count for count, _, _ in here),
                oldest_since=min((oldest for _, oldest, _ in here), default=None),
                stuck=sum(late for _, _, late in here),
                passed=tuple(
                    map(sum, zip(*(passed[state] for state in stage.states), strict=True))
                ),
            )
        )
    return made


def _passed(session: Session, now: datetime) -> dict[str, list[int]]:
    """Arrivals per state and half hour."""
    start = now - BUCKET * BUCKETS
    columns = [
        func.sum(case((Event.at.between(start + BUCKET * n, start + BUCKET * (n + 1)), 1), else_=0))
        for n in range(BUCKETS)
    ]
    led_to = case((Event.kind == RECEIVED, RECEIVED), else_=Event.data["to"].as_string())
    state = led_to.label("state")
    rows = session.execute(
        select(state, *columns)
        .where(
            Event.kind.in_((MOVED["order"], RECEIVED)),
            Event.at >= start,
            Event.order_id.is_not(None),
        )
        .group_by(state)
    )
    found: dict[str, list[int]] = defaultdict(lambda: [0] * BUCKETS)
    for row in rows:
        found[row[0]] = [int(value or 0) for value in row[1:]]
    return found
