"""/sheets: a spreadsheet of orders brought in: uploaded, its columns corrected, previewed whole, imported."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)

from tidegate.errors import InputError
from tidegate.sdk.sheets import ADDRESSES, DATES, ENCODINGS, KEEP, ROWS, Layout
from tidegate.services import view_sheets
from tidegate.services.sheets import acts, bringing, files, repairs, trials
from tidegate.services.sheets.readers import places, presets
from tidegate_web import desk, hx
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.guard import NotAllowed
from tidegate_web.language import lang, t

pages = Blueprint("sheets", __name__)
STATUSES = ("to_ship", "paid_hold", "unpaid", "shipped", "completed")


@pages.get("/sheets")
def show() -> Response:
    return _list()


@pages.post("/sheets")
def upload() -> Response:
    """Keep the file; with `account` new, a spreadsheet shop is made for it first."""
    made: list[int] = []

    def act() -> None:
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            raise InputError(
                "sheet.no_file",
                zh="请先选择一个表格文件（.xlsx、.xls 或 .csv）。",
                en="Choose a spreadsheet first (.xlsx, .xls or .csv).",
                field="file",
            )
        with sent.stream as stream:  # a large one lies in a file meanwhile
            data = stream.read()
        code = _account()
        encoding = request.form.get("encoding", "")
        known = encoding if encoding in ENCODINGS else ""
        made.append(
            files.keep(desk.context(), code, sent.filename, data, desk.actor(), encoding=known)
        )

    problem = attempt("upload", act)
    return _list(problem) if problem else _to(made[0])


@pages.get("/sheets/<int:file_id>")
def one(file_id: int) -> Response:
    return _page(file_id)


@pages.post("/sheets/<int:file_id>")
def act(file_id: int) -> Response:
    """`look` at another header row, `preview` the whole file, `import` it, `reveal` its cells, `forget` it."""
    context, wanted = desk.context(), request.form.get("act", "preview")
    if wanted == "forget":
        files.forget(context, file_id, desk.actor())
        flash(t("sheets.forgotten"))
        return redirect(url_for("sheets.show"), 303)  # type: ignore[return-value]  # serves as well
    if wanted == "reveal":
        acts.note_reveal(context, file_id, desk.actor())
        return _page(file_id, clear=True)
    if wanted == "look":
        problem = attempt("look", lambda: files.look_again(context, file_id, _read(file_id)))
        return _page(file_id, problem) if problem else _to(file_id)
    problem = attempt("layout", lambda: files.correct(context, file_id, _read(file_id)))
    if wanted == "import" and not problem:
        name = request.form.get("name", "")
        problem = attempt(
            "import", lambda: bringing.bring(context, file_id, desk.actor(), name=name)
        )
        if not problem:
            return _to(file_id)
    problem = problem or attempt("layout", lambda: acts.tried(context, file_id))
    if problem and problem.code == "sheet.not_tried":  # changed since: here is what would come now
        attempt("layout", lambda: acts.tried(context, file_id))
    return _page(file_id, problem)


@pages.get("/sheets/<int:file_id>/trial")
def trial(file_id: int) -> Response:
    """How far the preview of a big file is; once it has ended the page comes anew."""
    found = trials.look_at(desk.context(), file_id)
    if not hx.wants("sheet-trial"):
        return _to(file_id)
    answer = make_response(render_template("sheet/_trial.html", trial=found, file_id=file_id))
    return answer if found and found.is_open else hx.reload(answer)


@pages.post("/sheets/<int:file_id>/stop")
def stop(file_id: int) -> Response:
    """End the preview of a big file."""
    trials.stop(desk.context(), file_id)
    return _to(file_id)


@pages.get("/sheets/<int:file_id>/rejected.<kind>")
def rejected(file_id: int, kind: str) -> Response:
    """The rows to mend, in clear: for whoever uploaded them, and for those who may see recipients."""
    context = desk.context()
    if kind not in repairs.KINDS:
        kind = repairs.KINDS[0]
    if not desk.may("orders.reveal") and not acts.is_mine(context, file_id, desk.actor()):
        raise NotAllowed(t("sheets.not_yours"))
    answer = Response(repairs.rejected_rows(context, file_id, lang(), kind))
    answer.mimetype = (
        "text/csv"
        if kind == "csv"
        else "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="rejected-{file_id}.{kind}"'
    return answer


def _account() -> str:
    """The code of the account that was chosen, or of one made on the spot."""
    form = request.form
    chosen = form.get("account", "")
    if chosen:
        return chosen
    if not desk.may("connections.manage"):
        raise InputError(
            "sheet.no_account",
            zh="请选择表格属于哪个店铺；没有可选的，请负责人先添加一个表格店铺。",
            en="Choose the shop the file belongs to; if there is none, ask an owner to add a spreadsheet shop.",
            field="account",
        )
    return acts.new_account(
        desk.context(), form.get("shop", ""), form.get("tool", "other"), desk.actor()
    )


def _read(file_id: int) -> Layout:
    """The layout that the form says; what the form does not hold stays as it is."""
    form = request.form
    now = acts.layout_of_file(desk.context(), file_id)
    fields = {
        name: form.get(f"field-{number}", now.fields.get(name, ""))
        for number, name in enumerate(now.columns)
    }
    values: dict[str, dict[str, str]] = {name: dict(some) for name, some in now.values.items()}
    for key, word in form.items():
        part, _, rest = key.partition("|")
        if part == "word" and f"meaning|{rest}" in form:
            values.setdefault(rest.rpartition("|")[0], {})[word] = form[f"meaning|{rest}"]
    row = form.get("header_row", "")
    whole = "rows" in form  # a tick box that is off is not sent
    return Layout(
        header_row=int(row) if row.isdigit() and len(row) < 7 else now.header_row,
        fields=fields, columns=now.columns, values=values,
        fill_down="fill_down" in form if whole else now.fill_down,
        **{
            name: form.get(name, getattr(now, name)).strip()
            for name in (
                "sheet", "encoding", "rows", "timezone", "currency", "shop", "dates", "address",
                "quantity", "status",
            )
        },
    )  # fmt: skip


def _list(problem: Problem | None = None) -> Response:
    context = desk.context()
    return page(
        "sheets", status=problem.status if problem else 200, problem=problem,
        places=places(context), lines=view_sheets.file_lines(context), tools=presets(),
        encodings=ENCODINGS, may_add=desk.may("connections.manage"),
        chosen=request.args.get("account", ""),
    )  # fmt: skip


def _page(file_id: int, problem: Problem | None = None, *, clear: bool = False) -> Response:
    found = view_sheets.sheet_page(desk.context(), file_id, clear=clear)
    return page(
        "sheet", fragment="state" if request.method == "GET" else "preview",
        status=problem.status if problem else 200, found=found, problem=problem, clear=clear,
        **_choices(),
    )  # fmt: skip


def _choices() -> dict[str, Any]:
    fields = view_sheets.field_choices()
    by_id = {one.id: one for some in fields.values() for one in some}
    return {
        "by_id": by_id,
        "fields": fields, "keep": KEEP, "rows_are": ROWS, "dates": DATES,
        "addresses": ADDRESSES, "encodings": ENCODINGS, "statuses": STATUSES,
        "may_reveal": desk.may("orders.reveal"),
    }  # fmt: skip


def _to(file_id: int) -> Response:
    return redirect(url_for("sheets.one", file_id=file_id), 303)  # type: ignore[return-value]  # serves as well
