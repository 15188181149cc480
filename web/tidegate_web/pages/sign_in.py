"""/setup, /sign-in, /sign-out and /join/<token>: the pages for somebody who is not signed in yet."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)

from tidegate.errors import InputError, TidegateError
from tidegate.services.accounts import founding, invitations, sessions, signing_in
from tidegate.services.accounts.throttling import TooMany
from tidegate_web import desk, guard
from tidegate_web.attempts import Problem
from tidegate_web.language import lang, t
from tidegate_web.problems import status_of

pages = Blueprint("sign_in", __name__)
HIDDEN = ("csrf_token", "password", "again", "old", "code")  # never shown again


@pages.get("/setup")
def setup() -> Response:
    """The first run; a 404 once somebody signed up."""
    if guard.anybody():
        abort(404)
    return _setup()


@pages.post("/setup")
def found() -> Response:
    """Create the owner; from another machine only with the code of the terminal. A 404 afterwards, as for setup."""
    if guard.anybody():
        abort(404)

    def act() -> str:
        _checked_code()
        given = _new_account()
        return founding.create_owner(desk.outer(), *given, request.user_agent.string)

    return _signed_in(act, _setup, url_for("board.show"), t("people.setup.done"))


@pages.get("/sign-in")
def show() -> Response:
    if not guard.anybody():
        return _go(url_for("sign_in.setup"))
    principal = desk.person()
    if principal is not None and principal.session_id:
        return _go(guard.safe_next(request.args.get("next", "/")))
    return _sign_in()


@pages.post("/sign-in")
def sign_in() -> Response:
    """Open a session; the old one of this browser, if any, is left behind."""

    def act() -> str:
        return signing_in.sign_in(
            desk.outer(),
            request.form.get("login", ""),
            request.form.get("password", ""),
            secret=str(current_app.config["SECRET_KEY"]),
            address=request.remote_addr or "",
            user_agent=request.user_agent.string,
        )

    return _signed_in(act, _sign_in, guard.safe_next(request.args.get("next", "/")))


@pages.post("/sign-out")
def sign_out() -> Response:
    """End the session here; doing it twice is fine."""
    principal = desk.person()
    if principal is not None and principal.session_id:
        sessions.end(desk.outer(), principal)
    session.clear()
    flash(t("people.sign_in.out"))
    return _go(url_for("sign_in.show"))


@pages.get("/join/<token>")
def invitation(token: str) -> Response:
    return _join(token)


@pages.post("/join/<token>")
def join(token: str) -> Response:
    """A new account by invitation, or one more tenant for somebody who is signed in."""
    principal = desk.person()
    if request.form.get("act") == "as_me" and principal is not None and principal.session_id:
        return _join_as_me(token)

    def act() -> str:
        given = _new_account()
        return invitations.join(desk.outer(), token, *given, request.user_agent.string)

    return _signed_in(
        act, lambda problem: _join(token, problem), url_for("board.show"), t("people.join.done")
    )


def _join_as_me(token: str) -> Response:
    principal = desk.person()
    assert principal is not None  # noqa: S101  (asked above)
    try:
        tenant_id = invitations.join_as(desk.outer(), token, principal)
    except TidegateError as error:
        if status_of(error) == 404:
            raise
        return _join(token, problem_of("join", error))
    guard.move_to(tenant_id)
    flash(t("people.join.done"))
    return _go(url_for("board.show"))


def _signed_in(
    act: Callable[[], str], again: Callable[[Problem], Response], target: str, said: str = ""
) -> Response:
    """Do it and go on with a new cookie, or show the form again with what was wrong."""
    try:
        secret = act()
    except TidegateError as error:
        if status_of(error) == 404:
            raise
        return again(problem_of("account", error))
    guard.begin_session(secret)
    if said:
        flash(said)
    return _go(target)


def problem_of(form: str, error: TidegateError) -> Problem:
    """What was wrong; passwords are never shown again."""
    status = 429 if isinstance(error, TooMany) else max(status_of(error), 400)
    return Problem(
        form=form,
        status=status,
        code=error.code,
        message=error.text(lang()),
        field=str(error.fields.get("field", "")),
        typed={name: value for name, value in request.form.items() if name not in HIDDEN},
    )


def new_password() -> str:
    """The password that was typed twice.

    Raises:
        InputError: the two differ.
    """
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        raise InputError(
            "password.differs",
            zh="两次输入的密码不一样；请都重新输入。",
            en="The two passwords differ; type both again.",
            field="again",
        )
    return password


def _new_account() -> tuple[str, str, str]:
    return request.form.get("login", ""), request.form.get("name", ""), new_password()


def _checked_code() -> None:
    """From this machine no code is asked for, unless sign-in is always required."""
    if guard.is_open():
        return
    wanted = str(current_app.config["SETUP_CODE"])
    given = request.form.get("code", "").strip().upper()
    if not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise InputError(
            "setup.code_wrong",
            zh="设置码不对。它显示在运行 tidegate run 的终端里，每次启动都会换新的。",
            en="That is not the set-up code. The terminal of tidegate run shows it; each start makes a new one.",
            field="code",
        )


def _setup(problem: Problem | None = None) -> Response:
    return _bare("setup", problem, needs_code=not guard.is_open())


def _sign_in(problem: Problem | None = None) -> Response:
    return _bare("sign_in", problem, next=request.args.get("next"))


def _join(token: str, problem: Problem | None = None) -> Response:
    principal = desk.person()
    me = principal if principal is not None and principal.session_id else None
    return _bare("join", problem, offer=invitations.look(desk.outer(), token), token=token, me=me)


def _bare(name: str, problem: Problem | None, **values: object) -> Response:
    html = render_template(f"people/{name}.html", problem=problem, **values)
    return make_response(html, problem.status if problem else 200)


def _go(target: str) -> Response:
    return redirect(target, 303)  # type: ignore[return-value]  # a werkzeug response serves as well
