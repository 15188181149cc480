"""/connections/accounts/<code>/sheets: what is kept of a spreadsheet shop: mappings, and waybill files to take back."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.services.sheets import mappings, waybill_files
from tidegate.services.sheets.readers import place_of
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import t

pages = Blueprint("sheet_account", __name__)
TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@pages.get("/connections/accounts/<code>/sheets")
def show(code: str) -> Response:
    return _page(code)


@pages.post("/connections/accounts/<code>/sheets/mappings/<int:mapping_id>")
def mapping(code: str, mapping_id: int) -> Response:
    """`rename` or `remove` a kept mapping."""
    context, form = desk.context(), request.form
    place_of(context, code)
    if form.get("act") == "remove":
        mappings.remove(context, code, mapping_id, desk.actor())
        return _back(code, t("sheets.mapping_removed"))
    problem = attempt(
        f"mapping-{mapping_id}",
        lambda: mappings.rename(context, code, mapping_id, form.get("name", ""), desk.actor()),
    )
    return _page(code, problem) if problem else _back(code, t("sheets.mapping_renamed"))


@pages.post("/connections/accounts/<code>/waybills")
def make(code: str) -> Response:
    """A file of what has left since the last one."""
    problem = attempt("waybills", lambda: waybill_files.make(desk.context(), code, desk.actor()))
    return _page(code, problem) if problem else _back(code, t("sheets.waybills_made"))


@pages.get("/connections/accounts/<code>/waybills/<int:file_id>")
def waybills(code: str, file_id: int) -> Response:
    """One waybill file, to save."""
    name, made = waybill_files.content(desk.context(), code, file_id)
    answer = Response(made, mimetype=TYPES[name.rpartition(".")[2]])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _page(code: str, problem: Problem | None = None) -> Response:
    context = desk.context()
    return page(
        "sheet_account", status=problem.status if problem else 200, problem=problem,
        place=place_of(context, code), kept=mappings.kept(context, code),
        waiting=waybill_files.waiting(context, code), made=waybill_files.made_before(context, code),
    )  # fmt: skip


def _back(code: str, said: str) -> Response:
    flash(said)
    return redirect(url_for("sheet_account.show", code=code), 303)  # type: ignore[return-value]  # serves as well
