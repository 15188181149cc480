"""Published versions: which one is in force at an instant, which wait, which run in shadow."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from tidegate.engine.rulesets import RuleSet
from tidegate.services.workshop.model import LIVE, SHADOW, VersionInfo
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.workshop_tables import RuleVersion


def rows_of(work: UnitOfWork, set_id: str) -> list[RuleVersion]:
    """All versions of a set, the newest first."""
    statement = select(RuleVersion).where(RuleVersion.set_id == set_id)
    return list(work.session.scalars(statement.order_by(RuleVersion.number.desc())))


def last_text(work: UnitOfWork, set_id: str) -> str | None:
    """The text of the version that was published last, whether it decides or not."""
    return work.session.scalar(
        select(RuleVersion.text)
        .where(RuleVersion.set_id == set_id)
        .order_by(RuleVersion.number.desc())
        .limit(1)
    )


def effective(rows: Iterable[RuleVersion], mode: str, now: datetime) -> RuleVersion | None:
    """Of those that have begun, not ended and not been withdrawn, the one that began last."""
    running = [
        row
        for row in rows
        if row.mode == mode
        and row.withdrawn_at is None
        and row.starts_at <= now
        and (row.ends_at is None or now < row.ends_at)
    ]
    return max(running, key=lambda row: (row.starts_at, row.number), default=None)


def in_force(
    work: UnitOfWork, set_id: str, now: datetime, live: RuleSet | None
) -> VersionInfo | None:
    """The version that decides; number 0 where it is the one of the rules folder."""
    found = effective(rows_of(work, set_id), LIVE, now)
    if found is not None:
        return info_of(found)
    if live is None:
        return None
    return VersionInfo(set_id, 0, live.hash, LIVE, None, None, None, "", "", None, "")


def in_shadow(work: UnitOfWork, set_id: str, now: datetime) -> VersionInfo | None:
    found = effective(rows_of(work, set_id), SHADOW, now)
    return info_of(found) if found else None


def upcoming(work: UnitOfWork, set_id: str, now: datetime) -> tuple[VersionInfo, ...]:
    """Those that wait for their time, the next one first."""
    waiting = [
        row for row in rows_of(work, set_id) if row.withdrawn_at is None and row.starts_at > now
    ]
    return tuple(info_of(row) for row in sorted(waiting, key=lambda row: row.starts_at))


def info_of(row: RuleVersion) -> VersionInfo:
    return VersionInfo(
        row.set_id, row.number, row.hash, row.mode, row.starts_at, row.ends_at, row.withdrawn_at,
        row.published_by, row.approved_by or "", row.published_at, row.note, row.summary, row.id,
    )  # fmt: skip
