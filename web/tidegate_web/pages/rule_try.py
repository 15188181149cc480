"""/rules/<set>/try: an order, a saved case or facts by hand on the draft; a page, and a panel beside editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.errors import NotFound, TidegateError
from tidegate.services.view_orders import OrderQuery, search_orders
from tidegate.services.workshop import case_keeping, drafts, try_ways, trying
from tidegate.services.workshop.model import DraftChanged
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import lang, t
from tidegate_web.versions import both_versions, posted_version

pages = Blueprint("rule_try", __name__)
TABS = ("orders", "cases", "hand")
ROWS = 6
HAND = ("base", "way", "way_want")


@pages.get("/rules/<set_id>/try")
def show(set_id: str) -> Response:
    return _page(set_id)


@pages.post("/rules/<set_id>/try")
def run(set_id: str) -> Any:
    """Try what was posted; with `act=save` keep it as a test."""
    if request.form.get("act") != "save":
        return _page(set_id)
    context, form = desk.context(), _given()
    made: list[str] = []

    def keep() -> None:
        subject = trying.subject_of(context, set_id, form)
        if subject is None:
            raise NotFound("try.nothing", zh="先选一个订单。", en="Choose an order first.")
        name = form.get("name", "")
        made.append(
            case_keeping.save_as_case(
                context, set_id, posted_version(), subject, name, desk.actor()
            )
        )

    problem = attempt("save", keep)
    if problem is not None and problem.code == "rules.draft_changed":
        found = drafts.draft_of(context, set_id)
        if found is not None:
            return both_versions(DraftChanged(found))
    if problem is not None:
        return _page(set_id, problem)
    flash(t("try.saved", name=made[0]))
    return redirect(url_for("rule_tests.show", set_id=set_id, edit=made[0], _anchor="edit"), 303)


def _given() -> dict[str, str]:
    """What the address and the form say; the form wins."""
    return {**request.args.to_dict(), **request.form.to_dict()}


def _page(set_id: str, problem: Problem | None = None) -> Response:
    context, form = desk.context(), _given()
    info = drafts.info(context, set_id)
    tab = form.get("tab", "orders")
    tab = form["tab"] = tab if tab in TABS else "orders"
    text = form.get("q", "")[:60]
    found = (
        search_orders(context, OrderQuery(text=text), limit=ROWS).rows if tab == "orders" else ()
    )
    tried, ways, subject, wrong = None, None, None, ""
    try:
        if tab == "orders" and not form.get("subject"):
            subject = trying.first_order(context, set_id, [one.id for one in found])
            form["subject"] = str(subject.order_id) if subject else ""
        else:
            subject = trying.subject_of(context, set_id, form)
        if subject is not None and not subject.wrong and (tab != "hand" or subject.facts):
            tried, ways = _tried(set_id, subject, form)
    except NotFound:
        raise
    except TidegateError as error:
        wrong = error.text(lang())
    failed = bool(wrong or (subject and subject.wrong))
    return page(
        "rule_try", fragment="panel", status=problem.status if problem else 422 if failed else 200,
        info=info, version=info.draft.version if info.draft else 0, tab=tab, tabs=TABS, q=text,
        orders=found, cases=[case.name for case in drafts.working_set(context, set_id).cases],
        groups=trying.boxes(context, set_id, subject, form) if tab == "hand" else (),
        subject=subject, tried=tried, ways=ways, wrong=wrong, problem=problem, failed=failed,
        rule=form.get("rule", ""), want=form.get("want", ""), sent=_sent(form), blank=not form.get("base")
        and not any(name.startswith("f.") for name in form),
    )  # fmt: skip


def _tried(
    set_id: str, subject: trying.Subject, form: Mapping[str, str]
) -> tuple[trying.Tried, try_ways.Ways | None]:
    context, rule = desk.context(), form.get("rule_document", "")
    tried = trying.run(
        context, set_id, subject, rule, form.get("rule", ""), bool(form.get("whole"))
    )
    want = form.get("want", "")
    return tried, try_ways.ways(context, set_id, subject, want, rule) if want else None


def _sent(form: Mapping[str, str]) -> list[tuple[str, str]]:
    """What names the subject again: hidden fields of the forms below the result."""
    names = {"orders": ("subject", "q"), "cases": ("case",), "hand": HAND}
    kept = [(name, form[name]) for name in names[form["tab"]] if form.get(name)]
    if form["tab"] == "hand":
        kept += [(name, text) for name, text in form.items() if name.startswith("f.")]
    return kept
