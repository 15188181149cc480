"""The values rules speak of, exact: decimals, money with its currency, durations, instants,
dates, times of day, months, folded text.

`None` is the one unknown. Lists are tuples.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal, InvalidOperation

# decimal128, as FEEL asks for; no traps: what has no finite value becomes unknown
EXACT = Context(prec=34, Emax=6144, Emin=-6143, traps=[])

_DECIMAL = re.compile(r"[-+]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][-+]?\d{1,3})?\Z")
_MONEY = re.compile(r"([-+]?\d{1,30}(?:\.\d{1,20})?)\s*([A-Z]{3}|元)\Z")
_DURATION = re.compile(
    r"(-)?(?:(\d{1,6})w)?(?:(\d{1,7})d)?(?:(\d{1,8})h)?(?:(\d{1,9})m)?(?:(\d{1,10})s)?\Z"
)
_ISO_DURATION = re.compile(
    r"(-)?P(?:(\d{1,6})W)?(?:(\d{1,7})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,9})M)?(?:(\d{1,10})(?:\.(\d{1,6})\d*)?S)?)?\Z"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_MONTHS = re.compile(r"(-)?P(?:(\d{1,5})Y)?(?:(\d{1,6})M)?\Z")
_TIME = re.compile(r"T?(\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d(?::\d\d)?)?\Z")
MAX_TEXT = 10_000  # characters of a text a rule makes
MAX_LIST = 10_000  # members of a list a rule makes
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount; comparable and addable only with the same currency."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"


@dataclass(frozen=True, order=True, slots=True)
class Months:
    """A span of years and months, which has no fixed length in days: FEEL's other duration."""

    count: int

    def __neg__(self) -> Months:
        return Months(-self.count)

    def __str__(self) -> str:
        years, months = divmod(abs(self.count), 12)
        text = (f"{years}Y" if years else "") + (f"{months}M" if months or not years else "")
        return f"{'-' if self.count < 0 else ''}P{text}"


class ExactText(str):
    """Text that is compared letter by letter, without folding."""

    __slots__ = ()


class Incomplete(tuple[object, ...]):
    """A list some of whose members are not known; what it holds is certain, what it lacks is
    not.
    """

    __slots__ = ()


def fold(text: str) -> str:
    """Text as comparisons see it: width, letter case and surrounding space do not count."""
    if text.isascii():
        return text.strip().lower()
    found = _FOLDED.get(text)
    if found is None:
        found = unicodedata.normalize(
            "NFKC", unicodedata.normalize("NFKC", text).casefold()
        ).strip()
        if len(text) <= _SHORT:
            if len(_FOLDED) >= _REMEMBERED:
                _FOLDED.clear()
            _FOLDED[text] = found
    return found


# folding is asked again and again for the same provinces, channels and titles
_FOLDED: dict[str, str] = {}
_SHORT, _REMEMBERED = 64, 20_000


def parse_decimal(value: object) -> Decimal:
    """An exact decimal from int, Decimal, text, or a float's shortest text. Raises ValueError."""
    if isinstance(value, bool):
        raise ValueError("not a number")
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        value = Decimal(str(value))
    if isinstance(value, str):
        text = unicodedata.normalize("NFKC", value).strip()
        if not _DECIMAL.match(text):
            raise ValueError("not a decimal number")
        value = Decimal(text)
    if not isinstance(value, Decimal) or not value.is_finite() or abs(value.adjusted()) > 6000:
        raise ValueError("not a finite decimal number")
    return value


def parse_money(value: object, currency: str | None = None) -> Money:
    """`99.00 CNY`, or a bare decimal when `currency` is given. Raises ValueError."""
    if isinstance(value, Money):
        return value
    if isinstance(value, str):
        found = _MONEY.match(unicodedata.normalize("NFKC", value).strip())
        if found:
            return Money(Decimal(found[1]), "CNY" if found[2] == "元" else found[2])
    if currency is None:
        raise ValueError("money needs its currency, as in 99.00 CNY")
    return Money(parse_decimal(value), currency)


