"""/rules/<set>/lists: named lists, one value a line."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.services.workshop import drafts, named_view, numbers
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import t
from tidegate_web.undoing import flash_removed
from tidegate_web.versions import both_versions, posted_version

pages = Blueprint("rule_lists", __name__)


@pages.get("/rules/<set_id>/lists")
def show(set_id: str) -> Response:
    return _page(set_id)


@pages.post("/rules/<set_id>/lists")
def save(set_id: str) -> Any:
    context, form = desk.context(), request.form
    name = form.get("name", "").strip()
    dropped: list[str] = []

    def act() -> None:
        dropped.extend(
            numbers.save_list(context, set_id, posted_version(), name, form.to_dict(), desk.actor())
        )

    problem = attempt(f"list-{name}" if form.get("known") else "list-new", act)
    if problem is not None and problem.code == "rules.draft_changed":
        found = drafts.draft_of(context, set_id)
        return both_versions(numbers.DraftChanged(found)) if found else _page(set_id, problem)
    if problem is not None:
        return _page(set_id, problem)
    gone, kept = t("rule_lists.removed", name=name), t("rule_lists.saved", name=name)
    flash_removed(gone if form.get("remove") else kept, set_id)
    if dropped:
        flash(t("rule_lists.twice", values=t("common.comma").join(dropped)))
    return redirect(url_for("rule_lists.show", set_id=set_id, _anchor=f"l-{name}"), 303)


def _page(set_id: str, problem: Problem | None = None) -> Response:
    context = desk.context()
    info = drafts.info(context, set_id)
    return page(
        "rule_lists", status=problem.status if problem else 200, info=info, problem=problem,
        version=info.draft.version if info.draft else 0, types=numbers.LIST_TYPES,
        lists=named_view.named_lists(context, set_id),
    )  # fmt: skip
