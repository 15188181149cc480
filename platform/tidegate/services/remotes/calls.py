"""The record of calls: one row each, written together with the breaker's step; old rows are removed on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select

from tidegate.errors import RemoteBroken, RemoteUnknown, TidegateError
from tidegate.sdk.http.messages import Request
from tidegate.sdk.http.sending import Sent
from tidegate.services.context import Context
from tidegate.services.remotes import breaker
from tidegate.services.remotes.masks import masked_answer, masked_request
from tidegate.store.remote_tables import RemoteCall
from tidegate.store.unit_of_work import UnitOfWork

KEPT = timedelta(days=7)
MOST_KEPT = 5000  # per account
PRUNE_EVERY = 200  # calls
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Call:
    """What is kept of a call; `request` and `answer` are masked."""

    api: str
    at: datetime
    outcome: str
    status: int | None
    code: str
    took_ms: int
    attempt: int
    request: str
    answer: str

    @property
    def group(self) -> str:
        return group_of(self.api)


def group_of(api: str) -> str:
    """`orders.list` and `orders.get` fail together: what is before the first dot."""
    return api.partition(".")[0][:40]


def outcome_of(status: int | None, error: TidegateError | None) -> str:
    """ok, refused (4xx), throttled, not_sent, unclear, broken."""
    if error is None:
        return "refused" if status is not None and status >= 400 else "ok"
    kind = error.code.rpartition(".")[2]
    if kind in ("throttled", "unreachable", "no_answer"):
        return {"throttled": "throttled", "unreachable": "not_sent"}.get(kind, "unclear")
    if isinstance(error, RemoteUnknown):
        return "broken" if isinstance(error, RemoteBroken) else "unclear"
    return "not_sent" if error.code == "remote.address_refused" else "refused"


def call_of(
    request: Request, sent: Sent, error: TidegateError | None, at: datetime, secrets: Iterable[str]
) -> Call:
    known = tuple(secrets)
    return Call(
        api=request.api[:80],
        at=at,
        outcome=outcome_of(sent.status, error),
        status=sent.status,
        code=error.code if error else "",
        took_ms=sent.took_ms,
        attempt=max(sent.attempts, 1),
        request=masked_request(request, known),
        answer=masked_answer(request, sent.response, known),
    )


def record(context: Context, account_id: int, call: Call, passed: breaker.Passed) -> None:
    """Keep the call. An answer that came is neither lost over it nor held back: a database that is away costs the
    record only, and one where others write gets it a moment later.
    """

    def write(work: UnitOfWork) -> None:
        row = RemoteCall(
            account_id=account_id, api=call.api, api_group=call.group, at=call.at,
            outcome=call.outcome, status=call.status, code=call.code, took_ms=call.took_ms,
            attempt=call.attempt, request=call.request, answer=call.answer,
        )  # fmt: skip
        work.add(row)
        work.session.flush()
        breaker.judge(work, account_id, call.group, call.outcome, passed, call.at)
        if row.id % PRUNE_EVERY == 0:
            _prune(work, account_id, call.at)

    def lost(error: BaseException) -> None:
        log.error(
            "remote_call.not_recorded",
            account_id=account_id,
            api=call.api,
            why=type(error).__name__,
        )

    context.store.soon(context.tenant_id, write, lost)


def _prune(work: UnitOfWork, account_id: int, now: datetime) -> None:
    mine = RemoteCall.account_id == account_id
    last = work.session.scalar(
        select(RemoteCall.id).where(mine).order_by(RemoteCall.id.desc()).offset(MOST_KEPT).limit(1)
    )
    old = RemoteCall.at < now - KEPT
    work.session.execute(
        delete(RemoteCall)
        .where(mine, old if last is None else old | (RemoteCall.id <= last))
        .execution_options(synchronize_session=False)
    )
