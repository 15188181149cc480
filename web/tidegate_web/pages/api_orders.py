"""/api/v1/orders: orders come in, and what the rules said about one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from tidegate.domain.orders import OrderDraft
from tidegate.errors import InputError, TidegateError
from tidegate.sdk.issues import issue_text
from tidegate.sdk.quick_orders import quick_order
from tidegate.sdk.schemas import load_order
from tidegate.services.ingest import foreign_shop, identity, open_shops, take_orders
from tidegate.services.intake_store import Taken
from tidegate.services.view_order import order_view
from tidegate_web import desk
from tidegate_web.api import order_bodies, trial_answers
from tidegate_web.api.operations import Answer, operation
from tidegate_web.api.problems import pointer
from tidegate_web.language import lang

pages = Blueprint("api_orders", __name__, url_prefix="/api/v1")


@operation(pages, "GET", "/orders/<int:order_id>/decisions", answer=trial_answers.Decisions)
def decisions(order_id: int) -> Any:
    """Every decision about an order, rule by rule. Personal values are masked."""
    found = order_view(desk.context(), order_id)
    return {"order_id": order_id, "decisions": found.decisions}


@operation(
    pages, "POST", "/orders", body=order_bodies.Order, answer=order_bodies.TakenOrder, once=True,
    also=201, errors=[404],
)  # fmt: skip
def take(body: Any, once: Any) -> Any:
    """Bring an order in.

    201 when it is new, 200 when it was here; on the disk before the answer. Identity is channel, shop and number.
    """
    context = desk.context()
    draft = _placed(body["draft"])
    shops = open_shops(context)
    if shops is not None and (draft.channel, draft.shop) not in shops:
        raise foreign_shop(draft)
    (taken,) = take_orders(context, [draft], source=desk.actor(), once=once)
    return Answer(_told(draft, taken), status=201 if taken.outcome == "created" else 200)


@operation(
    pages, "POST", "/orders/bulk", body=order_bodies.Orders, answer=order_bodies.TakenOrders,
    once=True,
)  # fmt: skip
def take_many(body: Any, once: Any) -> Any:
    """Bring up to 1,000 orders in; each row is accepted or rejected with its reason.

    All accepted rows are one transaction: after an error of the whole request, none of them is stored.
    """
    context = desk.context()
    shops = open_shops(context)
    drafts: dict[int, OrderDraft] = {}
    rejected: list[dict[str, Any]] = []
    seen: set[tuple[str, str, str]] = set()
    for row, given in enumerate(body["orders"], 1):
        try:
            draft = _placed(_read(given, context.currency))
            if shops is not None and (draft.channel, draft.shop) not in shops:
                raise foreign_shop(draft)
        except TidegateError as error:
            rejected.append(_refused(row, error))
            continue
        if identity(draft) in seen:
            rejected.append(_repeated(row, draft))
            continue
        seen.add(identity(draft))
        drafts[row] = draft
    taken = take_orders(context, list(drafts.values()), source=desk.actor(), once=once)
    rows = [
        {"row": row, **_told(draft, one)}
        for (row, draft), one in zip(drafts.items(), taken, strict=True)
    ]
    outcomes = Counter(one.outcome for one in taken)
    counts = {name: outcomes[name] for name in ("created", "updated", "unchanged")}
    read = len(body["orders"])
    return {"read": read, "accepted": len(rows), **counts, "orders": rows, "rejected": rejected}


def _read(given: Mapping[str, Any], currency: str) -> OrderDraft:
    draft = quick_order(given, channel="", shop="", currency=currency)
    return draft or load_order(given, channel="", shop="", currency=currency)


def _placed(draft: OrderDraft) -> OrderDraft:
    """An order whose document says which shop it is of.

    Raises:
        InputError: it does not.
    """
    for name, value in (("order.channel", draft.channel), ("order.shop", draft.shop)):
        if not value.strip():
            raise InputError(
                "orders.no_place",
                zh=f"请写明 {name}: 订单来自哪个平台的哪家店铺。",
                en=f"Say {name}: which shop on which channel the order is of.",
                field=name,
            )
    return draft


def _told(draft: OrderDraft, taken: Taken) -> dict[str, Any]:
    return {
        "order_id": taken.order_id,
        "number": draft.number,
        "outcome": taken.outcome,
        "issues": [{"field": one.field, "code": one.code} for one in draft.issues],
    }


def _refused(row: int, error: TidegateError) -> dict[str, Any]:
    place = pointer(str(error.fields.get("field", "")))
    detail = error.text(lang())
    return {
        "row": row,
        "pointer": f"/orders/{row - 1}{place}",
        "code": error.code,
        "detail": detail,
    }


def _repeated(row: int, draft: OrderDraft) -> dict[str, Any]:
    code = "orders.repeated"
    detail = issue_text("import.duplicate_number", "order.number", draft.number, lang())
    return {
        "row": row,
        "pointer": f"/orders/{row - 1}/order/number",
        "code": code,
        "detail": detail,
    }
