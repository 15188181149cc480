"""Figures read from the database when somebody asks for them: how much waits, for how long, and what is unclear.

All tenants together: labels are states, kinds and connectors, which are few; never a tenant, an order or a person.
What would count finished rows by the million is left out: only what is open is counted, by partial indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tidegate import __version__
from tidegate.errors import Unavailable
from tidegate.services.context import Context
from tidegate.services.health.places import database_bytes, free_share, wal_bytes
from tidegate.store.tables import Alert, Effect, Job, Order, SyncCursor

log = structlog.get_logger()
Sample = tuple[tuple[str, ...], float]
FINAL = ("delivered", "returned", "rejected", "cancelled", "lost")  # as in states.yaml
UNCLEAR = ("intent", "sending", "unknown")


@dataclass(frozen=True, slots=True)
class Figure:
    """One gauge: its name (unit at the end), what it says, its labels, and a value for each combination.

    `kept`: the answer may be some seconds old.
    """

    name: str
    said: str
    labels: tuple[str, ...]
    read: Callable[[Context, Session, datetime], Sequence[Sample]]
    kept: bool = True


def read_figures(
    context: Context, *, kept: bool | None = None
) -> Iterator[tuple[Figure, Sequence[Sample]]]:
    """Every figure (or those that may be kept, or may not) with its samples; one that can't be read is left out and
    logged.
    """
    now = context.clock()
    for figure in [one for one in FIGURES if kept in (None, one.kept)]:
        try:
            with context.store.unscoped(readonly=True) as session:
                yield figure, figure.read(context, session, now)
        except (SQLAlchemyError, Unavailable, OSError) as error:
            log.warning("figures.unread", figure=figure.name, error=type(error).__name__)


def _orders(_context: Context, session: Session, _now: datetime) -> Sequence[Sample]:
    rows = session.execute(
        select(Order.state, func.count()).where(Order.state.not_in(FINAL)).group_by(Order.state)
    )
    return [((state,), count) for state, count in rows]


def _due(_context: Context, session: Session, now: datetime) -> Sequence[Sample]:
    rows = session.execute(
        select(Job.name, func.min(Job.due_at))
        .where(Job.state == "ready", Job.due_at <= now)
        .group_by(Job.name)
    )
    return [((name,), max(0.0, (now - oldest).total_seconds())) for name, oldest in rows]


def _jobs(_context: Context, session: Session, now: datetime) -> Sequence[Sample]:
    due = select(Job.name, func.count()).where(Job.state == "ready", Job.due_at <= now)
    found = [((name, "due"), count) for name, count in session.execute(due.group_by(Job.name))]
    for state in ("leased", "dead"):
        rows = select(Job.name, func.count()).where(Job.state == state).group_by(Job.name)
        found += [((name, state), count) for name, count in session.execute(rows)]
    return found


def _effects(_context: Context, session: Session, _now: datetime) -> Sequence[Sample]:
    rows = session.execute(
        select(Effect.kind, Effect.state, func.count())
        .where(Effect.state.in_(UNCLEAR))
        .group_by(Effect.kind, Effect.state)
    )
    return [((kind, state), count) for kind, state, count in rows]


def _unknown_age(_context: Context, session: Session, now: datetime) -> Sequence[Sample]:
    oldest = session.scalar(select(func.min(Effect.updated_at)).where(Effect.state == "unknown"))
    return [((), 0.0 if oldest is None else (now - oldest).total_seconds())]


def _alerts(_context: Context, session: Session, _now: datetime) -> Sequence[Sample]:
    rows = session.execute(
        select(Alert.severity, Alert.kind, func.count())
        .where(Alert.state.in_(("open", "acknowledged")))
        .group_by(Alert.severity, Alert.kind)
    )
    return [((severity, kind), count) for severity, kind, count in rows]


def _inbox(_context: Context, session: Session, now: datetime) -> Sequence[Sample]:
    rows = session.execute(
        select(SyncCursor.source, func.min(SyncCursor.updated_at)).group_by(SyncCursor.source)
    )
    return [((source,), max(0.0, (now - read_at).total_seconds())) for source, read_at in rows]


def _versions(context: Context, _session: Session, _now: datetime) -> Sequence[Sample]:
    return [((one.gate, one.id, one.hash[:12]), 1.0) for one in context.rules.all()]


def _rule_problems(context: Context, _session: Session, _now: datetime) -> Sequence[Sample]:
    return [((), float(len(context.rules.problems)))]


def _build(context: Context, _session: Session, _now: datetime) -> Sequence[Sample]:
    return [((__version__, context.store.engine.dialect.name), 1.0)]


FIGURES = (
    Figure("tidegate_orders_open", "Orders that are not over, by state.", ("state",), _orders),
    Figure(
        "tidegate_job_oldest_due_seconds",
        "How long the oldest due job waits.", ("kind",), _due,
    ),
    Figure("tidegate_jobs", "Jobs that are due, leased or dead.", ("kind", "state"), _jobs),
    Figure(
        "tidegate_effects_open",
        "Things asked of the outside without an answer yet.", ("kind", "state"), _effects,
    ),
    Figure(
        "tidegate_effect_oldest_unknown_seconds",
        "How long the oldest unclear outcome waits.", (), _unknown_age,
    ),
    Figure("tidegate_alerts_open", "Alerts nobody resolved.", ("severity", "kind"), _alerts),
    Figure(
        "tidegate_inbox_lag_seconds",
        "Time since a source was last read to its end.", ("source",), _inbox,
    ),
    Figure(
        "tidegate_rule_version_in_force",
        "Rule sets of the first merchant, by content hash.", ("gate", "set", "version"), _versions,
        kept=False,
    ),
    Figure(
        "tidegate_rule_problems", "Rule files that can't be read; the last good ones decide.",
        (), _rule_problems,
    ),
    Figure(
        "tidegate_wal_bytes", "Bytes written and not yet checkpointed.", (),
        lambda context, _session, _now: [((), float(wal_bytes(context.store.engine)))],
    ),
    Figure(
        "tidegate_database_bytes", "Size of the database.", (),
        lambda context, _session, _now: [((), float(database_bytes(context.store.engine)))],
    ),
    Figure(
        "tidegate_disk_free_ratio", "Free share of the disk of the data folder.", (),
        lambda context, _session, _now: [((), free_share(context.data_dir))],
    ),
    Figure("tidegate_build_info", "Version and database.", ("version", "database"), _build),
)  # fmt: skip
