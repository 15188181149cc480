"""One order: head, chain, goods, parcels, time line and every decision; the recipient is masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from tidegate.domain.money import Money
from tidegate.services.context import Context
from tidegate.services.full_traces import full_trace, with_near
from tidegate.services.view_decisions import DecisionView, decision_view
from tidegate.services.view_goods import GoodsLine, goods
from tidegate.services.view_lexicon import UNKNOWN, lexicons
from tidegate.services.view_masks import masked_address, masked_name, masked_phone, masked_text
from tidegate.services.view_names import Words, field_title, reason_title, state_title
from tidegate.services.view_orders import place
from tidegate.services.view_parcels import ParcelCard, parcel_cards
from tidegate.services.view_recipient import order_not_found
from tidegate.services.view_story import ChainStep, Moment, chain, moments
from tidegate.store.tables import Decision, Event, Order, Shop


@dataclass(frozen=True, slots=True)
class IssueLine:
    """Something missing or odd in what the source sent. `value` is empty where it would be personal."""

    field: Words
    code: str
    value: str


@dataclass(frozen=True, slots=True)
class OrderHead:
    id: int
    number: str
    version: int
    shop: str
    channel: str
    state: str
    state_title: Words
    state_since: datetime
    recipient: str
    phone: str
    place: str
    address: str
    recipient_kind: str
    address_check: str | None
    address_reason: Words
    total: Money | None
    paid: Money | None
    cod: Money | None
    paid_at: datetime | None
    ordered_at: datetime | None
    ship_by: datetime | None
    deliver_by: datetime | None
    payment_status: str | None
    refund_status: str | None
    buyer_memo: str
    seller_memo: str
    seller_flag: str | None
    tags: Sequence[str]
    hold_reason: str | None
    hold_title: Words
    manual_review: str
    manual_service: str | None
    edited: Sequence[Words]


@dataclass(frozen=True, slots=True)
class Editable:
    """What the edit form starts with. Personal values are not put into a page: an empty box changes nothing."""

    province: str
    city: str
    district: str
    town: str


@dataclass(frozen=True, slots=True)
class OrderView:
    head: OrderHead
    editable: Editable
    chain: Sequence[ChainStep]
    goods: Sequence[GoodsLine]
    parcels: Sequence[ParcelCard]
    moments: Sequence[Moment]
    decisions: Sequence[DecisionView]
    issues: Sequence[IssueLine]


def order_view(context: Context, order_id: int, in_full: int | None = None) -> OrderView:
    """`in_full` is the decision of which all rules are to be shown.

    Raises NotFound for an order that is not this tenant's.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        session = work.session
        order = session.scalar(select(Order).where(Order.id == order_id))
        if order is None:
            raise order_not_found(order_id)
        known = lexicons(context, session, order_id)
        decisions = [
            decision_view(
                decision,
                known.get(decision.ruleset_hash, UNKNOWN),
                (full_trace(context, session, decision) if decision.id == in_full else None)
                or with_near(context, session, decision),
            )
            for decision in session.scalars(
                select(Decision)
                .where(Decision.order_id == order_id)
                .options(undefer(Decision.rules))
                .order_by(Decision.id)
            )
        ]
        events = session.scalars(
            select(Event).where(Event.order_id == order_id).order_by(Event.at, Event.id)
        ).all()
        return OrderView(
            head=_head(session, order),
            editable=Editable(
                order.province or "", order.city or "", order.district or "", order.town or ""
            ),
            chain=chain(order, events),
            goods=goods(session, order),
            parcels=parcel_cards(session, order_id),
            moments=moments(events, decisions),
            decisions=decisions,
            issues=[_issue(row) for row in order.issues],
        )


def _head(session: Session, order: Order) -> OrderHead:
    shop = session.scalar(select(Shop).where(Shop.id == order.shop_id))

    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, order.currency)

    return OrderHead(
        id=order.id,
        number=order.number,
        version=order.version,
        shop=shop.name if shop else "-",
        channel=order.channel,
        state=order.state,
        state_title=state_title(order.state),
        state_since=order.state_since,
        recipient=masked_name(order.recipient_name),
        phone=masked_phone(order.recipient_phone),
        place=place(order),
        address=masked_address(order.address),
        recipient_kind=order.recipient_kind,
        address_check=order.address_check,
        address_reason=reason_title(order.address_reason),
        total=money(order.total_minor),
        paid=money(order.paid_total_minor),
        cod=money(order.cod_minor),
        paid_at=order.paid_at,
        ordered_at=order.ordered_at,
        ship_by=order.ship_by,
        deliver_by=order.deliver_by,
        payment_status=order.payment_status,
        refund_status=order.refund_status,
        buyer_memo=masked_text(order.buyer_memo) if order.buyer_memo else "",
        seller_memo=masked_text(order.seller_memo) if order.seller_memo else "",
        seller_flag=order.seller_flag,
        tags=[str(tag) for tag in order.tags],
        hold_reason=order.hold_reason,
        hold_title=reason_title(order.hold_reason),
        manual_review=order.manual_review,
        manual_service=order.manual_service,
        edited=[field_title(str(name)) for name in order.edited],
    )


def _issue(row: dict[str, str]) -> IssueLine:
    return IssueLine(
        field=field_title(row.get("field", "")),
        code=row.get("code", ""),
        value=str(row.get("value") or ""),
    )
