"""What `doctor` looks at in the database: each look answers with findings in both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from tidegate.services.health.places import free_share, wal_bytes
from tidegate.services.health.readiness import LEAST_FREE, MOST_WAL_BYTES, OLDEST_DUE
from tidegate.settings import Settings
from tidegate.store.backup_tables import RestoreMark
from tidegate.store.tables import Effect, Job, Tenant

MOST_OFFSET = timedelta(seconds=5)
UNCLEAR_SINCE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing seen. level: ok, warning, error; `said` by language."""

    check: str
    level: str
    said: Mapping[str, str]


def examine(engine: Engine, settings: Settings, now: datetime) -> Iterator[Sign]:
    """Everything the database can tell about the night to come."""
    with Session(engine.execution_options(readonly=True)) as session:
        for look in LOOKS:
            yield from look(session, now)
    yield from _disk(engine, settings)


def _queue(session: Session, now: datetime) -> Iterator[Sign]:
    count, oldest = session.execute(
        select(func.count(), func.min(Job.due_at)).where(Job.state == "ready", Job.due_at <= now)
    ).one()
    waits = now - oldest if oldest else timedelta()
    seconds = int(waits.total_seconds())
    yield Sign(
        "queue", "ok" if waits <= OLDEST_DUE and count < 1000 else "warning",
        {"zh": f"{count} 个到期任务, 最久等了 {seconds} 秒", "en": f"{count} jobs due, the oldest for {seconds} s"},
    )  # fmt: skip


def _dead(session: Session, _now: datetime) -> Iterator[Sign]:
    rows = session.execute(
        select(Job.name, func.count())
        .where(Job.state == "dead")
        .group_by(Job.name)
        .order_by(Job.name)
    )
    for name, count in rows:
        said = {"zh": f"{count} 个 {name} 任务已放弃", "en": f"{count} dead jobs of kind {name}"}
        yield Sign("dead jobs", "error", said)


def _unclear(session: Session, now: datetime) -> Iterator[Sign]:
    count, oldest = session.execute(
        select(func.count(), func.min(Effect.updated_at)).where(
            Effect.state.in_(("unknown", "sending"))
        )
    ).one()
    late = oldest is not None and now - oldest > UNCLEAR_SINCE
    said = {
        "zh": f"{count} 个结果未明的取号" + ("，有的已超过 15 分钟，请与快递核对" if late else ""),
        "en": f"{count} requests without a clear outcome"
        + (", some for more than 15 minutes: compare with the carrier" if late else ""),
    }
    yield Sign("effects", "warning" if late else "ok", said)


def _restored(session: Session, _now: datetime) -> Iterator[Sign]:
    count = session.scalar(
        select(func.count()).select_from(RestoreMark).where(RestoreMark.reconciled_at.is_(None))
    )
    if count:
        yield Sign(
            "restore", "warning",
            {
                "zh": "刚从备份恢复, 还在与快递核对, 此前不会取号; 启动 tidegate run 后自动完成",
                "en": "restored from a backup and not compared with the carriers yet: no waybill is asked for "
                "until tidegate run has done so",
            },
        )  # fmt: skip


def _clock(session: Session, now: datetime) -> Iterator[Sign]:
    """Against the database server's clock; SQLite has ours."""
    if session.get_bind().dialect.name != "postgresql":
        return
    before = datetime.now(UTC)
    theirs: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    offset = theirs - (before + (datetime.now(UTC) - before) / 2)
    seconds = offset.total_seconds()
    good = abs(offset) <= MOST_OFFSET
    said = {
        "zh": f"与数据库服务器相差 {seconds:+.1f} 秒" + ("" if good else "，请校时 (NTP)"),
        "en": f"{seconds:+.1f} s from the database server" + ("" if good else "; set both by NTP"),
    }
    yield Sign("clock", "ok" if good else "error", said)


def _tenants(session: Session, _now: datetime) -> Iterator[Sign]:
    count = session.scalar(select(func.count()).select_from(Tenant)) or 0
    yield Sign("merchants", "ok", {"zh": f"{count} 个商家", "en": f"{count} merchants"})


def _disk(engine: Engine, settings: Settings) -> Iterator[Sign]:
    free = free_share(settings.data_dir)
    level = "error" if free < LEAST_FREE else "warning" if free < 2 * LEAST_FREE else "ok"
    yield Sign("disk", level, {"zh": f"剩余 {free:.0%}", "en": f"{free:.0%} free"})
    if engine.dialect.name == "sqlite":
        size = wal_bytes(engine)
        said = {"zh": f"{size / 1e6:.1f} MB 未落盘", "en": f"{size / 1e6:.1f} MB not checkpointed"}
        yield Sign("wal", "ok" if size <= MOST_WAL_BYTES else "warning", said)


LOOKS: Sequence[Callable[[Session, datetime], Iterator[Sign]]] = (
    _clock, _queue, _dead, _unclear, _restored, _tenants,
)  # fmt: skip
