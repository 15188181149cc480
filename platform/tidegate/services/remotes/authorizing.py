"""A shop's owner agrees on the platform's page: sent there with a state that is good once, and tokens kept on return.

Whatever goes wrong is told by code, kept in the audit, and changes nothing of the account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from sqlalchemy import CursorResult, delete, select, update

from tidegate.errors import (
    RemoteCredentials,
    RemoteRefused,
    RemoteRetry,
    RemoteUnknown,
    TidegateError,
)
from tidegate.sdk.authorizing import Callback, CallbackRefused, Consent, Granted
from tidegate.sdk.http.addresses import Addresses
from tidegate.sdk.manifest import Authorize, Manifest
from tidegate.services.accounts import events
from tidegate.services.accounts.secrets_kept import hash_of, new_secret
from tidegate.services.context import Context
from tidegate.services.remotes.accounts import account_row
from tidegate.services.remotes.authorizing_refused import away, failure, not_possible, scope_missing
from tidegate.services.remotes.connected import connector_of, manifest_for
from tidegate.services.remotes.tokens import TokenBook
from tidegate.store.remote_tables import AccountGrant, ConnectorAccount
from tidegate.store.unit_of_work import UnitOfWork

LIFE = timedelta(minutes=10)
KEPT = timedelta(days=30)
STATE = "state"
BLANK = re.compile(r"\{(\w+)\}")
FAILED, DONE = "connection_authorisation_failed", "connection_authorised"


@dataclass(frozen=True, slots=True)
class Begun:
    """`address` is the platform's page with the state inside: it is shown to whoever began, and kept nowhere."""

    address: str
    redirect_uri: str
    until: datetime

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    def __repr__(self) -> str:
        return f"Begun({self.host})"


@dataclass(frozen=True, slots=True)
class Finished:
    """`who`: the shop as the platform calls it, where it says."""

    code: str
    who: str


def begin(context: Context, code: str, actor: str, browser: str, redirect_uri: str) -> Begun:
    """Where to send the owner. `browser` is a secret of the session that begins; only it can finish.

    Raises:
        NotFound: no such account. InputError: its connector or settings don't call for it, or something has to be
        filled in before (`fields["field"]`).
    """
    now = context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = account_row(work, code)
    manifest, about = _offered(row)
    _filled_in(context, row, manifest, about)
    made, _ = connector_of(context, row)
    state = new_secret()
    consent = _consent(made, about, manifest.filled(row.settings), redirect_uri, state)
    address = f"{consent.url}?{urlencode(consent.query)}"
    if not Addresses(context.reach.trusted).allowed(address):
        raise not_possible(
            code,
            "address",
            "授权页地址须是公网 https; 请核对账号的设置",
            "the page's address must be public https; check the account's settings",
        )
    grant = AccountGrant(
        account_id=row.id, state=hash_of(state), browser=hash_of(browser), redirect_uri=redirect_uri,
        started_by=actor[:80], started_at=now, expires_at=now + LIFE,
    )  # fmt: skip
    with context.store.begin(context.tenant_id) as work:
        work.session.execute(delete(AccountGrant).where(AccountGrant.expires_at < now - KEPT))
        work.add(grant)
        events.note(
            work.session,
            work.tenant_id,
            now,
            "connection_authorising",
            actor,
            code,
            host=urlsplit(address).netloc,
        )
        work.commit()
    return Begun(address, redirect_uri, now + LIFE)


def finish(context: Context, query: Mapping[str, str], actor: str, browser: str) -> Finished:
    """Take what the platform sent the owner's browser back with.

    Raises:
        InputError: `authorize.` and a code of authorizing_refused; `fields["account"]` names the account where the
        state is known. RemoteUnknown: the platform gave nothing for the code (`authorize.away`), one begins again.
    """
    state = query.get(STATE, "")
    row: ConnectorAccount | None = None
    try:
        grant, row = _taken(context, state, browser)
        found = _exchanged(context, row, Callback(query, grant.redirect_uri))
        _keep(context, row, actor, found, state)
    except TidegateError as error:
        known = row.code if row is not None else str(error.fields.get("account", ""))
        _failed(context, actor, known, state, error)
        raise
    return Finished(row.code, found.who[:80])


def _offered(row: ConnectorAccount) -> tuple[Manifest, Authorize]:
    manifest = manifest_for(row)
    about = manifest.authorize
    if about is None or not about.offered(manifest.filled(row.settings)):
        raise not_possible(
            row.code,
            "not_offered",
            f"账号 {row.code} 按现在的设置不用去平台授权",
            f"with its settings the account {row.code} is not authorised there",
        )
    return manifest, about


def _filled_in(
    context: Context, row: ConnectorAccount, manifest: Manifest, about: Authorize
) -> None:
    hidden = context.box.open(row.credentials) if row.credentials else {}
    known = {**manifest.filled(row.settings), **hidden}
    for name in about.needs:
        if not known.get(name):
            title = manifest.settings[name].title
            raise not_possible(
                row.code,
                "needs",
                f"请先填写并保存{title['zh']}",
                f"fill in and save {title['en']} first",
                field=name,
            )


