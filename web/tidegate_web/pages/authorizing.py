"""A shop's owner is sent to the platform's page of consent, and comes back to one fixed address."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, request, session, url_for

from tidegate.errors import InputError, TidegateError
from tidegate.services.accounts.secrets_kept import new_secret
from tidegate.services.remotes import authorizing
from tidegate_web import desk
from tidegate_web.attempts import attempt
from tidegate_web.fragments import page
from tidegate_web.language import lang, t
from tidegate_web.pages.remotes import checked, show_account

pages = Blueprint("authorizing", __name__)
BROWSER = "authorizing"  # a secret of this browser's session; signing in or out begins a new one
BAD_GATEWAY = 502


@pages.post("/connections/accounts/<code>/authorize")
def leave(code: str) -> Response:
    """Where the platform's page is, what to register there, and the way to it: a link, for a form may not lead out."""
    found = list[authorizing.Begun]()
    problem = attempt(
        "authorize",
        lambda: found.append(
            authorizing.begin(desk.context(), code, desk.actor(), _browser(), callback_address())
        ),
    )
    if problem:
        return show_account(code, problem)
    return page("authorize", begun=found[0], code=code)


@pages.get("/connections/authorized")
def callback() -> Response:
    """The one address that is registered with every platform."""
    try:
        done = authorizing.finish(desk.context(), request.args, desk.actor(), _browser())
    except TidegateError as error:
        status = 422 if isinstance(error, InputError) else BAD_GATEWAY
        account = str(error.fields.get("account", ""))
        return page(
            "authorize_failed", status=status, message=error.text(lang()), code=error.code,
            account=account,
        )  # fmt: skip
    flash(f"{t('authorize.done', who=done.who)} {checked(done.code)}")
    return redirect(url_for("remotes.show", code=done.code), 303)  # type: ignore[return-value]  # serves as well


def callback_address() -> str:
    """As browsers see it; a proxy in front of us is counted in."""
    return url_for("authorizing.callback", _external=True)


def _browser() -> str:
    if BROWSER not in session:
        session[BROWSER] = new_secret()
    return str(session[BROWSER])
