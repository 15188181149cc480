"""Signing in, and changing the password one signs in with."""

from __future__ import annotations

from sqlalchemy import select

from tidegate.errors import InputError
from tidegate.services.accounts import events, passwords, sessions, throttling
from tidegate.services.accounts.logins import login_of
from tidegate.services.accounts.principals import Principal
from tidegate.services.context import Context
from tidegate.store.people_tables import Membership, Person


def sign_in(
    context: Context, login: str, password: str, *, secret: str, address: str, user_agent: str
) -> str:
    """The secret of a new session. Takes the same time and says the same whether the login exists or not.

    `secret` keys the counters of failures, `address` is where the browser is.

    Raises:
        TooMany: too many failures in a row of this login or network; says how long to wait.
        InputError: login and password do not belong together.
    """
    typed = login.strip().lower()[:200]
    counting = throttling.counters(secret, typed, address)
    throttling.take(context, counting)
    person = _person(context, login)
    right = passwords.matches(
        person.password if person is not None else None, password[: passwords.LONGEST * 2]
    )
    if person is None or not right or person.state != "active":
        _failed(context, person)
        raise _wrong()
    throttling.give_back(context, *counting)
    return _open(context, person, password, user_agent)


def change_password(
    context: Context, principal: Principal, old: str, new: str, *, secret: str, address: str
) -> int:
    """Set a new password and sign out everywhere else; the number of sessions ended.

    Raises:
        TooMany: too many wrong ones in a row.
        InputError: the old one is wrong, or the new one may not be one.
    """
    counting = throttling.counters(secret, principal.login, address)
    throttling.take(context, counting)
    with context.store.unscoped(readonly=True) as session:
        kept = session.get_one(Person, principal.person_id).password
    if not passwords.matches(kept, old):
        raise InputError(
            "password.old_wrong",
            zh="现在的密码不对；什么都没有改动。",
            en="That is not your present password; nothing was changed.",
            field="old",
        )
    throttling.give_back(context, *counting)
    fresh = passwords.hashed(passwords.checked(new, principal.login, "new"))
    with context.store.unscoped() as session:
        person = session.get_one(Person, principal.person_id)
        person.password, person.password_at = fresh, context.clock()
        ended = sessions.end_all(session, person.id, principal.session_id)
        events.note_everywhere(
            session, person.id, context.clock(), "password_changed", person.login
        )
        session.commit()
    return ended


def _person(context: Context, login: str) -> Person | None:
    try:
        kept = login_of(login)
    except InputError:
        return None
    with context.store.unscoped(readonly=True) as session:
        return session.scalar(select(Person).where(Person.login == kept))


def _open(context: Context, person: Person, password: str, user_agent: str) -> str:
    now = context.clock()
    fresh = passwords.hashed(password) if passwords.is_outdated(person.password) else None
    with context.store.unscoped() as session:
        kept = session.get_one(Person, person.id)
        if fresh is not None:
            kept.password = fresh
        tenant = session.scalar(
            select(Membership.tenant_id).where(Membership.person_id == kept.id).limit(1)
        )
        if tenant is None:
            raise _nowhere()
        sessions.forget_ended(session, now)
        opened = sessions.start(session, kept, tenant, user_agent, now)
        events.note_everywhere(session, kept.id, now, "signed_in", kept.login)
        session.commit()
    throttling.forget_old(context)
    return opened


def _failed(context: Context, person: Person | None) -> None:
    """Noted for a login that exists. One that does not opens a writing transaction too: the same time."""
    with context.store.unscoped() as session:
        if person is not None:
            now = context.clock()
            events.note_everywhere(
                session, person.id, now, "sign_in_failed", person.login, done=False
            )
        session.commit()


def _wrong() -> InputError:
    return InputError(
        "sign_in.wrong",
        zh="登录名或密码不对。请检查大小写和输入法；忘了密码请找负责人重设。",
        en="Login and password do not match. Check capitals and the keyboard; an owner can reset a password.",
        field="password",
    )


def _nowhere() -> InputError:
    return InputError(
        "sign_in.nowhere",
        zh="你的账户已不属于任何商家；请找负责人重新邀请。",
        en="Your account belongs to no merchant any more; ask an owner to invite you again.",
        field="login",
    )
