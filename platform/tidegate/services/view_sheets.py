"""Uploaded spreadsheets as pages show them: columns and why they are taken for a field, masked cells, reports.

Cells leave here masked unless the page says that whoever asks may see them and wants to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from tidegate.domain.money import Money
from tidegate.domain.orders import Issue
from tidegate.sdk.fields import OrderField, order_fields
from tidegate.sdk.sheets import KEEP, Guess, Layout
from tidegate.services.context import Context
from tidegate.services.sheets import bringing, files, mappings, trials
from tidegate.services.sheets.mappings import Changes, Kept
from tidegate.services.sheets.readers import Place, places, sheet_reader
from tidegate.services.sheets.trials import Trial
from tidegate.services.view_masks import masked_address, masked_name, masked_phone, masked_text
from tidegate.store.sheet_tables import SheetFile

SHOWN_FILES = 20
_PLAIN = re.compile(r"[\w.:+/ #()¥￥$,-]{0,60}\Z", re.ASCII)
_SECRET = re.compile(r"\d{11}|@|\d{17}[\dXx]")  # phones, addresses of mail, identity cards
_NAMELIKE = re.compile(r"[\u4e00-\u9fff·]{2,4}\Z")
_MASKS: Mapping[str, Callable[[str], str]] = {
    "recipient.name": masked_name,
    "recipient.phone": masked_phone,
    "recipient.address": masked_address,
}


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column of the file; `samples` as they may be shown."""

    name: str
    letter: str
    field: str
    guess: Guess
    samples: Sequence[str]
    filled: int


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """`column` is the header of the cell at fault, "" for the row as a whole."""

    row: int
    column: str
    issue: Issue


@dataclass(frozen=True, slots=True)
class Told:
    """Something about `count` orders, `order` among them."""

    issue: Issue
    order: str
    count: int


@dataclass(frozen=True, slots=True)
class ReportView:
    """`read` = `accepted` + `rejected_count`; `skipped` rows by kind are no orders and not among them."""

    read: int
    accepted: int
    rejected_count: int
    created: int
    updated: int
    unchanged: int
    rejected: Sequence[RejectedRow]
    told: Sequence[Told]
    skipped: Mapping[str, Sequence[int]]

    @property
    def orders(self) -> int:
        return self.created + self.updated + self.unchanged


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """One of the first orders as it would come in."""

    number: str
    status: str
    ordered_at: datetime | None
    total: Money | None
    recipient: str
    lines: Sequence[tuple[str, int]]
    issues: Sequence[Issue]


@dataclass(frozen=True, slots=True)
class SheetPage:
    """`words`: per choice field, each word of its column with what it means (`""`: not known yet)."""

    id: int
    name: str
    place: Place
    state: str
    code: str
    uploaded_by: str
    uploaded_at: datetime
    layout: Layout
    sheets: Sequence[str]
    top: Sequence[tuple[int, Sequence[str]]]
    columns: Sequence[ColumnView]
    rows_seen: int
    words: Mapping[str, Sequence[tuple[str, str]]]
    dates_open: bool
    tried: ReportView | None
    trial: Trial | None
    sample: Sequence[SampleOrder]
    report: ReportView | None
    known: Kept | None
    changes: Changes
    same_before: datetime | None


@dataclass(frozen=True, slots=True)
class FileLine:
    id: int
    name: str
    account: str
    state: str
    uploaded_by: str
    uploaded_at: datetime
    report: Mapping[str, Any]


def sheet_page(context: Context, file_id: int, *, clear: bool = False) -> SheetPage:
    """One uploaded file. `clear`: cells as they are; the caller made sure that they may be seen.

    Raises:
        NotFound. InputError: the file cannot be read any more.
    """
    row, place, upload = files.opened(context, file_id)
    layout = files.layout_now(row)
    look = sheet_reader().look(upload, layout, place.preset.columns)
    known = mappings.by_id(context, row.mapping_id) if row.mapping_id else None
    before = files.same_before(context, row)
    tried = bringing.tried_now(row)
    fields = dict(look.layout.fields)
    show: Callable[[str, str], str] = (lambda text, _field: text) if clear else shown_cell
    return SheetPage(
        id=row.id, name=row.name, place=place, state=row.state, code=row.code,
        uploaded_by=row.uploaded_by, uploaded_at=row.uploaded_at, layout=layout, sheets=look.sheets,
        top=[(number, _top_row(number, cells, layout, fields, show)) for number, cells in look.top],
        columns=[
            ColumnView(
                one.name, one.letter, fields[one.name], one.guess,
                [show(cell, fields[one.name]) for cell in one.samples], one.filled,
            )
            for one in look.columns
        ],
        rows_seen=look.rows_seen,
        words={field: _meanings(field, some, layout) for field, some in look.words.items()},
        dates_open=look.dates_open and layout.dates == "auto",
        tried=_report(tried, layout) if tried else None,
        trial=trials.trial_of(row),
        sample=_sample(context, row, clear) if tried else (),
        report=_report(row.report, layout) if row.report else None, known=known,
        changes=mappings.changes(known.layout, layout.columns) if known else Changes((), ()),
        same_before=before.finished_at if before else None,
    )  # fmt: skip


