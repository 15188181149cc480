"""Time for rules: working time of a calendar, weekdays and dates in the shop's zone. Nothing
here reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidegate.engine import timelines
from tidegate.engine.calendars import DAYS, Calendar
from tidegate.engine.timelines import timeline
from tidegate.errors import InputError


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
    """Windows of working time in UTC and in order, from the first that ends on `first` or later."""
    return timeline(calendar, where).windows(first)


def is_open(calendar: Calendar, instant: datetime, where: ZoneInfo) -> bool:
    """Whether the instant lies in working time; the closing instant does not."""
    return timeline(calendar, where).around(instant)[2]


def working_time(calendar: Calendar, start: datetime, end: datetime, where: ZoneInfo) -> timedelta:
    """Working time between two instants; negative when `end` comes first."""
    return timeline(calendar, where).between(start, end)


def after_working(
    calendar: Calendar, start: datetime, span: timedelta, where: ZoneInfo
) -> datetime | None:
    """The first instant at which `span` of working time has passed since `start`; None if out
    of reach.
    """
    return timeline(calendar, where).reached(start, span)


def day_of(value: date | datetime, where: ZoneInfo) -> date:
    """The day of an instant on the shop's wall; a date as it is."""
    return value.astimezone(where).date() if isinstance(value, datetime) else value


def is_workday(calendar: Calendar, value: date | datetime, where: ZoneInfo) -> bool:
    """Whether the day has working time in the calendar."""
    return timelines.is_workday(calendar, day_of(value, where))


def working_days(
    calendar: Calendar, start: date | datetime, end: date | datetime, where: ZoneInfo
) -> int:
    """Working days after the day of `start`, up to and including that of `end`."""
    return timelines.working_days(calendar, day_of(start, where), day_of(end, where))
