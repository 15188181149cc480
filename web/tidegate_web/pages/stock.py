"""/stock: what is there, what is promised, what is wished for."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.errors import InputError
from tidegate.services import stock_levels
from tidegate.services.view_stock import stock_csv, stock_page
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt, given_reason
from tidegate_web.fragments import page
from tidegate_web.language import t

pages = Blueprint("stock", __name__)
COLUMNS = (
    "sku",
    "title",
    "warehouse_code",
    "warehouse",
    "location",
    "on_hand",
    "reserved",
    "available",
    "missing",
)


@pages.get("/stock")
def show() -> Response:
    return _page()


@pages.post("/stock/adjust")
def adjust() -> Response:
    problem = attempt("adjust", _adjust)
    if problem is not None:
        return _page(problem)
    flash(t("stock.done.adjust", sku=request.form["sku"], units=request.form["on_hand"].strip()))
    target = url_for("stock.show") + _query()
    return redirect(target, 303)  # type: ignore[return-value]  # a werkzeug response serves as well


@pages.get("/stock.csv")
def as_csv() -> Response:
    args = request.args
    headings = [t(f"stock.column.{name}") for name in COLUMNS]
    content = stock_csv(desk.context(), headings, args.get("q", ""), args.get("warehouse", ""))
    answer = Response(content, mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="stock.csv"'
    return answer


def _adjust() -> None:
    typed = request.form.get("on_hand", "").strip()
    if not (typed.isascii() and typed.isdigit()) or len(typed) > 9:
        raise InputError(
            "stock.not_a_number",
            zh="在库数应为 0 到 999999999 的整数, 请只填数字。",
            en="The number on hand must be a whole number from 0 to 999999999; digits only.",
            field="on_hand",
        )
    sku, code = request.form.get("sku", ""), request.form.get("warehouse_code", "")
    context, actor = desk.context(), desk.actor()
    stock_levels.adjust(context, sku, code, int(typed), actor, given_reason())


def _page(problem: Problem | None = None) -> Response:
    args = request.args
    after = (args["after"], args.get("after_warehouse", "")) if args.get("after") else None
    found = stock_page(
        desk.context(),
        text=args.get("q", ""),
        warehouse=args.get("warehouse", ""),
        only=args.get("only", ""),
        after=after,
    )
    status = problem.status if problem else 200
    return page("stock", fragment="list", status=status, found=found, asked=args, problem=problem)


def _query() -> str:
    """The filters of this request, so that the reader comes back to the same list."""
    text = request.query_string.decode("ascii", "ignore")
    return f"?{text}" if text else ""
