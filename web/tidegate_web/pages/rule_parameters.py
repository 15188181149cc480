"""/rules/<set>/parameters and /rules/parameters: named thresholds with their limits and where they are used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from tidegate.services.workshop import drafts, named_view, numbers, what_if
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import t
from tidegate_web.undoing import flash_removed
from tidegate_web.versions import both_versions, posted_version

pages = Blueprint("rule_parameters", __name__)


@pages.get("/rules/parameters")
def every() -> Response:
    context = desk.context()
    rows = [(info, named_view.thresholds(context, info.set_id)) for info in drafts.sets(context)]
    return page("rule_parameters_all", rows=[row for row in rows if row[1]])


@pages.get("/rules/<set_id>/parameters")
def show(set_id: str) -> Response:
    """With `try=<name>` also what recent orders would say to that value."""
    return _tried(set_id) if request.args.get("try") else _page(set_id)


def _tried(set_id: str) -> Response:
    args = request.args.to_dict()
    name = args.get("name", "")
    found: list[what_if.WhatIf] = []
    problem = attempt(
        f"number-{name}",
        lambda: found.append(what_if.what_if(desk.context(), set_id, name, args)),
        typed=args,
    )
    return _page(set_id, problem, found[0] if found else None, args)


@pages.post("/rules/<set_id>/parameters")
def save(set_id: str) -> Any:
    """A changed value, or a new threshold."""
    context, form = desk.context(), request.form
    name = form.get("name", "").strip()
    problem = attempt(
        f"number-{name}" if form.get("known") else "number-new",
        lambda: numbers.save_threshold(
            context, set_id, posted_version(), name, form.to_dict(), desk.actor()
        ),
    )
    if problem is not None and problem.code == "rules.draft_changed":
        found = drafts.draft_of(context, set_id)
        return both_versions(numbers.DraftChanged(found)) if found else _page(set_id, problem)
    if problem is not None:
        return _page(set_id, problem)
    gone, kept = t("rule_parameters.removed", name=name), t("rule_parameters.saved", name=name)
    flash_removed(gone if form.get("remove") else kept, set_id)
    return redirect(url_for("rule_parameters.show", set_id=set_id, _anchor=f"n-{name}"), 303)


def _page(
    set_id: str,
    problem: Problem | None = None,
    found: what_if.WhatIf | None = None,
    asked: Mapping[str, str] | None = None,
) -> Response:
    context = desk.context()
    info = drafts.info(context, set_id)
    return page(
        "rule_parameters", status=problem.status if problem else 200, info=info, problem=problem,
        version=info.draft.version if info.draft else 0, types=numbers.TYPES,
        thresholds=named_view.thresholds(context, set_id), what_if=found,
        what_if_form=asked if found else None,
    )  # fmt: skip
