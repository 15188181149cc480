"""The effect machine's guarded writes: whose attempt the first and the next one is, and what came back from it.

INTENT → SENDING → CONFIRMED / REJECTED / UNKNOWN (docs/reliability/effects-and-faults.md). SENDING is committed before
the first byte leaves; `attempts` fences: an answer that lost the race to a newer attempt changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, Table, bindparam, update

from tidegate.errors import RemoteRefused, RemoteRetry, TidegateError
from tidegate.store.tables import Effect, Parcel
from tidegate.store.unit_of_work import UnitOfWork

WAYBILL, WRITE_BACK = "waybill", "write_back"
IN_FLIGHT = timedelta(seconds=60)  # longer than any call may take: no answer comes after it
GONE = ("voided", "rejected")  # nothing of it is alive on the other side
UNCLEAR = ("sending", "unknown")  # the other side may have acted
EFFECT: Table = Effect.__table__  # type: ignore[assignment]  # a declarative class says FromClause
_FENCED = (
    update(EFFECT)
    .where(
        EFFECT.c.id == bindparam("of_id"),
        EFFECT.c.tenant_id == bindparam("of_tenant"),
        EFFECT.c.state == "sending",
        EFFECT.c.attempts == bindparam("of_attempt"),
    )
    .values(
        state=bindparam("to_state"),
        updated_at=bindparam("at"),
        error_code=bindparam("code"),
        answer=bindparam("said"),
    )
)


def born_sending(
    work: UnitOfWork,
    parcel: Parcel,
    kind: str,
    client_key: str,
    said: Mapping[str, object],
    now: datetime,
) -> Effect:
    """The first attempt; that only one can be inserted per kind and generation makes it ours."""
    effect = Effect(
        parcel_id=parcel.id, kind=kind, generation=parcel.generation, client_key=client_key,
        state="sending", attempts=1, answer=dict(said), updated_at=now,
    )  # fmt: skip
    work.add(effect)
    return effect


def begin_again(work: UnitOfWork, effect: Effect, now: datetime) -> bool:
    """Write SENDING for the next attempt; whether we, and no other worker, made it."""
    taken = work.session.execute(
        update(Effect)
        .where(
            Effect.id == effect.id, Effect.state == effect.state, Effect.attempts == effect.attempts
        )
        .values(state="sending", attempts=effect.attempts + 1, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    work.session.refresh(effect)
    return isinstance(taken, CursorResult) and taken.rowcount == 1


def state_after(error: TidegateError | None, *, was_unknown: bool) -> str:
    """What an attempt leaves behind: whoever says "later" did nothing, nor did one that refused our credentials."""
    if error is None:
        return "confirmed"
    if isinstance(error, RemoteRetry):
        return "unknown" if was_unknown else "intent"
    return "rejected" if isinstance(error, RemoteRefused) else "unknown"


def write_answer(
    work: UnitOfWork,
    effect_id: int,
    attempt: int,
    state: str,
    now: datetime,
    *,
    code: str | None,
    said: Mapping[str, object],
) -> bool:
    """Write what came back from an attempt; False when a newer attempt or a person was faster."""
    values = {
        "of_id": effect_id,
        "of_tenant": work.tenant_id,
        "of_attempt": attempt,
        "to_state": state,
        "at": now,
        "code": code,
        "said": dict(said),
    }
    return work.session.connection().execute(_FENCED, values).rowcount == 1
