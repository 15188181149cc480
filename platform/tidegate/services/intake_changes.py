"""What a changed source does to an order that is already here.

Fields that a person changed stay. Lines are replaced only while no stock is reserved and no
parcel exists; later changes
are flagged for a person. Every change is on the time line, by field name, without values.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.engine import Row

from tidegate.domain.orders import Issue, OrderDraft
from tidegate.services.intake_checks import check_recipient, recipient_keys
from tidegate.services.intake_revisions import newest
from tidegate.services.intake_rows import (
    LINE_FIELDS,
    SOURCE_COLUMNS,
    columns_of_fields,
    issue_rows,
    line_values,
    order_values,
)
from tidegate.services.intake_states import intake_states
from tidegate.services.states import is_final, record
from tidegate.store.tables import Order, OrderLine, Parcel, Reservation
from tidegate.store.unit_of_work import UnitOfWork

_ORDERS = Order.__table__
_LINES = OrderLine.__table__
_WHERE = ("recipient_name", "recipient_phone", "province", "city", "district", "town", "address")
_CHECKED = (
    "region_code", "address_check", "address_reason", "phone_kind", "phone_valid",
    "phone_key", "address_key",
)  # fmt: skip


def apply_changes(
    work: UnitOfWork,
    changed: Sequence[tuple[int, OrderDraft, str]],
    *,
    source: str,
    now: datetime,
) -> list[int]:
    """Write (order id, draft, new hash) over what is there; gives the ids the chain should look
    at again.
    """
    ids = [order_id for order_id, _, _ in changed]
    rows = {row.id: row for row in _rows(work, ids)}
    lines = _lines(work, ids)
    reserved = _touched(work, Reservation.order_id, ids)
    parcelled = _touched(work, Parcel.order_id, ids)
    updates = []
    for order_id, draft, new_hash in changed:
        row = rows[order_id]
        fixed = order_id in reserved or order_id in parcelled
        change = _Change(work, row, draft, new_hash, now, source)
        change.fields(parcelled=order_id in parcelled)
        change.lines(lines.get(order_id, {}), fixed=fixed)
        change.state(fixed=fixed)
        updates.append(change.done())
    columns = [name for name in updates[0] if name != "b_id"]
    statement = (
        update(_ORDERS)  # type: ignore[arg-type]
        .where(_ORDERS.c.id == bindparam("b_id"), _ORDERS.c.tenant_id == work.tenant_id)
        .values({name: bindparam(name) for name in columns})
    )
    work.session.connection().execute(statement, updates)
    return [item["b_id"] for item in updates if not is_final("order", item["state"])]


class _Change:
    """One order being changed; `done` gives its parameters for the UPDATE."""

    def __init__(
        self,
        work: UnitOfWork,
        row: Row[Any],
        draft: OrderDraft,
        new_hash: str,
        now: datetime,
        source: str,
    ) -> None:
        self.work, self.row, self.draft = work, row, draft
        self.now, self.source = now, source
        self.issues: list[Issue] = []
        self.changed: list[str] = []
        self.values: dict[str, Any] = {
            name: getattr(row, name) for name in (*SOURCE_COLUMNS, *_CHECKED)
        }
        self.new_hash = new_hash
        self.new_state = row.state

    def fields(self, *, parcelled: bool) -> None:
        """Take over what the source changed, but for what a person changed."""
        columns = columns_of_fields()
        kept = {columns.get(name) for name in self.row.edited}
        for column, wanted in order_values(self.draft).items():
            if column not in kept:
                self.values[column] = wanted
        recipient_keys(self.values, self.work.tenant_id)
        if self.row.state in intake_states().open or self.row.address_check is not None:
            check_recipient(self.values)  # completes the region as it did the first time
        self.changed = [
            name
            for name, column in columns.items()
            if column in self.values and self.values[column] != getattr(self.row, column)
        ]
        if parcelled:
            late = [name for name in self.changed if columns[name] in _WHERE]
            self.issues += [Issue(name, "intake.recipient_changed_late") for name in late]

    def lines(self, existing: dict[int, Row[Any]], *, fixed: bool) -> None:
        """Bring the lines in step, position by position."""
        wanted = {
            position: dict(zip(LINE_FIELDS, line_values(line), strict=True))
            for position, line in enumerate(self.draft.lines, 1)
        }
        if "item.sku" in self.row.edited:
            for position in wanted.keys() & existing.keys():
                wanted[position]["sku"] = existing[position].sku
        differs = [
            position
            for position, line in wanted.items()
            if position not in existing
            or any(getattr(existing[position], name) != value for name, value in line.items())
        ]
        gone = existing.keys() - wanted.keys()
        if not differs and not gone:
            return
        self.changed.append("items")
        if fixed:
            self.issues.append(Issue("item.quantity", "intake.lines_changed_late"))
            return
        connection = self.work.session.connection()
        mine = (_LINES.c.order_id == self.row.id, _LINES.c.tenant_id == self.work.tenant_id)
        for position in differs:
            if position in existing:
                statement = update(_LINES).where(*mine, _LINES.c.position == position)  # type: ignore[arg-type]
                connection.execute(statement.values(wanted[position]))
            else:
                identity = {
                    "tenant_id": self.work.tenant_id,
                    "order_id": self.row.id,
                    "position": position,
                }
                connection.execute(insert(_LINES).values(identity | wanted[position]))  # type: ignore[arg-type]
        if gone:
            connection.execute(delete(_LINES).where(*mine, _LINES.c.position.in_(gone)))  # type: ignore[arg-type]

    def state(self, *, fixed: bool) -> None:
        """Follow the source where the table of states says so and nobody worked on the order."""
        if not fixed:
            self.new_state = intake_states().next_state(self.row.state, self.draft.source_status)
        if self.new_state != self.row.state:
            self._record("order_moved", {"from": self.row.state, "to": self.new_state})

    def done(self) -> dict[str, Any]:
        """Write the time line; the parameters of the UPDATE."""
        self._record("source_changed", {"fields": sorted(self.changed)})
        theirs = [item for item in self.row.issues if not _ours(item.get("code", ""))]
        late = [{"field": issue.field, "code": issue.code} for issue in self.issues]
        moved = self.new_state != self.row.state
        return self.values | {
            "b_id": self.row.id,
            "issues": [*issue_rows(self.draft), *late, *theirs],
            "extra": dict(self.draft.extra),
            "source_hash": self.new_hash,
            "source_revision": newest(self.row.source_revision, self.draft.revision),
            "state": self.new_state,
            "state_since": self.now if moved else self.row.state_since,
            "version": self.row.version + 1,
            "updated_at": self.now,
        }

    def _record(self, kind: str, data: dict[str, object]) -> None:
        record(
            self.work,
            kind,
            order_id=self.row.id,
            now=self.now,
            actor_kind="source",
            actor=self.source,
            data=data,
        )


def _ours(code: str) -> bool:
    return code.startswith(("import.", "intake."))


def _rows(work: UnitOfWork, ids: Sequence[int]) -> Sequence[Row[Any]]:
    statement = select(_ORDERS).where(_ORDERS.c.tenant_id == work.tenant_id, _ORDERS.c.id.in_(ids))
    statement = statement.with_for_update(
        key_share=True
    )  # the chain may be moving them; SQLite has one writer
    return work.session.connection().execute(statement).all()


def _lines(work: UnitOfWork, ids: Sequence[int]) -> dict[int, dict[int, Row[Any]]]:
    statement = select(_LINES).where(
        _LINES.c.tenant_id == work.tenant_id, _LINES.c.order_id.in_(ids)
    )
    found: dict[int, dict[int, Row[Any]]] = {}
    for row in work.session.connection().execute(statement):
        found.setdefault(row.order_id, {})[row.position] = row
    return found


def _touched(work: UnitOfWork, column: Any, ids: Sequence[int]) -> set[int]:
    return set(work.session.scalars(select(column).where(column.in_(ids)).distinct()))
