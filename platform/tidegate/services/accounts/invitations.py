"""Invitations: a link, shown once, that makes its holder a member within seven days, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tidegate.errors import Conflict, NotFound
from tidegate.services.accounts import events, passwords, people, sessions
from tidegate.services.accounts.logins import login_of, name_of
from tidegate.services.accounts.principals import Principal, shops_of
from tidegate.services.accounts.roles import Role, role_of
from tidegate.services.accounts.secrets_kept import hash_of, new_secret
from tidegate.services.context import Context
from tidegate.store.people_tables import Invitation, Membership, Person
from tidegate.store.tables import Tenant

LASTS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Invited:
    """An open invitation."""

    id: int
    note: str
    role: Role
    shops: frozenset[int] | None
    tenant: str
    created_by: str
    expires_at: datetime


def invite(context: Context, role: str, chosen: Sequence[int] | None, note: str, actor: str) -> str:
    """The secret of the link, which nobody can look up later.

    Raises:
        InputError: no such role, or a wrong scope.
    """
    secret, now = new_secret(), context.clock()
    with context.store.begin(context.tenant_id) as work:
        kept = people.checked_scope(work, role, chosen)
        work.add(
            Invitation(
                token_hash=hash_of(secret), note=note.strip()[:80], role=role, shops=kept,
                created_by=actor, created_at=now, expires_at=now + LASTS,
            )
        )  # fmt: skip
        events.note(
            work.session, context.tenant_id, now, "invited", actor, note.strip()[:80], role=role
        )
        work.commit()
    return secret


def open_invitations(context: Context) -> tuple[Invited, ...]:
    """Neither used, withdrawn nor over; newest first."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        tenant = work.session.get_one(Tenant, context.tenant_id).name
        rows = work.session.scalars(
            select(Invitation)
            .where(
                Invitation.used_at.is_(None),
                Invitation.withdrawn_at.is_(None),
                Invitation.expires_at > context.clock(),
            )
            .order_by(Invitation.id.desc())
        )
        return tuple(_invited(row, tenant) for row in rows)


def withdraw(context: Context, invitation_id: int, actor: str) -> None:
    """The link stops working; withdrawing twice is fine.

    Raises:
        NotFound: no such invitation here.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = work.session.get(Invitation, invitation_id)
        if row is None:
            raise _gone()
        row.withdrawn_at = row.withdrawn_at or now
        events.note(work.session, context.tenant_id, now, "invitation_withdrawn", actor, row.note)
        work.commit()


def look(context: Context, secret: str) -> Invited:
    """What a link offers.

    Raises:
        NotFound: it was used, withdrawn, is over, or never existed.
    """
    with context.store.unscoped(readonly=True) as session:
        row = _open(session, context, secret)
        return _invited(row, session.get_one(Tenant, row.tenant_id).name)


def join(
    context: Context, secret: str, login: str, name: str, password: str, user_agent: str
) -> str:
    """Make an account and sign in; the session's secret comes back.

    Raises:
        NotFound: the link does not work any more.
        InputError: login, name or password may not be one.
        Conflict: the login is taken.
    """
    look(context, secret)  # before the slow hash: a wrong link costs nothing
    kept, called = login_of(login), name_of(name)
    secret_hash = passwords.hashed(passwords.checked(password, kept))
    now = context.clock()
    with context.store.unscoped() as session:
        row = _take(session, context, secret)
        person = people.new_person(session, kept, called, secret_hash, row.role, now)
        _join(session, row, person, now)
        opened = sessions.start(session, person, row.tenant_id, user_agent, now)
        session.commit()
    return opened


def join_as(context: Context, secret: str, principal: Principal) -> int:
    """Somebody who has an account joins one more tenant; its id comes back.

    Raises:
        NotFound: the link does not work any more.
        Conflict: they belong to it already.
    """
    with context.store.unscoped() as session:
        row = _take(session, context, secret)
        person = session.get_one(Person, principal.person_id)
        member = select(Membership.id).where(
            Membership.person_id == person.id, Membership.tenant_id == row.tenant_id
        )
        if session.scalar(member) is not None:
            raise Conflict(
                "people.member_already",
                zh="你已经是这个商家的成员了；这个链接可以留给别人用。",
                en="You belong to this merchant already; the link still works for somebody else.",
            )
        _join(session, row, person, context.clock())
        session.commit()
        return row.tenant_id


def _take(session: Session, context: Context, secret: str) -> Invitation:
    """Use the link up in this transaction; of two at once one finds it gone."""
    row = _open(session, context, secret)
    taken = session.scalars(
        update(Invitation)
        .where(Invitation.id == row.id, Invitation.used_at.is_(None))
        .values(used_at=context.clock())
        .returning(Invitation.id)
        .execution_options(synchronize_session=False)
    ).all()
    if not taken:
        raise _gone()
    return row


def _open(session: Session, context: Context, secret: str) -> Invitation:
    row = session.scalar(select(Invitation).where(Invitation.token_hash == hash_of(secret)))
    if row is None or row.used_at or row.withdrawn_at or row.expires_at <= context.clock():
        raise _gone()
    return row


def _join(session: Session, row: Invitation, person: Person, now: datetime) -> None:
    session.add(
        Membership(
            tenant_id=row.tenant_id, person_id=person.id, role=row.role, shops=row.shops,
            created_at=now,
        )
    )  # fmt: skip
    events.note(
        session, row.tenant_id, now, "joined", person.login, person.login, role=row.role,
        invited_by=row.created_by,
    )  # fmt: skip


def _invited(row: Invitation, tenant: str) -> Invited:
    return Invited(
        row.id, row.note, role_of(row.role), shops_of(row.shops), tenant, row.created_by,
        row.expires_at,
    )  # fmt: skip


def _gone() -> NotFound:
    return NotFound(
        "people.invitation_gone",
        zh="这个邀请链接已用过、被撤回或过了 7 天；请让负责人再发一个。",
        en="This invitation was used, withdrawn, or is over seven days old; ask an owner for a new one.",
    )
