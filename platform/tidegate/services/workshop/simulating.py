"""A draft against what decides now, or an older version, over past orders: asked for, run, stopped, looked up.

A run is a background job; it lives in its row, so that a reload or another process sees it. It
writes to its own two tables and to nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, update

from tidegate.engine.rulesets import RuleSet
from tidegate.engine.writing import write
from tidegate.errors import Conflict, InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.work import enqueue
from tidegate.services.workshop import drafts, history
from tidegate.services.workshop.simulation_files import mappings
from tidegate.store.simulation_tables import Simulation, SimulationChange
from tidegate.store.tables import Shop
from tidegate.store.unit_of_work import UnitOfWork

DAYS, LONGEST_DAYS, MOST = 30, 730, 1_000_000
MINUTES = Decimal(2)  # of a person for one held order, until the shop says otherwise
STALE = timedelta(minutes=3)  # without a sign of life: whoever ran it is gone
OPEN = ("queued", "running")
FOLDER = "simulations"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to judge instead of the shop's orders."""

    name: str
    content: bytes
    mapping: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for. `against` is live or the number of a version; `sample` None is all.

    `in_order`: what the versions use up is gone for the subjects after; it begins with the stock
    free today and with `capacity` per service for the whole period.
    """

    against: str = "live"
    days: int = DAYS
    channels: tuple[str, ...] = ()
    sample: int | None = None
    minutes: Decimal = MINUTES
    in_order: bool = False
    capacity: Mapping[str, int] = field(default_factory=dict)
    upload: Upload | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A finished simulation as of its moment; it never changes."""

    id: int
    set_id: str
    draft_hash: str
    against: str
    against_hash: str
    source: str
    since: datetime | None
    until: datetime | None
    finished_at: datetime
    asked_by: str
    subjects: int
    changed: int
    rebuilt: int
    freight: tuple[Mapping[str, Any], ...]  # per currency: n, before and after in minor units
    held: Mapping[str, int]  # before, after
    undecided: Mapping[str, int]
    per_day: Decimal  # holds a day more (or fewer), for all orders of the period
    minutes: Decimal  # of review for one hold
    on_time: Mapping[str, Any] | None  # n, change, half; None: history can't tell

    @property
    def hours_per_day(self) -> Decimal:
        return self.per_day * self.minutes / 60

    def as_summary(self) -> dict[str, Any]:
        """Plain data, to be kept with a version."""
        return {
            "simulation": self.id,
            "against": self.against,
            "against_hash": self.against_hash,
            "source": self.source,
            "finished_at": self.finished_at.isoformat(),
            "subjects": self.subjects,
            "changed": self.changed,
            "rebuilt": self.rebuilt,
            "freight": [dict(one) for one in self.freight],
            "held": dict(self.held),
            "undecided": dict(self.undecided),
            "holds_per_day": str(self.per_day),
            "minutes_per_hold": str(self.minutes),
            "on_time": dict(self.on_time) if self.on_time else None,
        }


def start(context: Context, set_id: str, wanted: Request, actor: str) -> int:
    """Keep what is to be compared and queue the work; the simulation's id.

    Raises:
        NotFound: no such set or version. InputError: a wrong choice, with its `field`.
    """
    draft = drafts.working_set(context, set_id)
    against = history.ruleset_of(context, set_id, wanted.against)
    _check(wanted)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = Simulation(
            set_id=set_id, gate=draft.gate, draft_hash=draft.hash, draft_text=write(draft),
            against=str(wanted.against), against_hash=against.hash, against_text=write(against),
            source="file" if wanted.upload else "orders", channels=list(wanted.channels),
            shops=sorted(work.session.scalars(select(Shop.id))), sample=wanted.sample,
            options=_options(wanted), state="queued", done=0, asked_by=actor, asked_at=now,
            result={}, period_from=None if wanted.upload else now - timedelta(days=wanted.days),
            period_to=None if wanted.upload else now,
        )  # fmt: skip
        work.add(row)
        work.session.flush()
        if wanted.upload:
            file = file_of(context, row.id, wanted.upload.name)
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.write_bytes(wanted.upload.content)
        _queue(work, row.id, now)
        work.commit()
        return row.id


def cancel(context: Context, simulation_id: int) -> None:
    """Stop it at the next chunk; one that nobody works on stops at once.

    Raises:
        NotFound: no such simulation. Conflict: it has ended already.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = row_of(work, simulation_id)
        if row.state not in OPEN:
            raise Conflict(
                "simulation.over",
                zh=f"模拟 {row.id} 已经结束，不用取消。",
                en=f"Simulation {row.id} has ended; there is nothing to stop.",
                id=row.id,
            )
        row.cancel_asked = True
        if row.state == "queued" or is_stale(row, now):
            row.state, row.finished_at = "cancelled", now
            clear(context, work, row)
        work.commit()


def summary(context: Context, simulation_id: int) -> Summary:
    """Raises NotFound: no such simulation, or it isn't done."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = row_of(work, simulation_id)
        if row.state != "done":
            raise unknown(simulation_id)
        return summary_of(row)


def latest(context: Context, set_id: str, draft_hash: str) -> Summary | None:
    """The newest finished simulation of exactly this draft; None if there is none."""
    statement = (
        select(Simulation)
        .where(
            Simulation.set_id == set_id,
            Simulation.draft_hash == draft_hash,
            Simulation.state == "done",
        )
        .order_by(Simulation.id.desc())
    )
    with context.store.begin(context.tenant_id, readonly=True) as work:
        shops = set(work.session.scalars(select(Shop.id)))
        rows = work.session.scalars(statement.limit(20))
        row = next((one for one in rows if set(one.shops) <= shops), None)
        return summary_of(row) if row else None


