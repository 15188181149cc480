"""Keys of programs: shown once, kept as a hash, limited in role, shops and time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select

from tidegate.errors import InputError, NotFound, Unavailable
from tidegate.services.accounts import events, people
from tidegate.services.accounts.principals import Principal, shops_of
from tidegate.services.accounts.roles import OWNER, ROLES, Role, permissions_of, role_of
from tidegate.services.accounts.secrets_kept import hash_of, new_secret
from tidegate.services.context import Context
from tidegate.store.people_tables import ApiToken
from tidegate.store.tables import Tenant

PREFIX = "tdg_"
SHOWN = 10  # characters of the key that stay readable in lists
DAYS = (30, 90, 365)
_FIND = (  # asked by every request of a program
    select(*ApiToken.__table__.c, Tenant.name.label("tenant"))
    .join(Tenant, Tenant.id == ApiToken.tenant_id)
    .where(ApiToken.token_hash == bindparam("hash"))
)
TOUCH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Token:
    id: int
    name: str
    prefix: str
    role: Role
    shops: frozenset[int] | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None
    over: bool  # revoked or expired


def roles_for(principal: Principal) -> tuple[Role, ...]:
    """Roles a person may give a program: never more than their own rights, never an owner's."""
    return tuple(
        role
        for role in ROLES.values()
        if role.id != OWNER and role.permissions <= principal.permissions
    )


def create(
    context: Context, principal: Principal, name: str, role: str, days: int | None,
    chosen: Sequence[int] | None = None,
) -> str:  # fmt: skip
    """The whole key, which nobody can look up later. `days` None: it never expires.

    Raises:
        InputError: no name, a role beyond the maker's rights, or a wrong scope.
    """
    called = " ".join(name.split())[:80]
    if not called:
        raise InputError(
            "tokens.name_missing",
            zh="请写明这个令牌给谁用，例如“ERP 同步”。",
            en="Say what the token is for, for example ERP sync.",
            field="name",
        )
    if role_of(role) not in roles_for(principal):
        raise InputError(
            "tokens.role_beyond",
            zh="令牌的权限不能超过你自己的；请选别的角色。",
            en="A token can't do more than you can; choose another role.",
            field="role",
        )
    secret, now = new_secret(PREFIX), context.clock()
    with context.store.begin(context.tenant_id) as work:
        kept = people.checked_scope(work, role, chosen)
        work.add(
            ApiToken(
                token_hash=hash_of(secret), prefix=secret[:SHOWN], name=called, role=role,
                shops=kept, created_by=principal.login, created_at=now,
                expires_at=None if days is None else now + timedelta(days=days),
            )
        )  # fmt: skip
        events.note(
            work.session,
            context.tenant_id,
            now,
            "token_created",
            principal.login,
            called,
            role=role,
        )
        work.commit()
    return secret


def tokens(context: Context) -> tuple[Token, ...]:
    """The tenant's keys, newest first; revoked ones stay visible."""
    now = context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.scalars(select(ApiToken).order_by(ApiToken.id.desc()))
        return tuple(
            Token(
                r.id, r.name, r.prefix, role_of(r.role), shops_of(r.shops), r.created_by,
                r.created_at, r.expires_at, r.used_at, r.revoked_at, _over(r, now),
            )
            for r in rows
        )  # fmt: skip


def revoke(context: Context, token_id: int, actor: str) -> None:
    """The key stops working at once; revoking twice is fine.

    Raises:
        NotFound: no such token here.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = work.session.get(ApiToken, token_id)
        if row is None:
            raise NotFound(
                "tokens.not_found",
                zh="这里没有这个令牌；请刷新。",
                en="There is no such token here; reload the page.",
            )
        row.revoked_at = row.revoked_at or now
        events.note(work.session, context.tenant_id, now, "token_revoked", actor, row.name)
        work.commit()


def find(context: Context, secret: str) -> Principal | None:
    """Who holds this key, or None when it is unknown, revoked or over."""
    now = context.clock()
    found = context.store.look_up(_FIND, {"hash": hash_of(secret)})
    if not found or _over(row := found[0], now):
        return None
    if row.used_at is None or now - row.used_at >= TOUCH:
        _touch(context, row.id, now)
    shops = shops_of(row.shops)
    name = f"token:{row.name}"[:80]
    return Principal(
        login=name, name=row.name, tenant_id=row.tenant_id, tenant=row.tenant, role=row.role,
        shops=shops, permissions=permissions_of(row.role, shops), token_id=row.id,
    )  # fmt: skip


def _over(row: Any, now: datetime) -> bool:
    return row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now)


def _touch(context: Context, token_id: int, now: datetime) -> None:
    """When it was last used; a full disk or a busy database must not keep anybody from reading."""
    with suppress(Unavailable), context.store.unscoped() as session:
        session.get_one(ApiToken, token_id).used_at = now
        session.commit()
