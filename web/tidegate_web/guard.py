"""Before every request: who asks, and may they. The only place that decides it.

Nobody signed up yet and nothing but loopback answered: whoever sits at this machine may everything. From the first
person on, or with other host names allowed, sign-in is required.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import (
    Flask,
    Request,
    Response,
    current_app,
    g,
    redirect,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import Forbidden

from tidegate.services.accounts import founding, sessions, tokens
from tidegate.services.accounts.principals import Principal, local_principal
from tidegate.services.accounts.roles import PERMISSIONS, ROLES
from tidegate_web import access, desk, observing
from tidegate_web.api import problems as api_problems
from tidegate_web.hosts import LOOPBACK, host_name
from tidegate_web.language import lang, t

log = structlog.get_logger()
SID = "sid"
SAFE = ("GET", "HEAD", "OPTIONS")
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host")


class NotAllowed(Forbidden):
    """Signed in, but the role does not reach this far; `words` says so."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class SessionCookie(SecureCookieSessionInterface):
    """Secure whenever the page itself came over https."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return bool(request.is_secure) if request else super().get_cookie_secure(app)


def install(app: Flask, *, always: bool, setup_code: str) -> None:
    """`always`: sign-in even while nobody signed up. `setup_code` opens /setup from elsewhere."""
    app.session_interface = SessionCookie()
    app.config.update(SIGN_IN_ALWAYS=always, SETUP_CODE=setup_code, WTF_CSRF_CHECK_DEFAULT=False)
    app.jinja_env.globals.update(may=desk.may, person=desk.person)
    app.before_request(check)


def check() -> Any:
    """None lets the request pass."""
    endpoint = request.endpoint
    need = access.needed(request.method, endpoint, _act()) if endpoint else None
    if request.blueprint == "health" or need == access.SIGNED:
        g.principal = None  # health is asked without the database; a platform has no session, nothing to forge
        return None
    g.principal = who()
    if endpoint is None:
        return None  # 404, without data
    if need is None:
        log.error("guard.unknown_endpoint", endpoint=endpoint, method=request.method)
        raise NotAllowed(t("guard.unknown"))
    principal = desk.person()
    if principal is not None:
        observing.know_tenant(principal.tenant_id)
    if need != access.PUBLIC and principal is None:
        return _ask_to_sign_in()
    _refuse_forgery()
    if need in (access.PUBLIC, access.ANYBODY) or (principal and principal.may(need)):
        return None
    raise NotAllowed(_why_not(principal, need))


def who() -> Principal | None:
    """The token's, the session's, or the local principal."""
    context = desk.outer()
    if api_problems.wanted() and "Authorization" in request.headers:
        scheme, _, secret = request.headers["Authorization"].partition(" ")
        return tokens.find(context, secret.strip()) if scheme.lower() == "bearer" else None
    kept: object = session.get(SID)
    found = sessions.find(context, kept) if isinstance(kept, str) else None
    if found is not None:
        return found
    return local_principal(context.tenant_id) if is_open() else None


def is_open() -> bool:
    """Whether whoever sits at this machine may everything: nobody signed up, nobody else is answered."""
    return not current_app.config["SIGN_IN_ALWAYS"] and from_here(request) and not anybody()


def anybody() -> bool:
    """Whether somebody signed up; once true, it stays true."""
    if not current_app.config.get("ANYBODY"):
        current_app.config["ANYBODY"] = founding.anybody(desk.outer())
    return bool(current_app.config["ANYBODY"])


def from_here(asked: Request) -> bool:
    """Asked on this machine for this machine, and not by a proxy in front of us."""
    name = host_name(asked.environ.get("HTTP_HOST", ""))
    near = asked.remote_addr in ("127.0.0.1", "::1") or asked.remote_addr is None
    return near and name in LOOPBACK and not any(h in asked.headers for h in FORWARDED)


def begin_session(secret: str) -> None:
    """A new cookie for somebody who just signed in: nothing of the old one stays, so it can't be planted."""
    session.clear()
    session.permanent = True
    session[SID] = secret


def move_to(tenant_id: int) -> None:
    """Look at another of one's tenants, under a fresh CSRF token: forms of the old one no longer fit.

    Raises:
        NotFound: the person does not belong to it.
    """
    context, kept = desk.outer(), session.get(SID)
    found = sessions.find(context, kept) if isinstance(kept, str) else None
    if found is not None:
        sessions.switch(context, found, tenant_id)
        begin_session(str(kept))


def safe_next(target: str) -> str:
    """A local path to go to after signing in; the board for everything else."""
    parts = urlsplit(target)
    odd = "\\" in target or target.startswith("//") or any(ord(sign) < 32 for sign in target)
    if parts.scheme or parts.netloc or odd or not target.startswith("/"):
        return url_for("board.show")
    return target


def _act() -> str:
    """Which of an endpoint's acts is asked for: part of the address, or the button that was pressed."""
    view_args = request.view_args or {}
    if "name" in view_args:
        return str(view_args["name"])
    if request.endpoint in access.ACTS:
        return request.form.get("act", "")
    return ""


def _refuse_forgery() -> None:
    """A form of another site is refused by its origin and by its missing token. A token of the API is proof
    enough; a program of this machine has neither and sends no origin."""
    if request.method in SAFE:
        return
    origin = request.headers.get("Origin")
    foreign = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if foreign or (origin is not None and urlsplit(origin).netloc != request.host):
        raise NotAllowed(t("guard.foreign"))
    principal = desk.person()
    if api_problems.wanted() and principal is not None and principal.session_id is None:
        return
    current_app.extensions["csrf"].protect()


def _ask_to_sign_in() -> Any:
    if api_problems.wanted():
        return api_problems.problem(
            401, "api.unauthorized", t("guard.token_needed"), headers={"WWW-Authenticate": "Bearer"}
        )
    target = url_for("sign_in.setup")
    if anybody():
        back = request.full_path.rstrip("?") if request.method == "GET" else url_for("board.show")
        target = url_for("sign_in.show", next=None if back == "/" else back)
    if "HX-Request" in request.headers:
        return Response(status=401, headers={"HX-Redirect": url_for("sign_in.show")})
    return redirect(target, 303)


def _why_not(principal: Principal | None, need: str) -> str:
    role = ROLES[principal.role].title[lang()] if principal and principal.role in ROLES else "-"
    words = PERMISSIONS[need][lang()] if need in PERMISSIONS else need
    scoped = principal is not None and principal.shops is not None
    if scoped:
        return t("guard.scoped", role=role, need=words)
    return t("guard.not_allowed", role=role, need=words)
