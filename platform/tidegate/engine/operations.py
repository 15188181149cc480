"""What operators mean on values. `None` is unknown and makes every comparison and sum unknown."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tidegate.engine.logic import Truth, disjunction
from tidegate.engine.values import (
    DAY,
    EXACT,
    MAX_TEXT,
    TICK,
    ExactText,
    Incomplete,
    Money,
    Months,
    fold,
)


@dataclass(frozen=True)
class Interval:
    """The value of a range."""

    low: object
    high: object
    low_closed: bool
    high_closed: bool

    def holds(self, value: object) -> Truth:
        above = compare(">=" if self.low_closed else ">", value, self.low)
        below = compare("<=" if self.high_closed else "<", value, self.high)
        if False in (above, below):
            return False
        return None if None in (above, below) else True


def _zero(left: object, right: object) -> tuple[object, object]:
    """A bare zero (the sum of no amounts or durations) takes the kind of the other side."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Decimal) and one == 0 and isinstance(other, (Money, timedelta)):
            zero = Money(Decimal(0), other.currency) if isinstance(other, Money) else timedelta(0)
            return (zero, other) if one is left else (other, zero)
    return left, right


def equal(left: object, right: object) -> Truth:
    """Equality; text folded unless one side is exact, money only within one currency, lists
    member by member.
    """
    if left is None or right is None:
        return None
    if isinstance(left, str) and isinstance(right, str):
        if isinstance(left, ExactText) or isinstance(right, ExactText):
            return str(left) == str(right)
        return fold(left) == fold(right)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return _equal_lists(left, right)
    if isinstance(left, Interval) and isinstance(right, Interval):
        return _equal_ranges(left, right)
    left, right = _zero(left, right)
    if isinstance(left, Money) and isinstance(right, Money):
        return left.amount == right.amount if left.currency == right.currency else None
    if isinstance(left, bool) != isinstance(right, bool) or type(left) is not type(right):
        return None
    return None if _other_clock(left, right) else left == right


def _other_clock(left: object, right: object) -> bool:
    """A time of day with an offset and one without, which have no common clock."""
    times = isinstance(left, time) and isinstance(right, time)
    return times and (left.tzinfo is None) != (right.tzinfo is None)  # type: ignore[attr-defined]  # both are times


def _equal_ranges(left: Interval, right: Interval) -> Truth:
    if (left.low_closed, left.high_closed) != (right.low_closed, right.high_closed):
        return False
    return _equal_lists((left.low, left.high), (right.low, right.high))


def _equal_lists(left: tuple[object, ...], right: tuple[object, ...]) -> Truth:
    if isinstance(left, Incomplete) or isinstance(right, Incomplete):
        return None
    if len(left) != len(right):
        return False
    pairs = [equal(one, other) for one, other in zip(left, right, strict=True)]
    return False if False in pairs else None if None in pairs else True


_IN_ORDER = (Decimal, timedelta, datetime, date, time, Months)


def order(left: object, right: object) -> int | None:
    """-1, 0 or 1; None when unknown or not comparable."""
    if left is None or right is None:
        return None
    left, right = _zero(left, right)
    one: Any = left
    other: Any = right
    if isinstance(left, str) and isinstance(right, str):
        exact = isinstance(left, ExactText) or isinstance(right, ExactText)
        one, other = (str(left), str(right)) if exact else (fold(left), fold(right))
    elif isinstance(left, Money) and isinstance(right, Money):
        if left.currency != right.currency:
            return None
        one, other = left.amount, right.amount
    elif (
        type(left) is not type(right)
        or not isinstance(left, _IN_ORDER)
        or _other_clock(left, right)
    ):
        return None
    return int(one > other) - int(one < other)


def compare(op: str, left: object, right: object) -> Truth:
    """One of = != < <= > >=."""
    if op == "=":
        return equal(left, right)
    if op == "!=":
        same = equal(left, right)
        return None if same is None else not same
    sign = order(left, right)
    return None if sign is None else _SIGNS[op](sign)


_SIGNS: dict[str, Callable[[int], bool]] = {
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
}


def member_of(value: object, members: tuple[object, ...]) -> Truth:
    """Whether a list holds the value; a list that is not fully known can only say yes."""
    if not members and not isinstance(members, Incomplete):
        return False
    found = disjunction(equal(value, member) for member in members)
    return None if found is False and isinstance(members, Incomplete) else found


NEGATABLE = (Decimal, timedelta, Months)  # beside money; of anything else a minus makes unknown


def arithmetic(op: str, left: object, right: object) -> object:
    """+ - * / on numbers, money, durations, months, instants, dates, times and text; unknown
    when it has no exact meaning, or when a text becomes longer than MAX_TEXT.
    """
    if left is None or right is None:
        return None
    try:
        if op in "+-":
            left, right = _zero(left, right)
        return finite(_arithmetic(op, left, right))
    except (OverflowError, ArithmeticError, ValueError, TypeError):
        return None


def finite(value: object) -> object:
    """The value, or unknown if a decimal in it is not a finite number (division by zero,
    overflow).
    """
    number = value.amount if isinstance(value, Money) else value
    return None if isinstance(number, Decimal) and not number.is_finite() else value


def _number(op: str, left: Decimal, right: Decimal) -> Decimal:
    if op == "+":
        return EXACT.add(left, right)
    if op == "-":
        return EXACT.subtract(left, right)
    return EXACT.multiply(left, right) if op == "*" else EXACT.divide(left, right)


