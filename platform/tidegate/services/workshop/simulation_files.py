"""Subjects from an uploaded file: orders in any format that `orders import` reads, or fact documents.

The orders are read as an import would read them and stored nowhere; rows that can't be used are
told one by one. The file itself lies in the data folder until the simulation has ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import select

from tidegate.domain.orders import OrderDraft
from tidegate.engine.rulesets import RuleSet
from tidegate.errors import InputError
from tidegate.sdk.issues import issue_text
from tidegate.services.context import Context
from tidegate.services.intake_checks import check_recipient, recipient_keys
from tidegate.services.intake_rows import LINE_FIELDS, issue_rows, order_values
from tidegate.services.subjects import Subject
from tidegate.services.workshop.simulation_subjects import CHUNK, Past, first, rebuilt_facts
from tidegate.store.tables import Order, OrderLine, Product, Shop, Stock, Warehouse
from tidegate.store.unit_of_work import UnitOfWork

FACTS = "facts"  # the choice of the form for a file of fact documents
NAMED = 200  # rejected rows told one by one
LONGEST_LINE = 1_000_000  # bytes of one fact document


@dataclass
class Rejected:
    """Rows that hold nothing usable."""

    count: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, row: int, zh: str, en: str, code: str) -> None:
        self.count += 1
        if len(self.rows) < NAMED:
            self.rows.append({"row": row, "zh": zh, "en": en, "code": code})


def mappings() -> tuple[str, ...]:
    """What a file can be read as: the shipped mappings of the files connector, then fact documents."""
    found = _files()
    return (*(found.shipped() if found else ()), FACTS)


def subjects(
    context: Context,
    file: Path,
    mapping: str,
    sets: tuple[RuleSet, RuleSet],
    rejected: Rejected,
    limit: int | None = None,
) -> Iterator[list[Past]]:
    """In chunks, in the order of the file.

    Raises:
        InputError: the file can't be read as this mapping.
    """
    left = limit
    pieces = (
        _documents(file, context.clock(), rejected)
        if mapping == FACTS
        else _orders(context, file, mapping, sets, rejected)
    )
    for chunk in pieces:
        kept = chunk if left is None else chunk[:left]
        yield kept
        if left is not None:
            left -= len(kept)
            if left <= 0:
                return


def _documents(file: Path, now: datetime, rejected: Rejected) -> Iterator[list[Past]]:
    chunk: list[Past] = []
    with file.open("rb") as stream:
        for number, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE), b""), 1):
            raw = line.removeprefix(b"\xef\xbb\xbf").strip()
            if not raw:
                continue
            document = _read(raw, number, rejected)
            if document is not None:
                chunk.append(_past_of(document, number, now))
            if len(chunk) >= CHUNK:
                yield chunk
                chunk = []
    if chunk:
        yield chunk


def _read(raw: bytes, number: int, rejected: Rejected) -> dict[str, Any] | None:
    try:
        document = json.loads(raw, parse_float=Decimal, parse_constant=_no_number)
        if isinstance(document, dict):
            return document
        why_zh, why_en = "不是一个对象", "not an object"
    except (ValueError, RecursionError):
        why_zh, why_en = "不是 JSON", "not JSON"
    rejected.add(
        number,
        f"这一行{why_zh}；每行应为一个事实对象。",
        f"This line is {why_en}; every line holds one object of facts.",
        "simulation.bad_line",
    )
    return None


def _past_of(document: Mapping[str, Any], number: int, now: datetime) -> Past:
    order = document.get("order")
    given = order if isinstance(order, Mapping) else {}
    key = str(given.get("number") or number)[:120]
    recipient = document.get("recipient")
    to = str(recipient.get("province") or "") if isinstance(recipient, Mapping) else ""
    parcel = document.get("parcel")
    origin = str(parcel.get("warehouse_city") or "") if isinstance(parcel, Mapping) else ""
    channel = str(given.get("channel") or "")[:40]
    return Past(None, None, None, key, channel, now, document, False, (origin, to))


def _orders(
    context: Context,
    file: Path,
    mapping: str,
    sets: tuple[RuleSet, RuleSet],
    rejected: Rejected,
) -> Iterator[list[Past]]:
    module = _files()
    if module is None or mapping not in module.shipped():
        raise InputError(
            "simulation.unknown_mapping",
            zh=f"没有文件格式 {mapping}；请从列表里选。",
            en=f"There is no file format {mapping}; choose one from the list.",
            field="mapping",
        )
    for batch in module.open_source([str(file)], mapping).batches():
        for row in batch.rejected:
            told = [issue_text(row.code, row.field, row.value, lang) for lang in ("zh", "en")]
            rejected.add(row.row, told[0], told[1], row.code)
        for start in range(0, len(batch.drafts), CHUNK):
            yield _judgeable(context, batch.drafts[start : start + CHUNK], sets)


def _judgeable(context: Context, drafts: Any, sets: tuple[RuleSet, RuleSet]) -> list[Past]:
    """Drafts as the gate would see them; nothing is stored."""
    with context.store.begin(context.tenant_id, readonly=True) as work, work.session.no_autoflush:
        skus = {line.sku for draft in drafts for line in draft.lines if line.sku}
        products = {
            row.sku: row
            for row in work.session.scalars(select(Product).where(Product.sku.in_(skus)))
        }
        stock: dict[str, list[Stock]] = {}
        for row in work.session.scalars(select(Stock).where(Stock.sku.in_(skus))):
            stock.setdefault(row.sku, []).append(row)
        warehouses = {row.id: row for row in work.session.scalars(select(Warehouse))}
        found = []
        for draft in drafts:
            subject = _subject(context, draft, products, stock)
            subject.warehouses = warehouses
            found.append(_past(work, context, sets, subject))
        work.session.rollback()
    return found


def _subject(
    context: Context,
    draft: OrderDraft,
    products: Mapping[str, Product],
    stock: Mapping[str, list[Stock]],
) -> Subject:
    now = context.clock()
    values = order_values(draft)
    recipient_keys(values, context.tenant_id)
    check_recipient(values)
    order = Order(
        **values, id=0, tenant_id=context.tenant_id, state="received", state_since=now, version=1,
        imported_at=now, updated_at=now, issues=issue_rows(draft), extra={}, tags=[], edited=[],
        manual_review="none", source_hash="",
    )  # fmt: skip
    lines = [
        OrderLine(position=n, **{name: getattr(line, name) for name in LINE_FIELDS})
        for n, line in enumerate(draft.lines, 1)
    ]
    own = {line.sku for line in draft.lines if line.sku}
    return Subject(
        order,
        Shop(channel=draft.channel, name=draft.shop),
        lines,
        {sku: products[sku] for sku in own if sku in products},
        {sku: stock[sku] for sku in own if sku in stock},
    )


def _past(
    work: UnitOfWork, context: Context, sets: tuple[RuleSet, RuleSet], subject: Subject
) -> Past:
    order = subject.order
    at = order.paid_at or order.ordered_at or context.clock()
    facts = rebuilt_facts(work, sets, subject, None, at)
    warehouse = first(subject)
    lane = ((warehouse.city or warehouse.name) if warehouse else "", order.province or "")
    return Past(None, None, None, order.number[:120], order.channel, at, facts, False, lane)


def _files() -> Any:
    """The files connector; pages and commands find it the same way."""
    found = [p for p in entry_points(group="tidegate.connectors") if p.name == "files"]
    return found[0].load() if found else None


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)
