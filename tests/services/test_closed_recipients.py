"""Recipients that a platform keeps to itself: they reach the platform's own waybills as they came, and nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from tidegate.errors import InputError
from tidegate.jobs.runner import drain
from tidegate.sdk.http.sending import Times
from tidegate.sdk.stage.protocol import SampleLine, SampleOrder
from tidegate.services import routing
from tidegate.services.chain import advance, decide_many
from tidegate.services.closed_recipients import takes
from tidegate.services.intake import import_orders
from tidegate.services.remotes import accounts
from tidegate.services.remotes.connected import Connected, connector_of
from tidegate.services.shipping import cancel_order, request_waybills
from tidegate.store.remote_tables import ConnectorAccount, RemoteCall
from tidegate.store.tables import CarrierService, Effect, Order, RateCard, ServiceZone, Shop
from tidegate_platforms.douyin import DouyinServer
from tidegate_platforms.taobao import TaobaoServer

SERVERS: dict[str, Callable[[], Any]] = {"douyin": DouyinServer, "taobao": TaobaoServer}
NEVER_SENT = ("欧阳娜娜", "13812345678", "文三路 1 号")
SERVICE, CHEAP, SHOP = "ZTO.platform", 100, "北岸器物"


@dataclass
class Closed:
    """A merchant with one shop account whose orders bring closed recipients."""

    world: Any
    server: Any
    name: str
    made: Any

    def order(self, number: str = "69202611110001") -> int:
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
        name, phone, address = NEVER_SENT
        lines = (SampleLine("KETTLE", "手冲壶", 1, Decimal("129.00")),)
        self.server.place(
            SampleOrder(
                number, at, at, lines, Decimal("129.00"), name=name, phone=phone, address=address
            )
        )
        import_orders(self.world.context, self.made.fetch_order(number).drafts, source="test")
        found: Order = self.world.get(Order, Order.number == number)
        return found.id

    def service(self, minor: int = CHEAP) -> None:
        """A carrier service that goes by the shop's own account, cheaper than all others."""
        self.world.add(
            CarrierService(
                code=SERVICE, carrier="ZTO", name_zh="中通(平台面单)", name_en="ZTO", connector="own"
            ),
            ServiceZone(service_code=SERVICE, province="浙江省", zone="1", transit_hours=48),
            RateCard(
                service_code=SERVICE, zone="1", first_g=1000, first_price_minor=minor, step_g=1000,
                step_price_minor=0,
            ),
        )  # fmt: skip

    def sent(self) -> str:
        calls = self.world.all(RemoteCall)
        heard = b" ".join(self.server.bodies).decode("utf-8", "replace")
        return heard + " ".join(f"{one.request}{one.answer}{one.code}" for one in calls)


@pytest.fixture
def closed(world: Any) -> Iterator[Callable[..., Closed]]:
    with ExitStack() as stack:

        def make(name: str) -> Closed:
            server = stack.enter_context(SERVERS[name]())
            host = server.url.partition("//")[2]
            reach = replace(world.context.reach, trusted=(host,), times=Times(2, 5, 10))
            context = replace(world.context, reach=reach, clock=world.context.clock)
            (shop_id,) = world.add(Shop(channel=name, name=SHOP)) if name != "taobao" else (1,)
            hidden = {"app_secret", "session", "refresh_token"}
            given = dict(server.settings)
            accounts.add(
                context, name, "li", code="own", shop_id=shop_id,
                settings={key: value for key, value in given.items() if key not in hidden},
                secrets={key: value for key, value in given.items() if key in hidden},
            )  # fmt: skip
            with context.store.begin(context.tenant_id, readonly=True) as work:
                row = work.session.scalars(select(ConnectorAccount)).one()
                work.session.expunge(row)
            made, _ = connector_of(context, row, SHOP)
            world.stock("KETTLE", 5)
            world.context = replace(
                context, carriers=Connected(context, fixed={"sandbox": world.carrier})
            )
            return Closed(world, server, name, made)

        yield make


