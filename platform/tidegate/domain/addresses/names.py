"""Names of provinces and cities as shops write them -> the official names of today."""

from __future__ import annotations

from functools import lru_cache

from tidegate.domain.addresses.cleaning import clean
from tidegate.domain.addresses.divisions import CITY, DISTRICT, PROVINCE, Region, divisions


def normalise_province(name: str | None) -> str | None:
    """浙江 -> 浙江省, 内蒙 -> 内蒙古自治区; None when it is no province."""
    region = _province(clean(name or ""))
    return region.name if region else None


def normalise_city(province: str | None, name: str | None) -> str | None:
    """襄樊 -> 襄阳市; 市辖区 of a municipality -> 上海市. Without a province the name must be
    unique."""
    region = _city(clean(province or ""), clean(name or ""))
    return region.name if region else None


def same_city(a: tuple[str | None, str | None], b: tuple[str | None, str | None]) -> bool:
    """Do two (province, city) pairs, however written, mean one city? Unknown is never the same."""
    first, second = (_city(clean(p or ""), clean(c or "")) for p, c in (a, b))
    return first is not None and first is second


@lru_cache(maxsize=4096)
def _province(name: str) -> Region | None:
    entry = divisions().everywhere.entries.get(name)
    found = [r for r in entry.regions if r.level == PROVINCE] if entry else []
    if not found:  # a longer city or district may hold the spelling (吉林); provinces are few
        found = [
            p for p in divisions().provinces if p.name == name or p.name.startswith(name + "省")
        ]
    return found[0] if found and name else None


@lru_cache(maxsize=4096)
def _city(province: str, name: str) -> Region | None:
    above = _province(province)
    if (
        above is not None
        and len(above.children) == 1
        and name in ("", "市辖区", "县", above.name, above.name[:-1])
    ):
        return above.children[0]
    table = divisions().within[id(above)] if above else divisions().everywhere
    entry = table.entries.get(name)
    if entry is None:
        alone = _province(name) if not province else None
        return alone.children[0] if alone and len(alone.children) == 1 else None
    found = {r.children[0] if r.level == PROVINCE else _up(r) for r in entry.regions if _is_city(r)}
    return found.pop() if len(found) == 1 else None


def _is_city(region: Region) -> bool:
    if region.level == PROVINCE:
        return len(region.children) == 1
    return region.level == CITY or (region.level == DISTRICT and region.name.endswith(("市", "县")))


def _up(region: Region) -> Region:
    return region.parent if region.level == DISTRICT and region.parent else region
