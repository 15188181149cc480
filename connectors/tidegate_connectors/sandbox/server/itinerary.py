"""Where a parcel will be scanned, and when: fixed by the seed and its waybill number."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tidegate_connectors.sandbox.server.numbering import province_code

OUTCOMES: Mapping[str, float] = {  # share of parcels
    "delivered": 0.83,
    "locker": 0.05,
    "second_attempt": 0.05,
    "refused": 0.03,
    "stalled": 0.02,
    "never_picked_up": 0.015,
    "lost": 0.005,
}
REGIONS = (  # provinces (GB/T 2260) that are a night's drive apart
    {11, 12, 13, 14, 15, 37}, {21, 22, 23}, {31, 32, 33, 34, 35, 36}, {41, 42, 43},
    {44, 45, 46, 81, 82}, {50, 51, 52, 53, 54}, {61, 62, 63, 64, 65}, {71},
)  # fmt: skip
REMOTE = {15, 54, 62, 63, 64, 65, 71, 81, 82}
SPEED = {"SF": 0.7, "JD": 0.7, "CHINAPOST": 1.5, "INTRACITY": 0.08}


@dataclass(frozen=True, slots=True)
class Route:
    """From one city to another with one carrier product (`SF.standard`)."""

    service: str
    from_province: str
    from_city: str
    to_province: str
    to_city: str
    to_district: str


@dataclass(frozen=True, slots=True)
class Step:
    """A scan to come, `after_h` hours after the pick-up."""

    after_h: float
    code: str
    place: str
    description: str


def pick_outcome(seed: int, waybill_no: str, outcomes: Mapping[str, float] = OUTCOMES) -> str:
    """What will become of this parcel."""
    chance = random.Random(f"{seed}/{waybill_no}/outcome")  # noqa: S311  (repeatable on purpose)
    return chance.choices(list(outcomes), weights=list(outcomes.values()))[0]


def itinerary(seed: int, waybill_no: str, route: Route, outcome: str) -> list[Step]:
    """The scans of this parcel, oldest first: the pick-up at 0 h. Empty if nobody ever comes."""
    if outcome == "never_picked_up":
        return []
    chance = random.Random(f"{seed}/{waybill_no}/steps")  # noqa: S311  (repeatable on purpose)
    way = list(_way_there(chance, route))
    if outcome in ("stalled", "lost"):
        way = way[: chance.randint(2, len(way))]
        return way + ([_lost(way[-1])] if outcome == "lost" else [])
    return way + list(_at_the_door(chance, route, outcome, way[-1].after_h))


def _way_there(chance: random.Random, route: Route) -> Iterator[Step]:
    hours = travel_hours(route) * chance.uniform(0.85, 1.2)
    start, goal = f"{route.from_city}集散中心", f"{route.to_city}转运中心"
    branch = f"{route.to_city}{route.to_district}营业点"
    yield Step(0.0, "GOT", route.from_city, "快件已揽收")
    if route.from_city == route.to_city:
        yield Step(hours * 0.4, "DEST", branch, f"快件到达{branch}")
        return
    for share, code, place, said in (
        (0.12, "ARRIVAL", start, f"快件到达{start}"),
        (0.20, "DEPARTURE", start, f"快件离开{start}, 发往{route.to_city}"),
        (0.70, "ARRIVAL", goal, f"快件到达{goal}"),
        (0.78, "DEPARTURE", goal, f"快件离开{goal}"),
        (0.86, "DEST", branch, f"快件到达{branch}"),
    ):
        yield Step(hours * (share + chance.uniform(-0.02, 0.02)), code, place, said)


def _at_the_door(
    chance: random.Random, route: Route, outcome: str, arrived_h: float
) -> Iterator[Step]:
    pace = 0.15 if route.service.startswith("INTRACITY") else 1.0
    branch = f"{route.to_city}{route.to_district}"
    out_h = arrived_h + chance.uniform(0.5, 2.0) * pace
    door_h = out_h + chance.uniform(0.7, 5.0) * pace
    yield Step(out_h, "SENT", branch, "快件正在派送")
    if outcome == "second_attempt":
        yield Step(door_h, "FAILED", branch, "派送未成功: 收件人不在")
        out_h = door_h + chance.uniform(14, 20) * pace
        yield Step(out_h, "SENT", branch, "再次派送")
        yield Step(out_h + chance.uniform(1, 5) * pace, "SIGNED", branch, "快件已签收")
    elif outcome == "refused":
        yield Step(door_h, "REFUSED", branch, "收件人拒收")
        yield Step(door_h + 3, "RETURN", branch, "快件退回中")
        back_h = door_h + 3 + travel_hours(route) * chance.uniform(0.9, 1.3)
        yield Step((door_h + 3 + back_h) / 2, "RETURNING", f"{route.from_city}集散中心", "退回途中")
        yield Step(back_h, "RETURNED", route.from_city, "退件已由寄件人签收")
    elif outcome == "locker":
        yield Step(door_h, "LOCKER", branch, "快件已放入快递柜")
        yield Step(door_h + chance.uniform(1, 12), "SIGNED_OTHER", branch, "快递柜已取件")
    else:
        yield Step(door_h, "SIGNED", branch, "快件已签收")


def _lost(last: Step) -> Step:
    return Step(last.after_h + 96, "LOST", last.place, "快件丢失, 已登记理赔")


def travel_hours(route: Route) -> float:
    """Hours from pick-up to delivery branch, before chance: distance by region, pace by carrier."""
    here, there = province_code(route.from_province), province_code(route.to_province)
    hours = 52.0
    if route.from_city == route.to_city:
        hours = 14.0
    elif here == there:
        hours = 24.0
    elif any(here in region and there in region for region in REGIONS):
        hours = 34.0
    if there in REMOTE and here != there:
        hours += 40.0
    carrier, _, product = route.service.partition(".")
    return hours * SPEED.get(carrier, 1.0) * (0.7 if product == "express" else 1.0)
