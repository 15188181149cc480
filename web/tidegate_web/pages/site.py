"""Language switch."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, request

from tidegate_web.language import COOKIE, LANGUAGES

pages = Blueprint("site", __name__)


@pages.get("/language/<code>")
def choose_language(code: str) -> Response:
    """Remember the choice and go back to where the reader was."""
    if code not in LANGUAGES:
        abort(404)
    answer = redirect(local_path(request.args.get("back", "/")), 303)
    answer.set_cookie(
        COOKIE, code, max_age=timedelta(days=365), httponly=True, samesite="Lax", path="/"
    )
    return answer  # type: ignore[return-value]  # a werkzeug response serves as well


def local_path(target: str) -> str:
    """A path on this site; anything that could lead elsewhere becomes the board."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not target.startswith("/"):
        return "/"
    if target.startswith("//") or "\\" in target or any(ord(sign) < 32 for sign in target):
        return "/"
    return target
