"""Drafts that two people change: the version a form was made from, and the page that shows both."""

from __future__ import annotations

from flask import Response, request

from tidegate.services.workshop import history
from tidegate.services.workshop.model import DraftChanged
from tidegate_web import desk
from tidegate_web.fragments import page


def posted_version() -> int:
    """The version of the draft that the form was made from; 0 when there was none."""
    text = request.form.get("version", "")
    return int(text) if text.isdigit() and len(text) < 10 else 0


def both_versions(error: DraftChanged) -> Response:
    """409: who saved, what it says now against what decides, and what this form wanted."""
    theirs = error.theirs
    context = desk.context()
    ours = {k: v for k, v in request.form.items() if k not in ("csrf_token", "version")}
    against = history.diff_with(context, theirs, error.yours)
    return page("rule_conflict", status=409, theirs=theirs, ours=ours, diff=against, error=error)
