"""Cells to values. A step turns text into text, a converter ends the chain; both are named in
mappings.

A cell that does not fit raises CellProblem, which may still carry a value worth keeping.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale

from tidegate.domain.money import minor_digits
from tidegate.sdk.fields import MAX_MINOR, MAX_UNITS


class CellProblem(Exception):
    """What is wrong with a cell; `value` is what can be kept all the same."""

    def __init__(self, code: str, value: object = None) -> None:
        super().__init__(code)
        self.code = code
        self.value = value


_FORMULA = re.compile(r'^="([^"]*)"$')
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def tidy(cell: str) -> str:
    """What every cell goes through first: `="123"` unwrapped, outer blanks and control
    characters gone.
    """
    text = cell.strip()
    if not text.isprintable():
        text = _SURROGATE.sub("\ufffd", _UNWANTED.sub("", text)).strip()
    if text.startswith('="'):
        found = _FORMULA.match(text)
        if found:
            text = found[1].strip()
    return text


# Steps: text to text.


def half_width(text: str) -> str:
    """Full-width digits, letters and signs as half-width ones; a leading ' dropped."""
    return unicodedata.normalize("NFKC", text).strip().removeprefix("'").strip()


def drop_decimals(text: str) -> str:
    """`13085.0` (a code that a spreadsheet took for a number) as `13085`."""
    return re.sub(r"^(\d+)\.0+$", r"\1", text)


def upper(text: str) -> str:
    """Capital letters."""
    return text.upper()


def presence(text: str) -> str:
    """`present` or `blank`: for facts that a filled cell proves, such as a payment time."""
    return "present" if text else "blank"


STEPS: Mapping[str, Callable[[str], str]] = {
    "half_width": half_width,
    "drop_decimals": drop_decimals,
    "upper": upper,
    "presence": presence,
}


# Converters: text to value.

_SCIENTIFIC = re.compile(r"^\d(\.\d+)?[eE]\+?\d+$")
_AMOUNT = re.compile(r"^[-+]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?$")
_MONEY_SIGNS = re.compile(
    r"(?i)^(-?)(?:[¥￥$£€]|rmb|cny|usd|gbp|eur|brl|r\$)\s*|\s*(?:元|圆|rmb|cny|usd|gbp|eur|brl)$"
)
_UNITS = re.compile(r"(?i)\s*(件|个|套|pcs?|units?)$")
_DATE = re.compile(
    r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[ T]*(\d{1,2})[:时点](\d{1,2})(?:[:分](\d{1,2})(?:\.(\d{1,6})\d*)?秒?)?分?)?"
    r"\s*(Z|UTC|GMT|[-+]\d{2}:?\d{2})?$"
)
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2}))?$")
_SERIAL = re.compile(r"^\d{5}(\.\d+)?$")
_NO_TIME = {"0000-00-00 00:00:00", "0000-00-00", "1970-01-01 00:00:00", "0"}
_YES = {"是", "有", "需要", "要", "√", "yes", "y", "true", "t", "1"}
_NO = {"否", "无", "不需要", "不要", "×", "no", "n", "false", "f", "0"}


def code(text: str) -> str:
    """An identifier: half width, no leading ', and not damaged by a spreadsheet."""
    plain = half_width(text)
    if _SCIENTIFIC.match(plain):
        raise CellProblem("import.code_damaged", plain)
    return plain


def decimal(text: str) -> Decimal:
    """A number with thousands separators and a currency sign or word around it."""
    plain = _MONEY_SIGNS.sub(r"\1", half_width(text))
    plain = _MONEY_SIGNS.sub(r"\1", plain).replace(" ", "")
    if not _AMOUNT.match(plain) or not any(c.isdigit() for c in plain):
        raise CellProblem("import.not_an_amount")
    return Decimal(plain.replace(",", ""))


def money(text: str, currency: str) -> int:
    """An amount in major units as minor units, half up."""
    exact = decimal(text).scaleb(minor_digits(currency))
    return _checked(exact)


def minor(text: str) -> int:
    """An amount already in minor units (分, cents)."""
    return _checked(decimal(text))


def _checked(exact: Decimal) -> int:
    if abs(exact) >= MAX_MINOR:
        raise CellProblem("import.amount_too_large")
    whole = int(exact.quantize(Decimal(1), rounding="ROUND_HALF_UP"))
    if whole < 0:
        raise CellProblem("import.amount_negative", whole)
    if whole != exact:
        raise CellProblem("import.amount_rounded", whole)
    return whole


def quantity(text: str) -> int:
    """A whole number of units; the sign is judged with the order."""
    plain = _UNITS.sub("", half_width(text))
    if not _AMOUNT.match(plain) or not any(c.isdigit() for c in plain):
        raise CellProblem("import.quantity_not_a_number")
    exact = Decimal(plain.replace(",", ""))
    if exact != exact.to_integral_value():
        raise CellProblem("import.quantity_not_a_number")
    if abs(exact) > MAX_UNITS:
        raise CellProblem("import.quantity_too_large")
    return int(exact)


