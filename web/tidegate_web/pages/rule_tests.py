"""/rules/<set>/tests: all tests run, coverage, proposals, mutants, and each test as a form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.errors import InputError
from tidegate.services.workshop import drafts, testing
from tidegate.services.workshop.model import DraftChanged
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import t
from tidegate_web.versions import both_versions, posted_version

pages = Blueprint("rule_tests", __name__)


@pages.get("/rules/<set_id>/tests")
def show(set_id: str) -> Response:
    return _page(set_id)


@pages.post("/rules/<set_id>/tests")
def act(set_id: str) -> Any:
    context, actor, version, form = desk.context(), desk.actor(), posted_version(), request.form
    name, act = form.get("name", ""), form.get("act", "")
    acts: dict[str, Callable[[], object]] = {
        "save": lambda: testing.save_case(
            context, set_id, version, name, form.get("text", ""), actor
        ),
        "remove": lambda: testing.remove_case(context, set_id, version, name, actor),
        "add": lambda: testing.add_proposed(context, set_id, version, form.getlist("names"), actor),
    }
    if act not in acts:
        raise InputError(
            "web.act_missing",
            zh="请点页面上的一个按钮。",
            en="Press one of the buttons.",
            field="act",
        )
    problem = attempt(f"{act}-{name}", acts[act])
    if problem is not None and problem.code == "rules.draft_changed":
        found = drafts.draft_of(context, set_id)
        if found is not None:
            return both_versions(DraftChanged(found))
    if problem is not None:
        return _page(set_id, problem)
    flash(t(f"tests.done.{act}"))
    return redirect(url_for("rule_tests.show", set_id=set_id), 303)


def _page(set_id: str, problem: Problem | None = None) -> Response:
    context = desk.context()
    more = request.args.get("more", "")
    return page(
        "rule_tests", status=problem.status if problem else 200, problem=problem, more=more,
        info=drafts.info(context, set_id), tests=testing.tests_page(context, set_id),
        proposed=testing.proposed(context, set_id) if more == "proposed" else None,
        mutants=testing.survivors(context, set_id) if more == "mutants" else None,
    )  # fmt: skip
