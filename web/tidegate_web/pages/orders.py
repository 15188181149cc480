"""/orders: search, filters, and acts on many orders at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, request

from tidegate.errors import InputError
from tidegate.services import labels, review
from tidegate.services.view_labels import printable_parcels
from tidegate.services.view_names import stages
from tidegate.services.view_orders import OrderPage, OrderQuery, order_numbers, search_orders
from tidegate_web import desk
from tidegate_web.attempts import Problem, Result, attempt, attempt_each, chosen_ids, given_reason
from tidegate_web.fragments import page
from tidegate_web.language import lang, t

pages = Blueprint("orders", __name__)
ACTS = ("release", "reject", "ask_again", "print")
NEED_REASON = ("release", "reject")


@pages.get("/orders")
def show() -> Response:
    return _page(search_orders(desk.context(), asked()))


@pages.post("/orders/act")
def act() -> Response:
    """The chosen act on every ticked order; each result is shown, none stops the others."""
    results: list[Result] = []
    problem = attempt("bulk", lambda: results.extend(_act_on_each()))
    found = search_orders(desk.context(), asked())
    return _page(found, results=results, problem=problem)


def _page(
    found: OrderPage, results: Sequence[Result] = (), problem: Problem | None = None
) -> Response:
    return page(
        "orders",
        fragment="list",
        status=problem.status if problem else 200,
        found=found,
        asked=request.args,
        stages=stages(),
        results=results,
        problem=problem,
        ticked=set(request.form.getlist("order")) if problem else set(),
    )


def asked() -> OrderQuery:
    """The filters in the address; what cannot be read is left out."""
    args = request.args
    stage = next((stage for stage in stages() if stage.id == args.get("stage")), None)
    states = stage.states if stage else tuple(args.getlist("state"))
    return OrderQuery(
        text=args.get("q", ""),
        states=tuple(state for state in states if state),
        channel=args.get("channel", ""),
        shop_id=args.get("shop", type=int),
        only=args.get("only", ""),
        reason=args.get("reason") or None,
        since=_midnight(args.get("since", "")),
        until=_midnight(args.get("until", ""), days_later=1),
        before=args.get("before", type=int),
    )


def _midnight(text: str, days_later: int = 0) -> datetime | None:
    try:
        on = date.fromisoformat(text)
    except ValueError:
        return None
    zone = ZoneInfo(desk.context().timezone)
    return datetime.combine(on + timedelta(days=days_later), time(), zone)


def _act_on_each() -> list[Result]:
    name = request.form.get("act", "")
    if name not in ACTS:
        raise InputError(
            "web.act_missing",
            zh="请选择要做什么: 放行、拒绝、重新审核或打单。",
            en="Choose what to do: release, reject, ask again or print.",
            field="act",
        )
    ids = chosen_ids("order")
    reason = given_reason() if name in NEED_REASON else ""
    if name == "print":
        return _print(ids)
    numbers = order_numbers(desk.context(), ids)
    items = [(numbers.get(id_, str(id_)), _on(name, id_, reason)) for id_ in ids]
    return attempt_each(items, t(f"orders.act.{name}.done"))


def _on(name: str, order_id: int, reason: str) -> Callable[[], object]:
    context, actor = desk.context(), desk.actor()
    acts: dict[str, Callable[[], object]] = {
        "release": lambda: review.release(context, order_id, actor, reason),
        "reject": lambda: review.reject(context, order_id, actor, reason),
        "ask_again": lambda: review.ask_again(context, order_id, actor),
    }
    return acts[name]


def _print(ids: Sequence[int]) -> list[Result]:
    parcels = printable_parcels(desk.context(), ids)
    if not parcels:
        raise InputError(
            "web.nothing_to_print",
            zh="勾选的订单里没有待打的面单; 已打过的请在打单页写明理由重打。",
            en="None of these orders has a label to print; reprint with a reason on the label page.",
            field="order",
        )
    batch = labels.print_labels(desk.context(), parcels, desk.actor(), lang=lang())
    printed = [Result(batch.number, True, t("orders.act.print.done", n=batch.printed))]
    return (printed if batch.printed else []) + [
        Result(problem.parcel_number, False, problem.error.text(lang()), problem.error.code)
        for problem in batch.problems
    ]
