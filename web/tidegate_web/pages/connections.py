"""/connections: shops, carriers, imports and jobs, and how they fare."""

from __future__ import annotations

from flask import Blueprint, Response

from tidegate.services.view_connections import connections
from tidegate.services.view_remotes import account_lines
from tidegate_web import desk
from tidegate_web.fragments import page

pages = Blueprint("connections", __name__)


@pages.get("/connections")
def show() -> Response:
    context = desk.context()
    return page("connections", found=connections(context), accounts=account_lines(context))
