"""Who is asking: a person in one of their tenants, a program with a token, or whoever sits at this machine."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.services.accounts.roles import OWNER, ROLES

LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Principal:
    """`shops` None: every shop. `login` is what is kept as the actor of an act."""

    login: str
    name: str
    tenant_id: int
    tenant: str
    role: str
    shops: frozenset[int] | None
    permissions: frozenset[str]
    person_id: int | None = None
    session_id: int | None = None
    token_id: int | None = None
    tenants: tuple[tuple[int, str], ...] = ()

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    @property
    def is_local(self) -> bool:
        """Nobody signed up yet: whoever sits at this machine."""
        return self.person_id is None and self.token_id is None


def local_principal(tenant_id: int) -> Principal:
    """All rights: only on loopback, only while there is no person."""
    return Principal(LOCAL, LOCAL, tenant_id, "", OWNER, None, ROLES[OWNER].permissions)


def shops_of(kept: list[int] | None) -> frozenset[int] | None:
    return None if kept is None else frozenset(kept)
