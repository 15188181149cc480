"""/: the flow board; it refreshes itself."""

from __future__ import annotations

from flask import Blueprint, Response

from tidegate.services.context import Context
from tidegate.services.kept_views import KeptViews
from tidegate.services.view_board import Board, board
from tidegate.services.view_connections import Connections, connections
from tidegate_web import desk
from tidegate_web.fragments import page

pages = Blueprint("board", __name__)


def look(context: Context) -> tuple[Board, Connections]:
    return board(context), connections(context)


BOARDS = KeptViews(look)


@pages.get("/")
def show() -> Response:
    now, others = BOARDS.of(desk.context())
    return page("board", fragment="now", board=now, connections=others)
