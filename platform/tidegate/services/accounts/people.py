"""The people of a tenant: who they are, what they may do, and who leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tidegate.errors import Conflict, InputError, NotFound
from tidegate.services.accounts import events, passwords, sessions
from tidegate.services.accounts.logins import login_of, name_of
from tidegate.services.accounts.principals import shops_of
from tidegate.services.accounts.roles import OWNER, Role, role_of
from tidegate.services.context import Context
from tidegate.store.people_tables import Membership, Person, PersonSession
from tidegate.store.tables import Shop
from tidegate.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Member:
    """`id` is the membership's; `shops` None: every shop. `seen_at` is the last use, to the minute."""

    id: int
    person_id: int
    login: str
    name: str
    role: Role
    shops: frozenset[int] | None
    seen_at: datetime | None
    created_at: datetime


def members(context: Context) -> tuple[Member, ...]:
    """Everybody of this tenant, by name."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        used = work.session.execute(
            select(PersonSession.person_id, func.max(PersonSession.seen_at)).group_by(
                PersonSession.person_id
            )
        )
        seen = {person_id: at for person_id, at in used}
        rows = work.session.execute(
            select(Membership, Person)
            .join(Person, Person.id == Membership.person_id)
            .order_by(Person.name, Person.id)
        )
        return tuple(
            Member(
                m.id, p.id, p.login, p.name, role_of(m.role), shops_of(m.shops), seen.get(p.id),
                m.created_at,
            )
            for m, p in rows
        )  # fmt: skip


def shops(context: Context) -> tuple[tuple[int, str], ...]:
    """The shops a scope can name."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(select(Shop.id, Shop.channel, Shop.name).order_by(Shop.name))
        return tuple((id_, f"{name} ({channel})") for id_, channel, name in rows)


def change(
    context: Context, member_id: int, role: str, chosen: Sequence[int] | None, actor: str
) -> None:
    """Give a member another role and scope; it holds from their next click on.

    Raises:
        NotFound: no such member here.
        InputError: no such role, no shop chosen, or an owner of some shops only.
        Conflict: the last owner would stop being one.
    """
    with context.store.begin(context.tenant_id) as work:
        kept = checked_scope(work, role, chosen)
        member, person = _member(work, member_id)
        if member.role == OWNER and role != OWNER:
            _keep_an_owner(work, member)
        was, member.role, member.shops = member.role, role, kept
        events.note(
            work.session, context.tenant_id, context.clock(), "role_changed", actor, person.login,
            was=was, role=role, some_shops=kept is not None,
        )  # fmt: skip
        work.commit()


def remove(context: Context, member_id: int, actor: str) -> None:
    """End the membership and, if it was the person's only one, their sessions. The name stays on what they did.

    Raises:
        NotFound: no such member here.
        Conflict: the last owner.
    """
    with context.store.begin(context.tenant_id) as work:
        member, person = _member(work, member_id)
        if member.role == OWNER:
            _keep_an_owner(work, member)
        work.session.delete(member)
        sessions.end_all(work.session, person.id)
        events.note(
            work.session, context.tenant_id, context.clock(), "member_removed", actor, person.login
        )
        work.commit()


def add(
    context: Context, login: str, name: str, password: str, role: str, actor: str,
    chosen: Sequence[int] | None = None,
) -> None:  # fmt: skip
    """A new person with a role here; for the command line.

    Raises:
        InputError: login, name, password or role may not be one.
        Conflict: the login is taken.
    """
    kept, called = login_of(login), name_of(name)
    secret_hash = passwords.hashed(passwords.checked(password, kept))
    with context.store.begin(context.tenant_id) as work:
        scope = checked_scope(work, role, chosen)
        person = new_person(work.session, kept, called, secret_hash, role, context.clock())
        work.add(
            Membership(person_id=person.id, role=role, shops=scope, created_at=context.clock())
        )
        events.note(
            work.session, context.tenant_id, context.clock(), "member_added", actor, kept, role=role
        )
        work.commit()


