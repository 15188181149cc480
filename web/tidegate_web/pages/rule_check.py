"""/rules/<set>/check: findings with the order that shows each, and those somebody accepted with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, current_app, flash, redirect, request, url_for

from tidegate.services.workshop import checking, drafts
from tidegate.services.workshop.checking import Checked, CheckReport
from tidegate_web import desk, hx
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import t

pages = Blueprint("rule_check", __name__)
SEVERITIES = ("error", "warning", "info")


@pages.get("/rules/<set_id>/check")
def show(set_id: str) -> Response:
    return _page(set_id)


@pages.post("/rules/<set_id>/check")
@pages.post("/rules/<set_id>/check/accept")
def accept(set_id: str) -> Any:
    """Accept a finding with a reason, open it again, stop the check or begin it anew."""
    context, form, actor = desk.context(), request.form, desk.actor()
    key, act = form.get("key", ""), form.get("act", "")
    if act == "cancel":
        checking.cancel(context, set_id)
        return _page(set_id)
    if act == "again":
        checking.checked(context, set_id, again=True, wait_s=0)
        return redirect(url_for("rule_check.show", set_id=set_id), 303)
    if act == "withdraw":
        problem = attempt(key, lambda: checking.withdraw(context, set_id, key, actor))
    else:
        reason = form.get("reason", "")
        problem = attempt(key, lambda: checking.accept(context, set_id, key, reason, actor))
    if problem is not None:
        return _page(set_id, problem)
    flash(t("rule_check.opened_again" if act == "withdraw" else "rule_check.noted"))
    return redirect(url_for("rule_check.show", set_id=set_id), 303)


def _page(set_id: str, problem: Problem | None = None) -> Response:
    context = desk.context()
    info = drafts.info(context, set_id)
    wait_s = (
        0 if hx.wants("rule_check-state") else checking.WAIT_S
    )  # who looks every second need not wait
    found = checking.checked(context, set_id, wait_s=wait_s)
    report = found if isinstance(found, CheckReport) else None
    open_ = [one for one in report.findings if not one.accepted] if report else []
    return page(
        "rule_check", fragment="state", status=problem.status if problem else 200,
        problem=problem, info=info, report=report, progress=None if report else found, rule_links=_links,
        open=open_, kinds=_kinds(open_),
        accepted=[one for one in report.findings if one.accepted] if report else [],
    )  # fmt: skip


def _kinds(findings: Sequence[Checked]) -> list[list[Checked]]:
    """Findings by kind, errors before warnings before notes; within a kind and among kinds what touches most
    orders first, as the report has them.
    """
    found: dict[tuple[str, str], list[Checked]] = {}
    for one in sorted(findings, key=lambda one: SEVERITIES.index(one.severity)):
        found.setdefault((one.severity, one.code), []).append(one)
    return list(found.values())


def _links(set_id: str, finding: Checked) -> list[tuple[str, str]]:
    """Where the rules of a finding are opened: (rule, address), each table once."""
    found: dict[str, str] = {}
    for one in finding.about:
        endpoint = "rule_grid.show" if one.table else "rule_editor.edit"
        if endpoint not in current_app.view_functions:
            continue
        if one.table:
            row = one.id.removeprefix(f"{one.table}.")
            found[row] = url_for(endpoint, set_id=set_id, table_id=one.table, mark=row)
        else:
            found[one.id] = url_for(endpoint, set_id=set_id, rule_id=one.id)
    return list(found.items())
