"""/review: orders that wait for a person, one after the other."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.errors import InputError
from tidegate.services import review, routing
from tidegate.services.view_order import order_view
from tidegate.services.view_orders import held_orders
from tidegate.services.view_parcels import active_services
from tidegate.services.view_queues import review_reasons
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt, given_reason
from tidegate_web.fragments import page
from tidegate_web.language import t

pages = Blueprint("review", __name__)


@pages.get("/review")
def show() -> Response:
    return _page(request.args.get("order", type=int))


@pages.post("/review/<int:order_id>")
def decide(order_id: int) -> Response:
    """Release, reject or change the carrier; then the next order."""
    following = _following(order_id)
    name = request.form.get("act", "")
    problem = attempt("decide", lambda: _act(name, order_id))
    if problem is not None:
        return _page(order_id, problem)
    flash(t(f"review.done.{name}"))
    reason = request.args.get("reason")
    target = url_for("review.show", reason=reason, order=following)
    return redirect(target, 303)  # type: ignore[return-value]  # a werkzeug response serves as well


def _act(name: str, order_id: int) -> None:
    context, actor = desk.context(), desk.actor()
    reason = given_reason()
    service = request.form.get("service", "")
    acts: dict[str, Callable[[], object]] = {
        "release": lambda: review.release(context, order_id, actor, reason),
        "reject": lambda: review.reject(context, order_id, actor, reason),
        "carrier": lambda: routing.change_service(context, order_id, service, actor, reason),
    }
    if name not in acts:
        raise InputError(
            "web.act_missing",
            zh="请点放行、拒绝或改快递。",
            en="Press release, reject or change carrier.",
            field="act",
        )
    acts[name]()


def _following(order_id: int) -> int | None:
    rows = held_orders(desk.context(), request.args.get("reason"))
    ids = [row.id for row in rows]
    if order_id not in ids:
        return None
    place = ids.index(order_id)
    rest = ids[place + 1 :] or ids[:place]
    return rest[0] if rest else None


def _page(order_id: int | None, problem: Problem | None = None) -> Response:
    context = desk.context()
    reason = request.args.get("reason")
    rows = held_orders(context, reason)
    if order_id is None and rows:
        order_id = rows[0].id
    return page(
        "review",
        fragment="desk",
        status=problem.status if problem else 200,
        groups=review_reasons(context),
        reason=reason,
        rows=rows,
        selected=order_view(context, order_id) if order_id is not None else None,
        services=active_services(context),
        problem=problem,
    )
