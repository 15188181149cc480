"""What a value may be chosen from: the values of a choice, regions by province, carrier services by
name, states, and whatever the shop's own orders hold, with counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from tidegate.domain.addresses.divisions import Region, divisions
from tidegate.domain.tracking import STATES
from tidegate.services.context import Context
from tidegate.services.view_names import Words, order_states, same, state_title
from tidegate.services.workshop.operators import DAY_NAMES, Offer
from tidegate.services.workshop.samples import Samples, samples
from tidegate.services.workshop.set_names import Name, SetNames
from tidegate.store.tables import CarrierService, Warehouse

MOST = 30
BOOLEANS = {"true": {"zh": "是", "en": "Yes"}, "false": {"zh": "否", "en": "No"}}
REGIONS = {"recipient.province": 1, "recipient.city": 2, "recipient.district": 3}
_WAREHOUSE_REGIONS = {"parcel.warehouse_province": 1, "parcel.warehouse_city": 2}
_SERVICES = ("quote.service", "parcel.service", "service")
_CARRIERS = (
    "quote.carrier", "parcel.carrier", "parcel.promised_carrier", "order.promised_carrier",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """`title` None: the value has no name but itself, or the page's own words for codes."""

    value: str
    title: Words | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A region to look into: a province, or a city below it."""

    code: str
    name: str
    open: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """`closed`: nothing else makes sense. `provinces` and `cities` lead down to the regions."""

    values: Sequence[Choice] = ()
    closed: bool = False
    provinces: Sequence[Branch] = ()
    cities: Sequence[Branch] = ()


NOTHING = Choices()


class Widgets:
    """Everything the widgets of one page need, read when first asked for."""

    def __init__(self, context: Context, names: SetNames) -> None:
        self.context = context
        self.names = names
        self._samples: Samples | None = None
        self._services: Sequence[Choice] | None = None

    @property
    def samples(self) -> Samples:
        if self._samples is None:
            self._samples = samples(self.context)
        return self._samples

    def choices(self, name: Name, found: Offer, browsing: str, chosen: Iterable[str]) -> Choices:
        """What the value beside this field and operator may be."""
        if found.type.kind == "boolean":
            return Choices([Choice(*pair) for pair in BOOLEANS.items()], closed=True)
        if found.wrap == "weekday":
            return Choices([Choice(*pair) for pair in DAY_NAMES.items()], closed=True)
        counts = {} if name.personal or found.wrap else dict(self.samples.of(name.id).values)
        if found.type.values:
            return Choices(
                [
                    Choice(value, self._code(value), counts.get(value))
                    for value in found.type.values
                ],
                closed=True,
            )
        if found.takes == "words" or found.operator in ("contains", "starts_with", "matches"):
            return NOTHING
        level = REGIONS.get(name.id) or _WAREHOUSE_REGIONS.get(name.id)
        if level and found.operator in ("=", "!=", "in"):
            return _regions(level, browsing, counts, chosen)
        return Choices(list(self._open(name, counts)))

    def arguments(self, action: str, argument: str, values: Sequence[str]) -> Choices:
        """What an argument of an action may be."""
        if values:
            return Choices([Choice(value, self._code(value)) for value in values], closed=True)
        if argument == "service":
            return Choices(self.services)
        if argument == "field":
            return Choices(
                [Choice(one.id, one.title) for one in self.names.subjects if one.kind == "fact"]
            )
        return Choices([Choice(value, self._code(value)) for value in self._used(action, argument)])

    @property
    def services(self) -> Sequence[Choice]:
        if self._services is None:
            with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
                rows = work.session.scalars(select(CarrierService).order_by(CarrierService.code))
                self._services = [
                    Choice(row.code, {"zh": row.name_zh, "en": row.name_en}) for row in rows
                ]
        return self._services

    def _open(self, name: Name, counts: Mapping[str, int]) -> Iterable[Choice]:
        known: dict[str, Words | None] = {}
        if name.id in _SERVICES:
            known = {one.value: one.title for one in self.services}
        elif name.id in _CARRIERS:
            known = {one.value.partition(".")[0]: None for one in self.services}
        elif name.id == "order.state":
            known = dict(order_states())
        elif name.id == "parcel.state":
            known = {code: state_title(code, "parcel") for code in counts}
        elif name.id in ("scan.state", "parcel.last_scan_state"):
            known = {row.code: {"zh": row.zh, "en": row.en} for row in STATES.values()}
        elif name.id == "parcel.warehouse":
            known = self._warehouses()
        values = [*known, *(value for value in counts if value not in known)]
        values.sort(key=lambda value: -counts.get(value, 0))
        for value in values[: max(MOST, len(known))]:
            yield Choice(value, known.get(value) or self._code(value), counts.get(value))

    def _warehouses(self) -> dict[str, Words | None]:
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            rows = work.session.scalars(select(Warehouse).order_by(Warehouse.code))
            return {row.code: same(row.name) for row in rows}

    def _code(self, value: str) -> Words | None:
        """A reason, tag or service code in words."""
        return self.names.ruleset.vocabulary.reasons.get(value)

    def _used(self, action: str, argument: str) -> Iterable[str]:
        """Values that rules of this set already give."""
        found: dict[str, None] = {}
        for rule in self.names.ruleset.rules:
            for call in rule.actions:
                value = call.args.get(argument)
                if call.action.id == action and isinstance(value, str):
                    found[value] = None
        return found


def _regions(
    level: int, browsing: str, counts: Mapping[str, int], chosen: Iterable[str]
) -> Choices:
    """Regions of a level; cities stand below a province, districts below a city."""
    data = divisions()
    if level == 1:
        return Choices([_region(one, counts) for one in data.provinces], closed=True)
    at = data.by_code.get(browsing) or _around(level, next(iter(chosen), ""))
    path = at.path if at is not None else ()
    province = path[0] if path else None
    city = path[1] if len(path) > 1 else None
    provinces = [Branch(one.code, one.name, one is province) for one in data.provinces]
    if level == 2:
        below = province.children if province else []
        return Choices([_region(one, counts) for one in below], True, provinces)
    cities = [
        Branch(one.code, one.name, one is city) for one in (province.children if province else [])
    ]
    below = city.children if city else []
    return Choices([_region(one, counts) for one in below], True, provinces, cities)


def _region(region: Region, counts: Mapping[str, int]) -> Choice:
    return Choice(region.name, None, counts.get(region.name))


def _around(level: int, name: str) -> Region | None:
    """The region above a city or district of this name."""
    if not name:
        return None
    for region in divisions().by_code.values():
        if region.level == level and region.name == name:
            return region.parent
    return None
