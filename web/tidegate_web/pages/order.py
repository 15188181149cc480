"""/orders/<id>: one order, its time line and decisions, and what a person may do with it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.errors import InputError
from tidegate.services import review, routing, settling, shipping
from tidegate.services.view_order import order_view
from tidegate.services.view_parcels import active_services
from tidegate.services.view_recipient import ClearRecipient, reveal_recipient
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt, given_reason
from tidegate_web.fragments import page
from tidegate_web.language import t

pages = Blueprint("order", __name__)
EDITABLE = {  # form field: vocabulary id
    "phone": "recipient.phone",
    "name": "recipient.name",
    "province": "recipient.province",
    "city": "recipient.city",
    "district": "recipient.district",
    "town": "recipient.town",
    "address": "recipient.address",
    "seller_memo": "order.seller_memo",
}


@pages.get("/orders/<int:order_id>")
def show(order_id: int) -> Response:
    return _page(order_id)


@pages.post("/orders/<int:order_id>/reveal")
def reveal(order_id: int) -> Response:
    """The one page with personal data in clear; it is rendered once and never stored by the browser."""
    shown: list[ClearRecipient] = []

    def work() -> None:
        reason = given_reason()
        shown.append(reveal_recipient(desk.context(), order_id, desk.actor(), reason))

    problem = attempt("reveal", work)
    return _page(order_id, problem, shown[0] if shown else None)


@pages.post("/orders/<int:order_id>/<any(release, reject, ask_again, cancel, edit, carrier):name>")
def act(order_id: int, name: str) -> Response:
    problem = attempt(name, lambda: _acts(order_id)[name]())
    if problem is not None:
        return _page(order_id, problem)
    flash(t(f"order.done.{name}"))
    target = url_for("order.show", order_id=order_id)
    return redirect(target, 303)  # type: ignore[return-value]  # a werkzeug response serves as well


@pages.post("/orders/<int:order_id>/parcels/<int:parcel_id>/<any(waybill, write_back):kind>")
def settle(order_id: int, parcel_id: int, kind: str) -> Response:
    """A person says what became of a request that the platform can't find out."""
    problem = attempt(f"settle-{parcel_id}-{kind}", lambda: _settle(parcel_id, kind))
    if problem is not None:
        return _page(order_id, problem)
    flash(t(f"order.settle_done.{kind}"))
    return redirect(url_for("order.show", order_id=order_id), 303)  # type: ignore[return-value]


def _settle(parcel_id: int, kind: str) -> None:
    context, actor, form = desk.context(), desk.actor(), request.form
    outcome = form.get("outcome", "")
    number = form.get("waybill_no", "").strip()
    if outcome not in ("exists", "absent") or (
        kind == "waybill" and (outcome == "exists") != bool(number)
    ):
        raise InputError(
            "waybill.outcome_missing",
            zh="请选择查到的结果: 有运单就填单号, 没有就把单号留空。",
            en="Say what you found: with a waybill give its number, without one leave the number empty.",
            field="outcome",
        )
    if kind == "waybill":
        settling.settle_waybill(context, parcel_id, number or None, actor, given_reason())
    else:
        settling.settle_write_back(context, parcel_id, outcome == "exists", actor, given_reason())


def _acts(order_id: int) -> dict[str, Callable[[], object]]:
    context, actor, form = desk.context(), desk.actor(), request.form
    return {
        "release": lambda: review.release(context, order_id, actor, given_reason()),
        "reject": lambda: review.reject(context, order_id, actor, given_reason()),
        "ask_again": lambda: review.ask_again(context, order_id, actor),
        "cancel": lambda: shipping.cancel_order(context, order_id, actor, given_reason()),
        "carrier": lambda: routing.change_service(
            context, order_id, form.get("service", ""), actor, given_reason()
        ),
        "edit": lambda: review.edit_order(
            context,
            order_id,
            form.get("version", default=0, type=int),
            changes(order_id),
            actor,
            given_reason(),
        ),
    }


def changes(order_id: int) -> dict[str, str | None]:
    """Fields that were typed over. An empty box of a masked field means: leave it as it is."""
    before = order_view(desk.context(), order_id).editable
    found: dict[str, str | None] = {}
    for name, fact in EDITABLE.items():
        typed = request.form.get(name, "").strip()
        if typed and typed != getattr(before, name, None):
            found[fact] = typed
    return found


def _page(
    order_id: int, problem: Problem | None = None, clear: ClearRecipient | None = None
) -> Response:
    context = desk.context()
    opened = request.args.get("decision", type=int)
    return page(
        "order",
        status=problem.status if problem else 200,
        order=order_view(context, order_id, opened if "all" in request.args else None),
        services=active_services(context),
        problem=problem,
        clear=clear,
        opened=opened,
    )
