"""How far a walk over an address has come, and what may be read as a region at a place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tidegate.domain.addresses.cleaning import SEPARATORS
from tidegate.domain.addresses.divisions import (
    CITY,
    DISTRICT,
    PROVINCE,
    Entry,
    Region,
    divisions,
)
from tidegate.domain.addresses.model import Note

_SEPARATORS = frozenset(SEPARATORS)
_PLACEHOLDER = re.compile(
    r"(?:市辖区|市辖县|直辖县级|自治区直辖县级行政区划|省直辖县级行政(?:区划|单位)|省直辖行政单位|省直辖县|其[它他]区|直辖)"
)
# A short name before one of these is part of a street or a building (南京东路, 朝阳门外).
_BUILDINGS = (
    r"|[门桥寺村]|大[厦桥学]|公园|广场|花[园苑]|新[村苑]|小区|学院|[中小]学|医院|公司|集团|银行|酒店|宾馆|饭店"
    r"|商[厦城场]|车?站|机场|山庄|体育"
)
NOT_A_REGION = re.compile(
    r"[东西南北中内外环新老大小支前后上下]{0,3}(?:[路街道巷弄]|胡同|门[内外])" + _BUILDINGS
)
_NUMBERED_STREET = re.compile(
    r"[东西南北]?[一二三四五六七八九十]{1,2}[路街道巷]"
)  # 瑞金一路; but 常州五一路 after 江苏


@dataclass(slots=True)
class Walk:
    """How far the walk came: `at` is the first character that is no region."""

    text: str
    at: int = 0
    province: Region | None = None
    city: Region | None = None
    district: Region | None = None
    town: str | None = None
    zone: str | None = None
    notes: list[Note] = field(default_factory=list)
    strong: bool = False  # a full name was read
    steps: int = 0  # names read
    unsure: tuple[Region, ...] = ()  # districts one name may mean

    def take(self, region: Region) -> None:
        """`region` and everything above it are now known."""
        for above in region.path:
            if above.level == PROVINCE:
                self.province = above
            elif above.level == CITY:
                self.city = above
            else:
                self.district = above
        if region.level == PROVINCE and len(region.children) == 1:
            self.city = region.children[0]

    def note(self, code: str, said: str, now: str = "") -> None:
        self.notes.append(Note(code, said, now))


def skip(found: Walk) -> None:
    text, at = found.text, found.at
    while True:
        while at < len(text) and text[at] in _SEPARATORS:
            at += 1
        if text[at : at + 1] not in ("市", "直", "自", "省", "其"):
            break
        filler = _PLACEHOLDER.match(text, at)
        if not filler:
            break
        at = filler.end()
    found.at = at


def reads(text: str, name: str, entry: Entry, at: int, *, alone: bool = False) -> bool:
    """Is this spelling a region here? Full names are, short ones unless they start another word."""
    if entry.full:
        return True
    end = at + len(name)
    if end >= len(text) or text[end] in _SEPARATORS:
        return True
    if not (NOT_A_REGION.match(text, end) or (alone and _NUMBERED_STREET.match(text, end))):
        return True
    return any(_names_below(text, region, end) for region in entry.regions)


def _names_below(text: str, region: Region, at: int) -> bool:
    """石家庄 before 桥西区 is the city, although 石家庄桥 could be a bridge."""
    table = divisions().within.get(id(region))
    hit = table.longest(text, at) if table else None
    return hit is not None and hit[1].full


def accept(found: Walk, name: str, entry: Entry, region: Region) -> None:
    known = found.city or found.province
    found.take(region)
    found.at += len(name)
    found.steps += 1
    found.strong = found.strong or entry.full
    if entry.old:
        found.note("renamed", name, "".join(r.name for r in region.path[1:]) or region.name)
    elif region.level == DISTRICT and region.parent and known is not region.parent:
        found.note("inferred", name, region.parent.name)
    skip(found)


def town_like(region: Region) -> bool:
    """Short names of county-level cities are known beyond their city; 新华 and 和平 are
    everywhere."""
    return region.name.endswith(("市", "新区"))
