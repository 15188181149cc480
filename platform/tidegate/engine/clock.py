"""Time for rules: working time of a calendar, weekdays and dates in the shop's zone. Nothing
here reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidegate.engine.values import DAY
from tidegate.engine.vocabulary import DAYS, Calendar
from tidegate.errors import InputError

# no order waits longer; keeps a wrong year in a fact from costing time
MAX_DAYS = 3_700


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The IANA zone. Raises InputError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            "time.unknown_zone",
            zh=f"未知时区 {name}；请用 IANA 名称，如 Asia/Shanghai",
            en=f"Unknown time zone {name}; use an IANA name such as Asia/Shanghai",
            zone=name,
        ) from error


def weekday(instant: datetime, where: ZoneInfo) -> str:
    """Mon … Sun on the shop's wall."""
    return DAYS[instant.astimezone(where).weekday()]


def midnight(day: date, where: ZoneInfo) -> datetime:
    """The first instant of a day in the shop's zone."""
    return datetime.combine(day, time(), where).astimezone(UTC)


def windows(
    calendar: Calendar, first: date, where: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """Working time from `first` on, one window a working day, in UTC."""
    for offset in range(MAX_DAYS):
        day = first + offset * DAY
        if day.weekday() in calendar.days:
            opens = datetime.combine(day, calendar.start, where).astimezone(UTC)
            yield opens, datetime.combine(day, calendar.end, where).astimezone(UTC)


def is_open(calendar: Calendar, instant: datetime, where: ZoneInfo) -> bool:
    """Whether the instant lies in working time; the closing instant does not."""
    local = instant.astimezone(where)
    return local.weekday() in calendar.days and calendar.start <= local.time() < calendar.end


def working_time(calendar: Calendar, start: datetime, end: datetime, where: ZoneInfo) -> timedelta:
    """Working time between two instants; negative when `end` comes first."""
    if end < start:
        return -working_time(calendar, end, start, where)
    worked = timedelta(0)
    for opens, closes in windows(calendar, start.astimezone(where).date(), where):
        if opens >= end:
            break
        worked += max(min(closes, end) - max(opens, start), timedelta(0))
    return worked


def after_working(
    calendar: Calendar, start: datetime, span: timedelta, where: ZoneInfo
) -> datetime | None:
    """The first instant at which `span` of working time has passed since `start`; None if out
    of reach.
    """
    left = max(span, timedelta(0))
    for opens, closes in windows(calendar, start.astimezone(where).date(), where):
        begin = max(opens, start)
        if begin + left <= closes:
            return begin + left
        left -= max(closes - begin, timedelta(0))
    return None
