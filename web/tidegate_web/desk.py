"""What the views may reach: the Context of whoever asks, and who that is."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app, g

from tidegate.services.accounts.principals import LOCAL, Principal
from tidegate.services.context import Context
from tidegate.services.contexts import Contexts

KEY = "tidegate"
LOCAL_ACTOR = LOCAL  # until somebody signs up: whoever sits at this machine


def install(app: Flask, context: Context) -> None:
    app.extensions[KEY] = Contexts(context)


def contexts() -> Contexts:
    return cast(Contexts, current_app.extensions[KEY])


def context() -> Context:
    """The tenant and shops of whoever asks; outside a request, the first tenant's.

    Raises:
        LookupError: nobody is signed in, so there is nothing to show.
    """
    if "principal" not in g:
        return contexts().first
    if g.principal is None:
        raise LookupError("a page for nobody asked for a tenant")
    if "tidegate_context" not in g:
        g.tidegate_context = contexts().for_principal(g.principal)
    return cast(Context, g.tidegate_context)


def outer() -> Context:
    """The installation, before it is known who asks: for signing in only."""
    return contexts().first


def person() -> Principal | None:
    """Who asks; None when nobody is signed in."""
    return cast("Principal | None", g.get("principal"))


def actor() -> str:
    """The name under which acts are kept: a login, a token's name, or `local`."""
    found = person()
    return LOCAL_ACTOR if found is None else found.login


def scope() -> str:
    """Whose idempotency keys these are: those of one token, person, or this machine."""
    found = person()
    if found is None:
        return LOCAL_ACTOR
    if found.token_id is not None:
        return f"token {found.token_id}"
    return LOCAL_ACTOR if found.person_id is None else f"person {found.person_id}"


def may(permission: str) -> bool:
    """Whether whoever asks may do this; for hiding buttons, the guard decides."""
    found = person()
    return found is not None and found.may(permission)
