"""The demo shop: plausible, repeatable, in known proportions, and never twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import func, select

from tidegate.sdk.carrier import Contact, WaybillRequest
from tidegate.services.context import Context
from tidegate.services.demo import (
    demo_feed,
    feed_step,
    restock,
    seed_demo,
)
from tidegate.services.demo_orders import FIRST_BATCH, DemoOrder, demo_orders
from tidegate.services.demo_warehouse import (
    LEAVE_ON_THE_TABLE,
    LEAVE_UNPRINTED,
    SendsCourier,
    warehouse_step,
)
from tidegate.services.demo_words import demo_table, demo_words
from tidegate.services.rulebook import Rulebook
from tidegate.store.tables import (
    Base,
    CarrierService,
    Order,
    Parcel,
    Product,
    RateCard,
    ServiceZone,
    Stock,
    Tenant,
    Warehouse,
)
from tidegate.store.unit_of_work import Store, open_engine
from tidegate_connectors.sandbox import SandboxCarrier, start_server

START = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)


@pytest.fixture
def context(tmp_path: Path, chosen_url: str) -> Iterator[Context]:
    engine = open_engine(chosen_url)
    Base.metadata.create_all(engine)
    store = Store(engine)
    with store.unscoped() as session:
        tenant = Tenant(code="main", name="Test", created_at=START)
        session.add(tenant)
        session.commit()
        tenant_id = tenant.id
    no_rules = cast("Rulebook", None)  # the jobs that ask rules are not run here
    yield Context(store, tenant_id, no_rules, {}, lambda: START, tmp_path)
    engine.dispose()


def counted(context: Context, model: type[Base]) -> int:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return work.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture(scope="module")
def orders() -> list[DemoOrder]:
    return demo_orders(300, 20261111, START)


def test_the_same_seed_gives_the_same_orders(orders: list[DemoOrder]) -> None:
    assert demo_orders(300, 20261111, START) == orders
    assert demo_orders(300, 7, START) != orders


def test_a_later_start_moves_times_and_nothing_else(orders: list[DemoOrder]) -> None:
    later = demo_orders(300, 20261111, START + timedelta(days=1))
    assert [o.draft.number for o in later] == [o.draft.number for o in orders]
    assert later[0].draft.ordered_at == orders[0].draft.ordered_at + timedelta(days=1)  # type: ignore[operator]


def test_traits_come_in_their_shares(orders: list[DemoOrder]) -> None:
    found = Counter(order.trait for order in orders)
    mix = demo_words().words["mix"]
    assert {trait: found[trait] for trait in mix} == {
        trait: round(share * 300 / 1000) for trait, share in mix.items()
    }
    assert found["plain"] > 100
    assert set(found) == {*mix, "plain"}


def test_four_channels_in_about_their_shares(orders: list[DemoOrder]) -> None:
    found = Counter(order.draft.channel for order in orders)
    assert set(found) == {"tmall", "jd", "douyin", "mall"}
    assert min(found.values()) >= 30
    assert found["tmall"] == max(found.values())


def test_every_order_is_whole_and_adds_up(orders: list[DemoOrder]) -> None:
    goods = {good.sku: good for good in demo_words().goods}
    assert len({(o.draft.channel, o.draft.number) for o in orders}) == 300
    for order in orders:
        draft = order.draft
        assert draft.lines
        assert all(line.sku in goods and line.quantity > 0 for line in draft.lines)
        summed = sum(line.line_total_minor or 0 for line in draft.lines)
        assert draft.goods_total_minor == summed
        assert draft.total_minor == summed + draft.freight_minor - draft.discount_minor  # type: ignore[operator]
        assert draft.recipient.name
        assert draft.recipient.phone
        assert draft.recipient.address
        assert draft.ordered_at is not None
        assert START - timedelta(hours=7) < draft.ordered_at < START + timedelta(minutes=10)


def test_numbers_have_the_shape_of_their_channel(orders: list[DemoOrder]) -> None:
    shapes = {"tmall": r"29\d{17}", "jd": r"\d{12}", "douyin": r"69\d{17}", "mall": r"BA\d{11}"}
    for order in orders:
        assert re.fullmatch(shapes[order.draft.channel], order.draft.number)


def test_traits_mean_what_they_say(orders: list[DemoOrder]) -> None:
    words = demo_words()
    fragile = {good.sku for good in words.goods if good.fragile}
    by_trait: dict[str, list[DemoOrder]] = {}
    for order in orders:
        by_trait.setdefault(order.trait, []).append(order)
    assert len(words.short) == 4
    assert all(o.draft.lines[0].sku in words.short for o in by_trait["short_stock"])
    assert all(o.draft.lines[0].sku in fragile for o in by_trait["fragile"])
    assert all((o.draft.total_minor or 0) >= 200_000 for o in by_trait["high_value"])
    assert all((o.draft.cod_minor or 0) > 150_000 for o in by_trait["cod_over_limit"])
    assert all(0 < (o.draft.cod_minor or 0) < 30_000 for o in by_trait["cod"])
    assert all(o.draft.payment_status == "unpaid" for o in by_trait["unpaid"])
    assert all(o.draft.paid_at is None for o in by_trait["unpaid"])
    assert all(o.draft.refund_status == "requested" for o in by_trait["refund"])
    assert all(o.draft.recipient.kind == "masked" for o in by_trait["masked"])
    assert all("****" in (o.draft.recipient.phone or "") for o in by_trait["masked"])
    assert all("-" in (o.draft.recipient.phone or "") for o in by_trait["virtual_phone"])
    assert all(o.draft.buyer_memo in words.words["risky_memos"] for o in by_trait["risky_memo"])
    assert not any(o.draft.buyer_memo in words.words["risky_memos"] for o in by_trait["plain"])


def test_each_duplicate_repeats_an_earlier_order_within_the_day(orders: list[DemoOrder]) -> None:
    repeats = [order for order in orders if order.trait == "duplicate"]
    assert repeats
    for repeat in repeats:
        draft = repeat.draft
        twins = [
            order.draft
            for order in orders
            if order.draft.recipient == draft.recipient and order.draft.lines == draft.lines
        ]
        assert len(twins) >= 2
        first = min(twin.ordered_at for twin in twins if twin.ordered_at)
        assert draft.ordered_at is not None
        assert first < draft.ordered_at < first + timedelta(hours=24)


def test_phones_are_plainly_invented(orders: list[DemoOrder]) -> None:
    """Invented numbers: the four digits after the prefix are zeros."""
    for order in orders:
        assert re.match(r"1\d\d(0000|\*\*\*\*)\d{4}", order.draft.recipient.phone or "")


def test_the_goods_have_weight_size_and_price() -> None:
    goods = demo_words().goods
    assert len(goods) >= 40
    assert all(good.price_minor > 0 for good in goods)
    table = demo_table("products.csv")
    assert all(all(row.cells) for row in table.rows)


def test_the_seed_fills_an_empty_house_once(context: Context) -> None:
    seed_demo(context)
    expected = {Warehouse: 3, Product: 42, CarrierService: 7, Stock: 93}
    assert {model: counted(context, model) for model in expected} == expected
    zones, rates = counted(context, ServiceZone), counted(context, RateCard)
    seed_demo(context)
    assert {model: counted(context, model) for model in expected} == expected
    assert (counted(context, ServiceZone), counted(context, RateCard)) == (zones, rates)


def test_every_province_is_served_and_every_zone_has_a_price(context: Context) -> None:
    seed_demo(context)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        zones = work.session.scalars(select(ServiceZone)).all()
        priced = {(r.service_code, r.zone) for r in work.session.scalars(select(RateCard))}
    assert {(z.service_code, z.zone) for z in zones} == priced
    for origin in ("浙江省", "广东省", "北京市"):
        for service, provinces in (
            ("SF.standard", 34),
            ("CHINAPOST.parcel", 34),
            ("ZTO.standard", 31),
        ):
            reached = {
                z.province
                for z in zones
                if (z.service_code, z.origin_province) == (service, origin)
            }
            assert len(reached) == provinces


def test_weight_bands_meet_without_a_jump_in_price() -> None:
    """At each limit the upper band starts within one step of where the lower one ends."""
    table = demo_table("rates.csv")
    cells = [dict(zip(table.headers, row.cells, strict=True)) for row in table.rows]
    checked = 0
    for upper in cells:
        below = [c for c in cells if c["止重(g)"] == upper["起重(g)"] != "0"]
        for lower in [
            c for c in below if (c["快递产品"], c["分区"]) == (upper["快递产品"], upper["分区"])
        ]:
            limit, first, step = (
                int(v) for v in (lower["止重(g)"], lower["首重(g)"], lower["续重(g)"])
            )
            steps = -(-(limit - first) // step)
            end = Decimal(lower["首重价格"]) + steps * Decimal(lower["续重价格"])
            assert abs(end - Decimal(upper["首重价格"])) <= Decimal("0.05"), (lower, upper)
            checked += 1
    assert checked > 20


def test_orders_flow_in_batches_and_a_second_run_adds_none(context: Context) -> None:
    seed_demo(context)
    feed = demo_feed(context, orders=90)
    assert feed_step(context, feed)
    assert counted(context, Order) == FIRST_BATCH
    assert feed_step(context, feed)
    assert counted(context, Order) == FIRST_BATCH + 6
    later = replace(context, clock=lambda: START + timedelta(hours=3))  # stopped, started again
    rest = list(demo_feed(later, orders=90))
    assert sum(len(batch) for batch in rest) == 24
    for batch in rest:
        feed_step(context, iter([batch]))
    assert counted(context, Order) == 90
    assert list(demo_feed(later, orders=90)) == []


def test_intake_judges_each_address_as_its_trait_wants(
    context: Context, orders: list[DemoOrder]
) -> None:
    traits = {(order.draft.channel, order.draft.number): order.trait for order in orders}
    feed_step(context, iter([[order.draft for order in orders]]))
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = work.session.scalars(select(Order)).all()
    assert len(found) == 300
    verdicts: dict[str, set[str | None]] = {}
    for order in found:
        verdicts.setdefault(traits[order.channel, order.number], set()).add(order.address_check)
        assert order.phone_valid is not False
        assert order.issues == []
    assert verdicts.pop("fake_address") <= {"suspicious", "undeliverable"}
    assert verdicts.pop("incomplete_address") == {"incomplete"}
    assert verdicts.pop("masked") == {"incomplete"}
    assert set().union(*verdicts.values()) == {"deliverable"}


def test_a_delivery_for_short_goods_comes_once(context: Context) -> None:
    def held() -> dict[str, int]:
        with context.store.begin(context.tenant_id, readonly=True) as work:
            found = work.session.scalars(select(Stock).where(Stock.sku.in_(demo_words().short)))
            return {stock.sku: stock.on_hand for stock in found}

    seed_demo(context)
    before = held()
    restock(context)
    after = held()
    assert sum(after[sku] > before[sku] for sku in before) == 2
    assert sum(after[sku] == before[sku] for sku in before) == 2, "somebody keeps waiting"
    with context.store.begin(context.tenant_id) as work:
        work.session.scalars(select(Stock).where(Stock.sku == "BA-V01-GL")).one().on_hand = 55
        work.commit()
    restock(context)
    assert held()["BA-V01-GL"] == 55


def test_the_sandbox_can_be_asked_for_a_courier() -> None:
    with start_server(secret="s") as sandbox:
        carrier = SandboxCarrier(sandbox.url, "tidegate", "s", 2)
        assert isinstance(carrier, SendsCourier)
        carrier.close()


def test_the_warehouse_works_in_batches_and_leaves_some_for_the_watcher(context: Context) -> None:
    """Fifty waiting labels: ten are printed a step, until the newest twenty are left."""
    with start_server(secret="s", pickup_after_h=None) as sandbox:
        carrier = SandboxCarrier(sandbox.url, "tidegate", "s", 5)
        now = [START]
        working = replace(context, carriers={"sandbox": carrier}, clock=lambda: now[0])
        seed_demo(working)
        feed_step(working, iter([[order.draft for order in demo_orders(50, 1, START)]]))
        wait_for_printing(working, carrier)
        warehouse_step(working)
        assert states(working) == {"waybill": 50}, "nobody prints a label the moment it exists"
        now[0] += timedelta(minutes=1)
        warehouse_step(working)
        assert states(working) == {"waybill": 40, "printed": 10}
        for _ in range(10):
            now[0] += timedelta(minutes=1)
            warehouse_step(working)
        assert states(working) == {
            "waybill": LEAVE_UNPRINTED,
            "printed": LEAVE_ON_THE_TABLE,
            "handed_over": 50 - LEAVE_UNPRINTED - LEAVE_ON_THE_TABLE,
        }
        collected = [row for row in sandbox.ledger() if row.collected_at is not None]
        assert len(collected) == 50 - LEAVE_UNPRINTED - LEAVE_ON_THE_TABLE
        carrier.close()


def wait_for_printing(context: Context, carrier: SandboxCarrier) -> None:
    """Give every order a parcel with a waybill, as the chain would."""
    with context.store.begin(context.tenant_id) as work:
        house = work.session.scalars(select(Warehouse).order_by(Warehouse.id)).first()
        assert house is not None
        sender = Contact("发货组", "1", "浙江省", "嘉兴市", "南湖区", "物流园")
        for order in work.session.scalars(select(Order)):
            number = f"P{order.id}"
            request = WaybillRequest(
                number, "ZTO.standard", order.number, number, sender, sender, [], 500
            )
            waybill = carrier.create_waybill(request)
            order.state = "waybill"
            work.add(
                Parcel(
                    order_id=order.id,
                    number=number,
                    warehouse_id=house.id,
                    state="waybill",
                    state_since=START,
                    service_code="ZTO.standard",
                    carrier="ZTO",
                    waybill_no=waybill.waybill_no,
                    sort_code=waybill.sort_code,
                    waybill_at=START,
                )
            )
        work.commit()


def states(context: Context) -> Counter[str]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return Counter(work.session.scalars(select(Parcel.state)))
