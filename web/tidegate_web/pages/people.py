"""/people: who belongs to the merchant, what they may do, invitations, and what happened to accounts."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.services.accounts import events, invitations, people
from tidegate.services.accounts.roles import PERMISSIONS, ROLES, WHOLE_TENANT
from tidegate_web import desk, guard
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import t

pages = Blueprint("people", __name__)


@pages.get("/people")
def show() -> Response:
    """Without an owner nobody can be invited yet."""
    if guard.anybody():
        return _page()
    return redirect(url_for("sign_in.setup"), 303)  # type: ignore[return-value]  # serves as well


@pages.post("/people/invite")
def invite() -> Response:
    """Make a link; this answer is the only one that shows it."""
    made: list[str] = []

    def act() -> None:
        form = request.form
        note = form.get("note", "")
        made.append(
            invitations.invite(
                desk.context(), form.get("role", ""), chosen_shops(), note, desk.actor()
            )
        )

    problem = attempt("invite", act)
    if problem is not None:
        return _page(problem)
    return _page(link=url_for("sign_in.invitation", token=made[0], _external=True))


@pages.post("/people/<int:member_id>")
def change(member_id: int) -> Response:
    """Another role or scope."""
    problem = attempt(
        f"member-{member_id}",
        lambda: people.change(
            desk.context(), member_id, request.form.get("role", ""), chosen_shops(), desk.actor()
        ),
    )
    return _page(problem) if problem else _done(t("people.people.changed"))


@pages.post("/people/<int:member_id>/remove")
def remove(member_id: int) -> Response:
    """End a membership."""
    problem = attempt(
        f"member-{member_id}", lambda: people.remove(desk.context(), member_id, desk.actor())
    )
    return _page(problem) if problem else _done(t("people.people.removed"))


@pages.post("/people/invitations/<int:invitation_id>/withdraw")
def withdraw(invitation_id: int) -> Response:
    """The link stops working."""
    invitations.withdraw(desk.context(), invitation_id, desk.actor())
    return _done(t("people.people.withdrawn"))


def chosen_shops() -> Sequence[int] | None:
    """The ticked shops, or None for every shop."""
    if request.form.get("scope", "all") == "all":
        return None
    return [int(value) for value in request.form.getlist("shop") if value.isdigit()]


def _page(problem: Problem | None = None, link: str = "") -> Response:
    context = desk.context()
    return page(
        "people",
        status=problem.status if problem else 200,
        members=people.members(context),
        invitations=invitations.open_invitations(context),
        shops=people.shops(context),
        roles=ROLES,
        permissions=PERMISSIONS,
        whole_tenant=WHOLE_TENANT,
        entries=events.entries(context),
        link=link,
        problem=problem,
        ticked=set(request.form.getlist("shop")),
    )


def _done(said: str) -> Response:
    flash(said)
    return redirect(url_for("people.show"), 303)  # type: ignore[return-value]  # serves as well
