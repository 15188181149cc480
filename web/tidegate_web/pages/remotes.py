"""/connections/accounts: an account at a platform with its calls; secrets go in and are never shown."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, request, url_for

from tidegate.services.accounts import people
from tidegate.services.remotes import accounts, breaker, checking, trial
from tidegate.services.remotes.checking import Checked
from tidegate.services.view_remotes import OUTCOMES, account_page, connectable
from tidegate.services.view_sync import sync_state
from tidegate_web import desk
from tidegate_web.attempts import Problem, attempt
from tidegate_web.fragments import page
from tidegate_web.language import lang, t

pages = Blueprint("remotes", __name__)
SETTING, SECRET = "set-", "secret-"


@pages.get("/connections/accounts/<code>")
def show(code: str) -> Response:
    return show_account(code)


@pages.get("/connections/new")
def new() -> Response:
    return _new()


@pages.post("/connections/new")
def add() -> Response:
    """Make the account."""
    form = request.form
    shop, made = form.get("shop", ""), []

    def act() -> None:
        found = accounts.add(
            desk.context(), form.get("connector", ""), desk.actor(), code=form.get("code", ""),
            title=form.get("title", ""), shop_id=int(shop) if shop.isdigit() else None,
            settings=_fields(SETTING), secrets=_fields(SECRET),
        )  # fmt: skip
        made.append(found.code)

    problem = _attempt("new", act)
    if problem:
        return _new(problem)
    if "authorize" in form:  # nothing to test before the owner has agreed
        return _back(made[0], f"{t('remotes.added')} {t('authorize.next')}")
    return _back(made[0], f"{t('remotes.added')} {checked(made[0])}")


@pages.post("/connections/try")
def try_out() -> Response:
    """One call with what was typed; nothing is kept, and secrets are not shown again."""
    connector, found = request.form.get("connector", ""), list[Checked]()
    problem = _attempt(
        "new",
        lambda: found.append(
            trial.try_out(desk.context(), connector, _fields(SETTING), _fields(SECRET))
        ),
    )
    return _new(problem, found[0] if found else None)


@pages.post("/connections/accounts/<code>/save")
def save(code: str) -> Response:
    """Settings as they are in the form; secrets that were left empty stay."""
    title = request.form.get("title", "")
    problem = _attempt(
        "save",
        lambda: accounts.change(
            desk.context(), code, desk.actor(), title=title, settings=_fields(SETTING),
            secrets=_fields(SECRET),
        ),
    )  # fmt: skip
    return show_account(code, problem) if problem else _back(code, t("remotes.changed"))


@pages.post("/connections/accounts/<code>/check")
def check(code: str) -> Response:
    """One call with its credentials."""
    return _back(code, checked(code))


@pages.post("/connections/accounts/<code>/pause")
def pause(code: str) -> Response:
    reason = request.form.get("reason", "")
    problem = attempt("pause", lambda: accounts.pause(desk.context(), code, desk.actor(), reason))
    return show_account(code, problem) if problem else _back(code, t("remotes.paused"))


@pages.post("/connections/accounts/<code>/resume")
def resume(code: str) -> Response:
    accounts.resume(desk.context(), code, desk.actor())
    return _back(code, t("remotes.resumed"))


@pages.post("/connections/accounts/<code>/remove")
def remove(code: str) -> Response:
    accounts.remove(desk.context(), code, desk.actor())
    flash(t("remotes.removed"))
    return redirect(url_for("connections.show"), 303)  # type: ignore[return-value]  # serves as well


@pages.post("/connections/accounts/<code>/breaker/<group>")
def turn(code: str, group: str) -> Response:
    """Let a group of calls through, or stop it, with a reason."""
    context, form = desk.context(), request.form
    account_id = accounts.account(context, code).id
    close = form.get("act") == "close"
    act = breaker.close_now if close else breaker.keep_open
    problem = attempt(
        f"breaker-{group}",
        lambda: act(context, account_id, group, desk.actor(), form.get("reason", "")),
    )
    if problem:
        return show_account(code, problem)
    return _back(code, t("remotes.closed") if close else t("remotes.held"))


def checked(code: str) -> str:
    """What came of one call with the account's credentials."""
    found = checking.check(desk.context(), code)
    if found.error is not None:
        return f"{found.error.text(lang())} {found.error.code}"
    return t("remotes.works", who=found.who) if found.asked else t("remotes.not_asked")


def _fields(prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix): value
        for name, value in request.form.items()
        if name.startswith(prefix)
    }


def _attempt(form: str, act: object) -> Problem | None:
    """As `attempt`; what was typed as a secret is not shown again."""
    typed = {name: value for name, value in request.form.items() if not name.startswith(SECRET)}
    return attempt(form, act, typed)  # type: ignore[arg-type]


def _back(code: str, said: str) -> Response:
    flash(said)
    return redirect(url_for("remotes.show", code=code), 303)  # type: ignore[return-value]  # serves as well


def show_account(code: str, problem: Problem | None = None) -> Response:
    api, outcome = request.args.get("api", ""), request.args.get("outcome", "")
    task = request.args.get("task", "")
    return page(
        "remotes",
        status=problem.status if problem else 200,
        found=account_page(desk.context(), code, api, outcome),
        sync=sync_state(desk.context(), code, task),
        task=task,
        outcomes=OUTCOMES,
        api=api,
        outcome=outcome,
        problem=problem,
        callback=url_for("authorizing.callback", _external=True),
    )


def _new(problem: Problem | None = None, tried: Checked | None = None) -> Response:
    connectors = connectable()
    chosen = request.values.get("connector", connectors[0].id if connectors else "")
    return page(
        "remote_new",
        fragment="tried" if request.endpoint == "remotes.try_out" else "",
        status=problem.status if problem else 200,
        connectors=connectors,
        chosen=next((one for one in connectors if one.id == chosen), None),
        shops=people.shops(desk.context()),
        problem=problem,
        tried=tried,
        can_try=trial.can_try,
        callback=url_for("authorizing.callback", _external=True),
    )
