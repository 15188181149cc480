"""/: the flow board; it refreshes itself."""

from __future__ import annotations

from flask import Blueprint, Response

from tidegate.services.view_board import board
from tidegate.services.view_connections import connections
from tidegate_web import desk
from tidegate_web.fragments import page

pages = Blueprint("board", __name__)


@pages.get("/")
def show() -> Response:
    context = desk.context()
    return page("board", fragment="now", board=board(context), connections=connections(context))
