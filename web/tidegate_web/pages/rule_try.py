"""/rules/<set>/try: an order, a saved case or facts by hand on the draft; a page, and a panel beside editors."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.errors import NotFound, TidegateError
from tidegate.services.view_orders import OrderQuery, search_orders
from tidegate.services.workshop import drafts, trying
from tidegate.services.workshop.model import DraftChanged
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import lang, t
from tidegate_web.versions import both_versions, posted_version

pages = Blueprint("rule_try", __name__)
TABS = ("orders", "cases", "hand")
ROWS = 6


@pages.get("/rules/<set_id>/try")
def show(set_id: str) -> Response:
    return _page(set_id)


@pages.post("/rules/<set_id>/try")
def run(set_id: str) -> Any:
    """Try what was posted; with `act=save` keep it as a test."""
    if request.form.get("act") != "save":
        return _page(set_id)
    context = desk.context()

    def keep() -> None:
        subject = _subject(set_id, _given("tab", "orders"))
        if subject is None:
            raise NotFound("try.nothing", zh="先选一个订单。", en="Choose an order first.")
        name = request.form.get("name", "")
        made.append(
            trying.save_as_case(context, set_id, posted_version(), subject, name, desk.actor())
        )

    made: list[str] = []
    problem = attempt("save", keep)
    if problem is not None and problem.code == "rules.draft_changed":
        found = drafts.draft_of(context, set_id)
        if found is not None:
            return both_versions(DraftChanged(found))
    if problem is not None:
        return _page(set_id, problem)
    flash(t("try.saved", name=made[0]))
    return redirect(url_for("rule_tests.show", set_id=set_id), 303)


def _given(name: str, otherwise: str = "") -> str:
    return request.form.get(name) or request.args.get(name) or otherwise


def _page(set_id: str, problem: Problem | None = None) -> Response:
    context = desk.context()
    info = drafts.info(context, set_id)
    tab = _given("tab", "orders")
    tab = tab if tab in TABS else "orders"
    text = _given("q")[:60]
    orders = (
        search_orders(context, OrderQuery(text=text), limit=ROWS).rows if tab == "orders" else ()
    )
    tried, ways, wrong = None, None, ""
    try:
        subject = _subject(set_id, tab, orders)
        if subject is not None:
            rule = request.form.get("rule_document", "")
            tried = trying.run(context, set_id, subject, rule)
            if want := _given("want"):
                ways = trying.ways(context, set_id, subject, want, rule)
    except NotFound:
        raise
    except TidegateError as error:
        wrong = error.text(lang())
    given = tried.subject.facts if tried else {}
    return page(
        "rule_try", fragment="panel", status=problem.status if problem else 422 if wrong else 200,
        info=info, version=info.draft.version if info.draft else 0, tab=tab, tabs=TABS, q=text,
        orders=orders, cases=[case.name for case in drafts.working_set(context, set_id).cases],
        fields=trying.hand_fields(context, set_id, given) if tab == "hand" else (),
        tried=tried, ways=ways, wrong=wrong, problem=problem, rule=_given("rule"), want=_given("want"),
    )  # fmt: skip


def _subject(set_id: str, tab: str, orders: Any = ()) -> trying.Subject | None:
    context = desk.context()
    if tab == "cases":
        name = _given("case")
        return trying.case_subject(context, set_id, name) if name else None
    if tab == "hand":
        return trying.hand_subject(context, set_id, request.form, _given("facts"))
    chosen = _given("subject")
    order_id = int(chosen) if chosen.isdigit() else orders[0].id if orders else None
    return None if order_id is None else trying.order_subject(context, set_id, order_id)
