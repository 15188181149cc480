"""/rules/<set>/tests: all tests run, coverage, proposals, mutants, and each test as a form or as YAML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, request, url_for

from tidegate.errors import InputError
from tidegate.services.workshop import drafts, testing
from tidegate.services.workshop.model import DraftChanged
from tidegate.services.workshop.mutant_hunting import Progress
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import lang, t
from tidegate_web.undoing import flash_removed
from tidegate_web.versions import both_versions, posted_version

pages = Blueprint("rule_tests", __name__)
WAIT_S = 0.4  # a short search needs no second look
BACK_TO = {"add": "proposed", "notice": "mutants"}


@pages.get("/rules/<set_id>/tests")
def show(set_id: str) -> Response:
    return _page(set_id)


@pages.get("/rules/<set_id>/tests.yaml")
def download(set_id: str) -> Response:
    """The tests as the file that stands beside a set."""
    answer = make_response(testing.as_text(desk.context(), set_id))
    answer.headers["Content-Type"] = "text/yaml; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{set_id}_test.yaml"'
    return answer


@pages.post("/rules/<set_id>/tests")
def act(set_id: str) -> Any:
    """Change, add or remove tests; search for what none notices, or stop that."""
    context, form = desk.context(), request.form
    name, act = form.get("case", ""), form.get("act", "")
    if act == "stop":
        testing.stop(context, set_id)
        return _page(set_id, more="mutants")
    if act == "search":
        testing.hunt(context, set_id, 0, again=True)
        return redirect(url_for("rule_tests.show", set_id=set_id, more="mutants"), 303)
    acts = _acts(set_id, name)
    if act not in acts:
        raise InputError(
            "web.act_missing",
            zh="请点页面上的一个按钮。",
            en="Press one of the buttons.",
            field="act",
        )
    problem = attempt(act, acts[act])
    if problem is not None and problem.code == "rules.draft_changed":
        found = drafts.draft_of(context, set_id)
        if found is not None:
            return both_versions(DraftChanged(found))
    if problem is not None:
        return _page(set_id, problem, more=BACK_TO.get(act, ""))
    if act == "remove":
        flash_removed(t("tests.done.remove"), set_id)
    else:
        flash(t(f"tests.done.{act}"))
    more = BACK_TO.get(act)
    return redirect(url_for("rule_tests.show", set_id=set_id, more=more), 303)


def _acts(set_id: str, name: str) -> dict[str, Callable[[], object]]:
    context, actor, version, form = desk.context(), desk.actor(), posted_version(), request.form
    numbers = [int(one) for one in form.getlist("number") if one.isdigit() and len(one) < 6]
    fields = form.to_dict()
    return {
        "form": lambda: testing.save_form(context, set_id, version, name, fields, actor),
        "text": lambda: testing.save_case(
            context, set_id, version, name, form.get("text", ""), actor
        ),
        "remove": lambda: testing.remove_case(context, set_id, version, name, actor),
        "add": lambda: testing.add_proposed(
            context, set_id, version, form.getlist("names"), actor, lang()
        ),
        "notice": lambda: testing.add_noticing(context, set_id, version, numbers, actor, lang()),
    }


def _page(set_id: str, problem: Problem | None = None, more: str = "") -> Response:
    context = desk.context()
    more = more or request.args.get("more", "")
    found = testing.hunt(context, set_id, WAIT_S) if more == "mutants" else None
    return page(
        "rule_tests", fragment="mutants", status=problem.status if problem else 200, problem=problem,
        more=more, info=drafts.info(context, set_id), tests=testing.tests_page(context, set_id),
        proposed=testing.proposed(context, set_id) if more == "proposed" else None,
        mutants=None if isinstance(found, Progress) else found,
        progress=found if isinstance(found, Progress) else None,
        edited=_edited(set_id, problem), others=testing.status(context),
    )  # fmt: skip


def _edited(set_id: str, problem: Problem | None) -> Any:
    """The form that is open: the one that was posted with a mistake, or the one the address asks for."""
    context, given = desk.context(), request.args
    if problem is not None and problem.form in ("form", "text"):
        name = request.form.get("case", "")
        if problem.form == "form":
            return testing.reopened(context, set_id, name, request.form.to_dict())
        return testing.opened(context, set_id, name)
    if given.get("edit"):
        return testing.opened(context, set_id, given["edit"])
    if given.get("copy"):
        return testing.opened(context, set_id, given["copy"], copy=True)
    return testing.opened(context, set_id, "") if "new" in given else None
