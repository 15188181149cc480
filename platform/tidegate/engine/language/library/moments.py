"""Dates, times of day and instants, on the wall clock of the shop's zone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine.language.library.signatures import Function, either, first_of, fixed
from tidegate.engine.language.types import DATE, DURATION, INSTANT, MONTHS, NUMBER, TIME, Type
from tidegate.engine.values import Months, parse_date, parse_instant, parse_time
from tidegate.engine.vocabulary import DAYS

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_ON_A_DAY = ("instant", "date")
_ON_A_CLOCK = ("instant", "time")
_CALENDAR = fixed(DURATION, "instant", "calendar", optional=1)
Zoned = Callable[..., object]


def _wall(zone: ZoneInfo, value: Any) -> Any:
    """An instant as the shop's clock shows it; a date or a time of day as it is."""
    return value.astimezone(zone) if isinstance(value, datetime) else value


def _day(zone: ZoneInfo, value: Any) -> date:
    found: Any = _wall(zone, value)
    return found.date() if isinstance(found, datetime) else found


def _part(name: str) -> Zoned:
    return lambda zone, value: Decimal(getattr(_wall(zone, value), name))


def _of_day(take: Callable[[date], object]) -> Zoned:
    return lambda zone, value: take(_day(zone, value))


def _time(zone: ZoneInfo, *given: Any) -> time | None:
    """Of an instant, of text, or from hours, minutes, seconds and perhaps an offset."""
    if len(given) == 1:
        (value,) = given
        if isinstance(value, datetime):
            return value.astimezone(zone).time()
        return value if isinstance(value, time) else parse_time(value)
    seconds, fraction = divmod(given[2], 1)
    if any(part != int(part) for part in given[:2]):
        return None
    offset = timezone(given[3]) if len(given) == 4 else None
    micro = int(fraction * 1_000_000)
    return time(int(given[0]), int(given[1]), int(seconds), micro, offset)


def _instant(zone: ZoneInfo, value: Any, clock: time | None = None) -> datetime | None:
    """A day at a time of day; without an offset, as the shop's clock shows it."""
    if clock is not None:
        moment = datetime.combine(_day(zone, value), clock)
    elif isinstance(value, str):
        if len(value.strip()) > 10:
            moment = datetime.fromisoformat(value.strip())
        else:
            moment = datetime.combine(parse_date(value), time())
    else:
        return value if isinstance(value, datetime) else _instant(zone, value, time())
    return parse_instant(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def _months_between(zone: ZoneInfo, start: Any, end: Any) -> Months:
    """Full months from one day to the other."""
    one, other = _day(zone, start), _day(zone, end)
    months = 12 * (other.year - one.year) + other.month - one.month
    if months > 0 and other.day < one.day:
        months -= 1
    elif months < 0 and other.day > one.day:
        months += 1
    return Months(months)


def _months_part(take: Callable[[int], int]) -> Callable[[Months], Decimal]:
    """Of a span, its sign kept."""
    return lambda value: Decimal(take(abs(value.count)) * (-1 if value.count < 0 else 1))


def _days_of(text: tuple[str, ...]) -> Callable[[Sequence[Type]], Type | None]:
    return first_of(Type("text", values=text), _ON_A_DAY)


_NUMBER_OF_DAY, _NUMBER_OF_CLOCK = first_of(NUMBER, _ON_A_DAY), first_of(NUMBER, _ON_A_CLOCK)

MOMENTS: dict[str, Function] = {
    "since": Function(
        "since(parcel.printed_at) or since(parcel.printed_at, warehouse_hours)",
        _CALENDAR,
        zh="已过",
    ),
    "until": Function(
        "until(order.ship_by) or until(order.ship_by, warehouse_hours)", _CALENDAR, zh="还剩"
    ),
    "date": Function("date(order.paid_at)", first_of(DATE, _ON_A_DAY), params="from", zh="日期"),
    "time": Function(
        'time(order.paid_at) >= time("16:00")',
        either(
            fixed(TIME, "instant|time|text"),
            fixed(TIME, "number", "number", "number", "duration", optional=1),
        ),
        params="from | hour, minute, second, offset",
        zh="钟点",
        zoned=_time,
    ),
    "date_and_time": Function(
        'now < date and time(date(order.paid_at), time("18:00"))',
        either(fixed(INSTANT, "instant|date|text"), fixed(INSTANT, "instant|date", "time")),
        params="from | date, time",
        zh="日期时间",
        zoned=_instant,
    ),
    "weekday": Function(
        'weekday(order.paid_at) in ("Sat", "Sun")', _days_of(DAYS), params="date", zh="星期"
    ),
    "hour": Function("hour(order.paid_at)", _NUMBER_OF_CLOCK, params="from", zh="小时"),
    "minute": Function(
        "minute(order.paid_at)", _NUMBER_OF_CLOCK, None, "from", "分钟", _part("minute")
    ),
    "second": Function(
        "second(order.paid_at)", _NUMBER_OF_CLOCK, None, "from", "秒", _part("second")
    ),
    "day": Function("day(order.paid_at)", _NUMBER_OF_DAY, None, "date", "几号", _part("day")),
    "month": Function("month(now) = 11", _NUMBER_OF_DAY, None, "date", "月份", _part("month")),
    "year": Function("year(now)", _NUMBER_OF_DAY, None, "date", "年份", _part("year")),
    "weekday_number": Function(
        "weekday number(now) <= 5",
        _NUMBER_OF_DAY,
        None,
        "date",
        "星期几",
        _of_day(lambda day: Decimal(day.isoweekday())),
    ),
    "day_of_week": Function(
        'day of week(now) = "Monday"',
        _days_of(DAY_NAMES),
        None,
        "date",
        zoned=_of_day(lambda day: DAY_NAMES[day.weekday()]),
    ),
    "day_of_year": Function(
        "day of year(now)",
        _NUMBER_OF_DAY,
        None,
        "date",
        zoned=_of_day(lambda day: Decimal(day.timetuple().tm_yday)),
    ),
    "week_of_year": Function(
        "week of year(now)",
        _NUMBER_OF_DAY,
        None,
        "date",
        zoned=_of_day(lambda day: Decimal(day.isocalendar().week)),
    ),
    "month_of_year": Function(
        'month of year(now) = "November"',
        _days_of(MONTH_NAMES),
        None,
        "date",
        zoned=_of_day(lambda day: MONTH_NAMES[day.month - 1]),
    ),
    "years_and_months_duration": Function(
        'years and months duration(order.paid_at, now) >= duration("P3M")',
        fixed(MONTHS, "instant|date", "instant|date"),
        params="from, to",
        zh="相隔年月",
        zoned=_months_between,
    ),
    "years": Function(
        'years(duration("P18M"))',
        fixed(NUMBER, "months"),
        _months_part(lambda count: count // 12),
        "duration",
        "整年数",
    ),
    "months": Function(
        'months(duration("P18M"))',
        fixed(NUMBER, "months"),
        _months_part(lambda count: count % 12),
        "duration",
        "余月数",
    ),
}
# what may be asked of a moment with a dot, as in FEEL: `order.paid_at.hour`
PROPERTIES: dict[str, dict[str, str]] = {
    "date": {"year": "year", "month": "month", "day": "day", "weekday": "weekday_number"},
    "time": {"hour": "hour", "minute": "minute", "second": "second"},
    "months": {"years": "years", "months": "months"},
}
PROPERTIES["instant"] = PROPERTIES["date"] | PROPERTIES["time"]
