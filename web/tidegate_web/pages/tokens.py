"""/tokens: keys of programs that use the API."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.services.accounts import people, tokens
from tidegate.services.accounts.principals import Principal
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import t
from tidegate_web.pages.people import chosen_shops

pages = Blueprint("tokens", __name__)


@pages.get("/tokens")
def show() -> Response:
    return _page()


@pages.post("/tokens")
def create() -> Response:
    """Make a key; this answer is the only one that shows it."""
    made: list[str] = []

    def act() -> None:
        form = request.form
        days = form.get("days", "90")
        made.append(
            tokens.create(
                desk.context(),
                _me(),
                form.get("name", ""),
                form.get("role", ""),
                int(days) if days.isdigit() and int(days) in tokens.DAYS else None,
                chosen_shops(),
            )
        )

    problem = attempt("token", act)
    return _page(problem) if problem else _page(secret=made[0])


@pages.post("/tokens/<int:token_id>/revoke")
def revoke(token_id: int) -> Response:
    """The key stops working at once."""
    tokens.revoke(desk.context(), token_id, desk.actor())
    flash(t("people.tokens.revoked"))
    return redirect(url_for("tokens.show"), 303)  # type: ignore[return-value]  # serves as well


def _me() -> Principal:
    found = desk.person()
    assert found is not None  # noqa: S101  (the guard let somebody in)
    return found


def _page(problem: Problem | None = None, secret: str = "") -> Response:
    context = desk.context()
    return page(
        "tokens",
        status=problem.status if problem else 200,
        tokens=tokens.tokens(context),
        roles=tokens.roles_for(_me()),
        days=tokens.DAYS,
        shops=people.shops(context),
        secret=secret,
        problem=problem,
        ticked=set(request.form.getlist("shop")),
    )
