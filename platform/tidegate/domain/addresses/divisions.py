"""The division data, loaded when first asked for, and the name tables that the parser looks
things up in."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from tidegate.domain.addresses.spelling import is_full, shorter_names

PROVINCE, CITY, DISTRICT = 1, 2, 3
# Names that many cities use loosely; alone they prove nothing.
GENERIC = frozenset(
    {
        "郊区",
        "城区",
        "矿区",
        "东区",
        "西区",
        "南区",
        "北区",
        "新区",
        "市区",
        "中区",
        "市中区",
        "城关区",
        "新城区",
    }
)

_OUTSIDE = "710000"  # Taiwan, Hong Kong and Macau come after every mainland code
_COMMON_WORDS = frozenset({"九龙", "新界"})


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A province, city or district of today. `code` has six digits; `children` are in code
    order."""

    name: str
    code: str
    level: int
    parent: Region | None = None
    children: list[Region] = field(default_factory=list, repr=False)

    @property
    def path(self) -> tuple[Region, ...]:
        """From the province down to this region."""
        return (*self.parent.path, self) if self.parent else (self,)


@dataclass(frozen=True, slots=True)
class Entry:
    """What one spelling may mean in one context. `full`: an official name, not a short form;
    `old`: of the past."""

    regions: tuple[Region, ...]
    full: bool
    old: bool = False


class Names:
    """Longest-prefix lookup."""

    __slots__ = ("_lengths", "entries")

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._lengths: dict[str, tuple[int, ...]] = {}

    def add(self, name: str, region: Region, *, full: bool, old: bool = False) -> None:
        """The official name of today wins over an old one, an old one over a short form; equals
        gather."""
        known = self.entries.get(name)
        if known is None or (full, not old) > (known.full, not known.old):
            self.entries[name] = Entry((region,), full, old)
        elif (known.full, known.old) == (full, old) and region not in known.regions:
            self.entries[name] = Entry((*known.regions, region), full, old)

    def freeze(self) -> None:
        lengths: dict[str, set[int]] = {}
        for name in self.entries:
            lengths.setdefault(name[0], set()).add(len(name))
        self._lengths = {
            head: tuple(sorted(found, reverse=True)) for head, found in lengths.items()
        }

    def longest(self, text: str, start: int) -> tuple[str, Entry] | None:
        entries = self.entries
        for length in self._lengths.get(text[start : start + 1], ()):
            entry = entries.get(text[start : start + length])
            if entry is not None:
                return text[start : start + length], entry
        return None

    def all_at(self, text: str, start: int) -> Iterable[tuple[str, Entry]]:
        """Every name that starts here, longest first."""
        for length in self._lengths.get(text[start : start + 1], ()):
            entry = self.entries.get(text[start : start + length])
            if entry is not None:
                yield text[start : start + length], entry


@dataclass(frozen=True, slots=True)
class Divisions:
    provinces: tuple[Region, ...]
    by_code: dict[str, Region]
    everywhere: Names  # at the start of a text
    within: dict[int, Names]  # id of a province or city -> names below it
    zones: dict[int, Names]  # id of a city -> development zones


def _read(name: str) -> Any:
    path = resources.files("tidegate.domain.addresses") / "data" / name
    return json.loads(lzma.decompress(path.read_bytes()))


@cache
def divisions() -> Divisions:
    raw = _read("regions.json.xz")
    provinces, by_code = _regions(raw["tree"])
    everywhere = Names()
    within: dict[int, Names] = {}
    for province in provinces:
        names = within[id(province)] = Names()
        _add(everywhere, province)
        for city in province.children:
            _add(names, city)
            below = within[id(city)] = Names()
            for district in city.children:
                _add(names, district)
                _add(below, district)
    for region in sorted(_below(provinces), key=lambda r: r.code >= _OUTSIDE):
        if (
            region.code < _OUTSIDE or region.name not in everywhere.entries
        ):  # 金山区 alone is Shanghai's
            _add(everywhere, region)
    _add_old_names(raw["renames"], provinces, by_code, everywhere, within)
    zones: dict[int, Names] = {}
    for city_code, name, code in raw["zones"]:
        zones.setdefault(id(by_code[city_code]), Names()).add(name, by_code[code], full=True)
    for table in (everywhere, *within.values(), *zones.values()):
        table.freeze()
    return Divisions(provinces, by_code, everywhere, within, zones)


def _below(provinces: tuple[Region, ...]) -> Iterable[Region]:
    for province in provinces:
        for city in province.children:
            yield city
            yield from city.children


def _regions(tree: list[list[Any]]) -> tuple[tuple[Region, ...], dict[str, Region]]:
    provinces, by_code = [], {}
    for name, code, cities in tree:
        province = by_code[code] = Region(name, code, PROVINCE)
        provinces.append(province)
        for city_name, city_code, districts in cities:
            city = Region(city_name, city_code, CITY, province)
            by_code.setdefault(city_code, city)
            province.children.append(city)
            for district_name, district_code in districts:
                district = Region(district_name, district_code, DISTRICT, city)
                by_code.setdefault(district_code, district)
                city.children.append(district)
    return tuple(provinces), by_code


def _add(names: Names, region: Region) -> None:
    names.add(region.name, region, full=region.name not in _COMMON_WORDS)
    for short in shorter_names(region.name, region.level):
        names.add(short, region, full=is_full(short, region.level))


def _add_old_names(
    rows: list[list[Any]],
    provinces: tuple[Region, ...],
    by_code: dict[str, Region],
    everywhere: Names,
    within: dict[int, Names],
) -> None:
    """An old name is known below today's parent, below what its old parent became, below the
    province and alone."""
    named = {p.name: p for p in provinces}
    former = {(row[0], row[2]): by_code[row[4]] for row in rows if not row[1]}
    for province_name, old_city, old_name, _, code in rows:
        province, region = named[province_name], by_code[code]
        contexts = [within[id(province)], everywhere]
        above = former.get((province_name, old_city))
        if above is None:
            above = next((c for c in province.children if c.name == old_city), None)
        contexts += [
            within[id(c)] for c in {region.parent, above} if c is not None and id(c) in within
        ]
        if old_name in GENERIC:
            contexts = contexts[2:]
        shorts = shorter_names(old_name, DISTRICT if old_city else CITY)
        for names in contexts:
            names.add(old_name, region, full=True, old=True)
            for short in shorts:
                names.add(short, region, full=False, old=True)


@cache
def towns() -> dict[str, frozenset[str]]:
    """Code of a district, or of a city without districts -> names of its streets, towns and
    townships."""
    raw: dict[str, list[str]] = _read("towns.json.xz")
    return {code: frozenset(names) for code, names in raw.items()}


@cache
def town_names(code: str) -> Names:
    """Town names of a district, or of a city without districts; the region of each is the place
    itself."""
    table, place = Names(), divisions().by_code[code]
    for name in towns().get(code, ()):
        table.add(name, place, full=True)
        if place.level == CITY and name.endswith("街道"):
            table.add(name.removesuffix("街道") + "区", place, full=False)  # Dongguan's 南城区
    table.freeze()
    return table


@cache
def town_names_of_city(city: Region) -> Names:
    """Town name -> the districts of the city that have one."""
    table = Names()
    for district in city.children:
        for name in towns().get(district.code, ()):
            table.add(name, district, full=True)
    table.freeze()
    return table


def regions() -> tuple[Region, ...]:
    """The provinces; cities and districts are their `children`. For pickers."""
    return divisions().provinces