def parse_duration(value: object) -> timedelta:
    """`24h`, `90m`, `3d`, `1d12h`, or ISO `PT24H`. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError("not a duration such as 24h")
    text = value.strip()
    found = _DURATION.match(text.lower()) or _ISO_DURATION.match(text.upper())
    if not found or not any(found.groups()[1:]):
        raise ValueError("not a duration such as 24h, 90m, 3d or PT24H")
    parts = [int(part or 0) for part in found.groups()[1:6]]
    micro = int((found[7] or "0").ljust(6, "0")) if found.re is _ISO_DURATION else 0
    try:
        whole = timedelta(
            weeks=parts[0],
            days=parts[1],
            hours=parts[2],
            minutes=parts[3],
            seconds=parts[4],
            microseconds=micro,
        )
    except OverflowError as error:
        raise ValueError("a duration that long is not possible") from error
    return -whole if found[1] else whole


def parse_instant(value: object) -> datetime:
    """ISO 8601 with an offset, kept in UTC. Raises ValueError."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if not isinstance(value, datetime):
        raise ValueError("not an instant such as 2026-11-11T09:00:00+08:00")
    if value.tzinfo is None:
        raise ValueError("an instant needs its offset, as in 2026-11-11T09:00:00+08:00")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("an instant that far away is not possible") from error


def parse_time(value: object) -> time:
    """`18:00`, `18:00:30`, with an offset only if one is written. Raises ValueError."""
    if isinstance(value, time):
        return value
    found = _TIME.match(value.strip()) if isinstance(value, str) else None
    if not found:
        raise ValueError("not a time of day such as 18:00")
    if found[2] and found[2][1:] and found[2][1:3] > "18":
        raise ValueError("an offset is at most 18 hours")
    return time.fromisoformat(found[1] + (found[2] or ""))


def parse_months(value: object) -> Months:
    """`P1Y6M`. Raises ValueError."""
    if isinstance(value, Months):
        return value
    found = _MONTHS.match(value.strip().upper()) if isinstance(value, str) else None
    if not found or not (found[2] or found[3]):
        raise ValueError("not years and months such as P1Y6M")
    count = 12 * int(found[2] or 0) + int(found[3] or 0)
    return Months(-count if found[1] else count)


def parse_date(value: object) -> date:
    """`2026-11-11`. Raises ValueError."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DATE.match(value.strip()):
        raise ValueError("not a date such as 2026-11-11")
    return date.fromisoformat(value.strip())


def duration_text(value: timedelta) -> str:
    """`24h` up to three days, then whole days as `3d`; the shortest exact text otherwise."""
    if value < timedelta(0):
        return "-" + duration_text(-value)
    if value >= 3 * DAY and value % DAY == timedelta(0):
        return f"{value // DAY}d"
    for size, letter in ((HOUR, "h"), (MINUTE, "m"), (SECOND, "s")):
        if value % size == timedelta(0) and (value or letter == "h"):
            return f"{value // size}{letter}"
    seconds, rest = divmod(value, SECOND)
    return f"PT{seconds}.{rest // TICK:06d}S"


def decimal_text(value: Decimal) -> str:
    """Plain digits without an exponent and without needless zeros behind the point."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def plain(value: object) -> object:
    """A value as JSON: money `99.00 CNY`, duration `24h`, instants ISO; a decimal stays exact
    (as text if need be).
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Decimal):
        return _plain_number(value)
    if isinstance(value, (Money, Months)):
        return str(value)
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    return str(value)


def _plain_number(value: Decimal) -> object:
    if value == value.to_integral_value() and abs(value) < Decimal(2) ** 53:
        return int(value)
    try:
        near = float(value)
        return near if Decimal(str(near)) == value else decimal_text(value)
    except (InvalidOperation, OverflowError):
        return decimal_text(value)
