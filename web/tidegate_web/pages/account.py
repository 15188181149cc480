"""/account: one's own password, signed-in browsers, language and merchant."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, flash, redirect, request, url_for

from tidegate.errors import TidegateError
from tidegate.services.accounts import sessions, signing_in
from tidegate.services.accounts.principals import Principal
from tidegate.services.accounts.roles import PERMISSIONS, ROLES
from tidegate_web import desk, guard
from tidegate_web.attempts import Problem
from tidegate_web.fragments import page
from tidegate_web.language import t
from tidegate_web.pages.sign_in import new_password, problem_of

pages = Blueprint("account", __name__)


@pages.get("/account")
def show() -> Response:
    return _page() if _me() else _go(url_for("sign_in.setup"))


@pages.post("/account/password")
def password() -> Response:
    """Change it; every other browser is signed out."""
    me = _me()
    if me is None:
        return _go(url_for("sign_in.setup"))
    try:
        ended = signing_in.change_password(
            desk.outer(),
            me,
            request.form.get("old", ""),
            new_password(),
            secret=str(current_app.config["SECRET_KEY"]),
            address=request.remote_addr or "",
        )
    except TidegateError as error:
        return _page(problem_of("password", error))
    flash(t("people.account.password_done", n=ended))
    return _go(url_for("account.show"))


@pages.post("/account/sessions")
def end_sessions() -> Response:
    """End one other session, or all others."""
    me = _me()
    if me is not None:
        chosen = request.form.get("session", type=int)
        if chosen is None:
            sessions.end_others(desk.outer(), me)
        else:
            sessions.end(desk.outer(), me, chosen)
        flash(t("people.account.sessions_done"))
    return _go(url_for("account.show"))


@pages.post("/account/tenant")
def switch() -> Response:
    """Look at another merchant one belongs to."""
    tenant_id = request.form.get("tenant", type=int)
    if _me() is not None and tenant_id is not None:
        guard.move_to(tenant_id)
    return _go(url_for("board.show"))


def _me() -> Principal | None:
    """The person, not the local principal and no program."""
    principal = desk.person()
    return principal if principal is not None and principal.session_id else None


def _page(problem: Problem | None = None) -> Response:
    me = _me()
    assert me is not None  # noqa: S101  (asked before)
    return page(
        "account",
        status=problem.status if problem else 200,
        me=me,
        role=ROLES[me.role],
        permissions=[PERMISSIONS[one] for one in PERMISSIONS if me.may(one)],
        sessions=sessions.of_person(desk.outer(), me),
        problem=problem,
    )


def _go(target: str) -> Response:
    return redirect(target, 303)  # type: ignore[return-value]  # a werkzeug response serves as well
