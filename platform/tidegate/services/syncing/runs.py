"""The sync log: a row for each run of an account's task, with what was read, kept and refused, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from tidegate.sdk.source import RowProblem
from tidegate.services.context import Context
from tidegate.store.sync_tables import SyncRun
from tidegate.store.unit_of_work import UnitOfWork

KEPT = timedelta(days=30)
MOST_KEPT = 2_000  # per account
PRUNE_EVERY = 50  # runs
ROWS_KEPT = 20  # rejected rows named in one run
SHOWN = 50


@dataclass
class Done:
    """What a run did. `read = accepted + rejected`; rows are orders, stock levels or parcels by the task."""

    pages: int = 0
    read: int = 0
    accepted: int = 0
    rejected: int = 0
    created: int = 0
    updated: int = 0
    window_start: datetime | None = None
    window_end: datetime | None = None
    behind: bool = False
    reasons: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return self.read == 0 and self.pages == 0

    def refuse(self, problems: Iterable[RowProblem]) -> None:
        """Count rejected rows by code and remember the first of them."""
        for problem in problems:
            self.rejected += 1
            self.reasons[problem.code] += 1
            if len(self.rows) < ROWS_KEPT:
                self.rows.append(
                    {
                        "place": problem.file[:80], "row": problem.row, "field": problem.field,
                        "code": problem.code,
                    }
                )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """A line of the log. `reasons`: code -> how many; `rows`: place, row, field and code of the first ones."""

    id: int
    task: str
    began_by: str
    at: datetime
    window_start: datetime | None
    window_end: datetime | None
    pages: int
    read: int
    accepted: int
    rejected: int
    created: int
    updated: int
    reasons: dict[str, int]
    rows: list[dict[str, Any]]
    took_ms: int
    code: str
    behind: bool


def note(
    work: UnitOfWork,
    account_id: int,
    task: str,
    done: Done,
    *,
    at: datetime,
    took_ms: int,
    code: str = "",
    began_by: str = "",
) -> None:
    """Stage a line; old lines of the account go on the way."""
    row = SyncRun(
        account_id=account_id, task=task, began_by=began_by[:80], at=at,
        window_start=done.window_start, window_end=done.window_end, pages=done.pages,
        read=done.read, accepted=done.accepted, rejected=done.rejected, created=done.created,
        updated=done.updated, reasons=dict(done.reasons), rows=done.rows, took_ms=took_ms,
        code=code[:80], behind=done.behind,
    )  # fmt: skip
    work.add(row)
    work.session.flush()
    if row.id % PRUNE_EVERY == 0:
        _prune(work, account_id, at)


def runs(context: Context, account_id: int, task: str = "", limit: int = SHOWN) -> list[Run]:
    """The newest first."""
    wanted = select(SyncRun).where(SyncRun.account_id == account_id)
    if task:
        wanted = wanted.where(SyncRun.task == task)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.scalars(wanted.order_by(SyncRun.id.desc()).limit(limit)).all()
        return [_run(row) for row in rows]


def _run(row: SyncRun) -> Run:
    return Run(
        id=row.id, task=row.task, began_by=row.began_by, at=row.at, window_start=row.window_start,
        window_end=row.window_end, pages=row.pages, read=row.read, accepted=row.accepted,
        rejected=row.rejected, created=row.created, updated=row.updated, reasons=dict(row.reasons),
        rows=list(row.rows), took_ms=row.took_ms, code=row.code, behind=row.behind,
    )  # fmt: skip


def counted(rows: Sequence[Run]) -> Counter[str]:
    """Codes of errors in these runs, how often each."""
    return Counter(row.code for row in rows if row.code)


def _prune(work: UnitOfWork, account_id: int, now: datetime) -> None:
    mine = SyncRun.account_id == account_id
    last = work.session.scalar(
        select(SyncRun.id).where(mine).order_by(SyncRun.id.desc()).offset(MOST_KEPT).limit(1)
    )
    old = SyncRun.at < now - KEPT
    work.session.execute(
        delete(SyncRun)
        .where(mine, old if last is None else old | (SyncRun.id <= last))
        .execution_options(synchronize_session=False)
    )
