"""What happened to accounts, kept per tenant: who, what, about whom. Roles and codes only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tidegate.services.context import Context
from tidegate.store.people_tables import Membership, SecurityEvent

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    kind: str
    actor: str
    about: str
    done: bool
    data: Mapping[str, Any]


def note(
    session: Session,
    tenant_id: int,
    at: datetime,
    kind: str,
    actor: str,
    about: str = "",
    *,
    done: bool = True,
    **data: Any,
) -> None:
    """Stage an entry; it is kept when the act is."""
    session.add(
        SecurityEvent(
            tenant_id=tenant_id, at=at, kind=kind, actor=actor, about=about, done=done, data=data
        )
    )


def note_everywhere(
    session: Session, person_id: int, at: datetime, kind: str, actor: str, *, done: bool = True
) -> None:
    """Stage an entry in every tenant the person belongs to."""
    mine = select(Membership.tenant_id).where(Membership.person_id == person_id)
    for tenant_id in session.scalars(mine):
        note(session, tenant_id, at, kind, actor, actor, done=done)


def entries(context: Context, limit: int = SHOWN) -> tuple[Entry, ...]:
    """The tenant's newest entries first."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.scalars(
            select(SecurityEvent).order_by(SecurityEvent.id.desc()).limit(limit)
        )
        return tuple(Entry(r.at, r.kind, r.actor, r.about, r.done, r.data) for r in rows)
