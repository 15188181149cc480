"""Orders come in: new ones are stored, known ones compared by hash, and the chain is told.

Identity is (channel, shop, number). Safe to run twice and from several places: one transaction
per batch, one import
of a tenant writes at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text, update

from tidegate.domain.orders import OrderDraft
from tidegate.sdk.source import OrderSource, Progress
from tidegate.services.context import Context
from tidegate.services.intake_changes import apply_changes
from tidegate.services.intake_checks import check_recipient, recipient_keys
from tidegate.services.intake_report import KEPT_IN_DATABASE, ImportReport
from tidegate.services.intake_rows import (
    LINE_FIELDS,
    SOURCE_COLUMNS,
    BulkInsert,
    issue_rows,
    line_values,
    order_values,
    source_hash,
)
from tidegate.services.intake_states import intake_states
from tidegate.services.work import enqueue_advance
from tidegate.store.dialects import insert_of
from tidegate.store.tables import Event, ImportRun, Job, Order, OrderLine, Shop
from tidegate.store.unit_of_work import UnitOfWork

CHUNK = 1_000  # orders per transaction
_IMPORT_LOCK = 7_423_101  # any number that no other lock of ours uses
_NEW_COLUMNS = (
    "tenant_id", "shop_id", "state", "state_since", "version", "source_hash", "imported_at",
    "updated_at", "issues", "extra", "tags", "edited", "manual_review",
    "phone_key", "address_key", "region_code",
    "address_check", "address_reason", "phone_kind", "phone_valid", "address_is_new",
)  # fmt: skip
_CHECKED = dict.fromkeys(
    (
        "region_code",
        "address_check",
        "address_reason",
        "phone_kind",
        "phone_valid",
        "address_is_new",
    )
)


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

    Of equal identities in one call the last one counts. `dry_run` compares and writes nothing.
    """
    created = updated = unchanged = 0
    for chunk in _chunks(drafts):
        with context.store.begin(context.tenant_id, readonly=dry_run) as work:
            intake = _Intake(work, context, source=source, run_chain=run_chain)
            done = intake.compare(chunk) if dry_run else intake.store(chunk)
            if not dry_run:
                work.commit()
        created, updated = created + done.created, updated + done.updated
        unchanged += done.unchanged
    return Outcome(created, updated, unchanged)


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


