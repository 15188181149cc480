"""What carriers say a parcel costs: asked once for a lane, never waited for long, the rate table otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import update

from tidegate.jobs.runner import drain
from tidegate.sdk.http.sending import Times
from tidegate.sdk.stage.protocol import Fault
from tidegate.services.chain import advance, decide_many
from tidegate.services.remotes import accounts
from tidegate.services.remotes.connected import Connected
from tidegate.services.view_order import order_view
from tidegate.store.quote_tables import CarrierQuote
from tidegate.store.tables import CarrierService, RateCard
from tidegate_platforms.kdniao import KDNiaoServer

TABLE_MINOR, CARRIER_MINOR = 5_000, 800  # the table makes ZTO dear, KDNiao says 8 yuan
ASKED = "freight.estimate"


@dataclass
class Priced:
    world: Any
    server: Any

    def order(self) -> int:
        order_id: int = self.world.order(("KETTLE", 1))
        return order_id

    def route(self, order_id: int) -> Any:
        advance(self.world.context, order_id, "received")
        return self.world.parcel(order_id)

    def asked(self) -> int:
        return len([one for one in self.server.calls if one.api == ASKED])


@pytest.fixture
def priced(world: Any) -> Iterator[Callable[..., Priced]]:
    with ExitStack() as stack:

        def make(quotes: str = "yes") -> Priced:
            server = stack.enter_context(KDNiaoServer())
            host = server.url.partition("//")[2]
            reach = replace(world.context.reach, trusted=(host,), times=Times(2, 5, 10))
            context = replace(world.context, reach=reach)
            given = {**server.settings, "quotes": quotes}
            given.pop("shipper")
            accounts.add(
                context, "kdniao", "li", code="own", secrets={"api_key": given.pop("api_key")},
                settings=given,
            )  # fmt: skip
            with context.store.begin(context.tenant_id) as work:
                zto = "ZTO.standard"
                work.session.execute(
                    update(CarrierService).where(CarrierService.code == zto).values(connector="own")
                )
                work.session.execute(
                    update(RateCard)
                    .where(RateCard.service_code == zto)
                    .values(first_price_minor=TABLE_MINOR)
                )
                work.commit()
            world.stock("KETTLE", 20)
            world.context = replace(
                context, carriers=Connected(context, fixed={"sandbox": world.carrier})
            )
            return Priced(world, server)

        yield make


def test_the_carriers_own_price_decides_and_is_shown(priced: Callable[..., Priced]) -> None:
    shop = priced()
    order_id = shop.order()
    parcel = shop.route(order_id)
    assert (parcel.service_code, parcel.cost_minor) == ("ZTO.standard", CARRIER_MINOR)
    assert parcel.cost_source == "carrier"
    (card,) = order_view(shop.world.context, order_id).parcels
    assert (card.cost_source, str(card.cost)) == ("carrier", "8.00 CNY")
    quoted = {
        one["service"]: one["source"]
        for one in shop.world.decisions(order_id, "routing")[-1].facts["quotes"]
    }
    assert quoted == {"SF.standard": "rates", "ZTO.standard": "carrier"}
    estimate = next(body for body in shop.server.bodies if b"1815" in body)
    for nobody in ("张三", "13800002291"):
        assert nobody not in estimate.decode()


def test_a_lane_is_asked_once_an_hour(priced: Callable[..., Priced]) -> None:
    shop = priced()
    costs = [shop.route(shop.order()).cost_minor for _ in range(3)]
    assert (costs, shop.asked()) == ([CARRIER_MINOR] * 3, 1)
    shop.world.wait(minutes=61)
    assert shop.route(shop.order()).cost_source == "carrier"
    assert shop.asked() == 2


def test_where_jobs_do_it_the_parcel_waits_for_the_price_and_goes_on(
    priced: Callable[..., Priced],
) -> None:
    shop = priced()
    order_id = shop.order()
    decide_many(shop.world.context, [order_id], "received")
    assert (shop.world.state(order_id), shop.asked()) == ("allocated", 0)
    drain(shop.world.context)
    assert shop.world.parcel(order_id).cost_minor == CARRIER_MINOR
    assert shop.world.state(order_id) == "waybill"


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.THROTTLED, Fault.REFUSED, Fault.GARBAGE])
def test_a_carrier_that_cannot_answer_leaves_it_to_the_table(
    priced: Callable[..., Priced], fault: Fault
) -> None:
    shop = priced()
    shop.server.fail(fault, api=ASKED, times=99)
    for _ in range(2):
        parcel = shop.route(shop.order())
        assert (parcel.service_code, parcel.cost_source) == ("SF.standard", "rates")
    assert shop.asked() <= 3  # one question (that may be repeated by the HTTP layer), then peace
    kept = shop.world.get(CarrierQuote)
    assert (kept.state, bool(kept.code)) == ("failed", True)
    shop.server.healed()
    for _ in range(60):  # who was told "too often" stays away for a while by the real clock
        shop.world.wait(minutes=6)
        if shop.route(shop.order()).cost_source == "carrier":
            return
        time.sleep(0.5)
    raise AssertionError("the carrier was never asked again")


def test_nobody_waits_longer_than_ten_seconds(priced: Callable[..., Priced]) -> None:
    shop = priced()
    order_id = shop.order()
    decide_many(shop.world.context, [order_id], "received")
    shop.world.wait(seconds=9)
    decide_many(shop.world.context, [order_id])
    assert shop.world.state(order_id) == "allocated"
    shop.world.wait(seconds=2)  # no worker came to ask
    decide_many(shop.world.context, [order_id])
    assert shop.world.state(order_id) == "routed"
    assert shop.world.parcel(order_id).cost_source == "rates"
    assert shop.world.get(CarrierQuote).code == "quote.late"


def test_an_account_is_asked_only_where_a_person_said_so(priced: Callable[..., Priced]) -> None:
    shop = priced(quotes="")
    assert shop.route(shop.order()).cost_source == "rates"
    assert (shop.asked(), shop.world.count(CarrierQuote)) == (0, 0)
