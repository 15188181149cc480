"""The day of B16: a merchant with two shops and four carriers, and how its orders and faults are spread over it."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import fault_merchant
from fault_client import FaultCarrier, FaultShop
from fault_history import History
from fault_remote import Case, FaultServer
from sqlalchemy import update

from tidegate.domain.orders import OrderDraft
from tidegate.services.context import Context
from tidegate.store.tables import CarrierService, RateCard, ServiceZone, Shop

STEP = timedelta(minutes=5)
STEPS = 288
DAY = STEP * STEPS
DOWN_STEPS = 6
FAULTS = 1000
CARRIERS = {"ZTO": "A", "SF": "B", "YTO": "C", "STO": "A"}
SHOPS = {1: "B", 2: "A"}
PLACES = (  # a province for each carrier, so that the rules choose all four
    ("浙江省", "杭州市", "余杭区"), ("江苏省", "苏州市", "姑苏区"), ("安徽省", "合肥市", "蜀山区"), ("福建省", "厦门市", "思明区"),
)  # fmt: skip


def furnish(context: Context, orders: int, now: datetime) -> None:
    """Stock for every order, both shops, a service of each carrier."""
    fault_merchant.furnish(context, orders, now)
    with context.store.begin(1) as work:
        work.add(Shop(channel="jd", name="南岸器物"))
        for name in ("YTO", "STO"):
            code = f"{name}.standard"
            work.add(CarrierService(code=code, carrier=name, name_zh=name, name_en=name))
            work.add(ServiceZone(service_code=code, province="浙江省", zone="1", transit_hours=24))
            work.add(
                RateCard(
                    service_code=code, zone="1", first_g=1000, first_price_minor=900, step_g=500,
                    step_price_minor=200,
                )
            )  # fmt: skip
        work.session.flush()
        for name, (province, _, _) in zip(CARRIERS, PLACES, strict=True):
            service, zone = CarrierService.carrier == name, f"{name}.standard"
            work.session.execute(update(CarrierService).where(service).values(connector=name))
            work.session.execute(
                update(ServiceZone)
                .where(ServiceZone.service_code == zone)
                .values(province=province)
            )
        work.commit()


def drafts(first: int, last: int, at: datetime) -> list[OrderDraft]:
    """Orders of both shops in turn, for each of the places."""
    return [
        _sent_to(PLACES[number // 2 % len(PLACES)], draft, number)
        for number, draft in enumerate(fault_merchant.drafts(first, last, at), first)
    ]


def _sent_to(place: tuple[str, str, str], draft: OrderDraft, number: int) -> OrderDraft:
    province, city, district = place
    there = replace(
        draft.recipient, province=province, city=city, district=district, town=None,
        address=f"文一西路 {number} 号",
    )  # fmt: skip
    shop = {"channel": "jd", "shop": "南岸器物"} if number % 2 else {}
    return replace(draft, recipient=there, **shop)


def connected(context: Context, url: str, seed: int, timeout_s: float) -> Context:
    """The context with the carriers and shops of the fault server."""
    carriers: Mapping[str, FaultCarrier] = {
        name: FaultCarrier(url, f"day-{seed}-{name}", kind, timeout_s)
        for name, kind in CARRIERS.items()
    }
    shops = {
        number: FaultShop(url, f"day-{seed}-shop-{number}", kind, timeout_s)
        for number, kind in SHOPS.items()
    }
    return replace(context, carriers=carriers, shops=shops)


def at(share: float, orders: int) -> int:
    """Orders that have come when `share` of the day is over: few at night, most in the evening."""
    return round(orders * (share - math.sin(2 * math.pi * share) / (2 * math.pi) * 0.8))


class Asked:
    """What a person hears who rings carriers up and looks at shops' pages."""

    def __init__(self, context: Context) -> None:
        self._carriers = [
            each for each in context.carriers.values() if isinstance(each, FaultCarrier)
        ]
        self._shops = [each for each in context.shops.values() if isinstance(each, FaultShop)]

    def get(self, key: str) -> str | None:
        """The number that would be billed under a client key."""
        said = [each.call("ledger", {"key": key})["number"] for each in self._carriers]
        return next((number for number in said if number), None)

    def __contains__(self, number: object) -> bool:
        """Whether a shop shows this number."""
        return any(each.call("shown", {"number": number})["shown"] for each in self._shops)


class Outside:
    """The books of the carriers and shops of a day, read when somebody asks."""

    def __init__(self, remote: FaultServer, seed: int) -> None:
        self.chance = random.Random(seed)
        self.carriers = {name: remote.case(f"day-{seed}-{name}") for name in CARRIERS}
        self.shops = {number: remote.case(f"day-{seed}-shop-{number}") for number in SHOPS}
        self.cases = (*self.carriers.values(), *self.shops.values())
        for case in self.cases:
            case.chance = random.Random(self.chance.random())
        self._moved = dict.fromkeys(SHOPS, 0)
        self._owner: dict[str, Case] = {}
        self._read = dict.fromkeys(CARRIERS, 0)
        self._counted, self._faults = [0] * len(self.cases), 0

    def couriers(self, now: datetime) -> None:
        """A parcel that a shop was told of is picked up: its carrier says so."""
        told = {place: shop.told[self._moved[place] :] for place, shop in self.shops.items()}
        for name, case in self.carriers.items():
            fresh = case.made[self._read[name] :]
            self._owner |= {row["number"]: case for row in fresh}
            self._read[name] += len(fresh)
        for place, rows in told.items():
            for row in rows:
                self._owner[row["number"]].scans.append({
                    "id": f"s{place}-{self._moved[place]}", "number": row["number"],
                    "state": "picked_up", "at": now.isoformat(),
                })  # fmt: skip
                self._moved[place] += 1

    def rate(self, orders: int) -> None:
        """Faults until there were as many as the day asks for; an order takes two calls that may fail."""
        rate = min(0.3, FAULTS / (1.7 * orders)) if self.faults() < FAULTS else 0.0
        for case in self.cases:
            case.rate = rate

    def calm(self) -> None:
        """No more faults, so that the last ones come to rest."""
        for case in self.cases:
            case.rate = 0.0

    def faults(self) -> int:
        """Calls that went wrong so far."""
        for number, case in enumerate(self.cases):
            fresh = case.calls[self._counted[number] :]
            self._faults += sum(1 for *_, fault in fresh if fault)
            self._counted[number] += len(fresh)
        return self._faults

    def history(self, orders: int, export: list[dict[str, str | None]]) -> History:
        made = [row for case in self.carriers.values() for row in case.made]
        live = [row for case in self.carriers.values() for row in case.live()]
        told = [row for case in self.shops.values() for row in case.told]
        numbers = {f"N{number:06d}" for number in range(1, orders + 1)}
        return History(numbers, made, live, told, export, orders)


def plan(chance: random.Random) -> dict[str, int]:
    """The step at which each carrier goes down, for half an hour."""
    return {name: chance.randrange(12, STEPS - 24) for name in CARRIERS}
