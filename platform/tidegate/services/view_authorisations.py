"""How far an account is authorised by its shop's owner, as pages show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from tidegate.sdk.manifest import Manifest
from tidegate.services.remotes.accounts import AccountView
from tidegate.store.remote_tables import AccountToken
from tidegate.store.tables import Alert
from tidegate.store.unit_of_work import UnitOfWork

WARNED = "authorisation_ends"  # the alert; a parameter of the rules says how long before the end


@dataclass(frozen=True, slots=True)
class Held:
    """Of the tokens in use: since when, until when, and until when the owner's consent holds (None: not known)."""

    since: datetime
    until: datetime | None
    authorised_until: datetime | None


@dataclass(frozen=True, slots=True)
class Authorisation:
    """state: none, typed (a person entered a token), held, ending (the rules warn of it), over, refused. `missing`: to
    be filled in first.
    """

    state: str
    held: Held | None
    days: int
    missing: tuple[str, ...]

    @property
    def worries(self) -> bool:
        return self.state not in ("held", "typed")


def tokens_held(work: UnitOfWork) -> Mapping[int, Held]:
    """By account, of the tenant."""
    wanted = select(
        AccountToken.account_id, AccountToken.issued_at, AccountToken.expires_at,
        AccountToken.authorised_until,
    ).where(AccountToken.version > 0)  # fmt: skip
    return {
        id_: Held(since, until, owner) for id_, since, until, owner in work.session.execute(wanted)
    }


def warned(work: UnitOfWork) -> set[str]:
    """Keys of the connections that the rules say end soon."""
    wanted = select(Alert.subject_key).where(Alert.kind == WARNED, Alert.state != "resolved")
    return set(work.session.scalars(wanted))


def authorisation(
    view: AccountView,
    manifest: Manifest | None,
    held: Held | None,
    now: datetime,
    *,
    ending: bool = False,
) -> Authorisation | None:
    """None where the account is not authorised on a page of the platform."""
    about = manifest.authorize if manifest else None
    if manifest is None or about is None:
        return None
    settings = manifest.filled(view.settings)
    if not about.offered(settings):
        return None
    missing = tuple(n for n in about.needs if not settings.get(n) and n not in view.secrets)
    left = held.authorised_until - now if held and held.authorised_until else None
    typed = bool(set(about.replaces) & set(view.secrets))
    return Authorisation(
        _state(view, held, left, typed, ending=ending),
        held,
        max(left.days, 0) if left else 0,
        missing,
    )


def _state(
    view: AccountView, held: Held | None, left: timedelta | None, typed: bool, *, ending: bool
) -> str:
    if view.state == "broken":
        return "refused"
    if typed or held is None:
        return "typed" if typed else "none"
    if left is not None and left <= timedelta():
        return "over"
    return "ending" if ending else "held"