@pytest.mark.parametrize("name", ["douyin", "taobao"])
def test_a_closed_recipient_goes_by_the_platforms_own_waybill_and_stays_closed(
    closed: Callable[..., Closed], name: str
) -> None:
    shop = closed(name)
    shop.service(minor=9_900)  # the dearest of all
    order_id = shop.order()
    shop.server.bodies.clear()
    advance(shop.world.context, order_id, "received")
    parcel = shop.world.parcel(order_id)
    (made,) = shop.server.waybills()
    assert (shop.world.state(order_id), parcel.service_code) == ("waybill", SERVICE)
    assert parcel.waybill_no == made.waybill_no
    assert shop.world.carrier.requests == []
    assert [word for word in NEVER_SENT if word in shop.sent()] == []
    assert shop.world.get(Order).recipient_name.startswith("欧*")

    cancel_order(shop.world.context, order_id, "li", "客户取消")
    drain(shop.world.context)
    assert [one.live for one in shop.server.waybills()] == [False]
    assert shop.world.get(Effect).state == "voided"


@pytest.mark.parametrize("name", ["douyin", "taobao"])
def test_without_an_account_that_takes_it_the_parcel_waits_and_nobody_is_asked(
    closed: Callable[..., Closed], name: str
) -> None:
    shop = closed(name)
    order_id = shop.order()
    advance(shop.world.context, order_id, "received")
    held = shop.world.get(Order)
    assert (held.state, held.hold_reason) == ("on_hold", "needs_platform_waybill")
    assert held.hold_queue == "warehouse"
    assert shop.world.carrier.requests == []
    with pytest.raises(InputError, match="closed") as refused:
        routing.change_service(shop.world.context, order_id, "SF.standard", "li", "赶时间")
    assert refused.value.code == "service.closed_recipient"
    assert "电子面单" in refused.value.text("zh")


def test_an_account_of_another_shop_does_not_take_it(closed: Callable[..., Closed]) -> None:
    shop = closed("douyin")
    shop.service()
    order_id = shop.order()
    with shop.world.context.store.begin(1) as work:
        work.session.execute(update(ConnectorAccount).values(shop_id=None))
        work.commit()
    assert _taken(shop, order_id)  # an account of all shops does
    with shop.world.context.store.begin(1) as work:
        work.add(Shop(channel="douyin", name="另一家"))
        work.session.flush()
        other = work.session.scalar(select(Shop.id).where(Shop.name == "另一家"))
        work.session.execute(update(ConnectorAccount).values(shop_id=other))
        work.commit()
    assert not _taken(shop, order_id)


def _taken(shop: Closed, order_id: int) -> bool:
    with shop.world.context.store.begin(1, readonly=True) as work:
        return takes(work, work.session.get_one(Order, order_id), SERVICE)


def test_a_plain_recipient_never_goes_to_an_account_for_closed_ones(
    closed: Callable[..., Closed],
) -> None:
    shop = closed("douyin")
    shop.service(minor=1)
    order_id = shop.world.order(("KETTLE", 1))
    advance(shop.world.context, order_id, "received")
    assert shop.world.parcel(order_id).service_code != SERVICE
    with pytest.raises(InputError) as refused:
        routing.change_service(shop.world.context, order_id, SERVICE, "li", "便宜")
    assert refused.value.code == "service.closed_only"


def test_a_parcel_whose_account_no_longer_takes_it_is_held_before_anything_is_sent(
    closed: Callable[..., Closed],
) -> None:
    shop = closed("taobao")
    shop.service()
    order_id = shop.order()
    decide_many(shop.world.context, [order_id], "received")
    assert shop.world.state(order_id) == "routed"
    with shop.world.context.store.begin(1) as work:
        work.session.execute(update(CarrierService).values(connector="sandbox"))
        work.commit()
    request_waybills(shop.world.context, [order_id])
    held = shop.world.get(Order)
    assert (held.state, held.hold_reason) == ("on_hold", "needs_platform_waybill")
    assert (shop.world.carrier.requests, shop.world.count(Effect)) == ([], 0)


def test_masks_without_a_token_are_for_a_person(world: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order(
        ("KETTLE", 1), recipient_kind="masked", recipient_name="张*", recipient_phone="138****2291"
    )
    advance(world.context, order_id, "received")
    held = world.get(Order)
    assert (held.state, held.hold_reason) == ("on_hold", "needs_platform_waybill")
    assert world.carrier.requests == []
