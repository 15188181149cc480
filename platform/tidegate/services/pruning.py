"""Rows that nobody asks for any more are deleted, a thousand at a time, so that nobody waits for it.

Orders, decisions, events and scans are never pruned here: they are the record of what was done.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select

from tidegate.services.context import Context
from tidegate.store.label_tables import KeptLabel
from tidegate.store.quote_tables import CarrierQuote
from tidegate.store.sheet_tables import SheetFile
from tidegate.store.simulation_tables import Simulation, SimulationChange
from tidegate.store.sync_tables import AccountSample, OpenedRecipient, SyncRun
from tidegate.store.tables import Job
from tidegate.store.workshop_tables import ShadowDecision

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows of `table` that are old enough when `old` holds for a moment `keep` ago."""

    table: Any
    keep: timedelta
    old: Callable[[datetime], ColumnElement[bool]]


def _old_simulations(before: datetime) -> ColumnElement[bool]:
    found: ColumnElement[bool] = Simulation.finished_at < before
    return found


KINDS: Mapping[str, Kind] = {  # in this order: what refers to others goes first
    "jobs": Kind(Job, timedelta(days=7), lambda t: (Job.state == "done") & (Job.due_at < t)),
    "shadow_decisions": Kind(ShadowDecision, timedelta(days=90), lambda t: ShadowDecision.at < t),
    "simulation_changes": Kind(
        SimulationChange, timedelta(days=90),
        lambda t: SimulationChange.simulation_id.in_(select(Simulation.id).where(_old_simulations(t))),
    ),
    "simulations": Kind(Simulation, timedelta(days=90), _old_simulations),
    "sync_runs": Kind(SyncRun, timedelta(days=30), lambda t: SyncRun.at < t),
    "account_samples": Kind(AccountSample, timedelta(days=7), lambda t: AccountSample.taken_at < t),
    "sheet_files": Kind(SheetFile, timedelta(days=7), lambda t: SheetFile.uploaded_at < t),
    "opened_recipients": Kind(
        OpenedRecipient, timedelta(days=30), lambda t: OpenedRecipient.opened_at < t
    ),
    "carrier_quotes": Kind(
        CarrierQuote, timedelta(days=7), lambda t: CarrierQuote.until_at < t
    ),
    "kept_labels": Kind(KeptLabel, timedelta(days=30), lambda t: KeptLabel.fetched_at < t),
}  # fmt: skip
PERSONAL = (
    "account_samples",
    "sheet_files",
    "opened_recipients",
    "kept_labels",
)  # by a job of their own, nobody has to think of it


def prune_personal(context: Context) -> int:
    """Samples, uploaded spreadsheets, opened recipients and carriers' labels, once their time is over; how many."""
    now = context.clock()
    return sum(
        delete_rows(context, KINDS[name].table, KINDS[name].old(now - KINDS[name].keep))
        for name in PERSONAL
    )


def prune(context: Context, *, dry_run: bool = False, most: int = 1_000_000) -> dict[str, int]:
    """Rows deleted (or, in a dry run, to delete) of one tenant by kind; at most `most` of each a run."""
    now = context.clock()
    return {
        name: delete_rows(
            context, kind.table, kind.old(now - kind.keep), dry_run=dry_run, most=most
        )
        for name, kind in KINDS.items()
    }


def delete_rows(
    context: Context,
    table: Any,
    old: ColumnElement[bool],
    *,
    dry_run: bool = False,
    most: float = math.inf,
) -> int:
    """Rows of one tenant's table deleted (or found), a thousand in a transaction, up to `most`."""
    gone = after = 0
    while gone < most:
        with context.store.begin(context.tenant_id, readonly=dry_run) as work:
            ids = work.session.scalars(
                select(table.id)
                .where(old, table.id > after)
                .order_by(table.id)
                .limit(int(min(CHUNK, most - gone)))
            ).all()
            if ids and not dry_run:
                work.session.execute(
                    delete(table)
                    .where(table.id.in_(ids))
                    .execution_options(synchronize_session=False)
                )
                work.commit()
        if not ids:
            break
        gone, after = gone + len(ids), ids[-1]
    return gone
