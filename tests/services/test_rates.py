"""Prices by hand: first weight, started steps, volume, zones and the three strategies."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tidegate.domain.rates import (
    Quote,
    Rate,
    RateBook,
    Service,
    Trip,
    Zone,
    chargeable_g,
    choose,
    price_minor,
)

NOW = datetime(2026, 11, 11, tzinfo=UTC)
RATE = Rate("ZTO", "1", "CNY", 0, 20000, 1000, 640, 500, 150)
TRIP = Trip(("浙江省", "嘉兴市"), ("浙江省", "杭州市"), 1000, 0, NOW, None)


@pytest.mark.parametrize(
    ("weight_g", "minor"),
    [(1, 640), (1000, 640), (1001, 790), (1500, 790), (1501, 940), (20000, 640 + 38 * 150)],
)
def test_every_started_step_is_paid(weight_g: int, minor: int) -> None:
    assert price_minor(RATE, weight_g) == minor


@pytest.mark.parametrize(
    ("divisor", "volume_cm3", "grams"),
    [(None, 60000, 1000), (6000, 6000, 1000), (6000, 6001, 1001), (6000, 12000, 2000)],
)
def test_volume_counts_only_where_it_weighs_more(
    divisor: int | None, volume_cm3: int, grams: int
) -> None:
    assert chargeable_g(Service("X", "X", divisor), 1000, volume_cm3) == grams


def book(
    *zones: Zone, rates: tuple[Rate, ...] = (RATE,), service: Service | None = None
) -> RateBook:
    return RateBook([service or Service("ZTO", "ZTO")], zones, rates)


def zone(origin: str, province: str, city: str, name: str, hours: int = 48) -> Zone:
    return Zone("ZTO", origin, province, city, name, hours)


def test_the_most_exact_zone_wins() -> None:
    rows = [
        zone("", "浙江省", "", "any-province"),
        zone("浙江省", "浙江省", "", "own-province"),
        zone("", "浙江省", "杭州市", "any-city"),
        zone("浙江省", "浙江省", "杭州市", "own-city"),
    ]
    for count, expected in (
        (4, "own-city"),
        (3, "any-city"),
        (2, "own-province"),
        (1, "any-province"),
    ):
        found = book(*rows[:count]).zone_for("ZTO", "浙江省", "浙江省", "杭州市")
        assert found is not None
        assert found.zone == expected
    assert book(*rows).zone_for("ZTO", "浙江省", "西藏自治区", "拉萨市") is None


def test_bands_end_with_their_upper_weight() -> None:
    heavy = Rate("ZTO", "1", "CNY", 20000, None, 20000, 9000, 1000, 400)
    rates = book(zone("", "浙江省", "", "1"), rates=(RATE, heavy))
    for weight_g, minor in ((20000, 640 + 38 * 150), (20001, 9400), (21000, 9400), (21001, 9800)):
        (quote,) = rates.quotes(replace(TRIP, weight_g=weight_g))
        assert quote.cost_minor == minor
    light_only = book(zone("", "浙江省", "", "1"))
    assert len(light_only.quotes(replace(TRIP, weight_g=20000))) == 1
    assert light_only.quotes(replace(TRIP, weight_g=20001)) == []


def test_a_promise_is_met_to_the_second() -> None:
    rates = book(zone("", "浙江省", "", "1", hours=48))
    for second, meets in ((0, True), (-1, False)):
        by = NOW + timedelta(hours=48, seconds=second)
        assert rates.quotes(replace(TRIP, deliver_by=by))[0].meets_promise is meets
    assert rates.quotes(TRIP)[0].meets_promise is True


def test_same_city_services_stay_in_their_city_however_it_is_written() -> None:
    rider = book(zone("", "浙江省", "", "1"), service=Service("ZTO", "ZTO", None, True))
    assert rider.quotes(TRIP) == []
    home = replace(TRIP, origin=("浙江", "杭州"))
    assert len(rider.quotes(home)) == 1


def quote(code: str, minor: int, hours: int, meets: bool) -> Quote:
    return Quote(code, code, minor, "CNY", hours, "1", meets)


def test_the_strategies_choose_what_they_say() -> None:
    slow, fast, mid = (
        quote("A", 500, 72, False),
        quote("B", 1500, 24, True),
        quote("C", 900, 48, True),
    )
    for by, expected in (("cheapest", slow), ("fastest", fast), ("cheapest_meeting_promise", mid)):
        assert choose(by, [slow, fast, mid]) == expected
    late = [replace(q, meets_promise=False) for q in (slow, fast, mid)]
    assert choose("cheapest_meeting_promise", late) == late[1]  # nothing is in time: the fastest
    assert choose("cheapest", [quote("B", 5, 1, True), quote("A", 5, 1, True)]) == quote(
        "A", 5, 1, True
    )
    assert choose("cheapest", []) is None
