"""/jobs: background jobs by queue, what runs, and what needs a person."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.errors import InputError
from tidegate.services import job_desk
from tidegate.services.view_jobs import jobs_page
from tidegate_web import desk
from tidegate_web.attempts import (
    Problem,
    Result,
    attempt,
    attempt_each,
    chosen_ids,
    given_reason,
)
from tidegate_web.fragments import page
from tidegate_web.language import t

pages = Blueprint("jobs", __name__)


@pages.get("/jobs")
def show() -> Response:
    return _page()


@pages.post("/jobs/act")
def act() -> Response:
    """Retry or drop the ticked jobs of a group, or retry the whole group."""
    results: list[Result] = []
    count: list[int] = []
    problem = attempt(request.form.get("form", ""), lambda: count.append(_act(results)))
    if problem is not None or not all(result.done for result in results):
        return _page(problem, results)
    done = "drop" if request.form["act"] == "drop" else "retry"
    flash(t(f"jobs.done.{done}", n=count[0]))
    return redirect(url_for("jobs.show"), 303)  # type: ignore[return-value]  # a werkzeug response serves as well


def _act(results: list[Result]) -> int:
    """The number of jobs it was done to."""
    context, actor, wanted = desk.context(), desk.actor(), request.form.get("act", "")
    if wanted == "retry_all":
        form = request.form
        return job_desk.retry_all(context, form.get("kind", ""), actor, form.get("error", ""))
    if wanted == "retry":
        items = [
            (f"#{id_}", lambda id_=id_: job_desk.retry(context, id_, actor))
            for id_ in chosen_ids("job")
        ]
    elif wanted == "drop":
        ids, reason = chosen_ids("job"), given_reason()
        items = [
            (f"#{id_}", lambda id_=id_: job_desk.drop(context, id_, actor, reason)) for id_ in ids
        ]
    else:
        raise InputError(
            "web.act_missing", zh="请点重试或放弃。", en="Press retry or drop.", field="act"
        )
    results.extend(attempt_each(items, ""))
    return len(items)


def _page(problem: Problem | None = None, results: list[Result] | None = None) -> Response:
    return page(
        "jobs",
        fragment="desk",
        status=problem.status if problem else 200,
        found=jobs_page(desk.context()),
        problem=problem,
        results=[result for result in results or [] if not result.done],
    )
