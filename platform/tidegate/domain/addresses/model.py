"""What parsing an address yields."""

from __future__ import annotations

from dataclasses import dataclass

_NOTES = {
    "renamed": ("“{said}”现为“{now}”", "“{said}” is “{now}” today"),
    "inferred": ("由“{said}”推得“{now}”", "“{now}” follows from “{said}”"),
    "repeated": ("重复的“{said}”已略去", "“{said}” was written twice"),
    "zone": ("“{said}”是开发区，位于“{now}”", "“{said}” is a development zone, in “{now}”"),
    "contradiction": ("“{said}”不在“{now}”", "“{said}” is not in “{now}”"),
    "ambiguous": ("多个城市有“{said}”：{now}", "several cities have “{said}”: {now}"),
    "guessed": (
        "“{said}”只是路名或店名中的地名，未必是所在地",
        "“{said}” comes from a street's or a firm's name and may be wrong",
    ),
    "town_elsewhere": ("“{said}”现属“{now}”", "“{said}” belongs to “{now}” today"),
}


@dataclass(frozen=True, slots=True)
class Note:
    """A correction or a doubt: `said` is the region name as written, `now` what was made of it.
    Never personal."""

    code: str
    said: str
    now: str = ""

    def text(self, lang: str = "en") -> str:
        return _NOTES[self.code][0 if lang.lower().startswith("zh") else 1].format(
            said=self.said, now=self.now
        )


@dataclass(frozen=True, slots=True)
class ParsedAddress:
    """An address in parts, in names of today.

    Municipalities have a city of their own name. Cities without districts (Dongguan, Xiantao …)
    have `district` None.
    `region_code` is the six-digit code of the deepest known region; Hong Kong, Macau and Taiwan
    have the province's.
    Where only a street or firm names a place (reason `guessed_region`), that guess is filled in
    without a code.
    `verdict` is deliverable, incomplete, suspicious or undeliverable; `reason` is a key of
    `REASONS`.
    `rest` is what a courier reads after the street: personal, never for a log.
    """

    country: str | None
    province: str | None
    city: str | None
    district: str | None
    street: str | None
    rest: str
    region_code: str | None
    verdict: str
    reason: str
    zone: str | None = None
    postcode: str | None = None
    notes: tuple[Note, ...] = ()
