"""Walk a text from its start: province, city, district or zone; each may be missing, short or
old."""

from __future__ import annotations

import re

from tidegate.domain.addresses.divisions import (
    CITY,
    DISTRICT,
    GENERIC,
    PROVINCE,
    Divisions,
    Region,
    divisions,
    town_names,
    town_names_of_city,
)
from tidegate.domain.addresses.state import NOT_A_REGION, Walk, accept, reads, skip, town_like

_ZONE = re.compile(
    r"[\u4e00-\u9fff]{0,10}?(?:高新技术(?:产业)?(?:开发)?(?:园?区)|高技术产业开发区|高新(?:开发)?(?:园?区)|经济技术开发(?:新)?区"
    r"|经济开发区|经开区|技术开发区|开发区|工业园区|产业园区|科技园区|科技园|工业园|产业园|软件园|保税港?区|出口加工区|[示模]范区"
    r"|管理区|度假区|风景(?:名胜)?区|新区|[试实]验区|港区|新城|工业区)"
)
_ZONE_BREAKERS = re.compile(r"[路街巷弄镇乡村道]")
_LOOSE_DISTRICT = re.compile(r"([\u4e00-\u9fff]{2,5}?)([区县市])")
_SECOND_LOOK = frozenset("(（[【,，")


def walk(text: str, start: int = 0) -> Walk:
    """Regions from `start` on, without the town; nothing is known when there are none."""
    data = divisions()
    found = Walk(text, start)
    skip(found)
    if not _first(found, data):
        return found
    if found.district is None and not found.unsure and found.city is None and found.province:
        _below_province(found, data, found.province)
    if found.unsure:
        _settle(found)
    if found.city and not found.district and not found.unsure:
        _below_city(found, data, found.city)
    if found.district is not None:
        _deeper(found, data, found.district)
    return found


def _first(found: Walk, data: Divisions) -> bool:
    for name, entry in data.everywhere.all_at(found.text, found.at):
        if name in GENERIC or not reads(found.text, name, entry, found.at, alone=True):
            continue
        regions = sorted(entry.regions, key=lambda r: r.level)
        top = [r for r in regions if r.level == regions[0].level]
        if top[0].level == PROVINCE and len(regions) > 1 and not entry.full:
            top = [_province_or_city(found, data, name, regions)]  # 吉林: the province or the city?
        if (
            top[0].level == DISTRICT
            and not entry.full
            and not (len(top) == 1 and _stands_alone(found, name, top[0]))
        ):
            continue
        if len(top) == 1:
            accept(found, name, entry, top[0])
            _skip_again(found)
            return True
        if entry.full:  # which of them the town may tell
            found.unsure = tuple(top)
            found.at += len(name)
            found.note("ambiguous", name, "、".join(r.parent.name for r in top if r.parent))
            skip(found)
            return True
    return False


def _stands_alone(found: Walk, name: str, district: Region) -> bool:
    """义乌, 浦东; and 姜堰 where a development zone follows."""
    return town_like(district) or _ZONE.match(found.text, found.at + len(name)) is not None


def _province_or_city(found: Walk, data: Divisions, name: str, regions: list[Region]) -> Region:
    province = regions[0]
    after = Walk(found.text, found.at + len(name))
    skip(after)
    below = data.within[id(province)].longest(after.text, after.at)
    city = next((r for r in regions if r.level == CITY and r.parent is province), None)
    if city and below and any(r.parent is city for r in below[1].regions):
        return city
    return province


def _below_province(found: Walk, data: Divisions, province: Region) -> None:
    for name, entry in data.within[id(province)].all_at(found.text, found.at):
        if not reads(found.text, name, entry, found.at) or name in GENERIC:
            continue
        level = min(r.level for r in entry.regions)
        top = [r for r in entry.regions if r.level == level]
        if len(top) == 1:
            accept(found, name, entry, top[0])
            _skip_again(found)
            return
        if entry.full:
            found.unsure = tuple(top)
            found.at += len(name)
            found.note("ambiguous", name, "、".join(r.parent.name for r in top if r.parent))
            skip(found)
            return
    _foreign_body(found, data, province)


def _skip_again(found: Walk) -> None:
    """Over names already read, as in 上海上海市, 浙江省杭州市杭州市 or 桂东县桂东县."""
    while True:
        for region in (found.province, found.city, found.district):
            if region is None:
                continue
            full = region.name
            if found.text.startswith(full, found.at):
                found.at += len(full)
                if not (region is found.city and region.parent and region.parent.name == full):
                    found.note("repeated", full)
                found.strong = True
                skip(found)
                break
        else:
            return


def _settle(found: Walk) -> None:
    """One district name, several cities: the town after it may tell."""
    fit = [r for r in found.unsure if town_names(r.code).longest(found.text, found.at)]
    if len(fit) == 1:
        found.take(fit[0])
        found.unsure = ()
        found.steps += 1
        found.strong = True
        ambiguous = found.notes.pop()
        found.note("inferred", ambiguous.said, fit[0].parent.name if fit[0].parent else "")