def _consent(
    made: Any, about: Authorize, settings: Mapping[str, str], redirect_uri: str, state: str
) -> Consent:
    given = {**settings, "callback": redirect_uri, "state": state, "scopes": ",".join(about.scopes)}

    def filled(text: str) -> str:
        return BLANK.sub(lambda found: given.get(found[1], ""), text)

    consent = Consent(filled(about.url), {name: filled(text) for name, text in about.query.items()})
    prepare = getattr(made, "prepare_consent", None)
    return prepare(consent) if prepare else consent


def _taken(context: Context, state: str, browser: str) -> tuple[AccountGrant, ConnectorAccount]:
    """The grant and its account; from now on the state is used. Raises InputError."""
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        grant = work.session.scalar(
            select(AccountGrant).where(AccountGrant.state == hash_of(state))
        )
        if grant is None or grant.browser != hash_of(browser):
            raise failure("foreign_state")
        row = work.session.get(ConnectorAccount, grant.account_id)
        if row is None:
            raise failure("foreign_state")
        if grant.used_at is not None or not _use(work, grant.id, now):
            raise failure("used", row.code)
        work.commit()
        work.session.refresh(grant)
        work.session.refresh(row)
        work.session.expunge_all()
    if grant.expires_at <= now:
        raise failure("expired", row.code)
    return grant, row


def _use(work: UnitOfWork, grant_id: int, now: datetime) -> bool:
    done: CursorResult[Any] = work.session.execute(  # type: ignore[assignment]
        update(AccountGrant)
        .where(AccountGrant.id == grant_id, AccountGrant.used_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    return done.rowcount == 1


def _exchanged(context: Context, row: ConnectorAccount, callback: Callback) -> Granted:
    _, about = _offered(row)
    made, _ = connector_of(context, row)
    if about.denied and callback.query.get(about.denied):  # proven by the state; it gives nothing
        raise failure("denied", row.code)
    if about.signed:
        _proven(made, about, callback, row.code)
    if not callback.query.get(about.code):
        raise failure("no_code", row.code)
    try:
        found: Granted = made.exchange_code(callback)
    except (RemoteCredentials, RemoteRefused) as error:
        raise failure("code_refused", row.code, platform=error.code) from None
    except (RemoteRetry, RemoteUnknown) as error:
        raise away(row.code, error.code) from None
    missing = sorted(set(about.scopes) - found.scopes) if found.scopes is not None else ()
    if missing:
        raise scope_missing(row.code, missing)
    return found


def _proven(made: Any, about: Authorize, callback: Callback, code: str) -> None:
    if not callback.query.get(about.signed):
        raise failure("bad_signature", code)
    try:
        made.check_callback(callback)
    except CallbackRefused as refused:
        raise failure(refused.code, code) from None


def _keep(context: Context, row: ConnectorAccount, actor: str, found: Granted, state: str) -> None:
    """Tokens and what else was told, in one commit."""
    now, code = context.clock(), row.code
    manifest, about = _offered(row)
    with context.store.begin(context.tenant_id) as work:
        account = account_row(work, code)
        hidden = dict(context.box.open(account.credentials)) if account.credentials else {}
        settings = dict(account.settings)
        for name, place in about.keeps.items():
            told, box = found.told.get(name, ""), hidden if place in manifest.secrets else settings
            if told and box is settings and box.get(place, told) != told:
                raise failure("other_shop", code)
            if told:
                box[place] = told
        hidden = {name: value for name, value in hidden.items() if name not in about.replaces}
        account.settings, account.credentials = settings, context.box.seal(hidden)
        account.key_id, account.version = context.box.key_id, account.version + 1
        account.changed_by, account.updated_at = actor[:80], now
        if account.state == "broken":
            account.state, account.reason = "active", ""
        TokenBook(context, account.id).put(work, found.tokens)
        until = found.tokens.authorised_until
        events.note(
            work.session, work.tenant_id, now, DONE, actor, code,
            until=until.isoformat() if until else "", kept=sorted(about.keeps.values()),
        )  # fmt: skip
        work.session.execute(
            update(AccountGrant)
            .where(AccountGrant.state == hash_of(state))
            .values(outcome="done")
            .execution_options(synchronize_session=False)
        )
        work.commit()


def _failed(context: Context, actor: str, about: str, state: str, error: TidegateError) -> None:
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        if about:
            work.session.execute(
                update(AccountGrant)
                .where(AccountGrant.state == hash_of(state), AccountGrant.outcome == "")
                .values(outcome=error.code[:80])
                .execution_options(synchronize_session=False)
            )
        events.note(
            work.session, work.tenant_id, now, FAILED, actor,
            about or "-", done=False, code=error.code,
        )  # fmt: skip
        work.commit()
