"""Drafts as rows: column values, the hash that tells an unchanged order, and fast inserts of
many rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table

from tidegate.domain.orders import LineDraft, OrderDraft, RecipientDraft
from tidegate.sdk.fields import order_fields

_NOT_COLUMNS = {"shop", "recipient", "lines", "issues", "extra", "revision"}
ORDER_FIELDS = tuple(item.name for item in fields(OrderDraft) if item.name not in _NOT_COLUMNS)
RECIPIENT_FIELDS = tuple(item.name for item in fields(RecipientDraft))
LINE_FIELDS = tuple(item.name for item in fields(LineDraft))
_RECIPIENT_COLUMNS = tuple(
    f"recipient_{name}" if name in ("kind", "name", "phone") else name for name in RECIPIENT_FIELDS
)
SOURCE_COLUMNS = (*ORDER_FIELDS, *_RECIPIENT_COLUMNS)
_order_of = attrgetter(*ORDER_FIELDS)
_recipient_of = attrgetter(*RECIPIENT_FIELDS)
line_values = attrgetter(*LINE_FIELDS)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(type(value).__name__)


_encode = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


def order_values(draft: OrderDraft) -> dict[str, Any]:
    """The columns of `sales_order` that come from the source, as the source has them."""
    return dict(
        zip(SOURCE_COLUMNS, (*_order_of(draft), *_recipient_of(draft.recipient)), strict=True)
    )


def issue_rows(draft: OrderDraft) -> list[dict[str, str]]:
    """The issues as the column keeps them."""
    return [
        {"field": issue.field, "code": issue.code}
        | ({"value": issue.value} if issue.value is not None else {})
        for issue in draft.issues
    ]


def source_hash(draft: OrderDraft, lines: Sequence[tuple[Any, ...]]) -> str:
    """SHA-256 over everything the source said but which copy it is; equal drafts have equal hashes in every process
    and version.
    """
    content = (
        _order_of(draft),
        _recipient_of(draft.recipient),
        lines,
        [(issue.field, issue.code, issue.value) for issue in draft.issues],
        sorted(draft.extra.items()),
    )
    return hashlib.sha256(_encode(content).encode("ascii")).hexdigest()


@cache
def columns_of_fields() -> Mapping[str, str]:
    """Vocabulary id -> column, for the fields of the order itself."""
    return {key: field.column for key, field in order_fields().items() if field.part != "item"}


class BulkInsert:
    """INSERT of many rows of one table straight through the driver.

    SQLAlchemy's own executemany builds a dictionary and a parameter set per row; on half a
    million order lines that
    costs more than the database does (benchmarks/imports.py). Column types still convert their
    values.
    """

    def __init__(self, table: Table, columns: Sequence[str], dialect: Dialect) -> None:
        mark = "?" if dialect.paramstyle == "qmark" else "%s"
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join([mark] * len(columns))
        self._sql = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608  (our own names)
        self._binders: list[tuple[int, Callable[[Any], Any]]] = []
        for position, name in enumerate(columns):
            binder = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
            if binder is not None:
                self._binders.append((position, binder))

    def run(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows whose values stand in the order of the columns."""
        if not rows:
            return
        if self._binders:
            rows = [self._bound(row) for row in rows]
        connection.exec_driver_sql(self._sql, [tuple(row) for row in rows])

    def run_plain(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        """Insert tuples that hold nothing but numbers, text, booleans and None."""
        if rows:
            connection.exec_driver_sql(self._sql, rows)

    def _bound(self, row: Sequence[Any]) -> list[Any]:
        bound = list(row)
        for position, binder in self._binders:
            bound[position] = binder(bound[position])
        return bound
