"""/analysis: counts per day, channel, state and hold reason."""

from __future__ import annotations

from flask import Blueprint, Response

from tidegate.services.view_analysis import analysis
from tidegate_web import desk
from tidegate_web.fragments import page
from tidegate_web.language import known, pick

pages = Blueprint("analysis", __name__)


@pages.get("/analysis")
def show() -> Response:
    found = analysis(desk.context())
    return page(
        "analysis",
        found=found,
        channel_rows=[(known(f"channels.{code}", code), n) for code, n in found.channels],
        state_rows=[(pick(title), n) for _, title, n in found.states],
        hold_rows=[(pick(title), n) for title, n in found.holds],
    )
