"""/labels: print queue, hand-over, batches."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from flask import Blueprint, Response, flash, redirect, request, send_file, url_for

from tidegate.services import handover, label_batches, labels
from tidegate.services.view_labels import QUEUES, print_desk
from tidegate_web import desk
from tidegate_web.attempts import Problem, Result, attempt, chosen_ids, given_reason
from tidegate_web.fragments import page
from tidegate_web.language import lang, t

pages = Blueprint("labels", __name__)


@pages.get("/labels")
def show() -> Response:
    return _page()


@pages.post("/labels/print")
def print_chosen() -> Response:
    """The ticked parcels, or the whole queue, as one PDF. A reprint needs a reason."""
    return _then("print", _print)


@pages.post("/labels/hand-over")
def hand_over() -> Response:
    return _then("print", _hand_over)


@pages.get("/labels/<number>.pdf")
def batch_pdf(number: str) -> Response:
    content = label_batches.batch_pdf(desk.context(), number)
    return send_file(io.BytesIO(content), mimetype="application/pdf", download_name=f"{number}.pdf")


@pages.get("/labels/<number>/print-data.json")
def print_data(number: str) -> Response:
    """For the print component beside the printer; saved, never shown."""
    content = label_batches.batch_print_data(desk.context(), number)
    return send_file(
        io.BytesIO(content), mimetype="application/json", as_attachment=True,
        download_name=f"{number}-print-data.json",
    )  # fmt: skip


@pages.get("/labels/<number>/pick-list.pdf")
def pick_list(number: str) -> Response:
    content = labels.pick_list(desk.context(), number, lang())
    name = f"{number}-pick-list.pdf"
    return send_file(io.BytesIO(content), mimetype="application/pdf", download_name=name)


def _print() -> list[Result]:
    reprint = request.form.get("act") == "reprint"
    everything = request.form.get("act") == "everything"
    ids = None if everything else chosen_ids("parcel")
    reason = given_reason() if reprint else None
    batch = labels.print_labels(desk.context(), ids, desk.actor(), reason, lang())
    if batch.printed:
        flash(t("labels.done.print", n=batch.printed, number=batch.number))
    elif not batch.problems:
        flash(t("labels.done.nothing"))
    return [
        Result(problem.parcel_number, False, problem.error.text(lang()), problem.error.code)
        for problem in batch.problems
    ]


def _hand_over() -> list[Result]:
    done = handover.hand_over(desk.context(), chosen_ids("parcel"), desk.actor())
    flash(t("labels.done.hand_over", n=done))
    return []


def _then(form: str, work: Callable[[], Sequence[Result]]) -> Response:
    """Back to the queue; parcels that got no label are named first."""
    results: list[Result] = []
    problem = attempt(form, lambda: results.extend(work()))
    if problem is not None or results:
        return _page(problem, results)
    target = url_for("labels.show") + _query()
    return redirect(target, 303)  # type: ignore[return-value]  # a werkzeug response serves as well


def _page(problem: Problem | None = None, results: Sequence[Result] = ()) -> Response:
    args = request.args
    queue = args.get("queue", "print")
    return page(
        "labels",
        fragment="desk",
        status=problem.status if problem else 200,
        labels=print_desk(
            desk.context(),
            queue if queue in QUEUES else "print",
            args.get("warehouse", ""),
            args.get("carrier", ""),
        ),
        asked=args,
        problem=problem,
        results=results,
        ticked=set(request.form.getlist("parcel")) if problem else set(),
    )


def _query() -> str:
    """The filters of this request, so that the reader comes back to the same list."""
    text = request.query_string.decode("ascii", "ignore")
    return f"?{text}" if text else ""
