"""/rules/<set>/history: versions, the difference of any two, roll back, the audit log, the YAML of each."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, request, url_for

from tidegate.services.workshop import drafts, history, lifecycle
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import t

pages = Blueprint("rule_history", __name__)


@pages.get("/rules/<set_id>/history")
def show(set_id: str) -> Response:
    return _page(set_id)


@pages.get("/rules/<set_id>/diff")
def diff(set_id: str) -> Response:
    context = desk.context()
    before, after = request.args.get("from", "live"), request.args.get("to", "draft")
    return page(
        "rule_diff", info=drafts.info(context, set_id), before=before, after=after,
        diff=history.diff(context, set_id, before, after),
        versions=history.versions(context, set_id),
    )  # fmt: skip


@pages.get("/rules/<set_id>/export.yaml")
def export(set_id: str) -> Response:
    """A version as a file for git."""
    which = request.args.get("which", "live")
    text = history.text_of(desk.context(), set_id, which)
    response = make_response(text)
    response.headers["Content-Type"] = "text/yaml; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{set_id}.yaml"'
    return response


@pages.post("/rules/<set_id>/roll-back")
def roll_back(set_id: str) -> Any:
    number = request.form.get("number", -1, type=int)
    problem = attempt(
        f"back-{number}",
        lambda: lifecycle.roll_back(
            desk.context(), set_id, number, desk.actor(), request.form.get("reason", "")
        ),
    )
    if problem is not None:
        return _page(set_id, problem)
    flash(t("rule_history.rolled_back", n=number))
    return redirect(url_for("rule_history.show", set_id=set_id), 303)


@pages.post("/rules/<set_id>/withdraw")
def withdraw(set_id: str) -> Any:
    number = request.form.get("number", -1, type=int)
    problem = attempt(
        f"back-{number}",
        lambda: lifecycle.withdraw(
            desk.context(), set_id, number, desk.actor(), request.form.get("reason", "")
        ),
    )
    if problem is not None:
        return _page(set_id, problem)
    flash(t("rule_history.is_withdrawn", n=number))
    return redirect(url_for("rule_history.show", set_id=set_id), 303)


def _page(set_id: str, problem: Problem | None = None) -> Response:
    context = desk.context()
    return page(
        "rule_history", status=problem.status if problem else 200, problem=problem,
        info=drafts.info(context, set_id), versions=history.versions(context, set_id),
        audit=history.audit(context, set_id),
    )  # fmt: skip
