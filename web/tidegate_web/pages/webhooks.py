"""/webhooks: whom we call when something happens, and who may call us."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from tidegate.services.hooks import addresses, messages, working
from tidegate.services.webhooks import deliveries, endpoints
from tidegate.services.webhooks.catalogue import KINDS
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import t
from tidegate_web.webhook_rights import checked_personal

pages = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@pages.get("")
def show() -> Response:
    return _page()


@pages.post("/out")
def create() -> Response:
    """A new endpoint; this answer is the only one that shows its secret."""
    made: list[str] = []

    def act() -> None:
        name, url, events, personal = _entered()
        found = endpoints.create(
            desk.context(), name, url, events, desk.actor(), personal=checked_personal(personal)
        )
        made.append(found[1])

    problem = attempt("out", act)
    return _page(problem) if problem else _page(secret=made[0], of="out")


@pages.get("/out/<int:endpoint_id>")
def one(endpoint_id: int) -> Response:
    """An endpoint with its deliveries."""
    return _one(endpoint_id)


@pages.post("/out/<int:endpoint_id>")
def change(endpoint_id: int) -> Response | Redirect:
    def act() -> None:
        name, url, events, personal = _entered()
        before = endpoints.endpoint(desk.context(), endpoint_id).personal
        right = personal if before else checked_personal(personal)
        endpoints.change(
            desk.context(), endpoint_id, name, url, events, desk.actor(), personal=right
        )

    problem = attempt("out", act)
    return _one(endpoint_id, problem) if problem else _done(endpoint_id, "changed")


@pages.post("/out/<int:endpoint_id>/rotate")
def rotate(endpoint_id: int) -> Response:
    """A new secret, shown in this answer only."""
    secret = endpoints.rotate(desk.context(), endpoint_id, desk.actor())
    return _one(endpoint_id, secret=secret)


@pages.post("/out/<int:endpoint_id>/<any(pause,resume,remove,test,replay):name>")
def act(endpoint_id: int, name: str) -> Response | Redirect:
    """One of the buttons of an endpoint."""
    context, actor = desk.context(), desk.actor()
    acts: dict[str, Callable[[], object]] = {
        "pause": lambda: endpoints.pause(context, endpoint_id, actor),
        "resume": lambda: endpoints.resume(context, endpoint_id, actor),
        "remove": lambda: endpoints.remove(context, endpoint_id, actor),
        "test": lambda: endpoints.send_test(context, endpoint_id),
        "replay": lambda: deliveries.replay_dead(context, endpoint_id),
    }
    problem = attempt("act", acts[name])
    if problem:
        return _one(endpoint_id, problem)
    if name == "remove":
        flash(t("webhooks.done.removed"))
        return redirect(url_for("webhooks.show"), 303)
    return _done(endpoint_id, name)


@pages.post("/deliveries/<int:delivery_id>/replay")
def replay(delivery_id: int) -> Redirect:
    deliveries.replay(desk.context(), delivery_id)
    endpoint_id = deliveries.delivery(desk.context(), delivery_id).endpoint_id
    return _done(endpoint_id, "replay")


@pages.post("/in")
def create_address() -> Response:
    """A new address to be called; its secret is shown in this answer only."""
    made: list[str] = []

    def act() -> None:
        form = request.form
        found = addresses.create(
            desk.context(), form.get("connector", ""), form.get("name", ""), desk.actor(),
            secret=form.get("secret", ""), secret_account=form.get("secret_account", ""),
        )  # fmt: skip
        made.append(found[1])

    problem = attempt("in", act)
    return _page(problem) if problem else _page(secret=made[0], of="in")


@pages.post("/in/<int:address_id>/rotate")
def rotate_address(address_id: int) -> Response:
    """A new path and secret; the secret is shown in this answer only."""
    secret = addresses.rotate(desk.context(), address_id, desk.actor())
    return _page(secret=secret, of="in")


@pages.post("/in/<int:address_id>/remove")
def remove_address(address_id: int) -> Redirect:
    addresses.remove(desk.context(), address_id, desk.actor())
    flash(t("webhooks.done.removed"))
    return redirect(url_for("webhooks.show"), 303)


@pages.post("/messages/<int:message_id>/again")
def again(message_id: int) -> Redirect:
    working.work_again(desk.context(), message_id)
    flash(t("webhooks.done.again"))
    return redirect(url_for("webhooks.show"), 303)


def _entered() -> tuple[str, str, list[str], bool]:
    form = request.form
    chosen = list(KINDS) if form.get("scope") == "all" else form.getlist("events")
    return form.get("name", ""), form.get("url", ""), chosen, form.get("personal") == "1"


def _done(endpoint_id: int, what: str) -> Redirect:
    flash(t(f"webhooks.done.{what}"))
    return redirect(url_for("webhooks.one", endpoint_id=endpoint_id), 303)


def _page(problem: Problem | None = None, secret: str = "", of: str = "") -> Response:
    context = desk.context()
    return page(
        "webhooks",
        status=problem.status if problem else 200,
        endpoints=endpoints.endpoints(context),
        addresses=addresses.addresses(context),
        messages=messages.messages(context),
        connectors=addresses.connectors(context),
        kinds=KINDS,
        chosen=set(request.form.getlist("events")),
        site=request.url_root.rstrip("/"),
        secret=secret,
        of=of,
        problem=problem,
    )


def _one(endpoint_id: int, problem: Problem | None = None, secret: str = "") -> Response:
    context = desk.context()
    state = request.args.get("state", "")
    return page(
        "webhook",
        status=problem.status if problem else 200,
        endpoint=endpoints.endpoint(context, endpoint_id),
        deliveries=deliveries.deliveries(context, endpoint_id, state),
        states=deliveries.STATES,
        state=state,
        kinds=KINDS,
        chosen=set(request.form.getlist("events")),
        secret=secret,
        problem=problem,
    )
