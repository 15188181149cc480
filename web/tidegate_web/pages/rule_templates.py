"""/rules/templates: ready rules as cards; one with its blanks, put into a set's draft."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.services.view_parcels import active_services
from tidegate.services.workshop import drafts, templates
from tidegate.services.workshop.model import DraftChanged
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import t
from tidegate_web.versions import both_versions

pages = Blueprint("rule_templates", __name__)


@pages.get("/rules/templates")
def show() -> Response:
    context = desk.context()
    query, group = request.args.get("q", "")[:60], request.args.get("group", "")
    return page(
        "rule_templates", fragment="cards", found=templates.find(context, query, group), q=query,
        group=group, groups=templates.groups(context),
    )  # fmt: skip


@pages.get("/rules/templates/<template_id>")
def one(template_id: str) -> Response:
    return _form(template_id)


@pages.post("/rules/templates/<template_id>")
def use(template_id: str) -> Any:
    context, form = desk.context(), request.form
    set_id = form.get("set", "")
    made: list[str] = []

    def act() -> None:
        draft = drafts.draft_of(context, set_id)
        values = {name[2:]: text for name, text in form.items() if name.startswith("b.")}
        version = draft.version if draft else 0
        made.append(templates.use(context, set_id, version, template_id, values, desk.actor())[1])

    problem = attempt("use", act)
    if problem is not None and problem.code == "rules.draft_changed":
        found = drafts.draft_of(context, set_id)
        if found is not None:
            return both_versions(DraftChanged(found))
    if problem is not None:
        return _form(template_id, problem)
    flash(t("templates.used"))
    return redirect(url_for("rule_editor.edit", set_id=set_id, rule_id=made[0]), 303)


def _form(template_id: str, problem: Problem | None = None) -> Response:
    context = desk.context()
    found = templates.template(context, template_id)
    sets = [info for info in drafts.sets(context) if info.gate == found.gate]
    return page(
        "rule_template", status=problem.status if problem else 200, template=found, sets=sets,
        services=active_services(context), problem=problem,
    )  # fmt: skip
