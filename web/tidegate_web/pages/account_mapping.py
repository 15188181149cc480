"""/connections/accounts/<code>/mapping: which field of an order comes from where, tried on real documents."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.sdk.fields import order_fields
from tidegate.sdk.mapping.converters import CONVERTERS
from tidegate.services.remotes import overlays
from tidegate.services.remotes.accounts import account
from tidegate.services.remotes.connected import manifest_called
from tidegate.services.syncing import samples
from tidegate.services.syncing.previews import how_of, mapping_page, overlay_of
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import t

pages = Blueprint("account_mapping", __name__)
BOXES = ("path", "convert", "values", "constant", "default")


@pages.get("/connections/accounts/<code>/mapping")
def show(code: str) -> Response:
    return _page(code)


@pages.post("/connections/accounts/<code>/mapping")
def act(code: str) -> Response:
    """`preview` shows what would come of the form, `save` puts it in force, `reset` goes back to the connector's."""
    context, wanted = desk.context(), request.form.get("act", "preview")
    if wanted == "reset":
        overlays.reset(context, code, desk.actor())
        return _back(code, t("mapping.reset_done"))
    overlay = _typed(code)
    if wanted != "save":
        return _page(code, tried=overlay)
    base = request.form.get("base", default=0, type=int)
    problem = attempt(
        "mapping", lambda: overlays.save(context, code, overlay, desk.actor(), base=base)
    )
    return _page(code, problem, overlay) if problem else _back(code, t("mapping.saved"))


@pages.post("/connections/accounts/<code>/mapping/samples")
def fetch(code: str) -> Response:
    """Ask the platform for a few orders to look at."""
    found: list[int] = []
    problem = attempt("samples", lambda: found.append(samples.fetch(desk.context(), code)))
    return _page(code, problem) if problem else _back(code, t("mapping.fetched", n=found[0]))


def _typed(code: str) -> dict[str, Any]:
    """The overlay that the form says."""
    manifest = manifest_called(account(desk.context(), code).connector)
    form, wanted = request.form, {}
    for name, field in order_fields().items():
        if f"path-{name}" not in form:
            continue
        part = "items" if field.part == "item" else "fields"
        before = (manifest.orders.get(part) or {}).get(name)
        typed = {box: form.get(f"{box}-{name}", "") for box in BOXES}
        wanted[name] = how_of(typed, before)
    return overlay_of(manifest, wanted, form.get("each", ""))


def _page(
    code: str, problem: Problem | None = None, tried: dict[str, Any] | None = None
) -> Response:
    context = desk.context()
    wrong: list[Problem] = []
    if tried is not None and problem is None:
        found = attempt("mapping", lambda: mapping_page(context, code, tried))
        wrong += [found] if found else []
    problem = problem or (wrong[0] if wrong else None)
    shown = mapping_page(context, code, None if problem else tried)
    return page(
        "account_mapping", fragment="preview", status=problem.status if problem else 200,
        found=shown, problem=problem, converters=list(CONVERTERS), tried=tried is not None,
    )  # fmt: skip


def _back(code: str, said: str) -> Response:
    flash(said)
    return redirect(url_for("account_mapping.show", code=code), 303)  # type: ignore[return-value]  # serves as well
