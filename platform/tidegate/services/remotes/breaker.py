"""The breaker of an account's group of calls, kept in the database so that all processes and people see one.

CLOSED: calls pass. When in the last 60 s at least 5 and at least half got no clear answer, it opens for 30 s. Then
one call may probe (HALF_OPEN): it closes the breaker, or opens it for twice as long, at most ten minutes. A person
may close it now or hold it open, with a reason. Every step is one conditional UPDATE, so that of many processes one
takes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import CursorResult, and_, case, func, or_, select, update

from tidegate.errors import NotFound, RemoteRetry
from tidegate.services.accounts import events
from tidegate.services.context import Context
from tidegate.services.people import required_reason
from tidegate.store.dialects import insert_of
from tidegate.store.remote_tables import ConnectorAccount, RemoteBreaker, RemoteCall
from tidegate.store.unit_of_work import UnitOfWork

WINDOW = timedelta(seconds=60)
LEAST_FAILURES = 5
FIRST_OPEN_S, LONGEST_OPEN_S = 30, 600
PROBE = timedelta(seconds=45)  # longer than a call may take
PROBING_WAIT_S = 2
FAILED = ("unclear", "not_sent", "broken")
ANSWERED = ("ok", "refused", "throttled")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Passed:
    """A call may go; `probe` is the one that decides for the others."""

    probe: bool = False


def admit(context: Context, account_id: int, group: str) -> Passed:
    """Whether a call may go now.

    Raises:
        RemoteRetry: the breaker is open; `retry_after_s` says when to ask again.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = _row(work, account_id, group)
    if row is None or row.state == "closed":
        return Passed()
    if row.held:
        raise _open(group, LONGEST_OPEN_S, held=True)
    due = row.until_at if row.state == "open" else row.probe_until
    if due is not None and due > now:
        wait = (due - now).total_seconds() if row.state == "open" else PROBING_WAIT_S
        raise _open(group, wait)
    with context.store.begin(context.tenant_id) as work:
        taken = _step(
            work, account_id, group,
            or_(
                and_(RemoteBreaker.state == "open", RemoteBreaker.until_at <= now),
                and_(RemoteBreaker.state == "half_open", RemoteBreaker.probe_until <= now),
            ),
            state="half_open", probe_until=now + PROBE, updated_at=now,
        )  # fmt: skip
        work.commit()
    if not taken:
        raise _open(group, PROBING_WAIT_S)
    return Passed(probe=True)


def give_back(context: Context, account_id: int, group: str) -> None:
    """The probe was not sent after all; another may."""
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        _step(
            work, account_id, group, RemoteBreaker.state == "half_open",
            state="open", until_at=now, probe_until=None, updated_at=now,
        )  # fmt: skip
        work.commit()


def judge(
    work: UnitOfWork, account_id: int, group: str, outcome: str, passed: Passed, now: datetime
) -> None:
    """Take a step for what came of a call; in the transaction that records it."""
    if passed.probe:
        _after_probe(work, account_id, group, outcome in ANSWERED, now)
    elif outcome in FAILED and _too_bad(work, account_id, group, now):
        _trip(work, account_id, group, now)


def close_now(context: Context, account_id: int, group: str, actor: str, reason: str) -> None:
    """A person lets calls through again.

    Raises:
        InputError: no reason. NotFound: no such breaker.
    """
    now = context.clock()
    values = {
        "state": "closed", "held": False, "since_at": now, "open_s": 0, "until_at": None, "probe_until": None,
    }  # fmt: skip
    _by_hand(context, account_id, group, actor, reason, values, "breaker_closed")


def keep_open(context: Context, account_id: int, group: str, actor: str, reason: str) -> None:
    """A person stops calls until a person lets them through.

    Raises:
        InputError: no reason. NotFound: no such account.
    """
    _by_hand(
        context, account_id, group, actor, reason, {"state": "open", "held": True}, "breaker_held"
    )


