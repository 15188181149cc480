"""/alerts: what rules want a person to see."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.errors import InputError
from tidegate.services import alerts
from tidegate.services.view_alerts import alert_desk
from tidegate_web import desk
from tidegate_web.attempts import Problem, Result, attempt, attempt_each, chosen_ids, given_reason
from tidegate_web.fragments import page
from tidegate_web.language import t

pages = Blueprint("alerts", __name__)
DESKS = ("customer_service", "warehouse", "operations")


@pages.get("/alerts")
def show() -> Response:
    return _page()


@pages.post("/alerts/act")
def act() -> Response:
    """Claim or resolve the ticked alerts of a group."""
    results: list[Result] = []
    problem = attempt(request.form.get("kind", ""), lambda: results.extend(_act()))
    if problem is not None or not all(result.done for result in results):
        return _page(problem, results)
    flash(t(f"alerts.done.{request.form['act']}", n=len(results)))
    target = url_for("alerts.show", desk=request.args.get("desk") or None)
    return redirect(target, 303)  # type: ignore[return-value]  # a werkzeug response serves as well


def _act() -> list[Result]:
    acts = {"acknowledge": alerts.acknowledge, "resolve": alerts.resolve}
    name = request.form.get("act", "")
    if name not in acts:
        raise InputError(
            "web.act_missing",
            zh="请点认领或解除。",
            en="Press claim or resolve.",
            field="act",
        )
    ids, reason = chosen_ids("alert"), given_reason()
    context, actor, call = desk.context(), desk.actor(), acts[name]
    items = [(f"#{id_}", lambda id_=id_: call(context, id_, actor, reason)) for id_ in ids]
    return attempt_each(items, t(f"alerts.done.{name}", n=1))


def _page(problem: Problem | None = None, results: list[Result] | None = None) -> Response:
    chosen = request.args.get("desk", "")
    return page(
        "alerts",
        fragment="desk",
        status=problem.status if problem else 200,
        alerts=alert_desk(desk.context(), chosen if chosen in DESKS else ""),
        desks=DESKS,
        chosen=chosen,
        opened=request.form.get("kind") or request.args.get("kind", ""),
        problem=problem,
        results=[result for result in results or [] if not result.done],
    )
