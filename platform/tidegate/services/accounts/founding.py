"""The first person of an installation: its owner. There is one, whoever asks at the same time."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tidegate.errors import Conflict
from tidegate.services.accounts import events, passwords, sessions
from tidegate.services.accounts.logins import login_of, name_of
from tidegate.services.accounts.roles import OWNER
from tidegate.services.context import Context
from tidegate.store.people_tables import Membership, Person


def anybody(context: Context) -> bool:
    """Whether somebody ever signed up here."""
    with context.store.unscoped(readonly=True) as session:
        return session.scalar(select(Person.id).limit(1)) is not None


def create_owner(context: Context, login: str, name: str, password: str, user_agent: str) -> str:
    """Make the owner and sign them in; the session's secret comes back.

    Raises:
        InputError: login, name or password may not be one.
        Conflict: somebody was first.
    """
    kept, called = login_of(login), name_of(name)
    secret_hash = passwords.hashed(passwords.checked(password, kept))
    now = context.clock()
    with context.store.unscoped() as session:
        if session.scalar(select(Person.id).limit(1)) is not None:
            raise _second()
        person = Person(
            login=kept,
            name=called,
            password=secret_hash,
            founder=1,
            created_at=now,
            password_at=now,
        )
        session.add(person)
        try:
            session.flush()
        except IntegrityError as error:  # on PostgreSQL two may come this far
            raise _second() from error
        session.add(
            Membership(tenant_id=context.tenant_id, person_id=person.id, role=OWNER, created_at=now)
        )
        events.note(session, context.tenant_id, now, "owner_created", kept, kept)
        opened = sessions.start(session, person, context.tenant_id, user_agent, now)
        session.commit()
    return opened


def _second() -> Conflict:
    return Conflict(
        "setup.done",
        zh="负责人账户已经建好了，不能再建第二次；请直接登录，或请负责人发邀请。",
        en="The owner's account exists already and is made only once; sign in, or ask the owner for an invitation.",
    )
