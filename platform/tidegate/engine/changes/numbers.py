"""Values worth trying for a number, an amount, a span, an instant or a date: where a condition
turns, and the nearest a person would enter on either side of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tidegate.engine import clock
from tidegate.engine.changes.cuts import DAY_TICKS, EPOCH, Cuts, scalar
from tidegate.engine.changes.formulas import Book
from tidegate.engine.changes.slots import Slot
from tidegate.engine.values import DAY, HOUR, SECOND, TICK, Money, parse_decimal, parse_money

_DAYS_AROUND = 8
_MOST_PERIOD = 240  # values tried in one period of a remainder
_FINEST = 6  # digits behind the point that a person may be asked to enter


def step_of(slot: Slot, constants: Iterable[Fraction]) -> Fraction:
    """The smallest unit: a cent, a second, a day; for numbers and amounts as fine as the fact, its
    sample and what it is compared with are.
    """
    if slot.kind in ("instant", "duration"):
        return Fraction(SECOND // TICK)
    if slot.kind == "date":
        return Fraction(DAY_TICKS)
    digits = 2 if slot.kind == "money" else 0
    for value in (*constants, scalar(slot.present), _sample(slot)):
        digits = max(digits, 0 if value is None else _digits(value))
    return Fraction(10) ** -digits


def _sample(slot: Slot) -> Fraction | None:
    sample: Any = slot.fact.sample
    try:
        if slot.kind == "number":
            return Fraction(parse_decimal(sample))
        return Fraction(parse_money(sample, "CNY").amount) if slot.kind == "money" else None
    except (ValueError, TypeError):
        return None


def _digits(value: Fraction) -> int:
    """Digits behind the point, if a person would write that many."""
    for digits in range(_FINEST + 1):
        if value * 10**digits == int(value * 10**digits):
            return digits
    return 0


def around(book: Book, cuts: Cuts, slot: Slot, turns: Iterable[Fraction]) -> list[object]:
    """Values on and beside the turning points, nearest to the present one first; moments within a
    second last.
    """
    origin = scalar(slot.present)
    known = set(turns)
    step = step_of(slot, cuts.constant_numbers)
    known |= _clock_edges(book, cuts, slot, known | ({origin} if origin is not None else set()))
    on_grid = {value for turn in known for value in _beside(turn, step)}
    on_grid |= _periodic(cuts, step, on_grid | {origin or Fraction(0)})
    if not on_grid and origin is None:
        on_grid = {_sample(slot) or Fraction(0)}
    exact: set[Fraction] = set()
    if slot.kind in ("instant", "duration"):
        exact = {turn for turn in known if turn % step} | set(_gaps(sorted(known), step))
    start = origin if origin is not None else _sample(slot)
    if start is None:
        start = scalar(book.context.now) if slot.kind == "instant" else Fraction(0)
    center: Fraction = start or Fraction(0)

    def nearest(value: Fraction) -> tuple[Fraction, bool]:
        return abs(value - center), value < center

    ordered = [*sorted(on_grid, key=nearest), *sorted(exact - on_grid, key=nearest)]
    typed = (
        _typed(slot, value, currency)
        for currency in _currencies(book, cuts, slot)
        for value in ordered
    )
    return [value for value in typed if value is not None]


def _beside(turn: Fraction, step: Fraction) -> Iterator[Fraction]:
    low = turn // step * step
    yield from (low - step, low, low + step)
    if low != turn:
        yield low + 2 * step


def _gaps(turns: list[Fraction], step: Fraction) -> Iterator[Fraction]:
    """The middle of neighbours that no value on the grid separates."""
    for low, high in pairwise(turns):
        if low // step * step + step >= high:
            yield (low + high) / 2


def _periodic(cuts: Cuts, step: Fraction, bases: Iterable[Fraction]) -> set[Fraction]:
    """Every value within one period of each base."""
    found: set[Fraction] = set()
    known = list(bases)
    for period in cuts.periods:
        count = int(period / step)
        if count > _MOST_PERIOD:
            continue
        for base in known:
            low = base // step * step
            found |= {low + n * step for n in range(-count, count + 1)}
    return found


def _clock_edges(book: Book, cuts: Cuts, slot: Slot, bases: set[Fraction]) -> set[Fraction]:
    """Midnights, hours and calendar edges in the week around each base."""
    if slot.kind not in ("instant", "date"):
        return set()
    found: set[Fraction] = set()
    zone = book.context.zone
    now = scalar(book.context.now)
    if slot.kind == "instant":
        found |= _working_edges(book, cuts)
    if cuts.daily and now is not None:
        for base in bases | cuts.bases | {now}:
            instant = _instant(base)
            if instant is None or not 2 <= instant.year <= 9997:
                continue
            first = instant.astimezone(zone).date()
            days = [first + n * DAY for n in range(-_DAYS_AROUND, _DAYS_AROUND + 1)]
            if slot.kind == "date":
                found |= {Fraction((day - EPOCH.date()).days * DAY_TICKS) for day in days}
                continue
            for day in days:
                midnight = clock.midnight(day, zone)
                found |= {_ticks(midnight + n * HOUR) for n in range(24 if cuts.hourly else 1)}
                found |= {
                    _ticks(datetime.combine(day, time, time.tzinfo or zone).astimezone(UTC))
                    for time in cuts.clocks
                }
            for name in cuts.calendars:
                for opens, closes in clock.windows(book.context.calendars[name], days[0], zone):
                    if opens > instant + _DAYS_AROUND * DAY:
                        break
                    found |= {_ticks(opens), _ticks(closes)}
    return found


def _working_edges(book: Book, cuts: Cuts) -> set[Fraction]:
    """Where working time since or until an instant passes the spans it is compared with."""
    found: set[Fraction] = set()
    now, zone = book.context.now, book.context.zone
    for function, name, span in cuts.working:
        calendar = book.context.calendars[name]

        def worked(
            start: datetime, calendar: Any = calendar, since: bool = function == "since"
        ) -> timedelta:
            ends = (start, now) if since else (now, start)
            return clock.working_time(calendar, *ends, zone)

        far = abs(span) * 10 + 30 * DAY
        for strict in (False, True):
            low, high = now - far, now + far
            at_low = _passes(worked(low), span, strict)
            if at_low == _passes(worked(high), span, strict):
                continue
            while high - low > TICK:
                middle = low + (high - low) // 2
                if _passes(worked(middle), span, strict) == at_low:
                    low = middle
                else:
                    high = middle
            found |= {_ticks(low), _ticks(high)}
    return found


def _passes(worked: timedelta, span: timedelta, strict: bool) -> bool:
    return worked > span if strict else worked >= span


def _ticks(instant: datetime) -> Fraction:
    return Fraction((instant - EPOCH) // TICK)


def _instant(ticks: Fraction) -> datetime | None:
    try:
        return EPOCH + int(ticks) * TICK
    except OverflowError:
        return None


def _currencies(book: Book, cuts: Cuts, slot: Slot) -> list[str]:
    if slot.kind != "money":
        return [""]
    own = slot.present.currency if isinstance(slot.present, Money) else book.bench.currency
    return list(dict.fromkeys((own, *cuts.currencies)))


def _typed(slot: Slot, value: Fraction, currency: str) -> object:
    """The number as the fact's type; None if it has no such value."""
    try:
        if slot.kind == "number":
            return _decimal(value)
        if slot.kind == "money":
            amount = _decimal(value)
            return None if amount is None else Money(_two_digits(amount), currency)
        if value.denominator != 1:
            return None
        if slot.kind == "duration":
            return int(value) * TICK
        if slot.kind == "date":
            return date(1970, 1, 1) + timedelta(days=int(value // DAY_TICKS))
        return EPOCH + int(value) * TICK
    except OverflowError:
        return None


def _decimal(value: Fraction) -> Decimal | None:
    digits = next((d for d in range(21) if (value * 10**d).denominator == 1), None)
    if digits is None or abs(value) >= 10**18:
        return None
    return Decimal(int(value * 10**digits)).scaleb(-digits)


def _two_digits(amount: Decimal) -> Decimal:
    exponent = amount.as_tuple().exponent
    return (
        amount.quantize(Decimal("0.01")) if isinstance(exponent, int) and exponent > -2 else amount
    )