def _by_hand(
    context: Context,
    account_id: int,
    group: str,
    actor: str,
    reason: str,
    values: dict[str, Any],
    kind: str,
) -> None:
    told = required_reason(reason)[:200]
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        account = work.session.get(ConnectorAccount, account_id)
        if account is None or not group:
            raise NotFound(
                "account.unknown",
                zh="没有这个账号; 请到连接页查看。",
                en="There is no such account; see the connections page.",
            )
        _make(work, account_id, group, now)
        _step(
            work, account_id, group, RemoteBreaker.id > 0,
            actor=actor[:80], reason=told, updated_at=now, **values,
        )  # fmt: skip
        events.note(
            work.session, work.tenant_id, now, kind, actor, account.code, group=group, reason=told
        )
        work.commit()


def _row(work: UnitOfWork, account_id: int, group: str) -> RemoteBreaker | None:
    return work.session.scalar(
        select(RemoteBreaker).where(
            RemoteBreaker.account_id == account_id, RemoteBreaker.api_group == group
        )
    )


def _step(work: UnitOfWork, account_id: int, group: str, condition: Any, **values: Any) -> bool:
    """Change the breaker where `condition` still holds; whether it did."""
    done: CursorResult[Any] = work.session.execute(  # type: ignore[assignment]
        update(RemoteBreaker)
        .where(RemoteBreaker.account_id == account_id, RemoteBreaker.api_group == group, condition)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return done.rowcount == 1


def _make(work: UnitOfWork, account_id: int, group: str, now: datetime) -> None:
    """A closed breaker, unless there is one."""
    work.session.execute(
        insert_of(work.session.connection().dialect)(RemoteBreaker)
        .values(
            tenant_id=work.tenant_id, account_id=account_id, api_group=group, state="closed",
            since_at=now - WINDOW, open_s=0, opened=0, held=False, actor="", reason="", updated_at=now,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip


def _too_bad(work: UnitOfWork, account_id: int, group: str, now: datetime) -> bool:
    row = _row(work, account_id, group)
    since = max(now - WINDOW, row.since_at) if row else now - WINDOW
    failed = func.coalesce(func.sum(case((RemoteCall.outcome.in_(FAILED), 1), else_=0)), 0)
    calls, failures = work.session.execute(
        select(func.count(), failed).where(
            RemoteCall.account_id == account_id,
            RemoteCall.api_group == group,
            RemoteCall.at > since,
        )
    ).one()
    return bool(failures >= LEAST_FAILURES and failures * 2 >= calls)


def _trip(work: UnitOfWork, account_id: int, group: str, now: datetime) -> None:
    _make(work, account_id, group, now)
    if _step(
        work, account_id, group, RemoteBreaker.state == "closed",
        state="open", until_at=now + timedelta(seconds=FIRST_OPEN_S), open_s=FIRST_OPEN_S,
        opened=RemoteBreaker.opened + 1, actor="", reason="", updated_at=now,
    ):  # fmt: skip
        log.warning("breaker.opened", account_id=account_id, group=group, open_s=FIRST_OPEN_S)


def _after_probe(
    work: UnitOfWork, account_id: int, group: str, answered: bool, now: datetime
) -> None:
    row = _row(work, account_id, group)
    if row is None or row.state != "half_open":
        return  # a person was quicker
    half = RemoteBreaker.state == "half_open"
    if answered:
        _step(
            work, account_id, group, half,
            state="closed", since_at=now, open_s=0, until_at=None, probe_until=None, updated_at=now,
        )  # fmt: skip
        log.info("breaker.closed", account_id=account_id, group=group)
        return
    open_s = min(max(row.open_s * 2, FIRST_OPEN_S), LONGEST_OPEN_S)
    _step(
        work, account_id, group, half,
        state="open", until_at=now + timedelta(seconds=open_s), open_s=open_s, probe_until=None,
        updated_at=now,
    )  # fmt: skip
    log.warning("breaker.opened", account_id=account_id, group=group, open_s=open_s)


def _open(group: str, wait_s: float, *, held: bool = False) -> RemoteRetry:
    why = (
        ("已由人工停用", "is stopped by hand")
        if held
        else ("暂时不通, 已停止呼叫", "is not called for now")
    )
    return RemoteRetry(
        "remote.breaker_open",
        zh=f"接口组 {group} {why[0]}; {wait_s:.0f} 秒后再看, 什么都没有发出。可在连接页恢复。",
        en=f"The group {group} {why[1]}; looked at again in {wait_s:.0f} s, nothing was sent. The connections page "
        "lets calls through.",
        group=group,
        retry_after_s=wait_s,
    )