def _arithmetic(op: str, left: Any, right: Any) -> object:
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return _number(op, left, right)
    if isinstance(left, Money) or isinstance(right, Money):
        return _money(op, left, right)
    if isinstance(left, str) and isinstance(right, str):
        return left + right if len(left) + len(right) <= MAX_TEXT else None
    if isinstance(left, Months) or isinstance(right, Months):
        return _months(op, left, right)
    if isinstance(left, time) or isinstance(right, time):
        return _time_of_day(op, left, right)
    if isinstance(left, timedelta) and isinstance(right, timedelta) and op == "/":
        return _number("/", Decimal(left // TICK), Decimal(right // TICK))
    if isinstance(left, Decimal) and isinstance(right, timedelta):
        left, right = right, left
    if isinstance(left, timedelta) and isinstance(right, Decimal):
        return timedelta(
            microseconds=int(_number(op, Decimal(left // TICK), right).to_integral_value())
        )
    if isinstance(left, timedelta) and isinstance(right, date):
        return right + left
    if isinstance(left, date) and isinstance(right, timedelta):
        return left + (right if op == "+" else -right)  # a day begins at its midnight
    return left + right if op == "+" else left - right


def _months(op: str, left: Any, right: Any) -> object:
    """Months with months, a number or a date. Parts of a month are cut off, as in FEEL."""
    if isinstance(right, date) or (isinstance(left, Decimal) and op == "*"):
        left, right = right, left
    if isinstance(left, date):
        return _moved(left, right.count if op == "+" else -right.count)
    if isinstance(right, Months):
        one, other = Decimal(left.count), Decimal(right.count)
        found = _number(op, one, other)
        return found if op == "/" else Months(int(found))
    return Months(int(_number(op, Decimal(left.count), right)))


def _moved(day: date, months: int) -> date:
    """The same day so many months on, or the month's last if it has no such day."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= years <= 9999:
        raise OverflowError("no such year")
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def _time_of_day(op: str, left: Any, right: Any) -> object:
    """The clock goes round: 23:00 + 2h is 01:00. The difference of two times is a duration."""
    if isinstance(right, time) and isinstance(left, time):
        return None if _other_clock(left, right) else _since_midnight(left) - _since_midnight(right)
    if isinstance(right, time):
        left, right = right, left
    ticks = (_wall(left) + (right if op == "+" else -right)) % DAY
    return (_MIDNIGHT + ticks).time().replace(tzinfo=left.tzinfo)


_MIDNIGHT = datetime.combine(date.min, time())


def _wall(value: time) -> timedelta:
    return datetime.combine(date.min, value.replace(tzinfo=None)) - _MIDNIGHT


def _since_midnight(value: time) -> timedelta:
    return _wall(value) - (value.utcoffset() or timedelta(0))


def _money(op: str, left: Any, right: Any) -> object:
    if isinstance(left, Decimal):
        left, right = right, left
    if isinstance(right, Decimal):
        return Money(_number(op, left.amount, right), left.currency)
    if left.currency != right.currency:
        return None
    amount = _number(op, left.amount, right.amount)
    return amount if op == "/" else Money(amount, left.currency)


def total(values: Sequence[object], nothing: object) -> object:
    """The sum; `nothing` over no values; unknown if one is unknown or currencies differ."""
    if isinstance(values, Incomplete):
        return None
    result: object = nothing if not values else values[0]
    for value in values[1:]:
        result = arithmetic("+", result, value)
    return result


def extreme(values: Sequence[object], sign: int) -> object:
    """The largest (`sign` 1) or smallest (-1); unknown over no values or if one cannot be
    compared.
    """
    if isinstance(values, Incomplete) or not values:
        return None
    best = values[0]
    for value in values:
        found = order(value, best)
        if found is None:
            return None
        if found == sign:
            best = value
    return best


def wildcard(text: str, pattern: str) -> bool:
    """Whether the whole text fits a pattern of `*` (anything) and `?` (one character).

    The pieces between the stars are looked for one after another, each once, so that no pattern
    takes long; no regular expression is made from a rule.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return len(text) == len(pattern) and _fits(text, 0, pattern)
    *middle, last = rest
    end = len(text) - len(last)
    if end < len(first) or not _fits(text, 0, first) or not _fits(text, end, last):
        return False
    at = len(first)
    for piece in middle:
        found = _find(text, piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _fits(text: str, start: int, piece: str) -> bool:
    """Whether the piece stands at this place of the text."""
    if "?" not in piece:
        return text.startswith(piece, start)
    return all(one in ("?", other) for one, other in zip(piece, text[start:], strict=False))


def _find(text: str, piece: str, start: int, end: int) -> int:
    """Where the piece stands first between `start` and `end`; -1 if nowhere. With `?` in it, all
    places are tried at once, one bit each (shift-and).
    """
    if "?" not in piece:
        return text.find(piece, start, end)
    anything = sum(1 << n for n, letter in enumerate(piece) if letter == "?")
    fitting = dict.fromkeys(piece, anything)
    for n, letter in enumerate(piece):
        fitting[letter] |= 1 << n
    state, whole = 0, 1 << (len(piece) - 1)
    for n in range(start, end):
        state = (state << 1 | 1) & fitting.get(text[n], anything)
        if state & whole:
            return n + 1 - len(piece)
    return -1
