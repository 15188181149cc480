"""The merchant of the fault suite, and what its people do in a day: every step may be repeated after a crash."""

from __future__ import annotations

from collections.abc import Container
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import func, select, update

from tidegate.domain.orders import LineDraft, OrderDraft, RecipientDraft
from tidegate.errors import Conflict
from tidegate.jobs import rescue
from tidegate.jobs.runner import drain
from tidegate.services import review, routing, settling, shipping, tracking
from tidegate.services.context import Context
from tidegate.services.handover import hand_over
from tidegate.services.intake import import_orders
from tidegate.services.labels import print_labels
from tidegate.services.sweeping import sweep
from tidegate.store.tables import (
    CarrierService,
    Effect,
    Job,
    Order,
    Parcel,
    Product,
    RateCard,
    ServiceZone,
    Shop,
    Stock,
    Warehouse,
)

BEFORE_SHIPPING = (
    "received",
    "on_hold",
    "approved",
    "waiting_stock",
    "allocated",
    "routed",
    "waybill",
)
ROUNDS = 8  # of two and a half minutes after each act: more than any wait of ours


def furnish(context: Context, stock: int, now: datetime) -> None:
    """A shop, a warehouse, two services of one carrier account, and `stock` units of a SKU."""
    with context.store.begin(context.tenant_id) as work:
        for row in (
            Shop(channel="taobao", name="北岸器物"),
            Warehouse(
                code="jiaxing", name="嘉兴仓", contact="发货组", phone="0573-88880001",
                province="浙江省", city="嘉兴市", district="南湖区", address="物流园 8 号",
            ),
            Product(sku="KETTLE", title="手冲壶", weight_g=620, length_mm=200, width_mm=150, height_mm=120),
            *(
                CarrierService(code=f"{name}.standard", carrier=name, name_zh=name, name_en=name)
                for name in ("SF", "ZTO")
            ),
            *(
                ServiceZone(service_code=f"{name}.standard", province="浙江省", zone="1", transit_hours=24)
                for name in ("SF", "ZTO")
            ),
            *(
                RateCard(
                    service_code=f"{name}.standard", zone="1", first_g=1000, first_price_minor=price,
                    step_g=500, step_price_minor=200,
                )
                for name, price in (("SF", 1200), ("ZTO", 640))
            ),
        ):  # fmt: skip
            work.add(row)
        work.session.flush()
        work.add(Stock(warehouse_id=1, sku="KETTLE", on_hand=stock, reserved=0, updated_at=now))
        work.commit()


def drafts(first: int, last: int, at: datetime) -> list[OrderDraft]:
    """Paid orders with good addresses, each of its own buyer."""
    return [
        OrderDraft(
            channel="taobao", shop="北岸器物", number=f"N{number:06d}", source_status="to_ship",
            refund_status="none", total_minor=12900, goods_total_minor=12900, payment_status="paid",
            payment_method="online", paid_total_minor=12900, cod_minor=0, ordered_at=at, paid_at=at,
            recipient=RecipientDraft(
                name="张三", phone=f"139{57100000 + number}", province="浙江省", city="杭州市",
                district="余杭区", town="仓前街道", address=f"文一西路 {number} 号",
            ),
            lines=(LineDraft(quantity=1, sku="KETTLE", title="手冲壶", line_total_minor=12900, is_gift=False),),
        )
        for number in range(first, last + 1)
    ]  # fmt: skip


def play(context: Context, times: list[datetime], start: datetime) -> None:
    """Three orders: one leaves and is scanned, one is cancelled after its waybill, one changes the carrier."""
    expire_leases(context)
    import_orders(context, drafts(1, 3, start), source="faults")
    settle_down(context, times)
    leave(context, "N000001")
    if _order(context, "N000002").state in BEFORE_SHIPPING:
        shipping.cancel_order(context, _order(context, "N000002").id, "li", "买家取消")
    if _order(context, "N000003").manual_service is None:
        routing.change_service(
            context, _order(context, "N000003").id, "SF.standard", "li", "换快递"
        )
    settle_down(context, times)
    tracking.pull_scans(context)
    settle_down(context, times)


def leave(context: Context, number: str) -> None:
    """Print and hand over what has its waybill."""
    for parcel in _parcels(context, number, "waybill"):
        print_labels(context, [parcel], "li")
    for parcel in _parcels(context, number, "printed"):
        hand_over(context, [parcel], "li")


