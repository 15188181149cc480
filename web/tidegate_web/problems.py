"""Errors as pages: families and HTTP errors are mapped here and nowhere else."""

from __future__ import annotations

import structlog
from flask import Flask, Response, make_response, render_template
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from tidegate.errors import (
    Conflict,
    InputError,
    NotFound,
    RuleError,
    StorageFull,
    TidegateError,
    Unavailable,
)
from tidegate.services.view_board import Counts
from tidegate_web.api import problems as api_problems
from tidegate_web.guard import NotAllowed
from tidegate_web.hosts import ForeignHost
from tidegate_web.language import lang, t

log = structlog.get_logger()
STATUS = (
    (InputError, 422), (RuleError, 422), (Conflict, 409), (NotFound, 404),
    (StorageFull, 507), (Unavailable, 503),
)  # fmt: skip
PAGES = (400, 403, 404, 405, 409, 413, 422, 500, 503, 507)
RETRY_AFTER_S = 5


def install(app: Flask) -> None:
    app.register_error_handler(TidegateError, _on_purpose)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(ForeignHost, _foreign_host)
    app.register_error_handler(NotAllowed, _not_allowed)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def status_of(error: TidegateError) -> int:
    """422 wrong input or rule, 409 changed meanwhile, 404 no such thing, 507 disk full, 503 not now, else 500."""
    return next((status for family, status in STATUS if isinstance(error, family)), 500)


def _page(status: int, code: str, message: str = "") -> Response:
    known = status if status in PAGES else (500 if status >= 500 else 400)
    if api_problems.wanted():
        return api_problems.problem(status, code, message or t(f"problem.{known}.text"))
    html = render_template(
        "problem/page.html",
        status=status,
        title=t(f"problem.{known}.title"),
        message=message or t(f"problem.{known}.text"),
        remedy=t(f"problem.{known}.remedy"),
        code=code,
        counts=Counts(0, 0),
    )
    return make_response(html, status)


def _on_purpose(error: TidegateError) -> Response:
    status = status_of(error)
    if status >= 500:
        log.error("web.failed", code=error.code)
    if api_problems.wanted():
        answer = api_problems.of_error(error, status)
    else:
        answer = _page(status, error.code, error.text(lang()))
    if isinstance(error, Unavailable):
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def _csrf(_error: CSRFError) -> Response:
    return _page(400, "web.csrf", t("problem.csrf"))


def _not_allowed(error: NotAllowed) -> Response:
    if api_problems.wanted():
        return api_problems.problem(403, "api.forbidden", error.words)
    return _page(403, "web.not_allowed", error.words)


def _foreign_host(_error: ForeignHost) -> Response:
    """No page: whoever asks under another name is not meant to see one."""
    return Response(
        "web.host: open Tidegate at 127.0.0.1 or localhost\n", 400, mimetype="text/plain"
    )


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if 300 <= status < 400:
        return Response(status=status, headers=error.get_headers())
    page = _page(status, f"http.{status}")
    for name, value in error.get_headers():
        if name == "Allow":
            page.headers[name] = value
    return page


def _unexpected(error: Exception) -> Response:
    log.exception("web.unexpected", error=type(error).__name__)
    return _page(500, "web.unexpected")
