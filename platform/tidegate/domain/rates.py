"""Prices of parcels: zones, chargeable weight, first weight and steps. Pure; money in minor units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidegate.domain.addresses import same_city


@dataclass(frozen=True, slots=True)
class Service:
    """A product of a carrier. `volumetric_divisor` is cm3 per kg; None charges the actual weight."""

    code: str
    carrier: str
    volumetric_divisor: int | None = None
    same_city_only: bool = False


@dataclass(frozen=True, slots=True)
class Zone:
    """Where a destination lies for a service; "" as origin or city means any."""

    service_code: str
    origin_province: str
    province: str
    city: str
    zone: str
    transit_hours: int


@dataclass(frozen=True, slots=True)
class Rate:
    """One weight band of a zone: above `from_g` up to and including `to_g` (None: no end)."""

    service_code: str
    zone: str
    currency: str
    from_g: int
    to_g: int | None
    first_g: int
    first_price_minor: int
    step_g: int
    step_price_minor: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What a service would cost and how long it takes."""

    service: str
    carrier: str
    cost_minor: int
    currency: str
    transit_hours: int
    zone: str
    meets_promise: bool
    available: bool = True  # its account can be called just now
    source: str = "rates"  # rates: our table, carrier: asked of it
    takes_recipient: bool = True  # False: the recipient is closed and its account takes no such


@dataclass(frozen=True, slots=True)
class Trip:
    """What is to be priced. Places are (province, city); weight unknown counts as 1 g, volume unknown as none."""

    origin: tuple[str, str]
    destination: tuple[str, str]
    weight_g: int
    volume_cm3: int
    ready_at: datetime
    deliver_by: datetime | None


class RateBook:
    """Services, zones and rates of a merchant, indexed for many quotes."""

    def __init__(
        self, services: Iterable[Service], zones: Iterable[Zone], rates: Iterable[Rate]
    ) -> None:
        self._services = tuple(services)
        self._zones = {(z.service_code, z.origin_province, z.province, z.city): z for z in zones}
        self._rates: dict[tuple[str, str], list[Rate]] = defaultdict(list)
        for rate in rates:
            self._rates[rate.service_code, rate.zone].append(rate)

    def quotes(self, trip: Trip) -> list[Quote]:
        """Every service that reaches the destination at this weight, cheapest first."""
        found = [quote for service in self._services if (quote := self._quote(service, trip))]
        return sorted(
            found, key=lambda quote: (quote.cost_minor, quote.transit_hours, quote.service)
        )

    def zone_for(self, service: str, origin: str, province: str, city: str) -> Zone | None:
        """The most exact row: a city before its province, a named origin before any."""
        for place, start in ((city, origin), (city, ""), ("", origin), ("", "")):
            zone = self._zones.get((service, start, province, place))
            if zone is not None:
                return zone
        return None

    def _quote(self, service: Service, trip: Trip) -> Quote | None:
        if service.same_city_only and not same_city(trip.origin, trip.destination):
            return None
        zone = self.zone_for(service.code, trip.origin[0], *trip.destination)
        if zone is None:
            return None
        grams = max(1, chargeable_g(service, trip.weight_g, trip.volume_cm3))
        bands = self._rates.get((service.code, zone.zone), ())
        band = next(
            (r for r in bands if r.from_g < grams and (r.to_g is None or grams <= r.to_g)), None
        )
        if band is None:
            return None
        arrives = trip.ready_at + timedelta(hours=zone.transit_hours)
        return Quote(
            service=service.code,
            carrier=service.carrier,
            cost_minor=price_minor(band, grams),
            currency=band.currency,
            transit_hours=zone.transit_hours,
            zone=zone.zone,
            meets_promise=trip.deliver_by is None or arrives <= trip.deliver_by,
        )


def chargeable_g(service: Service, weight_g: int, volume_cm3: int) -> int:
    """The larger of actual and volumetric weight, in grams, rounded up."""
    if not service.volumetric_divisor:
        return weight_g
    return max(weight_g, -(-volume_cm3 * 1000 // service.volumetric_divisor))


def price_minor(rate: Rate, weight_g: int) -> int:
    """First weight, then every started step."""
    over = max(0, weight_g - rate.first_g)
    steps = -(-over // rate.step_g) if over else 0
    return rate.first_price_minor + steps * rate.step_price_minor


def choose(by: str, quotes: Sequence[Quote]) -> Quote | None:
    """Carry out the strategy of a `choose` action; equal ones are decided by the service's code.

    `cheapest_meeting_promise` takes the fastest when nothing meets the promise.
    """
    if by == "cheapest_meeting_promise":
        in_time = [quote for quote in quotes if quote.meets_promise]
        by, quotes = ("cheapest", in_time) if in_time else ("fastest", quotes)
    if by == "fastest":
        return min(quotes, key=lambda q: (q.transit_hours, q.cost_minor, q.service), default=None)
    return min(quotes, key=lambda q: (q.cost_minor, q.transit_hours, q.service), default=None)
