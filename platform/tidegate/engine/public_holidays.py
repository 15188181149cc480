"""Public holidays and moved working days (调休), computed by the library `holidays` from the dates
it carries; nothing is fetched. Only this module knows the library, and imports it when asked.

China: for years whose plan the State Council has published (those the installed release knows)
the days off and the make-up working days are the official ones. For other years the statutory
holidays are computed, those on a weekend move to the next working day, and nobody knows the
make-up days yet: `plan_is_known` says which it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

Texts = Mapping[str, str]
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?\Z")
# regions of the shipped dictionary; sparing every start the import of the library (0.2 s)
_CERTAIN = frozenset(("CN",))
_LOOK_BACK = 30  # years


@dataclass(frozen=True)
class HolidayYear:
    """`days_off` with their names in both languages; `workdays` are days of rest on which one
    works after all.
    """

    days_off: Mapping[date, Texts]
    workdays: frozenset[date]


def is_known(region: str) -> bool:
    """Whether the library has the country (`CN`) or its part (`DE-BY`)."""
    if region in _CERTAIN:
        return True
    if not _REGION.match(region):
        return False
    try:
        _library(region, (2026,))
    except NotImplementedError:
        return False
    return True


@lru_cache(maxsize=1024)
def of_year(region: str, year: int) -> HolidayYear:
    """What is special about the days of one year."""
    # a working day may be moved into the year before: 2005-12-31 was worked for 2006-01-03
    found = _library(region, (year, year + 1))
    names = {"zh": found, "en": found}
    for lang in names:
        if (language := _spoken(found, lang)) != found.default_language:
            names[lang] = _library(region, (year, year + 1), language)
    days_off = {
        day: MappingProxyType({lang: names[lang].get(day, name) for lang in names})
        for day, name in sorted(found.items())
        if day.year == year
    }
    workdays = frozenset(day for day in found.weekend_workdays if day.year == year)
    return HolidayYear(MappingProxyType(days_off), workdays)


@lru_cache(maxsize=1024)
def plan_is_known(region: str, year: int) -> bool:
    """False for a year that has no make-up days in a region which used to have them: its plan
    was not published when the library was released.
    """
    if _moved(region, year, year):
        return True
    return not _moved(region, year - _LOOK_BACK, year - 1)


def _moved(region: str, first: int, last: int) -> bool:
    """Whether working days are moved for the holidays of these years."""
    found = _library(region, range(first, last + 1))
    return any(
        date(first - 1, 12, 1) <= day <= date(last, 12, 31) for day in found.weekend_workdays
    )


def _library(region: str, years: Any, language: str | None = None) -> Any:
    """The library's mapping from date to name."""
    import holidays

    country, _, part = region.partition("-")
    return holidays.country_holidays(country, part or None, years=years, language=language)


def _spoken(found: Any, lang: str) -> str:
    """The language of the library nearest to ours: a Chinese or English one, else English, else
    the country's own.
    """
    known = found.supported_languages
    wanted = {"zh": ("zh_CN", "zh"), "en": ("en_US", "en")}
    for start in (*wanted[lang], *wanted["en"]):
        for language in known:
            if language.startswith(start):
                return str(language)
    return str(found.default_language)
