"""A calendar laid out in time: its windows in one zone, year by year, made when first asked for.

A window runs from the instant of its opening to that of its closing. A time of day that a switch
of the clocks skips counts with the offset before it, one that comes twice means the first
(RFC 5545, 3.3.5). Windows that meet or overlap are one.

Years outside 1970 to 2099 have no working time, so that a wrong year in a fact costs little.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tidegate.engine.calendars import Calendar
from tidegate.engine.values import DAY

FIRST, LAST = 1970, 2099
_NONE = timedelta(0)
_FAR = datetime.max.replace(tzinfo=UTC)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Year:
    """The windows of a year in UTC, cut off at its ends. `before[i]` is the working time of the
    year up to window i, `after[i]` that up to its end.
    """

    opens: tuple[datetime, ...]
    closes: tuple[datetime, ...]
    before: tuple[timedelta, ...]
    after: tuple[timedelta, ...]
    total: timedelta

    def worked(self, instant: datetime) -> timedelta:
        """Working time from the beginning of the year."""
        at = bisect_right(self.opens, instant) - 1
        if at < 0:
            return _NONE
        closes = self.closes[at]
        if instant >= closes:
            return self.after[at]
        return self.before[at] + (instant - self.opens[at])


_EMPTY = _Year((), (), (), (), _NONE)


class Timeline:
    """One calendar in one zone. Instants are aware; those in UTC are quickest."""

    def __init__(self, calendar: Calendar, zone: ZoneInfo) -> None:
        self.calendar = calendar
        self.zone = zone
        self._years: dict[int, _Year] = {}

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time; negative when `end` comes first."""
        if start.tzinfo is not UTC or end.tzinfo is not UTC:
            start, end = start.astimezone(UTC), end.astimezone(UTC)
        first, last = start.year, end.year
        if first == last:
            year = self._year(first)
            return year.worked(end) - year.worked(start)
        if first > last:
            return -self.between(end, start)
        years = range(max(first, FIRST - 1) + 1, min(last, LAST + 1))
        whole = sum((self._year(year).total for year in years), _NONE)
        head, tail = self._year(first), self._year(last)
        return head.total - head.worked(start) + whole + tail.worked(end)

    def reached(self, start: datetime, span: timedelta) -> datetime | None:
        """The first instant at which `span` of working time has passed since `start`; None if
        that never happens.
        """
        if span <= _NONE:
            return start
        start = start.astimezone(UTC)
        left = span + self._year(start.year).worked(start)
        for number in range(max(start.year, FIRST), LAST + 1):
            year = self._year(number)
            if left <= year.total:
                at = bisect_left(year.after, left)
                return year.opens[at] + (left - year.before[at])
            left -= year.total
        return None

    def around(self, instant: datetime) -> tuple[datetime, datetime, bool]:
        """The stretch (first instant, first instant after) in which nothing opens or closes, and
        whether it is working time.
        """
        instant = instant.astimezone(UTC)
        year = self._year(instant.year)
        at = bisect_right(year.opens, instant) - 1
        if at >= 0 and instant < year.closes[at]:
            return year.opens[at], year.closes[at], True
        low = year.closes[at] if at >= 0 else self._last_before(instant.year)
        high = year.opens[at + 1] if at + 1 < len(year.opens) else self._first_after(instant.year)
        return low, high, False

    def windows(self, first: date) -> Iterator[tuple[datetime, datetime]]:
        """The windows in order, from the first that ends after this day has begun."""
        begin = datetime(first.year, first.month, first.day, tzinfo=self.zone).astimezone(UTC)
        for number in range(max(begin.year, FIRST), LAST + 1):
            year = self._year(number)
            for opens, closes in zip(year.opens, year.closes, strict=True):
                if closes > begin:
                    yield opens, closes

    def _last_before(self, number: int) -> datetime:
        for year in range(min(number - 1, LAST), FIRST - 1, -1):
            if self._year(year).closes:
                return self._year(year).closes[-1]
        return _LONG_AGO

    def _first_after(self, number: int) -> datetime:
        for year in range(max(number + 1, FIRST), LAST + 1):
            if self._year(year).opens:
                return self._year(year).opens[0]
        return _FAR

    def _year(self, number: int) -> _Year:
        found = self._years.get(number)
        if found is None:
            if not FIRST <= number <= LAST:
                return _EMPTY
            found = self._years[number] = self._laid_out(number)
        return found

    def _laid_out(self, number: int) -> _Year:
        begin, end = (datetime(n, 1, 1, tzinfo=UTC) for n in (number, number + 1))
        opens: list[datetime] = []
        closes: list[datetime] = []
        for first, last in self._of_days(begin.date() - 2 * DAY, end.date() + 2 * DAY):
            first, last = max(first, begin), min(last, end)
            if first >= last:
                continue
            if closes and first <= closes[-1]:
                closes[-1] = max(closes[-1], last)
            else:
                opens.append(first)
                closes.append(last)
        before, after, total = [], [], _NONE
        for first, last in zip(opens, closes, strict=True):
            before.append(total)
            total += last - first
            after.append(total)
        return _Year(tuple(opens), tuple(closes), tuple(before), tuple(after), total)

    def _of_days(self, first: date, last: date) -> list[tuple[datetime, datetime]]:
        found: list[tuple[datetime, datetime]] = []
        for offset in range((last - first).days + 1):
            day = first + offset * DAY
            for opens, closes in self.calendar.hours(day):
                until = day + DAY if closes <= opens else day
                begin = datetime.combine(day, opens, self.zone).astimezone(UTC)
                found.append((begin, datetime.combine(until, closes, self.zone).astimezone(UTC)))
        return sorted(found)


@lru_cache(maxsize=512)
def timeline(calendar: Calendar, zone: ZoneInfo) -> Timeline:
    """The calendar's timeline; kept, so that its years are laid out once."""
    return Timeline(calendar, zone)


@lru_cache(maxsize=4096)
def _workdays(calendar: Calendar, year: int) -> tuple[int, ...]:
    """Ordinals of the days with hours."""
    begin, end = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    return tuple(n for n in range(begin, end + 1) if calendar.hours(date.fromordinal(n)))


def is_workday(calendar: Calendar, day: date) -> bool:
    """Whether the calendar has hours on this day; never outside the years known."""
    return FIRST <= day.year <= LAST and bool(calendar.hours(day))


def working_days(calendar: Calendar, start: date, end: date) -> int:
    """Working days after `start` up to and including `end`; negative when `end` comes first."""
    if end < start:
        return -working_days(calendar, end, start)
    count = 0
    for year in range(max(start.year, FIRST), min(end.year, LAST) + 1):
        days = _workdays(calendar, year)
        count += bisect_right(days, end.toordinal()) - bisect_right(days, start.toordinal())
    return count
