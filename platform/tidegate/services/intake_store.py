"""One batch of drafts inside one transaction: what is new is inserted, what changed is changed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, text

from tidegate.domain.orders import OrderDraft
from tidegate.services.context import Context
from tidegate.services.intake_changes import apply_changes
from tidegate.services.intake_checks import check_recipient, recipient_keys
from tidegate.services.intake_revisions import is_older, raise_revisions
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
from tidegate.services.webhooks import outbox
from tidegate.services.work import enqueue_advance
from tidegate.store.dialects import insert_of
from tidegate.store.tables import Event, Job, Order, OrderLine, Shop
from tidegate.store.unit_of_work import UnitOfWork

CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"
_IMPORT_LOCK = 7_423_101  # any number that no other lock of ours uses
_NEW_COLUMNS = (
    "tenant_id", "shop_id", "state", "state_since", "version", "source_hash", "source_revision",
    "imported_at", "updated_at", "issues", "extra", "tags", "edited", "manual_review",
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


_ORDERS: Any = Order.__table__  # Core, built once: a single order asks all of them
_PLACES: Any = Shop.__table__
_KNOWN = select(
    _ORDERS.c.id, _ORDERS.c.number, _ORDERS.c.source_hash, _ORDERS.c.source_revision
).where(
    _ORDERS.c.tenant_id == bindparam("tenant"),
    _ORDERS.c.shop_id == bindparam("shop"),
    _ORDERS.c.number.in_(bindparam("numbers", expanding=True)),
)
_SHOPS = select(_PLACES.c.channel, _PLACES.c.name, _PLACES.c.id).where(
    _PLACES.c.tenant_id == bindparam("tenant")
)
_ADDRESSES = (
    select(_ORDERS.c.address_key)
    .where(
        _ORDERS.c.tenant_id == bindparam("tenant"),
        _ORDERS.c.address_key.in_(bindparam("keys", expanding=True)),
    )
    .distinct()
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a draft: created, updated or unchanged."""

    order_id: int
    outcome: str


class _Known(NamedTuple):
    order_id: int
    hash: str
    revision: int | None


def one_at_a_time(work: UnitOfWork) -> None:
    """Whoever brings orders of this tenant in waits for whoever does now; SQLite has one writer anyway."""
    connection = work.session.connection()
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(:kind, :tenant)")
        connection.execute(lock, {"kind": _IMPORT_LOCK, "tenant": work.tenant_id})


