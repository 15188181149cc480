"""Working calendars: on which days, and when, a shop, its carriers or its desks work.

What counts for one day, first to last: an entry under `open`, an entry under `closed`, the public
holidays and make-up working days of the region, the weekday.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from tidegate.engine import public_holidays
from tidegate.engine.values import parse_date

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
KEYS = ("title", "days", "from", "to", "hours", "holidays", "closed", "open")
# opening and closing on the wall clock; a closing not after the opening is on the next day
Hours = tuple[time, time]
Week = tuple[tuple[Hours, ...], ...]


@dataclass(frozen=True, eq=False)
class Calendar:
    """`week` has the hours of Monday to Sunday, `holidays` a region of `public_holidays` or "".
    `closed` and `opened` are the merchant's own days. All in the shop's time zone; hours past
    midnight belong to the day they begin on.
    """

    id: str
    title: Mapping[str, str]
    week: Week
    holidays: str = ""
    closed: frozenset[date] = frozenset()
    opened: Mapping[date, tuple[Hours, ...]] = field(default_factory=dict)

    @property
    def days(self) -> frozenset[int]:
        """The weekdays with hours (0 is Monday)."""
        return frozenset(n for n, hours in enumerate(self.week) if hours)

    @property
    def edges(self) -> tuple[time, ...]:
        """The times of day at which some window opens or closes."""
        hours = [*self.week, *self.opened.values()]
        return tuple(dict.fromkeys(edge for day in hours for window in day for edge in window))

    def hours(self, day: date) -> tuple[Hours, ...]:
        """The windows that begin on this day; none when it is not a working day."""
        if day in self.opened:
            return self.opened[day] or self._usual(day)
        if day in self.closed:
            return ()
        if self.holidays:
            year = public_holidays.of_year(self.holidays, day.year)
            if day in year.days_off:
                return ()
            if day in year.workdays:
                return self._usual(day)
        return self.week[day.weekday()]

    def _usual(self, day: date) -> tuple[Hours, ...]:
        """The hours of a working day: its weekday's, or those of the first day that has some."""
        return self.week[day.weekday()] or next(hours for hours in self.week if hours)


def every_week(days: Iterable[int], *hours: Hours) -> Week:
    """The same windows on each of these weekdays (0 is Monday)."""
    wanted = frozenset(days)
    return tuple(hours if day in wanted else () for day in range(7))


def read_calendar(name: str, spec: Mapping[str, Any], title: Mapping[str, str]) -> Calendar:
    """A calendar from its entry in the dictionary; ValueError says what is wrong with it.

    `from` and `to`, or `hours`: a list of windows `09:00-12:00` for the `days`, or a mapping from
    days to such lists. `days` may hold spans, `Mon..Fri`. `open` is a list of days, or a mapping
    from day to windows.
    """
    unknown = sorted(set(spec) - set(KEYS))
    if unknown:
        raise ValueError(f"calendar {name}: {', '.join(unknown)}; known: {', '.join(KEYS)}")
    try:
        week = _week(spec)
        closed = frozenset(parse_date(day) for day in spec.get("closed") or ())
        opened = _opened(spec.get("open") or ())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"calendar {name}: {error}") from error
    region = str(spec.get("holidays") or "")
    if region and not public_holidays.is_known(region):
        raise ValueError(f"calendar {name}: holidays of {region} aren't known; write CN or DE-BY")
    both = closed & opened.keys()
    if both:
        listed = ", ".join(map(str, sorted(both)))
        raise ValueError(f"calendar {name}: {listed} is under closed and under open")
    return Calendar(name, title, week, region, closed, MappingProxyType(opened))


def _week(spec: Mapping[str, Any]) -> Week:
    hours = spec.get("hours")
    if hours is not None and ("from" in spec or "to" in spec):
        raise ValueError("hours, or from and to, not both")
    if isinstance(hours, Mapping):
        if "days" in spec:
            raise ValueError("hours by day already name the days")
        week: list[tuple[Hours, ...]] = [()] * 7
        for days, windows in hours.items():
            for day in _days(days):
                if week[day]:
                    raise ValueError(f"{DAYS[day]} has hours twice")
                week[day] = _windows(windows)
        found: Week = tuple(week)
    elif hours is not None:
        found = every_week(_days(spec["days"]), *_windows(hours))
    else:
        found = every_week(_days(spec["days"]), (_clock(spec["from"]), _clock(spec["to"])))
    if not any(found):
        raise ValueError("no day has hours")
    return found


def _days(raw: object) -> list[int]:
    """`Mon`, `Mon..Fri`, or a list of such; a span may go round the weekend."""
    if isinstance(raw, (list, tuple)):
        return [day for each in raw for day in _days(each)]
    first, _, last = str(raw).partition("..")
    try:
        begin = DAYS.index(first.strip())
        end = DAYS.index(last.strip()) if last else begin
    except ValueError:
        raise ValueError(f"{raw} is no day; write {DAYS[0]} … {DAYS[-1]} or Mon..Fri") from None
    return [(begin + n) % 7 for n in range((end - begin) % 7 + 1)]


def _windows(raw: object) -> tuple[Hours, ...]:
    """Windows in order, apart from one another; only the last may go past midnight."""
    listed = [raw] if isinstance(raw, str) else raw
    if not isinstance(listed, (list, tuple)) or not listed:
        raise ValueError("hours are a list such as [09:00-12:00, 13:00-18:00]")
    found: list[Hours] = []
    for each in listed:
        opens, dash, closes = str(each).partition("-")
        if not dash:
            raise ValueError(f"{each} is no window such as 09:00-12:00")
        found.append((_clock(opens), _clock(closes)))
    for (begins, ends), (after, _) in pairwise(found):
        if ends <= begins or after < ends:
            raise ValueError(f"the window from {after:%H:%M} begins before the one above has ended")
    return tuple(found)


def _clock(raw: object) -> time:
    """A time of day; 24:00 is midnight at the end of the day."""
    text = str(raw).strip()
    found = time() if text == "24:00" else time.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError(f"{text}: hours have no offset, they are the shop's")
    return found


def _opened(raw: object) -> dict[date, tuple[Hours, ...]]:
    if isinstance(raw, Mapping):
        return {parse_date(day): _windows(hours) if hours else () for day, hours in raw.items()}
    if not isinstance(raw, (list, tuple)):
        raise ValueError("open is a list of days")
    return {parse_date(day): () for day in raw}
