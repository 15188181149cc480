"""What a person asks of an account's synchronisation: pull now, read again from a moment on."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.errors import InputError
from tidegate.services.syncing import acts
from tidegate_web import desk
from tidegate_web.attempts import attempt
from tidegate_web.language import t
from tidegate_web.pages.remotes import show_account

pages = Blueprint("account_sync", __name__)


@pages.post("/connections/accounts/<code>/pull")
def pull(code: str) -> Response:
    """Ask for a run of everything the account does by itself."""
    problem = attempt("pull", lambda: acts.pull_now(desk.context(), code, desk.actor()))
    return show_account(code, problem) if problem else _back(code, t("sync.asked"))


@pages.post("/connections/accounts/<code>/replay")
def replay(code: str) -> Response:
    """`since` is shop time, as a date-time box of a browser writes it."""
    problem = attempt("replay", lambda: acts.replay(desk.context(), code, _since(), desk.actor()))
    return show_account(code, problem) if problem else _back(code, t("sync.replayed"))


def _since() -> datetime:
    """Raises InputError."""
    try:
        typed = datetime.fromisoformat(request.form.get("since", ""))
    except ValueError:
        raise InputError(
            "sync.since_unreadable",
            zh="请填日期和时间，例如 2026-11-11T08:00。",
            en="Give a date and a time, such as 2026-11-11T08:00.",
            field="since",
        ) from None
    return typed if typed.tzinfo else typed.replace(tzinfo=ZoneInfo(desk.context().timezone))


def _back(code: str, said: str) -> Response:
    flash(said)
    return redirect(url_for("remotes.show", code=code), 303)  # type: ignore[return-value]  # serves as well
