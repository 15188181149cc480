"""Conditions that several pages share: what counts as late or stuck, and where today begins."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, or_, select

from tidegate.services.view_names import final_states, stages
from tidegate.store.tables import Alert, Order

OPEN_ALERT = ("open", "acknowledged")
SHIPPED_STAGES = ("transit", "done")


def shipped_states() -> tuple[str, ...]:
    """Order states after the hand-over."""
    found = [state for stage in stages() if stage.id in SHIPPED_STAGES for state in stage.states]
    return tuple(found)


def is_stuck(now: datetime) -> ColumnElement[bool]:
    """An open alert, or past the time promised for shipping or delivery. Which alerts exist is decided by rules."""
    # looked up once for all: for each order anew, SQLite reads all open alerts each time
    alerted = Order.id.in_(
        select(Alert.order_id).where(Alert.state.in_(OPEN_ALERT), Alert.order_id.is_not(None))
    )
    unshipped = Order.state.not_in((*shipped_states(), *final_states()))
    undelivered = Order.state.not_in(tuple(final_states()))
    return or_(
        alerted,
        and_(unshipped, Order.ship_by < now),
        and_(undelivered, Order.deliver_by < now),
    )


def start_of_day(now: datetime, timezone: str, days_back: int = 0) -> datetime:
    """Midnight of the shop's day that holds `now`, or of an earlier one."""
    local = now.astimezone(ZoneInfo(timezone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=days_back)
