"""Whole page or one fragment of it, from the same templates."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template

from tidegate.services.view_board import counts
from tidegate_web import desk, hx


def page(area: str, *, fragment: str = "", status: int = 200, **values: Any) -> Response:
    """`templates/<area>/page.html`, or `_<fragment>.html` alone when HTMX asks for the element `<area>-<fragment>`."""
    if fragment and hx.wants(f"{area}-{fragment}"):
        html = render_template(f"{area}/_{fragment}.html", alone=True, **values)
    else:
        html = render_template(f"{area}/page.html", counts=counts(desk.context()), **values)
    return make_response(html, status)
