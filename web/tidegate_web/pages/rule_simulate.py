"""/rules/<set>/simulate and /rules/simulations/<id>: a draft over past orders, before it decides anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    request,
    stream_with_context,
    url_for,
)

from tidegate.domain.money import Money
from tidegate.errors import InputError
from tidegate.services.workshop import simulating, simulation_traces, simulation_view
from tidegate.services.workshop.simulating import Request, Upload
from tidegate_web import desk, formats
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import known, t

pages = Blueprint("rule_simulate", __name__)
COLUMNS = (
    "number", "channel", "at", "before", "after", "rules", "currency", "freight_before",
    "freight_after", "freight_delta", "facts",
)  # fmt: skip


@pages.get("/rules/<set_id>/simulate")
def show(set_id: str) -> Response:
    return _form(set_id)


@pages.post("/rules/<set_id>/simulate")
def begin(set_id: str) -> Any:
    started: list[int] = []
    problem = attempt(
        "simulate",
        lambda: started.append(simulating.start(desk.context(), set_id, _asked(), desk.actor())),
    )
    if problem:
        return _form(set_id, problem)
    return redirect(url_for("rule_simulate.one", simulation_id=started[0]), 303)


@pages.get("/rules/simulations/<int:simulation_id>")
def one(simulation_id: int) -> Response:
    return _run(simulation_id)


@pages.post("/rules/simulations/<int:simulation_id>/cancel")
def cancel(simulation_id: int) -> Any:
    context = desk.context()
    problem = attempt("cancel", lambda: simulating.cancel(context, simulation_id))
    if problem:
        return _run(simulation_id, problem)
    flash(t("simulate.cancelling"))
    return redirect(url_for("rule_simulate.one", simulation_id=simulation_id), 303)


@pages.get("/rules/simulations/<int:simulation_id>/cell")
def cell(simulation_id: int) -> Response:
    given = request.args
    number = given.get("page", "1")
    found = simulation_view.cell(
        desk.context(), simulation_id, given.get("from", "")[:80], given.get("to", "")[:80],
        given.get("rule", "")[:120], int(number) if number.isdigit() and len(number) < 7 else 1,
    )  # fmt: skip
    return page("simulation_cell", fragment="lines", found=found, run=found.run, order_link=_order)


@pages.get("/rules/simulations/<int:simulation_id>/order/<int:change_id>")
def order(simulation_id: int, change_id: int) -> Response:
    found = simulation_traces.traces(desk.context(), simulation_id, change_id)
    return page("simulation_order", found=found, run=found.run, order_link=_order)


@pages.get("/rules/simulations/<int:simulation_id>/changes.csv")
def export(simulation_id: int) -> Response:
    rows = simulation_view.changed_rows(desk.context(), simulation_id)
    simulating.summary(desk.context(), simulation_id)
    answer = Response(stream_with_context(_csv(rows)), mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="simulation-{simulation_id}.csv"'
    return answer


def _run(simulation_id: int, problem: Problem | None = None) -> Response:
    run = simulation_view.opened(desk.context(), simulation_id)
    over = run.line.state not in ("queued", "running")
    status = problem.status if problem else 200
    return page(
        "simulation", fragment="state", status=status, run=run, over=over, problem=problem,
        order_link=_order, review_link=_link("rule_review.show", run.info.set_id),
    )  # fmt: skip


def _form(set_id: str, problem: Problem | None = None) -> Response:
    found = simulation_view.form(desk.context(), set_id)
    status = problem.status if problem else 200
    return page("simulate", status=status, found=found, problem=problem, info=found.info,
                chosen=request.form.getlist("channel") if problem else [])  # fmt: skip


def _asked() -> Request:
    """The form as a request; what is no number is refused beside its field."""
    form = request.form
    sample = form.get("sample", "").strip()
    upload = None
    if form.get("source") == "file":
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            raise InputError(
                "simulation.no_file",
                zh="还没有选文件；请选一份订单文件，或改用店铺的历史订单。",
                en="No file was chosen; choose one, or use the shop's past orders.",
                field="file",
            )
        upload = Upload(sent.filename, sent.read(), form.get("mapping", ""))
    return Request(
        against=form.get("against", "live"),
        days=_whole("days", form.get("days", "30")),
        channels=tuple(form.getlist("channel")),
        sample=_whole("sample", sample) if sample else None,
        minutes=_number("minutes", form.get("minutes", "2")),
        in_order="in_order" in form,
        capacity=_capacity(form.get("capacity", "")),
        upload=upload,
    )


def _whole(name: str, text: str) -> int:
    cleaned = text.strip().replace(",", "")
    if cleaned.isascii() and cleaned.isdigit() and len(cleaned) < 10:
        return int(cleaned)
    raise InputError(
        f"simulation.bad_{name}",
        zh=f"“{text[:20]}”不是整数；请只填数字。",
        en=f"{text[:20]!r} is no whole number; write digits only.",
        field=name,
    )


def _number(name: str, text: str) -> Decimal:
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise InputError(
            f"simulation.bad_{name}",
            zh=f"“{text[:20]}”不是数字；请填分钟数，例如 2 或 1.5。",
            en=f"{text[:20]!r} is no number; write minutes, such as 2 or 1.5.",
            field=name,
        )
    return found


def _capacity(text: str) -> dict[str, int]:
    """Lines such as `SF.standard = 300`."""
    found = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        service, equals, number = line.replace("＝", "=").partition("=")
        if not equals or not service.strip() or not number.strip().isdigit():
            raise InputError(
                "simulation.bad_capacity",
                zh=f"运力“{line.strip()[:40]}”看不懂；每行写 服务 = 数量，例如 SF.standard = 300。",
                en=f"Capacity {line.strip()[:40]!r} is unclear; write SERVICE = NUMBER on each "
                "line, such as SF.standard = 300.",
                field="capacity",
            )
        found[service.strip()] = int(number)
    return found


def _csv(rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield "\ufeff" + ",".join(COLUMNS) + "\r\n"
    for row in rows:
        out = io.StringIO()
        csv.writer(out).writerow([_inert(value) for value in row])
        yield out.getvalue()


def _inert(value: str) -> str:
    """A cell that a spreadsheet takes for text, whatever it begins with; numbers stay numbers."""
    if value[:1] in ("=", "+", "@", "\t", "\r") or (value[:1] == "-" and not _is_number(value)):
        return "'" + value
    return value


def _is_number(value: str) -> bool:
    return value.removeprefix("-").replace(".", "", 1).isdigit()


@pages.app_template_filter()
def channel_name(code: str) -> str:
    return known(f"channels.{code}", code)


@pages.app_template_filter()
def signed_money(value: Money) -> str:
    """+¥4.20, −¥4.20 with a real minus."""
    return _sign(value.minor) + formats.money(Money(abs(value.minor), value.currency))


@pages.app_template_filter()
def signed_percent(value: Decimal) -> str:
    return _sign(value) + formats.percent(abs(value))


@pages.app_template_filter()
def signed(value: Decimal) -> str:
    """+37, −1.2: one place at most."""
    rounded = value.quantize(Decimal("0.1")).normalize()
    return _sign(rounded) + formats.count(Decimal(f"{abs(rounded):f}"))


@pages.app_template_filter()
def points(change: float, places: int = 1) -> str:
    """+0.8 pt: percentage points."""
    shown = round(change * 100, places)
    return f"{_sign(shown)}{abs(shown):.{places}f} pt"


def _sign(value: Decimal | float) -> str:
    return "−" if value < 0 else "+" if value > 0 else ""


def _order(order_id: int | None) -> str:
    return url_for("order.show", order_id=order_id) if order_id else ""


def _link(endpoint: str, set_id: str) -> str:
    """The address of a page about the set, if that page exists."""
    if endpoint not in current_app.view_functions:
        return ""
    rule = next(current_app.url_map.iter_rules(endpoint))
    values: dict[str, Any] = {next(iter(rule.arguments & {"set", "set_id"}), "set_id"): set_id}
    return url_for(endpoint, **values)
