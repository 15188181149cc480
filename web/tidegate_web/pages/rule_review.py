"""/rules/<set>/review: what differs, what is missing, who says yes, and from when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.errors import InputError
from tidegate.services.workshop import (
    applying,
    drafts,
    history,
    lifecycle,
    readiness,
    shadowing,
    simulating,
)
from tidegate.services.workshop.model import DraftChanged
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import t
from tidegate_web.versions import both_versions, posted_version

pages = Blueprint("rule_review", __name__)


@pages.get("/rules/<set_id>/review")
def show(set_id: str) -> Response:
    return _page(set_id)


@pages.post("/rules/<set_id>/review")
def act(set_id: str) -> Any:
    context, actor, version = desk.context(), desk.actor(), posted_version()
    note, name = request.form.get("note", "").strip(), request.form.get("act", "")
    acts: dict[str, Callable[[], object]] = {
        "ask": lambda: lifecycle.ask_for_review(context, set_id, version, actor, note),
        "approve": lambda: lifecycle.approve(context, set_id, version, actor, note),
        "send_back": lambda: lifecycle.send_back(context, set_id, version, actor, note),
        "publish": lambda: lifecycle.publish(
            context, set_id, version, actor, starts_at=_at("starts_at"), ends_at=_at("ends_at"),
            note=note, summary=_simulated(set_id),
        ),
        "shadow": lambda: lifecycle.publish(
            context, set_id, version, actor, mode="shadow", note=note
        ),
        "stop_shadow": lambda: lifecycle.stop_shadow(context, set_id, actor, note),
        "cancel": lambda: lifecycle.cancel_scheduled(
            context, set_id, request.form.get("number", 0, type=int), actor, note
        ),
    }  # fmt: skip
    if name not in acts:
        raise InputError(
            "web.act_missing",
            zh="请点页面上的一个按钮。",
            en="Press one of the buttons.",
            field="act",
        )
    problem = attempt(name, acts[name])
    if problem is not None and problem.code == "rules.draft_changed":
        found = drafts.draft_of(context, set_id)
        return both_versions(DraftChanged(found)) if found else _page(set_id, problem)
    if problem is not None:
        return _page(set_id, problem)
    flash(t(f"rule_review.done.{name}"))
    return redirect(url_for("rule_review.show", set_id=set_id), 303)


@pages.get("/rules/<set_id>/apply")
def apply_preview(set_id: str) -> Response:
    """Open orders about which the rules in force would say something else."""
    context = desk.context()
    return page(
        "rule_apply", info=drafts.info(context, set_id), found=applying.preview(context, set_id)
    )


@pages.post("/rules/<set_id>/apply")
def apply(set_id: str) -> Any:
    count = applying.apply(desk.context(), set_id, desk.actor())
    flash(t("rule_apply.done", n=count))
    return redirect(url_for("rule_review.show", set_id=set_id), 303)


def _simulated(set_id: str) -> dict[str, Any]:
    """The latest simulation of exactly this draft, kept with the version as it was."""
    draft = drafts.draft_of(desk.context(), set_id)
    if draft is None:
        return {}
    found = simulating.latest(desk.context(), set_id, draft.ruleset.hash)
    return {"simulation": found.as_summary()} if found else {}


def _at(field: str) -> datetime | None:
    """A time of the form, in the shop's zone; None when left empty.

    Raises:
        InputError: it is no time.
    """
    text = request.form.get(field, "").strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            "web.not_a_time",
            zh="时间写作 2026-11-11 00:00。",
            en="Write the time as 2026-11-11 00:00.",
            field=field,
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(desk.context().timezone))


def _page(set_id: str, problem: Problem | None = None) -> Response:
    context = desk.context()
    info = drafts.info(context, set_id)
    draft = drafts.draft_of(context, set_id)
    found = readiness.readiness(context, draft) if draft else None
    before = "live" if info.live else None
    diff = history.diff(context, set_id, before, "draft") if draft and before else None
    return page(
        "rule_review", status=problem.status if problem else 200, info=info, draft=draft,
        simulation=simulating.latest(context, set_id, draft.ruleset.hash) if draft else None,
        ready=found, diff=diff, problem=problem, shadow=shadowing.shadow_report(context, set_id),
        can_apply=info.live is not None and applying.can_apply(info.gate),
    )  # fmt: skip
