"""Dates as the rest of the world writes them: day or month first, with month names and AM/PM.

Which of the two comes first cannot be read from 3/4/2026; a mapping says so (`day_first`, `month_first`). Dates with
the year first are read by both.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tidegate_connectors.files.converters import CellProblem, half_width, instant

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january"), ("feb", "february"), ("mar", "march"), ("apr", "april"), ("may",),
            ("jun", "june"), ("jul", "july"), ("aug", "august"), ("sep", "sept", "september"),
            ("oct", "october"), ("nov", "november"), ("dec", "december"),
        ),
        1,
    )
    for name in names
}  # fmt: skip
_TIME = r"(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp])?\.?(?:[Mm]\.?)?)?$"
_NUMBERS = re.compile(r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})" + _TIME)
_DAY_NAME = re.compile(r"^(\d{1,2})(?:st|nd|rd|th)?[ .-]+([A-Za-z]{3,9})\.?,?[ .-]+(\d{4})" + _TIME)
_NAME_DAY = re.compile(r"^([A-Za-z]{3,9})\.? +(\d{1,2})(?:st|nd|rd|th)?,? +(\d{4})" + _TIME)


def day_first(text: str, zone: ZoneInfo) -> datetime | None:
    """31/12/2026 23:05."""
    return _read(text, zone, day_at=1)


def month_first(text: str, zone: ZoneInfo) -> datetime | None:
    """12/31/2026 11:05 PM."""
    return _read(text, zone, day_at=2)


def parts_of(text: str) -> tuple[int, int] | None:
    """The first two numbers of a date with the year last: what tells day from month, over a column."""
    found = _NUMBERS.match(half_width(text))
    return (int(found[1]), int(found[2])) if found else None


def _read(text: str, zone: ZoneInfo, day_at: int) -> datetime | None:
    plain = half_width(text)
    if found := _NUMBERS.match(plain):
        day, month = int(found[day_at]), int(found[3 - day_at])
    elif found := _DAY_NAME.match(plain):
        day, month = int(found[1]), _MONTHS.get(found[2].lower(), 0)
    elif found := _NAME_DAY.match(plain):
        day, month = int(found[2]), _MONTHS.get(found[1].lower(), 0)
    else:
        return instant(text, zone)
    year = int(found[3]) + (2000 if len(found[3]) == 2 else 0)
    hour, minute, second = (int(part or 0) for part in found.group(4, 5, 6))
    if found[7]:
        hour = hour % 12 + (12 if found[7] in "Pp" else 0)
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        raise CellProblem("import.not_a_time") from None
    if not 1990 <= year <= 2100:
        raise CellProblem("import.not_a_time")
    return local.astimezone(UTC)
