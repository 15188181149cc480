"""What follows the region: the same region once more, the town; and a guess where there is no
region."""

from __future__ import annotations

import re

from tidegate.domain.addresses.divisions import (
    CITY,
    DISTRICT,
    GENERIC,
    Names,
    Region,
    divisions,
    town_names,
    town_names_of_city,
)
from tidegate.domain.addresses.state import Walk, skip, town_like
from tidegate.domain.addresses.walk import walk

_TOWN = re.compile(
    r"([\u4e00-\u9fff]{1,7}?(?:街道|[镇乡]|苏木))(?:办事处|政府)?(?![路街道巷中大小企村])"
)


def repeat(found: Walk) -> None:
    """The whole region once more (a shop's region fields and the buyer's line): skip it, or say
    they disagree."""
    data = divisions()
    hit = data.everywhere.longest(found.text, found.at)
    if hit is None or found.province is None or any(n.code == "contradiction" for n in found.notes):
        return
    second = walk(found.text, found.at)
    if second.province is None or not (second.steps >= 2 or (second.strong and hit[1].full)):
        return
    pairs = (
        (found.province, second.province),
        (found.city, second.city),
        (found.district, second.district),
    )
    if all(a is None or b is None or a is b for a, b in pairs):
        said = found.text[found.at : second.at].strip()
        found.at = second.at
        found.note("repeated", said)
        found.city, found.district = found.city or second.city, found.district or second.district
        found.zone = found.zone or second.zone
        if found.town and found.text.startswith(found.town, found.at):
            found.at += len(found.town)
            skip(found)
    elif second.steps >= 2 and second.strong and hit[1].regions[0].level <= CITY:
        said = "".join(r.name for r in (second.province, second.city, second.district) if r)
        found.note(
            "contradiction", said, "".join(r.name for r in (found.province, found.city) if r)
        )


def town_of(found: Walk) -> None:
    """The street, town or township that follows."""
    place = found.district or (found.city if found.city and not found.city.children else None)
    hit = _town_at(town_names(place.code), found) if place else None
    if hit:
        found.town = hit
        return
    loose = _TOWN.match(found.text, found.at)
    if not loose or (place is None and found.city is None):
        return
    name = loose[1]
    found.town = name
    found.at = loose.end()
    skip(found)
    if found.city and place:
        elsewhere = town_names_of_city(found.city).entries.get(name)
        if elsewhere and len(elsewhere.regions) == 1:
            split = any(n.code == "renamed" and n.now.endswith(place.name) for n in found.notes)
            if split:  # the old district was shared out: the town decides
                found.district = elsewhere.regions[0]
            found.note("town_elsewhere", name, elsewhere.regions[0].name)


def _town_at(names: Names, found: Walk) -> str | None:
    hit = names.longest(found.text, found.at)
    if hit is None:
        return None
    name, entry = hit
    found.at += len(name)
    if found.text.startswith("办事处", found.at):
        found.at += 3
    skip(found)
    return name if entry.full else name.removesuffix("区") + "街道"


def guess(text: str) -> Region | None:
    """The first place name anywhere, be it of a street or a company (延安西路, (昆山)有限公司):
    more often wrong than right."""
    names = divisions().everywhere
    for at in range(len(text)):
        for name, entry in names.all_at(text, at):
            top = min(r.level for r in entry.regions)
            regions = [r for r in entry.regions if r.level == top]
            if (
                name not in GENERIC
                and len(regions) == 1
                and (top < DISTRICT or entry.full or town_like(regions[0]))
            ):
                return regions[0]
    return None