class _Intake:
    """One batch of one tenant inside one transaction."""

    def __init__(self, work: UnitOfWork, context: Context, *, source: str, run_chain: bool) -> None:
        self.work = work
        self.context = context
        self.source = source
        self.run_chain = run_chain
        self.now: datetime = context.clock()
        self.connection = work.session.connection()
        self.tenant_id = work.tenant_id

    def compare(self, drafts: Sequence[OrderDraft]) -> Outcome:
        """What `store` would do."""
        shops = self._known_shops()
        new, changed, same = self._sorted(drafts, shops)
        return Outcome(len(new), len(changed), same)

    def store(self, drafts: Sequence[OrderDraft]) -> Outcome:
        """Insert what is new, change what changed."""
        if not drafts:
            return Outcome()
        if self.connection.dialect.name == "postgresql":  # SQLite has one writer anyway
            lock = text("SELECT pg_advisory_xact_lock(:kind, :tenant)")
            self.connection.execute(lock, {"kind": _IMPORT_LOCK, "tenant": self.tenant_id})
        shops = self._shops({(draft.channel, draft.shop) for draft in drafts})
        new, changed, same = self._sorted(drafts, shops)
        if new:
            self._insert(new, shops)
        if changed:
            again = apply_changes(self.work, changed, source=self.source, now=self.now)
            if self.run_chain:
                for order_id in again:
                    enqueue_advance(self.work, order_id, self.now)
        return Outcome(len(new), len(changed), same)

    # Comparing.

    def _sorted(
        self, drafts: Sequence[OrderDraft], shops: dict[tuple[str, str], int]
    ) -> tuple[list[_New], list[tuple[int, OrderDraft, str]], int]:
        """New drafts, changed ones with their order's id and new hash, and how many are the
        same.
        """
        known = self._known(drafts, shops)
        new: list[_New] = []
        changed: list[tuple[int, OrderDraft, str]] = []
        same = 0
        for draft in drafts:
            lines = [line_values(line) for line in draft.lines]
            hashed = source_hash(draft, lines)
            found = known.get((shops.get((draft.channel, draft.shop), 0), draft.number))
            if found is None:
                new.append((draft, lines, hashed))
            elif found[1] == hashed:
                same += 1
            else:
                changed.append((found[0], draft, hashed))
        return new, changed, same

    def _known(
        self, drafts: Sequence[OrderDraft], shops: dict[tuple[str, str], int]
    ) -> dict[tuple[int, str], tuple[int, str]]:
        """(shop id, number) -> (order id, hash) of those that are here."""
        numbers: dict[int, list[str]] = {}
        for draft in drafts:
            shop_id = shops.get((draft.channel, draft.shop))
            if shop_id is not None:
                numbers.setdefault(shop_id, []).append(draft.number)
        found: dict[tuple[int, str], tuple[int, str]] = {}
        columns = (Order.id, Order.number, Order.source_hash)
        for shop_id, mine in numbers.items():
            statement = select(*columns).where(
                Order.tenant_id == self.tenant_id, Order.shop_id == shop_id, Order.number.in_(mine)
            )
            for order_id, number, hashed in self.connection.execute(statement):
                found[shop_id, number] = (order_id, hashed)
        return found

    # Shops.

    def _known_shops(self) -> dict[tuple[str, str], int]:
        statement = select(Shop.channel, Shop.name, Shop.id).where(Shop.tenant_id == self.tenant_id)
        return {(channel, name): key for channel, name, key in self.connection.execute(statement)}

    def _shops(self, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
        known = self._known_shops()
        missing = sorted(wanted - known.keys())
        if not missing:
            return known
        self.connection.execute(
            insert(Shop),
            [
                {
                    "tenant_id": self.tenant_id,
                    "channel": channel,
                    "name": name,
                    "timezone": self.context.timezone,
                    "currency": self.context.currency,
                }
                for channel, name in missing
            ],
        )
        return self._known_shops()

    # New orders.

    def _insert(self, new: Sequence[_New], shops: dict[tuple[str, str], int]) -> None:
        rows = [self._row(*item, shops) for item in new]
        self._mark_new_addresses(rows)
        columns = (*SOURCE_COLUMNS, *_NEW_COLUMNS)
        tools = _tools(self.connection.dialect)
        tools.orders.run(self.connection, [[row[name] for name in columns] for row in rows])
        known = self._known([draft for draft, _, _ in new], shops)
        lines: list[tuple[Any, ...]] = []
        events: list[tuple[Any, ...]] = []
        jobs: list[dict[str, Any]] = []
        for (draft, values, _), row in zip(new, rows, strict=True):
            order_id = known[row["shop_id"], draft.number][0]
            head = (self.tenant_id, order_id)
            lines += [(*head, position, *line) for position, line in enumerate(values, 1)]
            data = {"state": row["state"], "lines": len(values)}
            events.append((*head, self.now, "received", "source", self.source, data))
            if self.run_chain and row["state"] in intake_states().open:
                jobs.append(self._job(order_id))
        tools.lines.run_plain(self.connection, lines)
        tools.events.run(self.connection, events)
        if jobs:
            self.connection.execute(tools.jobs, jobs)

    def _row(
        self,
        draft: OrderDraft,
        lines: Sequence[tuple[Any, ...]],
        hashed: str,
        shops: dict[tuple[str, str], int],
    ) -> dict[str, Any]:
        row = order_values(draft)
        state = intake_states().state_of(draft.source_status)
        recipient_keys(row, self.tenant_id)
        row |= _CHECKED
        if state in intake_states().open:
            check_recipient(row)
        row |= {
            "tenant_id": self.tenant_id,
            "shop_id": shops[draft.channel, draft.shop],
            "state": state,
            "state_since": self.now,
            "version": 1,
            "source_hash": hashed,
            "imported_at": self.now,
            "updated_at": self.now,
            "issues": issue_rows(draft),
            "extra": dict(draft.extra),
            "tags": [],
            "edited": [],
            "manual_review": "none",
        }
        return row

    def _mark_new_addresses(self, rows: Sequence[dict[str, Any]]) -> None:
        """Nobody of this tenant ordered to this address before (in the database, or earlier in
        this batch).
        """
        keys = {row["address_key"] for row in rows if row["address_key"]}
        if not keys:
            return
        statement = select(Order.address_key).where(
            Order.tenant_id == self.tenant_id, Order.address_key.in_(keys)
        )
        seen = set(self.connection.execute(statement.distinct()).scalars())
        for row in rows:
            if row["address_key"]:
                row["address_is_new"] = row["address_key"] not in seen
                seen.add(row["address_key"])

    def _job(self, order_id: int) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant_id,
            "name": "advance_order",
            "args": {"order_id": order_id},
            "key": f"advance:{order_id}",
            "state": "ready",
            "due_at": self.now,
            "attempts": 0,
            "created_at": self.now,
        }


_New = tuple[OrderDraft, list[tuple[Any, ...]], str]


class _Tools:
    """The statements for new orders, prepared once per dialect."""

    def __init__(self, dialect: Any) -> None:
        line_head = ("tenant_id", "order_id", "position")
        event_columns = ("tenant_id", "order_id", "at", "kind", "actor_kind", "actor", "data")
        orders: Any = Order.__table__
        self.orders = BulkInsert(orders, (*SOURCE_COLUMNS, *_NEW_COLUMNS), dialect)
        lines: Any = OrderLine.__table__
        self.lines = BulkInsert(lines, (*line_head, *LINE_FIELDS), dialect)
        events: Any = Event.__table__
        self.events = BulkInsert(events, event_columns, dialect)
        insert_for = insert_of(dialect)
        self.jobs = insert_for(Job).on_conflict_do_nothing(index_elements=["tenant_id", "key"])


_prepared: dict[str, _Tools] = {}
_preparing = threading.Lock()


def _tools(dialect: Any) -> _Tools:
    with _preparing:
        if dialect.name not in _prepared:
            _prepared[dialect.name] = _Tools(dialect)
        return _prepared[dialect.name]


def _chunks(drafts: Iterable[OrderDraft]) -> Iterable[list[OrderDraft]]:
    chunk: dict[tuple[str, str, str], OrderDraft] = {}
    for draft in drafts:
        chunk[draft.channel, draft.shop, draft.number] = draft
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
