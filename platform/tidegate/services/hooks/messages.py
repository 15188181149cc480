"""What platforms told us, for people: what waits, what failed, what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from tidegate.services.context import Context
from tidegate.store.webhook_tables import HookAddress, HookMessage

SHOWN = 50
STATES = ("waiting", "done", "ignored", "failed")


@dataclass(frozen=True, slots=True)
class Message:
    """state: waiting, done, ignored, failed. `again`: its content is still there to be worked once more."""

    id: int
    address_id: int
    address: str
    connector: str
    event_id: str
    kind: str
    received_at: datetime
    happened_at: datetime | None
    repeats: int
    state: str
    attempts: int
    error: str | None
    again: bool


def messages(context: Context, state: str = "", limit: int = SHOWN) -> tuple[Message, ...]:
    """The newest messages first; never their content."""
    statement = (
        select(HookMessage, HookAddress.name, HookAddress.connector)
        .join(HookAddress, HookAddress.id == HookMessage.address_id)
        .order_by(HookMessage.id.desc())
        .limit(limit)
    )
    if state in STATES:
        statement = statement.where(HookMessage.state == state)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(statement).all()
    return tuple(
        Message(
            id=row.id, address_id=row.address_id, address=name, connector=connector,
            event_id=row.event_id, kind=row.kind, received_at=row.received_at,
            happened_at=row.happened_at, repeats=row.repeats, state=row.state,
            attempts=row.attempts, error=row.error,
            again=row.payload is not None and row.state in ("failed", "ignored"),
        )
        for row, name, connector in rows
    )  # fmt: skip
