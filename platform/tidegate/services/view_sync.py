"""How the synchronisation of an account fares, and the connectors one can choose from, as pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import case, func, select

from tidegate.errors import TidegateError
from tidegate.sdk.discovery import installed, manifest_of
from tidegate.sdk.manifest import Manifest
from tidegate.sdk.manifest_schema import KINDS
from tidegate.services.context import Context
from tidegate.services.remotes.accounts import account_row
from tidegate.services.remotes.connected import manifest_for
from tidegate.services.remotes.windows import limits_of
from tidegate.services.syncing import position, runs
from tidegate.services.syncing.order_runs import source_name
from tidegate.services.syncing.runs import Run
from tidegate.services.syncing.turns import tasks_of
from tidegate.store.remote_tables import ConnectorAccount, RemoteCall
from tidegate.store.sync_tables import AccountSync, SyncRun
from tidegate.store.tables import Job
from tidegate.store.unit_of_work import UnitOfWork

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One task of an account; `code` is what went wrong the last time."""

    task: str
    every_s: int
    last_at: datetime | None
    ok_at: datetime | None
    next_at: datetime | None
    failures: int
    code: str
    behind: bool


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """Calls counted within the limit's window just now; `left` may be had at once."""

    api: str
    calls: int
    per_s: int
    used: int
    source: str

    @property
    def left(self) -> int:
        return max(0, self.calls - self.used)


@dataclass(frozen=True, slots=True)
class SyncState:
    """`lag_s`: how far what is stored lies behind now, None before the first window; `waiting`: jobs of this account;
    `failing`: share of the runs of a day that ended with an error.
    """

    tasks: Sequence[TaskLine]
    read_until: datetime | None
    lag_s: int | None
    waiting: int
    failing: Decimal | None
    quota: Sequence[QuotaLine]
    runs: Sequence[Run]
    can_map: bool
    can_replay: bool


def sync_state(context: Context, code: str, task: str = "") -> SyncState:
    """Raises NotFound."""
    now = context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = account_row(work, code)
    manifest = _manifest(row)
    kept = position.load(context, source_name(row)).position
    until = kept.watermark or (kept.window.start if kept.window else None)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        tasks = _tasks(work, row, manifest)
        waiting, failing = _waiting(work, row), _failing(work, row.id, now)
        quota = _quota(work, row, manifest, now)
    pulls = manifest is not None and "pull_orders" in manifest.capabilities
    return SyncState(
        tasks, until, round((now - until).total_seconds()) if until else None, waiting, failing,
        quota, runs.runs(context, row.id, task), pulls, pulls,
    )  # fmt: skip


def gallery(query: str = "", kind: str = "") -> list[Manifest]:
    """Connectors an account can be made for, by kind and title; `query` looks into names, titles and descriptions."""
    wanted = query.strip().casefold()
    found = []
    for name in installed():
        try:
            manifest = manifest_of(name)
        except TidegateError:  # a third party's manifest that is wrong: `tidegate doctor` names it
            continue
        if not manifest.settings or (kind and kind not in manifest.kinds):
            continue
        words = " ".join((name, *manifest.title.values(), *manifest.about.values())).casefold()
        if wanted in words:
            found.append(manifest)
    return sorted(found, key=lambda one: (KINDS.index(one.kinds[0]), one.id))


def kinds() -> list[str]:
    """Kinds of connectors that are installed, in the order of the manifest's schema."""
    there = {kind for one in gallery() for kind in one.kinds}
    return [kind for kind in KINDS if kind in there]


def _manifest(row: ConnectorAccount) -> Manifest | None:
    try:
        return manifest_for(row)
    except TidegateError:
        return None


def _tasks(work: UnitOfWork, row: ConnectorAccount, manifest: Manifest | None) -> list[TaskLine]:
    kept: Mapping[str, AccountSync] = {
        one.task: one
        for one in work.session.scalars(select(AccountSync).where(AccountSync.account_id == row.id))
    }
    wanted = tasks_of(manifest, row.settings) if manifest else {}
    found = []
    for task, every_s in wanted.items():
        one = kept.get(task)
        found.append(
            TaskLine(
                task,
                every_s,
                one.last_at,
                one.ok_at,
                one.next_at,
                one.failures,
                one.code,
                one.behind,
            )
            if one
            else TaskLine(task, every_s, None, None, None, 0, "", False)
        )
    return found


def _waiting(work: UnitOfWork, row: ConnectorAccount) -> int:
    keys = [Job.key.like(f"fetch:{row.code}:%"), Job.key.like(f"sync:%:{row.id}")]
    found = work.session.scalar(
        select(func.count()).select_from(Job).where(keys[0] | keys[1], Job.state == "ready")
    )
    return found or 0


def _failing(work: UnitOfWork, account_id: int, now: datetime) -> Decimal | None:
    bad = func.sum(case((SyncRun.code != "", 1), else_=0))
    total, failed = work.session.execute(
        select(func.count(), bad).where(SyncRun.account_id == account_id, SyncRun.at > now - DAY)
    ).one()
    return Decimal(int(failed or 0)) / total if total else None


def _quota(
    work: UnitOfWork, row: ConnectorAccount, manifest: Manifest | None, now: datetime
) -> list[QuotaLine]:
    found = []
    for limit in limits_of(manifest.limits if manifest else (), row.settings):
        since = now - timedelta(seconds=limit.per_s)
        wanted = (
            select(func.count())
            .select_from(RemoteCall)
            .where(RemoteCall.account_id == row.id, RemoteCall.at > since)
        )
        if limit.api != "*":
            wanted = wanted.where(RemoteCall.api == limit.api)
        used = work.session.scalar(wanted) or 0
        found.append(QuotaLine(limit.api, limit.calls, limit.per_s, used, limit.source))
    return found
