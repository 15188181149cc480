"""An order as a document, `{order, payment, recipient, items, …}`, as `orders show --json`
prints it.

Named like the vocabulary, so that it can be imported again (mapping `tidegate`) or judged
(`rules decide --facts`).
Personal fields are masked unless asked for; asking is put on the order's time line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from tidegate.domain.orders import Issue, LineDraft, OrderDraft, RecipientDraft
from tidegate.errors import NotFound
from tidegate.sdk.issues import issue_of
from tidegate.sdk.schemas import dump_order
from tidegate.services.context import Context
from tidegate.services.intake_rows import LINE_FIELDS, ORDER_FIELDS, RECIPIENT_FIELDS
from tidegate.services.states import record
from tidegate.services.view_masks import masked_address, masked_name, masked_phone, masked_text
from tidegate.store.tables import Decision, Event, Order, OrderLine, Parcel, Shop
from tidegate.store.unit_of_work import UnitOfWork

_WORKED_OUT = (
    "region_code",
    "address_check",
    "address_reason",
    "address_is_new",
    "phone_kind",
    "phone_valid",
)
_DECISION = ("gate", "ruleset_id", "ruleset_hash", "trigger", "verdict", "applied", "result")
_PARCEL = ("number", "state", "service_code", "carrier", "waybill_no")


def order_documents(
    context: Context, number: str, *, lang: str = "zh", reveal: bool = False, actor: str = "cli"
) -> list[dict[str, Any]]:
    """Every order with this number, one per shop.

    Raises:
        NotFound: no shop has such an order.
    """
    with context.store.begin(context.tenant_id, readonly=not reveal) as work:
        statement = select(Order).where(Order.number == number).order_by(Order.id)
        orders = work.session.scalars(statement).all()
        if not orders:
            raise NotFound(
                "order.not_found",
                zh=f"没有编号为 {number} 的订单；请核对编号，或先用 orders import 导入。",
                en=f"There is no order {number}; check the number, or bring it in with orders "
                "import.",
                number=number,
            )
        documents = [_document(work, order, lang, reveal=reveal) for order in orders]
        if reveal:
            now = context.clock()
            for order in orders:
                record(
                    work, "revealed", order_id=order.id, now=now, actor_kind="person", actor=actor
                )
            work.commit()
    return documents


def draft_of(order: Order, shop: str, lines: Sequence[OrderLine]) -> OrderDraft:
    """The stored order as the draft it would be today, edits included."""
    recipient = {
        name: getattr(order, f"recipient_{name}" if name in ("kind", "name", "phone") else name)
        for name in RECIPIENT_FIELDS
    }
    return OrderDraft(
        shop=shop,
        **{name: getattr(order, name) for name in ORDER_FIELDS},
        recipient=RecipientDraft(**recipient),
        lines=tuple(
            LineDraft(**{name: getattr(line, name) for name in LINE_FIELDS}) for line in lines
        ),
        extra=order.extra,
    )


def _document(work: UnitOfWork, order: Order, lang: str, *, reveal: bool) -> dict[str, Any]:
    session = work.session
    lines = session.scalars(
        select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.position)
    ).all()
    shop = session.scalars(select(Shop.name).where(Shop.id == order.shop_id)).one()
    made = dump_order(draft_of(order, shop, lines))
    made["order"] |= {
        "state": order.state,
        "state_since": order.state_since.isoformat(),
        "tags": order.tags,
        "line_count": len(lines),
        "quantity": sum(line.quantity for line in lines),
        "manual_review": order.manual_review,
    }
    made["recipient"] |= {
        name: value for name in _WORKED_OUT if (value := getattr(order, name)) is not None
    }
    made["issues"] = [_issue(row, lang) for row in order.issues]
    made["parcels"] = _rows(
        session.scalars(select(Parcel).where(Parcel.order_id == order.id)), _PARCEL
    )
    events = session.scalars(select(Event).where(Event.order_id == order.id).order_by(Event.id))
    made["events"] = [
        {"at": event.at.isoformat(), **_row(event, ("kind", "actor_kind", "actor", "data"))}
        for event in events
    ]
    decisions = session.scalars(
        select(Decision).where(Decision.order_id == order.id).order_by(Decision.id)
    )
    made["decisions"] = [
        {"decided_at": found.decided_at.isoformat(), **_row(found, _DECISION)}
        for found in decisions
    ]
    return made if reveal else masked(made)


def masked(document: dict[str, Any]) -> dict[str, Any]:
    """The document without personal data: enough to recognise, too little to use."""
    order, recipient = dict(document["order"]), dict(document["recipient"])
    for name in ("buyer", "buyer_memo", "seller_memo"):
        if name in order:
            order[name] = masked_text(order[name])
    for name, mask in (("name", masked_name), ("phone", masked_phone), ("address", masked_address)):
        if name in recipient:
            recipient[name] = mask(recipient[name])
            recipient["kind"] = "masked"
    extra = {name: masked_text(text) for name, text in document.get("extra", {}).items()}
    return document | {"order": order, "recipient": recipient} | ({"extra": extra} if extra else {})


def _issue(row: Mapping[str, Any], lang: str) -> dict[str, Any]:
    issue = Issue(row.get("field", ""), row.get("code", ""), row.get("value"))
    return {"field": issue.field, "code": issue.code, "message": issue_of(issue, lang)}


def _rows(found: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    return [_row(item, names) for item in found]


def _row(item: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(item, name) for name in names}