def reset_password(context: Context, login: str, password: str, actor: str) -> None:
    """Set a person's password and sign them out everywhere; for the command line.

    Raises:
        NotFound: nobody has this login.
        InputError: the password may not be one.
    """
    kept = login_of(login)
    secret_hash = passwords.hashed(passwords.checked(password, kept))
    with context.store.unscoped() as session:
        person = session.scalar(select(Person).where(Person.login == kept))
        if person is None:
            raise _unknown(kept)
        person.password, person.password_at = secret_hash, context.clock()
        sessions.end_all(session, person.id)
        events.note_everywhere(session, person.id, context.clock(), "password_reset", actor)
        session.commit()


def new_person(
    session: Session, login: str, name: str, password: str, role: str, now: datetime
) -> Person:
    """Stage a person. The first of an installation is its founder and must be an owner.

    Raises:
        Conflict: the login is taken, or there is no owner yet.
    """
    if session.scalar(select(Person.id).where(Person.login == login)) is not None:
        raise Conflict(
            "people.login_taken",
            zh=f"登录名 {login} 已有人用；若就是你，请先登录，再打开邀请链接。",
            en=f"The login {login} is taken; if it is yours, sign in first and open the link again.",
            field="login",
        )
    first = session.scalar(select(Person.id).limit(1)) is None
    if first and role != OWNER:
        raise Conflict(
            "people.owner_first",
            zh="还没有负责人账户；先打开 /setup，或用 tidegate people add --role owner 创建。",
            en="There is no owner yet; open /setup first, or use tidegate people add --role owner.",
        )
    person = Person(
        login=login, name=name, password=password, founder=1 if first else None,
        created_at=now, password_at=now,
    )  # fmt: skip
    session.add(person)
    session.flush()
    return person


def checked_scope(work: UnitOfWork, role: str, chosen: Sequence[int] | None) -> list[int] | None:
    """The shop ids to keep; None is every shop.

    Raises:
        InputError: no such role, no shop of this tenant chosen, or an owner of some shops only.
    """
    role_of(role)
    if chosen is None:
        return None
    if role == OWNER:
        raise InputError(
            "people.owner_scope",
            zh="负责人总是管全部店铺；只管部分店铺的人请选别的角色。",
            en="An owner has every shop; choose another role for somebody of some shops.",
            field="scope",
        )
    found = sorted(work.session.scalars(select(Shop.id).where(Shop.id.in_(chosen))))
    if not found or set(found) != set(chosen):
        raise InputError(
            "people.scope_empty",
            zh="请至少勾选一个本商家的店铺，或选“全部店铺”。",
            en="Tick at least one shop of this merchant, or choose every shop.",
            field="scope",
        )
    return found


def _member(work: UnitOfWork, member_id: int) -> tuple[Membership, Person]:
    member = work.session.get(Membership, member_id)
    if member is None:
        raise NotFound(
            "people.not_found",
            zh="这里没有这位成员；可能刚被移除，请刷新。",
            en="There is no such member here; somebody may just have removed them.",
        )
    return member, work.session.get_one(Person, member.person_id)


def _keep_an_owner(work: UnitOfWork, member: Membership) -> None:
    """The rows are locked: two owners who remove each other at once do not both succeed."""
    owners = work.session.scalars(
        select(Membership.id).where(Membership.role == OWNER).with_for_update()
    ).all()
    if set(owners) <= {member.id}:
        raise Conflict(
            "people.last_owner",
            zh="这是最后一位负责人，不能移除或改角色；请先让另一位成员成为负责人。",
            en="This is the last owner, who can't leave or change role; make somebody else an owner first.",
        )


def _unknown(login: str) -> NotFound:
    return NotFound(
        "people.login_unknown",
        zh=f"没有登录名 {login}；用 tidegate people list 查看。",
        en=f"Nobody has the login {login}; see tidegate people list.",
    )
