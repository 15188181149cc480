"""Signed-in browsers, kept on our side so that they can be ended from anywhere.

Idle for 12 hours or 30 days old: ended, whatever the cookie says.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from tidegate.errors import NotFound, Unavailable
from tidegate.services.accounts import events
from tidegate.services.accounts.principals import Principal, shops_of
from tidegate.services.accounts.roles import permissions_of
from tidegate.services.accounts.secrets_kept import hash_of, new_secret
from tidegate.services.context import Context
from tidegate.store.people_tables import Membership, Person, PersonSession
from tidegate.store.tables import Tenant

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=30)
TOUCH = timedelta(minutes=1)  # how exactly "last seen" is kept
BROWSERS = (
    "Edg",
    "MicroMessenger",
    "Firefox",
    "Chrome",
    "Safari",
)  # in this order: Edge says Chrome too
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")
SHOWN_AS = {"Edg": "Edge", "MicroMessenger": "WeChat", "Mac OS": "macOS"}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One signed-in browser, as its owner sees it."""

    id: int
    agent: str
    created_at: datetime
    seen_at: datetime
    here: bool


def family(user_agent: str) -> str:
    """Browser and system, nothing finer: "Firefox, Windows"."""
    signs = [
        next((sign for sign in known if sign in user_agent), "") for known in (BROWSERS, SYSTEMS)
    ]
    return ", ".join(SHOWN_AS.get(sign, sign) for sign in signs if sign) or "-"


def start(
    session: Session, person: Person, tenant_id: int | None, user_agent: str, now: datetime
) -> str:
    """Stage a new session; the secret for the cookie comes back and is kept nowhere."""
    secret = new_secret()
    session.add(
        PersonSession(
            token_hash=hash_of(secret), person_id=person.id, tenant_id=tenant_id,
            agent=family(user_agent), created_at=now, seen_at=now, expires_at=now + ABSOLUTE,
        )
    )  # fmt: skip
    return secret


def find(context: Context, secret: str) -> Principal | None:
    """Who holds this session, or None when it ended, the person is gone, or belongs to no tenant any more."""
    now = context.clock()
    with context.store.unscoped(readonly=True) as session:
        row = session.scalar(
            select(PersonSession).where(PersonSession.token_hash == hash_of(secret))
        )
        if row is None or row.expires_at <= now or now - row.seen_at >= IDLE:
            return None
        principal = _principal(session, row)
    if principal is not None and now - row.seen_at >= TOUCH:
        _touch(context, row.id, now)
    return principal


def switch(context: Context, principal: Principal, tenant_id: int) -> None:
    """Look at another of one's tenants.

    Raises:
        NotFound: the person does not belong to it.
    """
    if tenant_id not in {id_ for id_, _ in principal.tenants}:
        raise NotFound(
            "people.tenant_unknown",
            zh="你不在这个商家里；请在账户页选一个。",
            en="You do not belong to this merchant; choose one on your account page.",
        )
    with context.store.unscoped() as session:
        session.get_one(PersonSession, principal.session_id).tenant_id = tenant_id
        session.commit()


def of_person(context: Context, principal: Principal) -> tuple[SignedIn, ...]:
    """The person's open sessions, newest use first."""
    now = context.clock()
    with context.store.unscoped(readonly=True) as session:
        rows = session.scalars(
            select(PersonSession)
            .where(
                PersonSession.person_id == principal.person_id,
                PersonSession.expires_at > now,
                PersonSession.seen_at > now - IDLE,
            )
            .order_by(PersonSession.seen_at.desc())
        )
        return tuple(
            SignedIn(r.id, r.agent, r.created_at, r.seen_at, r.id == principal.session_id)
            for r in rows
        )


def end(context: Context, principal: Principal, session_id: int | None = None) -> None:
    """Sign out here, or end another of one's own sessions; ending an ended one is fine."""
    with context.store.unscoped() as session:
        session.execute(
            delete(PersonSession).where(
                PersonSession.id == (session_id or principal.session_id),
                PersonSession.person_id == principal.person_id,
            )
        )
        _noted(session, context, principal, "signed_out")
        session.commit()


def end_others(context: Context, principal: Principal) -> int:
    """Sign out everywhere else; the number of sessions ended."""
    with context.store.unscoped() as session:
        ended = end_all(session, principal.person_id, principal.session_id)
        _noted(session, context, principal, "signed_out_elsewhere")
        session.commit()
    return ended


def end_all(session: Session, person_id: int | None, keep: int | None = None) -> int:
    """Stage the end of a person's sessions but one."""
    statement = delete(PersonSession).where(PersonSession.person_id == person_id)
    if keep is not None:
        statement = statement.where(PersonSession.id != keep)
    return len(session.scalars(statement.returning(PersonSession.id)).all())


def forget_ended(session: Session, now: datetime) -> None:
    """Stage the removal of sessions that ran out."""
    out = or_(PersonSession.expires_at <= now, PersonSession.seen_at <= now - IDLE)
    session.execute(delete(PersonSession).where(out))


def _noted(session: Session, context: Context, principal: Principal, kind: str) -> None:
    now = context.clock()
    events.note(session, principal.tenant_id, now, kind, principal.login, principal.login)


def _principal(session: Session, row: PersonSession) -> Principal | None:
    person = session.get_one(Person, row.person_id)
    found = session.execute(
        select(Membership, Tenant.name)
        .join(Tenant, Tenant.id == Membership.tenant_id)
        .where(Membership.person_id == person.id)
        .order_by(Tenant.name)
    ).all()
    if person.state != "active" or not found:
        return None
    member, tenant = next(
        ((m, name) for m, name in found if m.tenant_id == row.tenant_id), (found[0][0], found[0][1])
    )
    shops = shops_of(member.shops)
    return Principal(
        login=person.login, name=person.name, tenant_id=member.tenant_id, tenant=tenant,
        role=member.role, shops=shops, permissions=permissions_of(member.role, shops),
        person_id=person.id, session_id=row.id,
        tenants=tuple((m.tenant_id, name) for m, name in found),
    )  # fmt: skip


def _touch(context: Context, session_id: int, now: datetime) -> None:
    """When it was last used; a full disk or a busy database must not keep anybody from reading."""
    with suppress(Unavailable), context.store.unscoped() as session:
        row = session.get(PersonSession, session_id)
        if row is not None:
            row.seen_at = now
            session.commit()
