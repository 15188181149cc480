"""/rules/<set>/tables/<table>: a decision table, one cell in edit at a time; every act posts to the same address."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, request, url_for

from tidegate.errors import InputError, TidegateError
from tidegate.services.workshop import drafts, grid, grid_edits, grid_files
from tidegate.services.workshop.grid_edits import CellsWrong, Target
from tidegate.services.workshop.grid_words import spoken
from tidegate.services.workshop.model import DraftChanged
from tidegate_web import desk
from tidegate_web.fragments import page
from tidegate_web.language import known, lang, t
from tidegate_web.problems import status_of
from tidegate_web.undoing import flash_removed
from tidegate_web.versions import posted_version

pages = Blueprint("rule_grid", __name__)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PLACE = re.compile(r"(?:when|then)\.\d{1,3}\Z")


@pages.get("/rules/<set_id>/tables/<table_id>")
def show(set_id: str, table_id: str) -> Response:
    return _shown(set_id, table_id)


@pages.post("/rules/<set_id>/tables/<table_id>")
def save(set_id: str, table_id: str) -> Any:
    """Whatever `do` says, with the draft's version; what was typed stays where it can't be saved."""
    target = Target(desk.context(), set_id, table_id, posted_version(), desk.actor())
    act, _, what = request.form.get("do", "cell").partition(":")
    try:
        _ACTS.get(act, _cell)(target, what)
    except DraftChanged as error:
        return _shown(set_id, table_id, error, 409)
    except InputError as error:
        return _shown(set_id, table_id, error, status_of(error))
    if act == "remove-table":
        return redirect(url_for("rules.one", set_id=set_id), 303)
    here = _after(act)
    if "HX-Request" in request.headers:
        return _shown(set_id, table_id, given=here)
    return redirect(url_for("rule_grid.show", set_id=set_id, table_id=table_id, **here), 303)


@pages.get("/rules/<set_id>/tables")
def new(set_id: str) -> Response:
    return _new(set_id)


@pages.post("/rules/<set_id>/tables")
def make(set_id: str) -> Any:
    """A new table of one row."""
    form = request.form
    target = Target(
        desk.context(), set_id, form.get("id", "").strip(), posted_version(), desk.actor()
    )
    try:
        grid_edits.new_table(
            target, form.get("title", "").strip(), form.get("field", ""), form.get("action", ""),
            form.get("result", ""), form.get("policy", ""), form.get("stage", ""),
        )  # fmt: skip
    except (InputError, DraftChanged) as error:
        return _new(set_id, error)
    flash(t("grid.made"))
    where = url_for("rule_grid.show", set_id=set_id, table_id=target.table_id)
    return redirect(where, 303)


@pages.get("/rules/<set_id>/tables/<table_id>/export.xlsx")
def export(set_id: str, table_id: str) -> Response:
    answer = make_response(grid_files.export(desk.context(), set_id, table_id))
    answer.mimetype = XLSX
    name = f"{set_id}-{table_id}.xlsx"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@pages.post("/rules/<set_id>/tables/<table_id>/import")
def bring(set_id: str, table_id: str) -> Any:
    """First what a file would change, then, confirmed, the change."""
    context, form = desk.context(), request.form
    target = Target(context, set_id, table_id, posted_version(), desk.actor())
    try:
        if form.get("act") == "confirm":
            grid_files.confirm(target, form.get("content", ""))
            flash(t("grid.imported"))
            return redirect(url_for("rule_grid.show", set_id=set_id, table_id=table_id), 303)
        plan = _plan(context, set_id, table_id)
    except (DraftChanged, InputError) as error:
        return _shown(set_id, table_id, error, status_of(error))
    return page(
        "grid_import", plan=plan, info=drafts.info(context, set_id), table_id=table_id,
        most=grid_files.MOST_SHOWN, grid=grid.opened(context, set_id, table_id),
    )  # fmt: skip


def _plan(context: Any, set_id: str, table_id: str) -> grid_files.ImportPlan:
    sent = request.files.get("file")
    if sent is not None and sent.filename:
        return grid_files.read_file(context, set_id, table_id, sent.filename, sent.read())
    pasted = request.form.get("pasted", "").replace("\r\n", "\n")
    return grid_files.read_file(context, set_id, table_id, "pasted.tsv", pasted.encode())


# acts


def _cell(target: Target, _what: str) -> None:
    row, place, text = (request.form.get(name, "") for name in ("row", "col", "text"))
    grid_edits.put_cells(target, [(row, place, text)])
    flash(t("grid.saved"))


def _whole_row(target: Target, row: str) -> None:
    note = request.form.get("note", "")
    grid_edits.put_cells(target, [(row, place, text) for place, text in _typed().items()], note)
    flash(t("grid.saved"))


def _add(target: Target, _what: str) -> None:
    after = request.form.get("after", "")
    _, made = grid_edits.add_row(target, _typed(), request.form.get("note", ""), after)
    flash(t("grid.added", row=made))


def _paste(target: Target, _what: str) -> None:
    form = request.form
    text = form.get("block", "")
    _, lines = grid_edits.paste(target, form.get("row", ""), form.get("col", ""), text)
    flash(t("grid.pasted", n=lines))


def _move(target: Target, what: str) -> None:
    row, _, to = what.partition(":")
    place = to or request.form.get("to", "")
    if not place.isdigit() or len(place) > 6:
        raise InputError(
            "rules.bad_place",
            zh=f"“{place}”不是行号；请填数字。",
            en=f"“{place}” is no row number; write a number.",
            field="to",
        )
    grid_edits.move_row(target, row, int(place))
    flash(t("grid.moved", n=place))


def _typed() -> Mapping[str, str]:
    return {name: text for name, text in request.form.items() if _PLACE.match(name)}


def _switched(on: bool) -> Callable[[Target, str], None]:
    def act(target: Target, row: str) -> None:
        grid_edits.switch_row(target, row, on)
        flash(t("grid.saved"))

    return act


def _told(act: Callable[[Target, str], object]) -> Callable[[Target, str], None]:
    def done(target: Target, what: str) -> None:
        act(target, what)
        name = request.form.get("do", "").partition(":")[0].replace("-", "_")
        flash(known(f"grid.done.{name}", t("grid.saved")))

    return done


def _remove_table(target: Target, _what: str) -> None:
    grid_edits.remove_table(target)
    flash_removed(t("grid.done.remove_table"), target.set_id)


_ACTS: Mapping[str, Callable[[Target, str], None]] = {
    "cell": _cell,
    "row": _whole_row,
    "add": _add,
    "paste": _paste,
    "move": _move,
    "on": _switched(True),
    "off": _switched(False),
    "copy": _told(grid_edits.duplicate_row),
    "remove": _told(grid_edits.remove_row),
    "undo": _told(lambda target, _what: grid_edits.undo(target)),
    "remove-table": _remove_table,
    "column": _told(
        lambda target, place: grid_edits.change_column(
            target, place, request.form.get("source", "")
        ),
    ),
    "column-gone": _told(lambda target, place: grid_edits.change_column(target, place, "")),
    "ask": _told(
        lambda target, _: grid_edits.add_column(
            target, request.form.get("field", ""), output=False
        ),
    ),
    "do": _told(
        lambda target, _: grid_edits.add_column(
            target, request.form.get("action", ""), output=True
        ),
    ),
}


# the page


def _after(act: str) -> dict[str, Any]:
    """Where the eye goes next: the cell below or beside the one just saved."""
    here: dict[str, Any] = {"page": request.form["page"]} if request.form.get("page") else {}
    if act in ("cell", "paste"):
        row, col = request.form.get("row", ""), request.form.get("col", "")
        here |= {"at": f"{row}/{col}", "go": request.form.get("go", "")}
    return here


def _shown(
    set_id: str,
    table_id: str,
    error: TidegateError | None = None,
    status: int = 200,
    given: Mapping[str, str] | None = None,
) -> Response:
    context, asked = desk.context(), request.args if given is None else given
    number = asked.get("page") or request.form.get("page", "1")
    found = grid.opened(
        context, set_id, table_id, int(number) if number.isdigit() and len(number) < 5 else 1,
        marks=bool(asked.get("marks")),
    )  # fmt: skip
    typed = request.form if error is not None else {}
    wrong = error.cells if isinstance(error, CellsWrong) else {}
    return page(
        "grid", fragment="table", status=status, grid=found, info=drafts.info(context, set_id),
        error=error, wrong=wrong, typed=typed, asked=asked, edit=_edited(found, asked, error),
        changed=isinstance(error, DraftChanged), fields=lambda: grid.fields(context, set_id),
        actions=lambda: grid.actions(context, set_id), spoken=lambda parts: spoken(parts, lang()),
        focus=_focus(found, asked), theirs=_theirs(found, error),
    )  # fmt: skip


def _edited(
    found: grid.Grid, asked: Mapping[str, str], error: TidegateError | None
) -> tuple[str, str]:
    """(row, place) in edit; place `*` for the whole row, row `+` for a new one."""
    if error is None:
        return asked.get("row", ""), asked.get("col", "*" if asked.get("row") else "")
    act, _, what = request.form.get("do", "cell").partition(":")
    if act == "cell":
        return request.form.get("row", ""), request.form.get("col", "")
    return (what, "*") if act == "row" else ("+", "*") if act == "add" else ("", "")


def _focus(found: grid.Grid, asked: Mapping[str, str]) -> str:
    """The cell that gets the focus after a save: `r2/when.1`."""
    row, _, place = asked.get("at", "").partition("/")
    rows, places = [one.id for one in found.rows], [one.place for one in found.columns]
    if row not in rows or place not in places:
        return ""
    down, right = {"down": (1, 0), "right": (0, 1), "left": (0, -1), "up": (-1, 0)}.get(
        asked.get("go", ""), (0, 0)
    )
    at_row = max(0, min(rows.index(row) + down, len(rows) - 1))
    at_place = max(0, min(places.index(place) + right, len(places) - 1))
    return f"{rows[at_row]}/{places[at_place]}"


def _theirs(found: grid.Grid, error: TidegateError | None) -> str:
    """What the cell says in the draft as it is now, for whoever lost the race."""
    if not isinstance(error, DraftChanged):
        return ""
    row, place = request.form.get("row", ""), request.form.get("col", "")
    for one in found.rows:
        for cell in one.cells:
            if (one.id, cell.place) == (row, place):
                return spoken(cell.parts, lang())
    return ""


def _new(set_id: str, error: TidegateError | None = None) -> Response:
    context = desk.context()
    info = drafts.info(context, set_id)
    return page(
        "grid_new", status=status_of(error) if error else 200, info=info, error=error,
        typed=request.form, fields=grid.fields(context, set_id),
        actions=grid.actions(context, set_id),
    )  # fmt: skip