def file_lines(context: Context) -> list[FileLine]:
    """The newest uploads of the accounts that whoever asks may bring orders of."""
    mine = {one.account_id: one for one in places(context)}
    with context.store.begin(context.tenant_id, readonly=True) as work:
        wanted = select(
            SheetFile.id, SheetFile.name, SheetFile.account_id, SheetFile.state,
            SheetFile.uploaded_by, SheetFile.uploaded_at, SheetFile.report,
        ).where(SheetFile.account_id.in_(mine))  # fmt: skip
        rows = work.session.execute(wanted.order_by(SheetFile.id.desc()).limit(SHOWN_FILES)).all()
    return [
        FileLine(id_, name, mine[account].title, state, who, at, report)
        for id_, name, account, state, who, at, report in rows
    ]


def field_choices() -> Mapping[str, Sequence[OrderField]]:
    """The fields that a column can be, by part: order, recipient, item."""
    found: dict[str, list[OrderField]] = {"order": [], "recipient": [], "item": []}
    for name in sheet_reader().choices():
        found[order_fields()[name].part].append(order_fields()[name])
    return found


def shown_cell(text: str, field: str) -> str:
    """A cell as anybody may see it: by its field, else by how it looks."""
    if field in _MASKS:
        return _MASKS[field](text)
    about = order_fields().get(field)
    if about is not None and about.personal:
        return masked_text(text)
    if _SECRET.search(text) and field != "order.number":
        return f"{text[:1]}***"
    if about is not None or (field == KEEP and _PLAIN.match(text)) or _PLAIN.match(text):
        return text[:60]
    return masked_name(text) if _NAMELIKE.match(text) else f"{text[:2]}***"


def _top_row(
    number: int, cells: Sequence[str], layout: Layout, fields: Mapping[str, str],
    show: Callable[[str, str], str],
) -> list[str]:  # fmt: skip
    """Rows above the table are words; below its header a cell is shown as its column is."""
    if number <= layout.header_row:
        return [_title(cell) for cell in cells]
    by_place = [*fields.values(), *[""] * len(cells)]
    return [show(cell, field) if cell else "" for cell, field in zip(cells, by_place, strict=False)]


def _title(cell: str) -> str:
    """A cell above the table, or of its header: words, unless it looks like a person's."""
    return f"{cell[:1]}***" if _SECRET.search(cell) else cell[:40]


def _meanings(field: str, words: Sequence[str], layout: Layout) -> list[tuple[str, str]]:
    known = sheet_reader().meanings(field, layout)
    return [(word, known(word)) for word in words]


def _report(document: Mapping[str, Any], layout: Layout) -> ReportView:
    columns = {field: column for column, field in layout.fields.items() if field}
    skipped: dict[str, list[int]] = {}
    for one in document["skipped"]:
        skipped.setdefault(one["kind"], []).append(one["row"])
    counts = ("read", "accepted", "rejected_count", "created", "updated", "unchanged")
    return ReportView(
        **{name: int(document[name]) for name in counts},
        rejected=[
            RejectedRow(
                one["row"],
                columns.get(one["field"], ""),
                Issue(one["field"], one["code"], one["value"]),
            )
            for one in document["rejected"]
        ],
        told=[
            Told(Issue(one["field"], one["code"], one["value"]), one["order"], one["count"])
            for one in document["flagged"]
        ],
        skipped=skipped,
    )


def _sample(context: Context, row: SheetFile, clear: bool) -> list[SampleOrder]:
    sealed = row.tried.get("sample")
    return [_order(one, clear) for one in context.box.open(sealed)] if sealed else []


def _order(one: Mapping[str, Any], clear: bool) -> SampleOrder:
    who = one["recipient"]
    place = " ".join(
        who[name] for name in ("province", "city", "district", "town") if who.get(name)
    )
    shown = (
        (who.get("name") or "", who.get("phone") or "", place, who.get("address") or "")
        if clear
        else (
            masked_name(who.get("name")),
            masked_phone(who.get("phone")),
            place,
            masked_address(who.get("address")),
        )
    )
    at, total = one["ordered_at"], one["total_minor"]
    return SampleOrder(
        one["number"], one["status"] or "", datetime.fromisoformat(at) if at else None,
        None if total is None else Money(total, one["currency"]),
        " ".join(part for part in shown if part),
        [(str(sku), int(units)) for sku, units in one["lines"]],
        [Issue(*issue) for issue in one["issues"]],
    )  # fmt: skip