def summary_of(row: Simulation) -> Summary:
    result = row.result
    held = result["held"]
    days = Decimal(max(1, int(result["days"])))
    scale = Decimal(result["total"]) / max(1, int(result["subjects"]))
    more = Decimal(held["after"] - held["before"])
    return Summary(
        row.id, row.set_id, row.draft_hash, row.against, row.against_hash, row.source,
        row.period_from, row.period_to, row.finished_at or row.asked_at, row.asked_by,
        result["subjects"], result["changed"], result["rebuilt"], tuple(result["freight"]), held,
        result["undecided"], (more * scale / days).quantize(Decimal("0.1")),
        Decimal(str(row.options.get("minutes", MINUTES))), result["on_time"],
    )  # fmt: skip


def row_of(work: UnitOfWork, simulation_id: int) -> Simulation:
    """A simulation whose shops this person may all see. Raises NotFound."""
    row = work.session.scalar(select(Simulation).where(Simulation.id == simulation_id))
    if row is None or not set(row.shops) <= set(work.session.scalars(select(Shop.id))):
        raise unknown(simulation_id)
    return row


def consumes(ruleset: RuleSet) -> bool:
    """Whether an action of the set uses something up."""
    return any(call.action.consumes for rule in ruleset.rules for call in rule.actions)


def file_of(context: Context, simulation_id: int, name: str) -> Path:
    """Where an uploaded file lies while it is needed; the name keeps only what tells its format."""
    suffix = "".join(re.findall(r"\.[A-Za-z0-9]{1,5}", name)[-2:]).lower()
    folder = context.data_dir / FOLDER / str(context.tenant_id)
    return folder / f"{simulation_id}{suffix}"


def clear(context: Context, work: UnitOfWork, row: Simulation) -> None:
    """Forget what a run that didn't end had found, and its file."""
    work.session.execute(
        delete(SimulationChange).where(SimulationChange.simulation_id == row.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    drop_file(context, row)


def drop_file(context: Context, row: Simulation) -> None:
    """An uploaded file is kept no longer than it is needed."""
    if row.source == "file":
        file_of(context, row.id, row.options.get("file", "")).unlink(missing_ok=True)


def take(context: Context, simulation_id: int) -> Simulation | None:
    """Make the run ours: of several who try, one gets it. A run whose worker is gone begins anew."""
    now = context.clock()
    free = (Simulation.state == "queued") | (
        (Simulation.state == "running") & (Simulation.beat_at < now - STALE)
    )
    with context.store.begin(context.tenant_id) as work:
        changed = work.session.execute(
            update(Simulation)
            .where(Simulation.id == simulation_id, free)
            .values(state="running", started_at=now, beat_at=now, done=0,
                    attempts=Simulation.attempts + 1)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
        if not changed.rowcount:  # type: ignore[attr-defined]
            return None
        work.session.execute(
            delete(SimulationChange).where(SimulationChange.simulation_id == simulation_id)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
        work.commit()
        return work.session.scalar(select(Simulation).where(Simulation.id == simulation_id))


def again_later(context: Context, simulation_id: int, wait: timedelta) -> None:
    """Look again after a while, if it hasn't ended by then."""
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        state = select(Simulation.state).where(Simulation.id == simulation_id)
        if work.session.scalar(state) in OPEN:
            _queue(work, simulation_id, now, wait=wait)
            work.commit()


def unknown(simulation_id: int) -> NotFound:
    return NotFound(
        "simulation.not_found",
        zh=f"没有模拟 {simulation_id}；可能已删除或属于别的店铺。",
        en=f"There is no simulation {simulation_id} here.",
        id=simulation_id,
    )


def is_stale(row: Simulation, now: datetime) -> bool:
    """Whether a running one shows no sign of life."""
    return row.beat_at is None or row.beat_at < now - STALE


def _queue(
    work: UnitOfWork, simulation_id: int, now: datetime, wait: timedelta = timedelta(0)
) -> None:
    args = {"simulation_id": simulation_id}
    enqueue(work, "simulate", args, due_at=now + wait, now=now, key=f"simulate:{simulation_id}")


def _options(wanted: Request) -> dict[str, Any]:
    found: dict[str, Any] = {"minutes": str(wanted.minutes), "days": wanted.days}
    if wanted.in_order:
        found |= {"in_order": True, "capacity": dict(wanted.capacity)}
    if wanted.upload:
        found |= {"file": wanted.upload.name[-120:], "mapping": wanted.upload.mapping}
    return found


def _check(wanted: Request) -> None:
    if not 1 <= wanted.days <= LONGEST_DAYS:
        raise _wrong("days", f"天数应在 1 到 {LONGEST_DAYS} 之间。",
                     f"Choose 1 to {LONGEST_DAYS} days.")  # fmt: skip
    if wanted.sample is not None and not 1 <= wanted.sample <= MOST:
        raise _wrong("sample", f"抽样数应在 1 到 {MOST:,} 之间；留空则全部判定。",
                     f"The sample is 1 to {MOST:,} orders; leave it empty for all.")  # fmt: skip
    if not 0 <= wanted.minutes <= 120:
        raise _wrong("minutes", "每单审核时间应在 0 到 120 分钟之间。",
                     "A review takes 0 to 120 minutes.")  # fmt: skip
    if wanted.upload is None:
        return
    if not wanted.upload.content:
        raise _wrong("file", f"文件 {wanted.upload.name} 是空的；请选有内容的文件。",
                     f"The file {wanted.upload.name} is empty; choose one with content.")  # fmt: skip
    if wanted.upload.mapping not in mappings():
        raise _wrong("mapping", "请从列表里选文件格式。", "Choose the file's format from the list.")


def _wrong(name: str, zh: str, en: str) -> InputError:
    return InputError(f"simulation.bad_{name}", zh=zh, en=en, field=name)
