"""Orders come in: new ones are stored, known ones compared by hash, and the chain is told.

Identity is (channel, shop, number). Safe to run twice and from several places: one transaction
per batch, one import
of a tenant writes at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import update

from tidegate.domain.orders import OrderDraft
from tidegate.sdk.source import OrderSource, Progress
from tidegate.services.context import Context
from tidegate.services.intake_report import KEPT_IN_DATABASE, ImportReport
from tidegate.services.intake_revisions import newer_of
from tidegate.services.intake_store import CREATED, UNCHANGED, UPDATED, Intake
from tidegate.store.tables import ImportRun
from tidegate.store.unit_of_work import UnitOfWork

CHUNK = 1_000  # orders per transaction


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many orders were new, changed, or the same as before."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


def import_orders(
    context: Context,
    drafts: Iterable[OrderDraft],
    *,
    source: str,
    run_chain: bool = True,
    dry_run: bool = False,
) -> Outcome:
    """Store drafts in transactions of up to CHUNK orders. `source` names who brought them, for
    the time line.

    Of equal identities in one call the last one counts, or the newer where the source tells.
    `dry_run` compares and writes nothing.
    """
    created = updated = unchanged = 0
    for chunk in _chunks(drafts):
        with context.store.begin(context.tenant_id, readonly=dry_run) as work:
            intake = Intake(work, context, source=source, run_chain=run_chain)
            if dry_run:
                outcomes = Counter(intake.compare(chunk))
            else:
                outcomes = Counter(taken.outcome for taken in intake.store(chunk))
                work.commit()
        created += outcomes[CREATED]
        updated += outcomes[UPDATED]
        unchanged += outcomes[UNCHANGED]
    return Outcome(created, updated, unchanged)


def store_orders(
    work: UnitOfWork, context: Context, drafts: Iterable[OrderDraft], *, source: str
) -> Outcome:
    """Store drafts in the caller's transaction, which commits; otherwise as `import_orders`."""
    outcomes: Counter[str] = Counter()
    for chunk in _chunks(drafts):
        intake = Intake(work, context, source=source, run_chain=True)
        outcomes.update(taken.outcome for taken in intake.store(chunk))
    return Outcome(outcomes[CREATED], outcomes[UPDATED], outcomes[UNCHANGED])


def import_source(
    context: Context,
    source: OrderSource,
    *,
    run_chain: bool = True,
    dry_run: bool = False,
    listen: Callable[[Progress], None] | None = None,
) -> ImportReport:
    """Import everything a source has and keep a record of it (ImportRun), also when it breaks off.

    Raises:
        InputError: the source cannot be read; nothing was stored.
    """
    report = ImportReport()
    run_id = None if dry_run else _start_run(context, source)
    try:
        for batch in source.batches(listen):
            report.add_rows(batch)
            done = import_orders(
                context, batch.drafts, source=source.name, run_chain=run_chain, dry_run=dry_run
            )
            report.created += done.created
            report.updated += done.updated
            report.unchanged += done.unchanged
    finally:
        if run_id is not None:
            _end_run(context, run_id, report)
    return report


def _chunks(drafts: Iterable[OrderDraft]) -> Iterable[list[OrderDraft]]:
    chunk: dict[tuple[str, str, str], OrderDraft] = {}
    for draft in drafts:
        identity = (draft.channel, draft.shop, draft.number)
        chunk[identity] = newer_of(chunk.get(identity, draft), draft)
        if len(chunk) >= CHUNK:
            yield list(chunk.values())
            chunk = {}
    if chunk:
        yield list(chunk.values())


def _start_run(context: Context, source: OrderSource) -> int:
    with context.store.begin(context.tenant_id) as work:
        run = ImportRun(
            mapping=source.name[:80], files=list(source.origins), started_at=context.clock()
        )
        work.add(run)
        work.commit()
        return run.id


def _end_run(context: Context, run_id: int, report: ImportReport) -> None:
    with context.store.begin(context.tenant_id) as work:
        statement = update(ImportRun).where(ImportRun.id == run_id)
        work.session.execute(
            statement.values(
                finished_at=context.clock(), report=report.as_document("zh", KEPT_IN_DATABASE)
            )
        )
        work.commit()