def integer(text: str) -> int:
    """A whole number, rounded half up."""
    plain = half_width(text)
    if not _AMOUNT.match(plain) or not any(c.isdigit() for c in plain):
        raise CellProblem("import.not_a_number")
    exact = Decimal(plain.replace(",", "")).quantize(Decimal(1), rounding="ROUND_HALF_UP")
    if abs(exact) > 2**31 - 1:
        raise CellProblem("import.not_a_number")
    return int(exact)


def kilograms(text: str) -> int:
    """Kilograms as grams."""
    plain = re.sub(r"(?i)\s*(kg|公斤|千克)$", "", half_width(text))
    if not _AMOUNT.match(plain) or not any(c.isdigit() for c in plain):
        raise CellProblem("import.not_a_number")
    return integer(str(Decimal(plain.replace(",", "")) * 1000))


def instant(text: str, zone: ZoneInfo) -> datetime | None:
    """A date and time, in `zone` unless it has an offset. A date alone is its first moment."""
    if text in _NO_TIME:
        return None
    if text[4:5] == "-" and text[10:11] in (" ", "T"):
        try:
            return _in_utc(datetime.fromisoformat(text), zone)
        except (ValueError, OverflowError):
            pass
    plain = half_width(text)
    found = _DATE.match(plain) or _COMPACT.match(plain)
    try:
        if found:
            parts = (*found.groups(), None, None)
            year, month, day, hour, minute, second = (int(part or 0) for part in parts[:6])
            micro = int((parts[6] or "0").ljust(6, "0"))
            moment = datetime(year, month, day, hour, minute, second, micro)  # noqa: DTZ001
            offset = parts[7]
            return _in_utc(moment.replace(tzinfo=_offset(offset)) if offset else moment, zone)
        if _SERIAL.match(plain):  # Excel: days since 1899-12-30
            days = timedelta(days=float(plain))
            return _in_utc(datetime(1899, 12, 30) + _to_second(days), zone)  # noqa: DTZ001
    except (ValueError, OverflowError):
        pass
    raise CellProblem("import.not_a_time")


def _in_utc(moment: datetime, zone: ZoneInfo) -> datetime:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    if not 1990 <= aware.year <= 2100:
        raise ValueError("no order is that old")
    return aware.astimezone(UTC)


def _offset(text: str) -> tzinfo | None:
    if text[0] not in "+-":
        return UTC
    return datetime.strptime(text.replace(":", ""), "%z").tzinfo


def _to_second(days: timedelta) -> timedelta:
    return timedelta(seconds=round(days.total_seconds()))


def unix_seconds(text: str) -> datetime | None:
    """Seconds since 1970 (milliseconds are recognised); 0 is no time."""
    plain = half_width(text)
    if not plain.isdigit() or len(plain) > 13:
        raise CellProblem("import.not_a_time")
    seconds = int(plain) // (1000 if len(plain) > 11 else 1)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def boolean(text: str) -> bool:
    """是/否, yes/no, 1/0, true/false."""
    word = half_width(text).casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise CellProblem("import.not_yes_or_no")


def phone(text: str) -> str:
    """A phone as written, half width, without blanks; extension and mask kept (it is judged at
    intake).
    """
    return "".join(code(text).split())


def country(text: str) -> str:
    """A two-letter code, or a country's English or Chinese name as its code; anything else is
    kept and flagged.
    """
    plain = text.strip()
    if len(plain) == 2 and plain.isascii() and plain.isalpha():
        return plain.upper()
    found = _countries().get(plain.casefold())
    if found is None:
        raise CellProblem("import.not_a_country", plain[:60])
    return found


@cache
def _countries() -> Mapping[str, str]:
    names: dict[str, str] = {}
    for language in ("en", "zh"):
        for key, name in Locale(language).territories.items():
            if len(key) == 2 and key.isalpha():
                names.setdefault(name.casefold(), key)
    return names | {"usa": "US", "uk": "GB", "中国大陆": "CN", "china mainland": "CN"}


# Name: what it makes. `money` also takes the currency; `instant`, `day_first` and `month_first` the time zone.
CONVERTERS: Mapping[str, str] = {
    "text": "text",
    "code": "text",
    "phone": "text",
    "country": "text",
    "address": "address",
    "address_parts": "address",
    "recipient_line": "address",
    "money": "money",
    "minor": "money",
    "quantity": "number",
    "integer": "number",
    "kilograms": "number",
    "instant": "instant",
    "day_first": "instant",
    "month_first": "instant",
    "unix_seconds": "instant",
    "boolean": "boolean",
}
PLAIN: Mapping[str, Callable[[str], object]] = {
    "code": code,
    "phone": phone,
    "country": country,
    "minor": minor,
    "quantity": quantity,
    "integer": integer,
    "kilograms": kilograms,
    "unix_seconds": unix_seconds,
    "boolean": boolean,
}
