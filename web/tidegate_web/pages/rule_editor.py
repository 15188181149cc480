"""/rules/<set>/rules/<rule>: one rule as bands 当, 如果, 就; every change posts the whole form."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)

from tidegate.services.workshop import drafts, rule_editing, set_text
from tidegate.services.workshop.rule_page import EditorPage
from tidegate.services.workshop.rule_writing import Wrong
from tidegate_web import desk, formats, hx
from tidegate_web.fragments import page
from tidegate_web.language import known, lang, pick, t

pages = Blueprint("rule_editor", __name__)
ONWARD = {
    "check": "rule_check.show",
    "simulate": "rule_simulate.show",
    "review": "rule_review.show",
}


@pages.get("/rules/<set_id>/rules/new")
def new(set_id: str) -> Response:
    return _shown(rule_editing.opened(desk.context(), set_id))


@pages.get("/rules/<set_id>/rules/<rule_id>")
def edit(set_id: str, rule_id: str) -> Response:
    return _shown(rule_editing.opened(desk.context(), set_id, rule_id))


@pages.post("/rules/<set_id>/rules/new")
def write_new(set_id: str) -> Any:
    return _posted(set_id, "")


@pages.post("/rules/<set_id>/rules/<rule_id>")
def write(set_id: str, rule_id: str) -> Any:
    return _posted(set_id, rule_id)


def _posted(set_id: str, rule_id: str) -> Any:
    posted = request.form.to_dict(flat=False)
    command = request.form.get("do", "")
    if command.partition(":")[0] == "save" and not hx.wants("editor-bands"):
        return _save(set_id, rule_id, posted, command.partition(":")[2])
    found = rule_editing.changed(desk.context(), set_id, rule_id, posted, command, desk.actor())
    return _shown(found)


def _save(set_id: str, rule_id: str, posted: dict[str, list[str]], onward: str) -> Any:
    saved = rule_editing.save(desk.context(), set_id, rule_id, posted, desk.actor())
    if saved.page is None:
        flash(t("editor.saved"))
        endpoint = ONWARD.get(onward, "")
        if endpoint in current_app.view_functions:
            return redirect(_to(endpoint, set_id), 303)
        return redirect(url_for("rule_editor.edit", set_id=set_id, rule_id=saved.rule), 303)
    status = 409 if saved.changed else 422
    return _shown(saved.page, status, refused=True, changed=saved.changed, theirs=saved.theirs)


def _shown(found: EditorPage, status: int = 200, **more: Any) -> Response:
    values = {"refused": False, "changed": False, "theirs": None, **more}
    rows = found.rows
    words = pick({"zh": rows.zh or rows.en, "en": rows.en or rows.zh})
    why = pick({"zh": rows.why or rows.why_en, "en": rows.why_en or rows.why})
    return page(
        "editor", fragment="bands", status=status, edit=found,
        info=drafts.info(desk.context(), found.set_id),
        yours=rule_editing.told(words, why, found.said[lang()].text) if found.said else "",
        title=words or found.rule or t("editor.new"),
        set_link=_to("rules.one", found.set_id) or url_for("rules.show"),
        try_link=_try_link(found),
        onward=[code for code in ONWARD.items() if code[1] in current_app.view_functions],
        parameters=_to("rule_parameters.show", found.set_id), place_name=_place_name, anchor=_anchor,
        share=lambda text: formats.percent(Decimal(text)), default_title=_default_title,
        reading=lambda: request.form.get("reading", lang()),
        hint=lambda op: known(f"editor.hint.{op}", ""), **values,
    )  # fmt: skip


def _to(endpoint: str, set_id: str) -> str:
    """The address of a page about the set, if that page exists."""
    known_page = endpoint in current_app.view_functions
    return url_for(endpoint, set_id=set_id) if known_page else ""


def _try_link(found: EditorPage) -> str:
    address = _to("rule_try.show", found.set_id)
    return f"{address}?rule={found.rule}" if address else ""


def _place_name(path: str) -> str:
    """条件 3.2, 动作 1, 名称: where something is to be put right."""
    head, *rest = path.split("-")
    numbers = ".".join(str(int(part) + 1) for part in rest)
    if head == "c":
        return t("editor.condition", n=numbers) if numbers else t("editor.if")
    if head == "a":
        return t("editor.action", n=numbers) if numbers else t("editor.then")
    return t("editor.as_yaml") if head == "text" else t("editor.rule")


def _anchor(one: Wrong) -> str:
    if one.path == "rule":
        return one.part
    return {"text": "rule-text", "a": "band-then", "c": "band-if"}.get(one.path, one.path)


def _default_title(argument: Any) -> str:
    found = next((c for c in argument.choices.values if c.value == argument.default), None)
    return pick(found.title) if found and found.title else str(argument.default)


@pages.get("/rules/<set_id>/fields")
def fields(set_id: str) -> str:
    """The list below the box in which a field is looked for."""
    row = request.args.get("row", "c-0")
    over = request.args.get("over") or None
    found = rule_editing.search(desk.context(), set_id, request.args.get("q", "")[:80], over)
    rule = request.args.get("rule_id", "")
    here = (
        url_for("rule_editor.write", set_id=set_id, rule_id=rule)
        if rule
        else url_for("rule_editor.write_new", set_id=set_id)
    )
    return render_template("editor/_fields.html", found=found, row=row, here=here)


@pages.route("/rules/<set_id>/text", methods=["GET", "POST"])
def text(set_id: str) -> Any:
    """The whole set as YAML."""
    context = desk.context()
    shown = set_text.opened(context, set_id)
    if request.method == "GET":
        return _text_page(shown, shown.text)
    typed = request.form.get("text", "").replace("\r\n", "\n")
    version = request.form.get("version", "")
    number = int(version) if version.isdigit() and len(version) < 10 else 0
    saved = set_text.save(context, set_id, number, typed, desk.actor())
    if saved.done:
        flash(t("editor.text_saved"))
        return redirect(url_for("rule_editor.text", set_id=set_id), 303)
    return _text_page(set_text.opened(context, set_id), typed, saved)


def _text_page(
    shown: set_text.SetText, typed: str, problem: set_text.TextSaved | None = None
) -> Response:
    status = 200 if problem is None else 409 if problem.changed else 422
    return page(
        "editor_text", status=status, shown=shown, typed=typed, problem=problem,
        theirs=problem.theirs if problem else "",
        info=drafts.info(desk.context(), shown.set_id),
    )  # fmt: skip