def _below_city(found: Walk, data: Divisions, city: Region) -> None:
    if (
        found.text.startswith("县", found.at)
        and len(city.parent.children if city.parent else ()) == 1
    ):
        found.at += 1  # the statistical "县" of Chongqing: 重庆市县垫江县
        if not _district(found, data, city):
            found.at -= 1
        return
    if _zone_is_longer(found, data, city) and _zone(found, data, city):
        return
    if _district(found, data, city):
        return
    if not city.children and town_names(city.code).longest(found.text, found.at):
        return  # Dongguan's 东城区 is a street of its own
    if (
        _cut_short(found, data, city)
        or _foreign_body(found, data, city)
        or _zone(found, data, city)
    ):
        return
    named = town_names_of_city(city).longest(found.text, found.at)
    if named and len(named[1].regions) == 1:
        found.take(named[1].regions[0])
        found.note("inferred", named[0], named[1].regions[0].name)


def _zone_is_longer(found: Walk, data: Divisions, city: Region) -> bool:
    """龙华新区 is the zone, not the short form of 龙华区 and a word 新区."""
    table = data.zones.get(id(city))
    zone = table.longest(found.text, found.at) if table else None
    if zone is None:
        return False
    district = data.within[id(city)].longest(found.text, found.at)
    return district is None or (not district[1].full and len(district[0]) < len(zone[0]))


def _district(found: Walk, data: Divisions, city: Region) -> bool:
    for name, entry in data.within[id(city)].all_at(found.text, found.at):
        if len(entry.regions) == 1 and reads(found.text, name, entry, found.at):
            accept(found, name, entry, entry.regions[0])
            _skip_again(found)
            return True
    return False


def _cut_short(found: Walk, data: Divisions, city: Region) -> bool:
    """A district's name with a piece missing: Nanjing's 雨花区 for 雨花台区."""
    said = _LOOSE_DISTRICT.match(found.text, found.at)
    if said is None:
        return False
    fit = [d for d in city.children if d.name.startswith(said[1]) and d.name.endswith(said[2])]
    if len(fit) != 1:
        return False
    found.take(fit[0])
    found.at = said.end()
    found.steps += 1
    found.note("renamed", said[0], fit[0].name)
    _skip_again(found)
    return True


def _zone(found: Walk, data: Divisions, city: Region) -> bool:
    """A development zone in place of the district; where it lies in one district, that district."""
    district: Region | None
    table = data.zones.get(id(city))
    hit = table.longest(found.text, found.at) if table else None
    loose = _ZONE.match(found.text, found.at)
    if hit and (not loose or len(hit[0]) >= len(loose[0]) or loose[0].startswith(hit[0])):
        found.zone = loose[0] if loose and loose[0].startswith(hit[0]) else hit[0]
        district = hit[1].regions[0] if hit[1].regions[0] is not city else None
    elif loose and not _ZONE_BREAKERS.search(loose[0]):
        found.zone, district = loose[0], None
    else:
        return False
    at, found.at = found.at, found.at + len(found.zone)
    while found.text[found.at : found.at + 1] in _SECOND_LOOK and found.at < len(found.text):
        found.at += 1
    if not _district(found, data, city):  # 高新区(武侯区) names its district itself
        if district is not None:
            found.take(district)
        found.note("zone", found.zone, (found.district or city).name)
    found.at = at  # the zone stays in the detail: couriers read it
    if found.text.startswith(found.zone, at):
        found.steps += 1
    return True


def _deeper(found: Walk, data: Divisions, district: Region) -> None:
    """A former prefecture that is a county-level city today may be followed by the real
    district."""
    renamed = bool(found.notes) and found.notes[-1].code == "renamed"
    if found.city is None or not (renamed or district.name.endswith("市")):
        return
    hit = data.within[id(found.city)].longest(found.text, found.at)
    if hit and hit[1].full and len(hit[1].regions) == 1 and hit[1].regions[0] is not district:
        accept(found, hit[0], hit[1], hit[1].regions[0])
    elif hit and hit[1].full and hit[1].regions == (district,):
        found.at += len(hit[0])
        skip(found)


def _foreign_body(found: Walk, data: Divisions, above: Region) -> bool:
    """The next name is a region, but of another place: 杭州市浦东新区."""
    hit = data.everywhere.longest(found.text, found.at)
    if hit is None or not hit[1].full or hit[1].old or hit[0] in GENERIC or len(hit[0]) < 3:
        return False
    if any(r.level == PROVINCE or above in r.path for r in hit[1].regions):
        return False
    if NOT_A_REGION.match(found.text, found.at + len(hit[0])):
        return False
    found.note("contradiction", hit[0], above.name)
    return True