def settle_down(context: Context, times: list[datetime]) -> None:
    """Let time pass until everything that moves by itself has moved; a stuck order is asked for by the sweep."""
    drain(context)
    for _ in range(ROUNDS):
        times[0] += timedelta(seconds=150)
        if sweep(context) == 0 and not _waiting(context, times[0]):
            return
        drain(context)


class Ledger(Protocol):
    """What the carrier would bill, by client key."""

    def get(self, key: str) -> str | None: ...


def person(
    context: Context, live: Ledger, told: Container[str], before: datetime | None = None
) -> None:
    """The person of class C: looks into the books and says what became of each open request.

    `told`: numbers that the shop shows. `before`: only what is unclear since then, so that no answer is on its way.
    """
    before = before or context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        stuck = work.session.execute(
            select(Effect.parcel_id, Effect.client_key, Parcel.order_id)
            .join(Parcel, Parcel.id == Effect.parcel_id)
            .where(Effect.kind == "waybill", Effect.updated_at <= before)
            .where(  # unclear, or an older one that the carrier said it did not void
                (Effect.state == "unknown")
                | ((Effect.state == "confirmed") & (Effect.generation < Parcel.generation))
            )
        ).all()
    for parcel_id, key, order_id in stuck:
        with suppress(Conflict):  # it was found out meanwhile
            settling.settle_waybill(context, parcel_id, live.get(key), "li", "已向快递公司核实")
        with context.store.begin(context.tenant_id, readonly=True) as work:
            held = work.session.get_one(Order, order_id).state == "on_hold"
        if held:
            with suppress(Conflict):
                review.release(context, order_id, "li", "已核实")
    with context.store.begin(context.tenant_id, readonly=True) as work:
        untold = work.session.execute(
            select(Effect.parcel_id, Parcel.waybill_no)
            .join(Parcel, Parcel.id == Effect.parcel_id)
            .where(Effect.kind == "write_back", Effect.state == "unknown")
            .where(Effect.updated_at <= before)
        ).all()
    for parcel_id, number in untold:
        with suppress(Conflict):
            settling.settle_write_back(context, parcel_id, number in told, "li", "已看店铺后台")


def expire_leases(context: Context) -> None:
    """What waiting a minute does to the jobs of a dead process: their leases run out and they are rescued."""
    with context.store.begin(context.tenant_id) as work:
        long_ago = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
        work.session.execute(update(Job).where(Job.state == "leased").values(lease_until=long_ago))
        work.commit()
    rescue.rescue(context.store)


def states(context: Context) -> dict[str, str]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return {
            number: state
            for number, state in work.session.execute(select(Order.number, Order.state))
        }


def _order(context: Context, number: str) -> Order:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return work.session.scalars(select(Order).where(Order.number == number)).one()


def _parcels(context: Context, number: str, state: str) -> list[int]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = select(Parcel.id).join(Order, Order.id == Parcel.order_id)
        return list(
            work.session.scalars(found.where(Order.number == number, Parcel.state == state))
        )


def _waiting(context: Context, now: datetime) -> bool:
    """Whether a job is open whose time comes soon, alerts aside: they come in days."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        soon = select(Job.id).where(
            Job.state.in_(("ready", "leased")), Job.due_at < now + timedelta(minutes=12),
            Job.name.in_(("advance_order", "void_waybill", "write_back")),
        )  # fmt: skip
        return work.session.scalar(soon.limit(1)) is not None


def leave_all(context: Context, most: int) -> int:
    """Print and hand over up to `most` parcels that have their waybill; the number."""
    for state, act in (("waybill", print_labels), ("printed", hand_over)):
        with context.store.begin(context.tenant_id, readonly=True) as work:
            found = select(Parcel.id).where(Parcel.state == state).order_by(Parcel.id).limit(most)
            parcels = list(work.session.scalars(found))
        if parcels:
            act(context, parcels, "li")
    return len(parcels)


def counts(context: Context) -> dict[str, int]:
    """Orders by state."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(select(Order.state, func.count()).group_by(Order.state))
        return {state: count for state, count in rows}


def export(context: Context) -> list[dict[str, str | None]]:
    """What a client sees: each order with its state, its waybill and what the shop was told."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(
            select(Order.number, Order.state, Order.hold_reason, Parcel.waybill_no, Parcel.state)
            .outerjoin(Parcel, (Parcel.order_id == Order.id) & (Parcel.state != "cancelled"))
            .order_by(Order.number)
        )
        return [
            dict(zip(("number", "state", "why", "waybill_no", "parcel"), row, strict=True))
            for row in rows
        ]
