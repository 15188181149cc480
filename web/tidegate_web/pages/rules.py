"""/rules: all sets; one set with its rules as sentences; its settings."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.services.workshop import drafts, set_hits, set_settings, set_view
from tidegate.services.workshop.model import DraftChanged
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import lang, t
from tidegate_web.undoing import flash_removed
from tidegate_web.versions import both_versions, posted_version

pages = Blueprint("rules", __name__)
POLICIES = ("first", "unique", "any", "priority", "collect", "stages")


@pages.get("/rules")
def show() -> Response:
    return _home()


def _home(problem: Problem | None = None) -> Response:
    context = desk.context()
    problems = [error.text(lang()) for error in context.rules.problems]
    return page(
        "rules", status=problem.status if problem else 200, cards=set_view.cards(context),
        problems=problems, problem=problem, policies=POLICIES, gates=set_view.gates(context),
    )  # fmt: skip


@pages.post("/rules")
def create() -> Any:
    """A new, empty set."""
    form = request.form
    zh, en = form.get("zh", "").strip(), form.get("en", "").strip()
    made: list[str] = []

    def act() -> None:
        draft = drafts.create(
            desk.context(), form.get("id", "").strip(), form.get("gate", ""),
            {"zh": zh or en, "en": en or zh}, form.get("policy", ""), desk.actor(),
        )  # fmt: skip
        made.append(draft.set_id)

    problem = attempt("new", act)
    if problem is not None:
        return _home(problem)
    flash(t("rules.created"))
    return redirect(url_for("rules.one", set_id=made[0]), 303)


@pages.get("/rules/<set_id>")
def one(set_id: str) -> Response:
    return _set(set_id)


def _set(set_id: str, problem: Problem | None = None) -> Response:
    args = request.args
    found = set_view.set_page(
        desk.context(), set_id, query=args.get("q", "")[:100], field=args.get("field", ""),
        page=args.get("page", 1, type=int),
    )  # fmt: skip
    return page(
        "rule_set", fragment="rules", status=problem.status if problem else 200, set=found,
        info=found.info, problem=problem, policies=set_settings.POLICIES,
        on_missing=set_settings.ON_MISSING, q=args.get("q", ""), field=args.get("field", ""),
        hits=set_hits.line_hits(desk.context(), set_id, found.stages),
    )  # fmt: skip


@pages.post("/rules/<set_id>/draft")
def start(set_id: str) -> Any:
    drafts.start(desk.context(), set_id, desk.actor())
    flash(t("rules.started"))
    return redirect(url_for("rules.one", set_id=set_id), 303)


@pages.post("/rules/<set_id>/discard")
def discard(set_id: str) -> Any:
    context = desk.context()
    known = drafts.info(context, set_id)
    try:
        drafts.discard(context, set_id, posted_version(), desk.actor())
    except DraftChanged as error:
        return both_versions(error)
    flash(t("rules.discarded"))
    target = "rules.show" if known.live is None else "rules.one"
    return redirect(url_for(target) if known.live is None else url_for(target, set_id=set_id), 303)


@pages.post("/rules/<set_id>/rules/<path:rule_id>/<any(switch, move, copy, remove):act>")
def change(set_id: str, rule_id: str, act: str) -> Any:
    """One of the small changes of the list."""
    context, actor, version = desk.context(), desk.actor(), posted_version()
    form = request.form
    acts = {
        "switch": lambda: drafts.switch_rule(
            context, set_id, version, rule_id, form.get("on") == "1", actor
        ),
        "move": lambda: drafts.move_rule(
            context, set_id, version, rule_id, form.get("to", 1, type=int), actor
        ),
        "copy": lambda: drafts.copy_rule(
            context, set_id, version, rule_id, form.get("new_id", "").strip(), actor
        ),
        "remove": lambda: drafts.remove_rule(context, set_id, version, rule_id, actor),
    }
    return _tried(set_id, f"{act}-{rule_id}", acts[act], t(f"rules.done.{act}"), rule_id)


@pages.post("/rules/<set_id>/undo")
def undo(set_id: str) -> Any:
    """Take the last save back, where nobody saved after it; back to the page it was pressed on."""
    try:
        drafts.undo(desk.context(), set_id, posted_version(), desk.actor())
    except DraftChanged as error:
        return both_versions(error)
    flash(t("rules.done.undo"))
    back = request.form.get("back", "")
    inside = back == f"/rules/{set_id}" or back.startswith(f"/rules/{set_id}/")
    return redirect(back if inside else url_for("rules.one", set_id=set_id), 303)


@pages.post("/rules/<set_id>/settings")
def settings(set_id: str) -> Any:
    """Title, note, policy, what is missing, what happens otherwise, four eyes."""
    return _tried(
        set_id,
        "settings",
        lambda: set_settings.save_settings(
            desk.context(), set_id, posted_version(), request.form, desk.actor()
        ),
        t("rules.done.settings"),
    )


def _tried(set_id: str, form: str, act: Any, done: str, rule_id: str = "") -> Any:
    """Do it and go back to the list; two versions when somebody was faster."""
    try:
        problem = attempt(form, act)
    except DraftChanged as error:
        return both_versions(error)
    if problem is not None and problem.code == "rules.draft_changed":
        return both_versions(DraftChanged(_now(set_id)))
    if problem is not None:
        return _set(set_id, problem)
    if request.view_args and request.view_args.get("act") == "remove":
        flash_removed(done, set_id)
    else:
        flash(done)
    kept: dict[str, Any] = {k: v for k, v in request.args.items() if k in ("q", "field", "page")}
    anchor = f"rule-{rule_id}" if rule_id else None
    return redirect(url_for("rules.one", set_id=set_id, _anchor=anchor, **kept), 303)


def _now(set_id: str) -> Any:
    return drafts.draft_of(desk.context(), set_id)
