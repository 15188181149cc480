"""One address, from text and whatever region fields came with it."""

from __future__ import annotations

from tidegate.domain.addresses.after import guess, repeat, town_of
from tidegate.domain.addresses.cleaning import SEPARATORS, clean, strip_frame
from tidegate.domain.addresses.divisions import DISTRICT, GENERIC, PROVINCE, divisions
from tidegate.domain.addresses.model import ParsedAddress
from tidegate.domain.addresses.state import Walk
from tidegate.domain.addresses.verdicts import Facts, judge
from tidegate.domain.addresses.walk import walk

_OUTSIDE = {"香港特别行政区": "HK", "澳门特别行政区": "MO", "台湾省": "TW"}
_CHINESE = frozenset(
    {"CN", "HK", "MO", "TW", "中国", "中国大陆", "香港", "澳门", "台湾", "CHINA", ""}
)
_SEARCH_AHEAD = 40  # characters; names and greetings before an address are shorter
_LONGEST = 1000  # characters looked at; what follows is kept, unread
_LABEL_LENGTH = 14
_TRIM = SEPARATORS + "()[]【】"


def parse_address(
    text: str,
    *,
    province: str | None = None,
    city: str | None = None,
    district: str | None = None,
    town: str | None = None,
    country: str | None = None,
) -> ParsedAddress:
    """Parts, region code and verdict of an address, in today's names.

    The fields and the text may repeat one another, be short, old or missing. `country` is an ISO
    code or a name; None
    means China. An address of another country is passed through and only checked for completeness.
    """
    home = (country or "").strip().upper() in _CHINESE
    if not home:
        return _foreign(clean(text), (country or "").strip(), province, city, district)
    line = clean(text)
    line, beyond = line[:_LONGEST], line[_LONGEST:]
    fields = [clean(part) for part in (province, city, district, town) if part]
    line, postcode = strip_frame(line)
    whole = " ".join([*fields, line]) if fields else line
    found, before = _search(whole)
    if found.province is not None:
        repeat(found)
        town_of(found)
        if found.town is not None:
            repeat(found)
    elif not found.unsure:
        guessed = guess(whole)
        if guessed is not None:
            found.take(guessed)
            found.note("guessed", guessed.name)
    rest = found.text[found.at :].lstrip(SEPARATORS).rstrip(" ,，;；")
    if found.notes and found.notes[-1].code == "ambiguous" and found.unsure:
        rest = whole
    rest += beyond
    if before.strip(_TRIM):
        rest = f"{before.strip()} {rest}".strip()
    return _result(found, rest, postcode, line)


def _search(text: str) -> tuple[Walk, str]:
    """The walk from the start or, where no region starts there, from the first place where one
    does."""
    found = walk(text)
    colon = text.find(":", 0, _LABEL_LENGTH)
    if colon > 0:  # 清远总部:清远市清城区
        later = walk(text, colon + 1)
        if (
            later.strong
            and (later.district is not None or later.province is not None)
            and found.district is None
        ):
            return later, text[: colon + 1]
    if found.province is not None or found.unsure:
        return found, ""
    names = divisions().everywhere
    for at in range(1, min(len(text) - 1, _SEARCH_AHEAD)):
        hit = names.longest(text, at)
        if hit is None or hit[0] in GENERIC:
            continue
        later = walk(text, at)
        named = hit[1].full and (hit[1].regions[0].level < DISTRICT or len(hit[1].regions) == 1)
        if later.province is not None and ((named and later.strong) or later.steps >= 2):
            return later, text[:at]
    return found, ""


def _result(found: Walk, rest: str, postcode: str | None, line: str) -> ParsedAddress:
    place = found.district or found.city or found.province
    if (
        place is not None
        and place.level != PROVINCE
        and found.district is None
        and found.city is not None
    ):
        municipal = found.city.parent is not None and found.city.parent.name == found.city.name
        place = found.city.parent if municipal else found.city
    facts = Facts(
        line=line,
        rest=rest,
        street=found.town,
        province=found.province is not None,
        city=found.city is not None
        or (found.province is not None and found.province.name in _OUTSIDE),
        needs_district=bool(found.city and found.city.children)
        and (found.province is None or found.province.name not in _OUTSIDE),
        district=found.district is not None,
        zone=found.zone is not None,
        notes=frozenset(note.code for note in found.notes),
    )
    reason = judge(facts)
    outside = _OUTSIDE.get(found.province.name) if found.province else None
    return ParsedAddress(
        country=outside or "CN",
        province=found.province.name if found.province else None,
        city=found.city.name if found.city else None,
        district=found.district.name if found.district else None,
        street=found.town,
        rest=rest,
        region_code=place.code if place and "guessed" not in facts.notes else None,
        verdict=reason.verdict,
        reason=reason.code,
        zone=found.zone,
        postcode=postcode,
        notes=tuple(found.notes),
    )


def _foreign(
    line: str, country: str, province: str | None, city: str | None, district: str | None
) -> ParsedAddress:
    parts = [clean(part or "") or None for part in (province, city, district)]
    facts = Facts(
        line=line, rest=line, foreign=True, city=parts[1] is not None, province=parts[0] is not None
    )
    reason = judge(facts)
    return ParsedAddress(
        country.upper(), parts[0], parts[1], parts[2], None, line, None, reason.verdict, reason.code
    )
