"""A kept file tried (everything is read, nothing stored) and imported: at once when it is small, else by a job."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, select, update

from tidegate.domain.orders import OrderDraft
from tidegate.errors import Conflict, TidegateError
from tidegate.sdk.sheets import Layout, Skipped, layout_document
from tidegate.sdk.source import Batch, Progress, RowProblem
from tidegate.services.accounts import events
from tidegate.services.context import Context
from tidegate.services.ingest import foreign_shop
from tidegate.services.intake import import_source
from tidegate.services.intake_report import ImportReport
from tidegate.services.sheets import files, mappings
from tidegate.services.sheets.readers import Place, may_bring, sheet_reader
from tidegate.services.work import enqueue
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.sheet_tables import SheetFile
from tidegate.store.tables import Shop
from tidegate.store.unit_of_work import UnitOfWork

AT_ONCE_ROWS = 2_000
KEPT_ROWS = (
    500  # rejected rows in the record; the count is always complete, and so is the file to mend
)
SHOWN_ORDERS = 5  # of the preview, sealed
LOST_AFTER = timedelta(hours=1)  # a run that died: another may begin


@dataclass
class _OfAccount:
    """The file's orders, under the account's name, of shops that whoever asks may bring only."""

    place: Place
    upload: Any
    layout: Layout
    allowed: frozenset[tuple[str, str]] | None
    told: Callable[[int], None] = lambda _rows: None

    def __post_init__(self) -> None:
        self.first: list[OrderDraft] = []
        self._made = sheet_reader().source(
            self.upload, self.layout, channel=self.place.channel, shop=self.place.shop
        )

    @property
    def name(self) -> str:
        return self.place.source

    @property
    def origins(self) -> Sequence[str]:
        return [self.upload.name]

    @property
    def skipped(self) -> Sequence[Skipped]:
        return self._made.skipped

    def batches(self, listen: Callable[[Progress], None] | None = None) -> Iterator[Batch]:
        read = 0
        for batch in self._made.batches(listen):
            read += batch.rows_read
            self.told(read)
            self.first += batch.drafts[: SHOWN_ORDERS - len(self.first)]
            if self.allowed is not None:
                for draft in batch.drafts:
                    if (draft.channel, draft.shop) not in self.allowed:
                        raise foreign_shop(draft)
            yield batch


def try_out(context: Context, file_id: int) -> dict[str, Any]:
    """Read the whole file as an import would, store nothing, and keep what was found.

    Raises:
        NotFound; InputError: the layout does not fit the file.
    """
    return try_with(context, file_id, may_bring(context))


def try_with(
    context: Context,
    file_id: int,
    allowed: frozenset[tuple[str, str]] | None,
    told: Callable[[int], None] = lambda _rows: None,
) -> dict[str, Any]:
    """The same for whoever may bring the orders of `allowed` shops (None: of all); `told` hears the rows read so far.

    Raises:
        As `try_out`, and what `told` raises.
    """
    row, place, upload = files.opened(context, file_id)
    layout = files.layout_now(row)
    source = _OfAccount(place, upload, layout, allowed, told)
    report = import_source(context, source, dry_run=True)
    found = {
        "layout": digest(layout),
        "report": _document(report, source.skipped),
        "sample": context.box.seal([_sample(draft) for draft in source.first]),
    }
    with context.store.begin(context.tenant_id) as work:
        work.session.execute(
            update(SheetFile)
            .where(SheetFile.id == file_id)
            .values(tried=found)
            .execution_options(synchronize_session=False)
        )
        work.commit()
    result: dict[str, Any] = found["report"]  # type: ignore[assignment]  # a dict, made above
    return result


def tried_now(row: SheetFile) -> dict[str, Any] | None:
    """The dry run of the layout as it is now; None when it was changed since, or never tried."""
    same = row.tried.get("layout") == digest(files.layout_now(row))
    return dict(row.tried["report"]) if same else None


def bring(context: Context, file_id: int, actor: str, *, name: str = "") -> str:
    """Import a file that was tried; `name` for its mapping, where a new one is kept. Its state comes back: done or
    waiting.

    Raises:
        NotFound; Conflict: it was not tried with this layout, or is under way. InputError: it cannot be read.
    """
    with context.store.begin(context.tenant_id) as work:
        row, place = files.row_of(work, context, file_id)
        tried = tried_now(row)
        if tried is None:
            raise Conflict(
                "sheet.not_tried",
                zh="列对应改过之后还没有预览；请先预览，确认无误再导入。",
                en="The columns were changed since the preview; preview it first, then import.",
            )
        _claim(work, context, row, "waiting")
        title = name.strip() or row.name.rpartition(".")[0] or row.name
        row.mapping_id = mappings.remember(
            work, place.account_id, title, files.layout_now(row), actor, context.clock(),
            row.mapping_id,
        )  # fmt: skip
        events.note(
            work.session, work.tenant_id, context.clock(), "sheet_imported", actor, place.code,
            rows=tried["read"],
        )  # fmt: skip
        later = tried["read"] > AT_ONCE_ROWS
        if later:
            now = context.clock()
            args, key = {"file_id": file_id}, f"bring_sheet:{file_id}"
            enqueue(work, "bring_sheet", args, due_at=now, now=now, key=key)
        work.commit()
    if later:
        return "waiting"
    run(context, file_id)
    return "done"


def run(context: Context, file_id: int) -> None:
    """Import it and keep the report. Safe to repeat: orders that are in already stay as they are.

    Raises:
        What the import raises; the file says so and may be brought again.
    """
    with context.store.begin(context.tenant_id) as work:
        row = work.session.get(SheetFile, file_id)
        if row is None or row.state == "done":
            return
        row.state, row.code = "running", ""
        work.commit()
    try:
        row, place, upload = files.opened(context, file_id)
        source = _OfAccount(place, upload, files.layout_now(row), may_bring(context))
        report = import_source(context, source)
    except TidegateError as error:
        _ended(context, file_id, "failed", error.code, {})
        raise
    except Exception:
        _ended(context, file_id, "failed", "sheet.broken", {})
        raise
    _ended(context, file_id, "done", "", _document(report, source.skipped))
    _tie(context, place, files.layout_now(row))


def digest(layout: Layout) -> str:
    """Equal for layouts that read alike."""
    text = json.dumps(layout_document(layout), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _claim(work: UnitOfWork, context: Context, row: SheetFile, state: str) -> None:
    """Only one import of a file at a time; one that is done may be done again."""
    free = SheetFile.state.in_(("new", "failed", "done"))
    lost = SheetFile.began_at < context.clock() - LOST_AFTER
    taken = work.session.execute(
        update(SheetFile)
        .where(SheetFile.id == row.id, free | lost)
        .values(state=state, code="", began_at=context.clock())
        .execution_options(synchronize_session=False)
    )
    if not (isinstance(taken, CursorResult) and taken.rowcount == 1):
        raise Conflict(
            "sheet.busy",
            zh="这份表格正在导入；请等它完成。",
            en="This file is being imported; wait until it is done.",
        )
    work.session.refresh(row)


def _ended(context: Context, file_id: int, state: str, code: str, report: dict[str, Any]) -> None:
    with context.store.begin(context.tenant_id) as work:
        work.session.execute(
            update(SheetFile)
            .where(SheetFile.id == file_id)
            .values(state=state, code=code[:80], report=report, finished_at=context.clock())
            .execution_options(synchronize_session=False)
        )
        work.commit()


def _tie(context: Context, place: Place, layout: Layout) -> None:
    """An account without a shop belongs to the one its files made, unless a column names the shops."""
    if place.shop or "order.shop" in layout.fields.values():
        return
    name = layout.shop or place.channel
    with context.store.begin(context.tenant_id) as work:
        shop_id = work.session.scalar(
            select(Shop.id).where(Shop.channel == place.channel, Shop.name == name)
        )
        row = work.session.get(ConnectorAccount, place.account_id)
        if shop_id is not None and row is not None and row.shop_id is None:
            row.shop_id = shop_id
            row.version += 1
            work.commit()


def _document(report: ImportReport, skipped: Sequence[Skipped]) -> dict[str, Any]:
    """The report as plain data without sentences: pages and commands say it in the reader's language."""
    flagged: dict[tuple[str, str], dict[str, Any]] = {}
    for flag in report.flagged:
        issue = flag.issue
        one = flagged.setdefault(
            (issue.code, issue.field),
            {
                "code": issue.code,
                "field": issue.field,
                "value": issue.value,
                "order": flag.order,
                "count": 0,
            },
        )
        one["count"] += 1
    return {
        "read": report.read, "accepted": report.accepted, "rejected_count": len(report.rejected),
        "created": report.created, "updated": report.updated, "unchanged": report.unchanged,
        "rejected": [_row(one) for one in sorted(report.rejected, key=lambda one: one.row)[:KEPT_ROWS]],
        "flagged": sorted(flagged.values(), key=lambda one: -one["count"])[:50],
        "skipped": [{"row": one.row, "kind": one.kind} for one in skipped],
    }  # fmt: skip


def _sample(draft: OrderDraft) -> dict[str, Any]:
    who = draft.recipient
    names = ("name", "phone", "province", "city", "district", "town", "address")
    return {
        "number": draft.number, "status": draft.source_status, "currency": draft.currency,
        "ordered_at": draft.ordered_at.isoformat() if draft.ordered_at else None,
        "total_minor": draft.total_minor, "recipient": {name: getattr(who, name) for name in names},
        "lines": [[line.sku or line.title or "", line.quantity] for line in draft.lines[:20]],
        "issues": [[one.field, one.code, one.value] for one in draft.issues[:20]],
    }  # fmt: skip


def _row(one: RowProblem) -> dict[str, Any]:
    return {"row": one.row, "field": one.field, "code": one.code, "value": one.value}
