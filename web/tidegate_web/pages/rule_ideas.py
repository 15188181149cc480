"""/rules/ideas: what people do again and again by hand, as rules for a draft; rules that people overrule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.services.view_parcels import active_services
from tidegate.services.workshop import ideas, overriding
from tidegate.services.workshop.model import DraftChanged
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt, given_reason
from tidegate_web.fragments import page
from tidegate_web.language import t
from tidegate_web.versions import both_versions

pages = Blueprint("rule_ideas", __name__)


@pages.get("/rules/ideas")
def show() -> Response:
    return _page()


@pages.post("/rules/ideas/<key>/rule")
def make(key: str) -> Any:
    """Into the draft, then to the editor."""
    try:
        set_id, rule_id = ideas.make_rule(desk.context(), key, desk.actor())
    except DraftChanged as error:
        return both_versions(error)
    flash(t("ideas.made"))
    return redirect(url_for("rule_editor.edit", set_id=set_id, rule_id=rule_id), 303)


@pages.post("/rules/ideas/<key>/dismiss")
def dismiss(key: str) -> Any:
    context = desk.context()
    return _tried(
        f"dismiss-{key}",
        lambda: ideas.dismiss(context, key, given_reason(), desk.actor()),
        t("ideas.dismissed"),
    )


@pages.post("/rules/ideas/<key>/back")
def back(key: str) -> Any:
    return _tried(
        f"back-{key}",
        lambda: ideas.bring_back(desk.context(), key, desk.actor()),
        t("ideas.is_back"),
    )


def _tried(form: str, act: Callable[[], object], done: str) -> Any:
    problem = attempt(form, act)
    if problem is not None:
        return _page(problem)
    flash(done)
    return redirect(url_for("rule_ideas.show"), 303)


def _page(problem: Problem | None = None) -> Response:
    context = desk.context()
    return page(
        "rule_ideas", fragment="list", status=problem.status if problem else 200,
        ideas=ideas.find(context), dismissed=ideas.dismissed(context), days=ideas.DAYS,
        at_least=ideas.AT_LEAST, overridden=overriding.of_every_set(context), problem=problem,
        services=_services(), open=request.args.get("open", ""),
    )  # fmt: skip


def _services() -> Mapping[str, Mapping[str, str]]:
    return dict(active_services(desk.context()))
