"""The flow board: how much is where, since when, and what waits for a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Integer, case, func, literal_column, select
from sqlalchemy.orm import Session

from tidegate.services.context import Context
from tidegate.services.states import MOVED
from tidegate.services.view_figures import Figure, figures
from tidegate.services.view_marks import OPEN_ALERT, is_stuck, start_of_day
from tidegate.services.view_names import Words, stages
from tidegate.services.view_queues import Queue, queues
from tidegate.store.tables import Alert, Event, Order

BUCKETS = 24
BUCKET = timedelta(minutes=30)  # 24 of them: the last twelve hours
DONE = "done"  # the stage that orders never leave: only those of today are counted
RECEIVED = "received"  # Event.kind of an arrival, and the state it begins in


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage now; of `done` what came today. `passed` counts arrivals per half hour, oldest first; `per_hour` those
    of the last hour.
    """

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
            stages=_stages(work.session, now, start_of_day(now, context.timezone)),
            queues=queues(work.session),
        )


def counts(context: Context) -> Counts:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        held = select(func.count()).select_from(Order).where(Order.state == "on_hold")
        open_alerts = select(func.count()).select_from(Alert).where(Alert.state.in_(OPEN_ALERT))
        return Counts(work.session.scalar(held) or 0, work.session.scalar(open_alerts) or 0)


def _stages(session: Session, now: datetime, today: datetime) -> list[Stage]:
    """Years of delivered orders are not read: what is under way, and what came to its end today."""
    stuck: ColumnElement[int] = func.sum(case((is_stuck(now), 1), else_=0))
    done = [state for stage in stages() if stage.id == DONE for state in stage.states]
    open_ = [state for stage in stages() if stage.id != DONE for state in stage.states]
    counted = select(Order.state, func.count(), func.min(Order.state_since), stuck)
    found = {
        state: (count, oldest, late)
        for which in (Order.state.in_(open_), Order.state.in_(done) & (Order.state_since >= today))
        for state, count, oldest, late in session.execute(
            counted.where(which).group_by(Order.state)
        )
    }
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
    bucket = _half_hour(start, 0, BUCKETS).label("bucket")
    led_to = case((Event.kind == RECEIVED, RECEIVED), else_=Event.data["to"].as_string())
    state = led_to.label("state")
    rows = session.execute(
        select(state, bucket, func.count())
        .where(
            Event.kind.in_((MOVED["order"], RECEIVED)),
            Event.at.between(start, now),
            Event.order_id.is_not(None),
        )
        .group_by(state, bucket)
    )
    found: dict[str, list[int]] = defaultdict(lambda: [0] * BUCKETS)
    for name, n, count in rows:
        found[name][n] = count
    return found


def _half_hour(start: datetime, first: int, last: int) -> ColumnElement[int]:
    """Which of the half hours first … last - 1 after `start` an event lies in, found by halving."""
    if last - first == 1:
        return literal_column(str(first), Integer)
    middle = (first + last) // 2
    before = Event.at < start + BUCKET * middle
    return case((before, _half_hour(start, first, middle)), else_=_half_hour(start, middle, last))
