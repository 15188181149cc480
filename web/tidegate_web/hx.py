"""The one reader of HTMX headers, behind flask-htmx, so that a new HTMX changes this file only."""

from __future__ import annotations

from flask import Flask, Response
from flask_htmx import HTMX

_htmx = HTMX()


def install(app: Flask) -> None:
    _htmx.init_app(app)


def wants(target: str) -> bool:
    """Whether HTMX asks for just the element with this id; boosted and history requests want the page."""
    if not _htmx or _htmx.boosted or _htmx.history_restore_request:
        return False
    return str(_htmx.target or "") == target


def reload(answer: Response) -> Response:
    """HTMX loads the whole page again."""
    answer.headers["HX-Refresh"] = "true"
    return answer
