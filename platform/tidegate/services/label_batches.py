"""What a batch of labels is on paper: our drawn pages and the labels that carriers gave, put together when asked for.

Carriers' labels name people in clear, so they stay sealed in the database and are on no disk of ours in clear.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from tidegate.documents.merging import DRAWN, merged
from tidegate.errors import NotFound
from tidegate.services import carrier_labels
from tidegate.services.carrier_labels import Given
from tidegate.services.context import Context
from tidegate.store.label_tables import KeptLabel
from tidegate.store.tables import LabelBatch, PrintRecord
from tidegate.store.unit_of_work import UnitOfWork

PRINT_DATA = "print_data"


def batch_pdf(context: Context, batch_number: str) -> bytes:
    """All pages of a batch in its order; the same every time while carriers' labels are kept.

    Raises:
        NotFound: no such batch, nothing of it is for paper, or a part of it is gone.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        batch, records, given = _read(work, context, batch_number)
    drawn = _drawn(context, batch) if any(one.label_id is None for one in records) else b""
    if not given:
        return drawn
    parts = [
        (DRAWN, b"") if one.label_id is None else (given[one.label_id].kind, given[one.label_id].content)
        for one in records
        if one.label_id is None or given[one.label_id].kind != PRINT_DATA
    ]  # fmt: skip
    if not parts:
        raise NotFound(
            "labels.no_pages",
            zh=f"批次 {batch_number} 只有平台打印组件的数据，没有 PDF；请下载打印数据。",
            en=f"Batch {batch_number} is for the platforms' print components only; download its print data.",
            number=batch_number,
        )
    return merged(drawn, parts)


def batch_print_data(context: Context, batch_number: str) -> bytes:
    """What platforms' print components on the printing PC take, as JSON: one task per account, documents in order.

    Raises:
        NotFound: no such batch, it has none, or it is gone.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        _, records, given = _read(work, context, batch_number)
    tasks: dict[str, dict[str, Any]] = {}
    for one in records:
        label = given.get(one.label_id or 0)
        if label is None or label.kind != PRINT_DATA:
            continue
        task = tasks.setdefault(label.account, _task(batch_number, label))
        task["documents"].append(
            {"documentID": one.waybill_no, "contents": [json.loads(label.content)]}
        )
    if not tasks:
        raise NotFound(
            "labels.no_print_data",
            zh=f"批次 {batch_number} 没有平台打印数据；请下载 PDF。",
            en=f"Batch {batch_number} has no print data; download its PDF.",
            number=batch_number,
        )
    document = {"batch": batch_number, "tasks": list(tasks.values())}
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def kinds_of(work: UnitOfWork, batch_ids: Sequence[int]) -> Mapping[int, frozenset[str]]:
    """What each batch consists of: `drawn`, pdf, png, print_data."""
    rows = work.session.execute(
        select(PrintRecord.batch_id, KeptLabel.kind)
        .outerjoin(KeptLabel, KeptLabel.id == PrintRecord.label_id)
        .where(PrintRecord.batch_id.in_(batch_ids))
        .distinct()
    )
    found: dict[int, set[str]] = {}
    for batch_id, kind in rows:
        found.setdefault(batch_id, set()).add(kind or DRAWN)
    return {batch_id: frozenset(kinds) for batch_id, kinds in found.items()}


def _task(batch_number: str, label: Given) -> dict[str, Any]:
    """`taskID` keeps a component from printing the batch twice."""
    return {
        "account": label.account, "connector": label.connector,
        "taskID": f"{batch_number}-{label.account}", "documents": [],
    }  # fmt: skip


def _read(
    work: UnitOfWork, context: Context, number: str
) -> tuple[LabelBatch, Sequence[PrintRecord], Mapping[int, Given]]:
    batch = work.session.scalar(select(LabelBatch).where(LabelBatch.number == number))
    if batch is None:
        raise NotFound(
            "labels.no_batch",
            zh=f"没有打单批次 {number}。",
            en=f"There is no label batch {number!r}.",
            number=number,
        )
    records = work.session.scalars(
        select(PrintRecord).where(PrintRecord.batch_id == batch.id).order_by(PrintRecord.sequence)
    ).all()
    wanted = [one.label_id for one in records if one.label_id is not None]
    given = carrier_labels.opened(work, context, wanted) if wanted else {}
    if len(given) < len(wanted):
        raise _gone(number)
    work.session.expunge_all()
    return batch, records, given


def _drawn(context: Context, batch: LabelBatch) -> bytes:
    file = context.data_dir / batch.file_name
    if not batch.file_name or not file.is_file():
        raise _gone(batch.number)
    return file.read_bytes()


def _gone(number: str) -> NotFound:
    return NotFound(
        "labels.file_gone",
        zh=f"批次 {number} 的文件已不在; 请重打。",
        en=f"The file of batch {number} is gone; print again.",
        number=number,
    )
