"""Plain JSON values to what a field holds. Each raises Strange with an `import.*` code for what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from tidegate.domain.money import Money, minor_digits
from tidegate.errors import InputError
from tidegate.sdk.fields import MAX_MINOR, MOST_REVISION

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
YES, NO = {"true", "1", "y", "yes", "是"}, {"false", "0", "n", "no", "否"}
MOST_WHOLE = 2**31 - 1
KEPT = "\n\t\u200c\u200d"  # not printable by themselves; joiners make one emoji of several


class Strange(Exception):
    """A value that does not fit; `kept` is what may stand in its place."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Setting:
    """What converters need to know of the shop."""

    zone: tzinfo
    currency: str


Converter = Callable[[Any, Setting], Any]


def text(value: Any, _: Setting) -> str:
    """Whatever it is, as text; whole numbers at any length."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list):
        raise Strange("import.json_field")
    plain = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return "".join(c for c in plain if c.isprintable() or c in KEPT).strip()


def amount(value: Any, setting: Setting) -> int:
    """Major units, `12.50` or 12.5, to minor units."""
    try:
        minor = Money.of(Decimal(str(value).replace(",", "").strip()), setting.currency).minor
    except (InputError, InvalidOperation):
        raise Strange("import.not_an_amount") from None
    return _sane(minor)


def minor(value: Any, setting: Setting) -> int:
    """Hundredths (分) to minor units of the currency, whatever its digits."""
    try:
        hundredths = Decimal(str(value).strip())
    except InvalidOperation:
        raise Strange("import.not_an_amount") from None
    if not hundredths.is_finite():
        raise Strange("import.not_an_amount")
    scaled = hundredths.scaleb(minor_digits(setting.currency) - 2)
    return _sane(int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP)))


def local(value: Any, setting: Setting) -> datetime:
    """`2026-01-01 08:00:00` in the shop's zone, or ISO 8601 with its own offset."""
    written = str(value).strip().replace("/", "-")
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise Strange("import.not_a_time") from None
    aware = found if found.tzinfo else found.replace(tzinfo=setting.zone)
    return _within(aware.astimezone(UTC))


def unix(value: Any, _: Setting) -> datetime:
    """Seconds since 1970."""
    return _unix(value, 1)


def unix_ms(value: Any, _: Setting) -> datetime:
    """Milliseconds since 1970."""
    return _unix(value, 1000)


def whole(value: Any, _: Setting) -> int:
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        raise Strange("import.not_a_number") from None
    if not found.is_finite() or found != found.to_integral_value() or abs(found) > MOST_WHOLE:
        raise Strange("import.not_a_number")
    return int(found)


def kilograms(value: Any, _: Setting) -> int:
    """Kilograms to grams."""
    try:
        found = Decimal(str(value).strip()) * 1000
    except InvalidOperation:
        raise Strange("import.not_a_number") from None
    if not found.is_finite() or not 0 <= found <= MOST_WHOLE:
        raise Strange("import.not_a_number")
    return int(found.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def boolean(value: Any, _: Setting) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in YES or word in NO:
        return word in YES
    raise Strange("import.not_yes_or_no")


def as_revision(at: datetime) -> int:
    """An aware time as microseconds since 1970."""
    return (at - EPOCH) // timedelta(microseconds=1)


def revision(value: Any, _: Setting) -> int:
    """A version that grows with each change: a whole number, or a time as microseconds since 1970."""
    if isinstance(value, datetime):
        return as_revision(value)
    written = str(value).strip()
    if not written.isascii() or not written.isdigit() or int(written[:20]) > MOST_REVISION:
        raise Strange("import.not_a_number")
    return int(written)


CONVERTERS: Mapping[str, Converter] = {
    "text": text, "amount": amount, "minor": minor, "local": local, "unix": unix,
    "unix_ms": unix_ms, "whole": whole, "kilograms": kilograms, "boolean": boolean,
}  # fmt: skip
BY_TYPE: Mapping[str, Converter] = {
    "text": text, "choice": text, "money": amount, "instant": local, "number": whole,
    "boolean": boolean, "revision": revision,
}  # fmt: skip


def _unix(value: Any, per_s: int) -> datetime:
    try:
        return _within(datetime.fromtimestamp(int(str(value)) / per_s, UTC))
    except (ValueError, OverflowError, OSError):
        raise Strange("import.not_a_time") from None


def _within(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise Strange("import.not_a_time")
    return at


def _sane(minor: int) -> int:
    if minor < 0:
        raise Strange("import.amount_negative")
    if minor >= MAX_MINOR:
        raise Strange("import.amount_too_large")
    return minor