class Intake:
    """One batch of one tenant inside one transaction."""

    def __init__(self, work: UnitOfWork, context: Context, *, source: str, run_chain: bool) -> None:
        self.work = work
        self.context = context
        self.source = source
        self.run_chain = run_chain
        self.now: datetime = context.clock()
        self.connection = work.session.connection()
        self.tenant_id = work.tenant_id
        self._seen_later: dict[int, int] = {}  # order id -> a revision without a change

    def compare(self, drafts: Sequence[OrderDraft]) -> list[str]:
        """What `store` would do with each."""
        new, changed, same = self._sorted(drafts, self._known_shops())
        return [CREATED] * len(new) + [UPDATED] * len(changed) + [UNCHANGED] * len(same)

    def store(self, drafts: Sequence[OrderDraft]) -> list[Taken]:
        """Insert what is new, change what changed; what became of each draft, in their order.

        No two drafts may have the same identity.
        """
        if not drafts:
            return []
        one_at_a_time(self.work)
        shops = self._shops({(draft.channel, draft.shop) for draft in drafts})
        new, changed, same = self._sorted(drafts, shops)
        taken = dict(same)
        raise_revisions(self.work, self._seen_later)
        if new:
            taken |= self._insert(new, shops)
        if changed:
            again = apply_changes(self.work, changed, source=self.source, now=self.now)
            if self.run_chain:
                for order_id in again:
                    enqueue_advance(self.work, order_id, self.now)
            taken |= {id(draft): Taken(order_id, UPDATED) for order_id, draft, _ in changed}
        return [taken[id(draft)] for draft in drafts]

    # Comparing.

    def _sorted(
        self, drafts: Sequence[OrderDraft], shops: dict[tuple[str, str], int]
    ) -> tuple[list[_New], list[tuple[int, OrderDraft, str]], dict[int, Taken]]:
        """New drafts, changed ones with their order's id and new hash, and the same ones by `id()`."""
        known = self._known(drafts, shops)
        new: list[_New] = []
        changed: list[tuple[int, OrderDraft, str]] = []
        same: dict[int, Taken] = {}
        for draft in drafts:
            lines = [line_values(line) for line in draft.lines]
            hashed = source_hash(draft, lines)
            found = known.get((shops.get((draft.channel, draft.shop), 0), draft.number))
            if found is None:
                new.append((draft, lines, hashed))
            elif found.hash == hashed or is_older(draft, found.revision):
                same[id(draft)] = Taken(found.order_id, UNCHANGED)
                if draft.revision is not None and draft.revision > (found.revision or -1):
                    self._seen_later[found.order_id] = draft.revision
            else:
                changed.append((found.order_id, draft, hashed))
        return new, changed, same

    def _known(
        self, drafts: Sequence[OrderDraft], shops: dict[tuple[str, str], int]
    ) -> dict[tuple[int, str], _Known]:
        """By (shop id, number), those that are here."""
        numbers: dict[int, list[str]] = {}
        for draft in drafts:
            shop_id = shops.get((draft.channel, draft.shop))
            if shop_id is not None:
                numbers.setdefault(shop_id, []).append(draft.number)
        found: dict[tuple[int, str], _Known] = {}
        for shop_id, mine in numbers.items():
            values = {"tenant": self.tenant_id, "shop": shop_id, "numbers": mine}
            for order_id, number, hashed, revision in self.connection.execute(_KNOWN, values):
                found[shop_id, number] = _Known(order_id, hashed, revision)
        return found

    # Shops.

    def _known_shops(self) -> dict[tuple[str, str], int]:
        found = self.connection.execute(_SHOPS, {"tenant": self.tenant_id})
        return {(channel, name): key for channel, name, key in found}

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

    def _insert(self, new: Sequence[_New], shops: dict[tuple[str, str], int]) -> dict[int, Taken]:
        rows = [self._row(*item, shops) for item in new]
        self._mark_new_addresses(rows)
        columns = (*SOURCE_COLUMNS, *_NEW_COLUMNS)
        tools = _tools(self.connection.dialect)
        tools.orders.run(self.connection, [[row[name] for name in columns] for row in rows])
        known = self._known([draft for draft, _, _ in new], shops)
        lines: list[tuple[Any, ...]] = []
        events: list[tuple[Any, ...]] = []
        jobs: list[dict[str, Any]] = []
        taken: dict[int, Taken] = {}
        for (draft, values, _), row in zip(new, rows, strict=True):
            order_id = known[row["shop_id"], draft.number].order_id
            head = (self.tenant_id, order_id)
            taken[id(draft)] = Taken(order_id, CREATED)
            lines += [(*head, position, *line) for position, line in enumerate(values, 1)]
            data = {"state": row["state"], "lines": len(values)}
            events.append((*head, self.now, "received", "source", self.source, data))
            if self.run_chain and row["state"] in intake_states().open:
                jobs.append(self._job(order_id))
        tools.lines.run_plain(self.connection, lines)
        tools.events.run(self.connection, events)
        outbox.note_received(self.work, [event[1] for event in events], self.now)
        if jobs:
            self.connection.execute(tools.jobs, jobs)
        return taken

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
            "source_revision": draft.revision,
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
        values = {"tenant": self.tenant_id, "keys": sorted(keys)}
        seen = set(self.connection.execute(_ADDRESSES, values).scalars())
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
