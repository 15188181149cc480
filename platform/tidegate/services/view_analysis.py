"""Counts per day, channel and outcome: plain sums of what is stored, nothing estimated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tidegate.services.context import Context
from tidegate.services.view_marks import shipped_states, start_of_day
from tidegate.services.view_names import Words, order_states, reason_title
from tidegate.store.tables import Decision, Order, Shop

DAYS = 14


@dataclass(frozen=True, slots=True)
class Day:
    """Orders received that day (the shop's day), how many of them left, are on hold now, or ended unshipped."""

    on: date
    received: int
    shipped: int
    held: int
    ended: int


@dataclass(frozen=True, slots=True)
class Analysis:
    days: Sequence[Day]
    channels: Sequence[tuple[str, int]]
    states: Sequence[tuple[str, Words, int]]
    holds: Sequence[tuple[Words, int]]


def analysis(context: Context) -> Analysis:
    """The last fourteen days by day; channels, states and hold reasons over the same days."""
    now = context.clock()
    starts = [start_of_day(now, context.timezone, back) for back in range(DAYS - 1, -1, -1)]
    with context.store.begin(context.tenant_id, readonly=True) as work:
        session = work.session
        channels = session.execute(
            _came(Order.channel).where(Order.imported_at >= starts[0]).group_by(Order.channel)
        )
        states = {
            state: count
            for state, count in session.execute(
                _came(Order.state).where(Order.imported_at >= starts[0]).group_by(Order.state)
            )
        }
        reason = Decision.result["actions"][0]["args"]["reason"].as_string().label("reason")
        holds = session.execute(
            select(reason, func.count())
            .where(Decision.gate == "review", Decision.verdict == "hold")
            .where(Decision.decided_at >= starts[0])
            .group_by(reason)
            .order_by(func.count().desc(), reason)
            .limit(10)
        )
        return Analysis(
            days=[_day(session, start) for start in starts],
            channels=sorted(channels.all(), key=lambda row: -row[1]),
            states=[
                (code, title, states[code])
                for code, title in order_states().items()
                if code in states
            ],
            holds=[(reason_title(code), count) for code, count in holds],
        )


def _came(by: Any) -> Select[Any]:
    """Orders counted by something, shop by shop, as the index on their arrival has them."""
    return select(by, func.count()).select_from(Shop).join(Order, Order.shop_id == Shop.id)


def _day(session: Session, start: datetime) -> Day:
    end = start + timedelta(days=1)
    rows = session.execute(
        _came(Order.state)
        .where(Order.imported_at >= start, Order.imported_at < end)
        .group_by(Order.state)
    )
    found: Mapping[str, int] = {state: count for state, count in rows}
    shipped = {*shipped_states(), "returned"}
    ended = {"rejected", "cancelled", "lost"}
    return Day(
        on=start.date(),
        received=sum(found.values()),
        shipped=sum(count for state, count in found.items() if state in shipped),
        held=found.get("on_hold", 0),
        ended=sum(count for state, count in found.items() if state in ended),
    )
