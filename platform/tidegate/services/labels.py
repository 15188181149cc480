"""Printing: labels of waiting parcels into one PDF, a guard against silent reprints, the pick list."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from tidegate.documents.label import Label
from tidegate.documents.pick_list import PickBatch, PickLine, PickParcel, print_pick_list
from tidegate.errors import InputError, NotFound, StorageFull, TidegateError, Unavailable
from tidegate.services import carrier_labels
from tidegate.services.context import Context
from tidegate.services.label_drawing import draw, label_of
from tidegate.services.people import required_reason
from tidegate.services.states import move_order, move_parcel, record
from tidegate.services.subjects import Subject, load_subjects
from tidegate.services.work import watch_later
from tidegate.store.label_tables import KeptLabel
from tidegate.store.tables import (
    CarrierService,
    LabelBatch,
    Order,
    Parcel,
    PrintRecord,
    Reservation,
    Stock,
    Tenant,
)
from tidegate.store.unit_of_work import UnitOfWork

PRINTABLE = ("waybill", "printed")


@dataclass(frozen=True, slots=True)
class PrintProblem:
    """A parcel that got no label; `error` says why and what to do."""

    parcel_id: int
    parcel_number: str
    error: TidegateError


@dataclass(frozen=True, slots=True)
class PrintedBatch:
    """What was asked for ends as printed or as a problem. `file` has the pages that we drew, None where we drew none;
    the whole batch is `label_batches.batch_pdf`.
    """

    number: str
    file: Path | None
    printed: int
    problems: tuple[PrintProblem, ...]


def print_labels(
    context: Context,
    parcel_ids: Sequence[int] | None,
    actor: str,
    reason: str | None = None,
    lang: str = "zh",
    progress: Callable[[int], None] | None = None,
) -> PrintedBatch:
    """Print these parcels, or all that wait (None), as one batch. A label that its carrier gives is used in place of
    our own drawing; one that has not come yet is a problem, and is fetched again.

    A parcel printed before needs a `reason` and carries the reprint mark. The PDF is drawn before anything is
    locked: a thousand labels take seconds, and on SQLite nobody else could write meanwhile.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        drawn = draw(_sheet(context, work, parcel_ids, reason, now, lang).labels, lang, progress)
    with context.store.begin(context.tenant_id) as work:
        _one_at_a_time(work)
        sheet = _sheet(context, work, parcel_ids, reason, now, lang)
        fit, subjects = sheet.fit, sheet.subjects
        for parcel in sheet.late:
            carrier_labels.fetch_later(work, subjects[parcel.order_id].order, parcel, now)
        if sheet.labels != drawn.labels:  # a parcel was changed, or printed by somebody else
            drawn = draw(sheet.labels, lang, None)
        failed = {sheet.ours[one.position - 1].id: one.error for one in drawn.made.problems}
        problems = [
            *sheet.problems,
            *(PrintProblem(one.id, one.number, failed[one.id]) for one in fit if one.id in failed),
        ]
        printed = [parcel for parcel in fit if parcel.id not in failed]
        if not printed:
            work.commit()  # labels that lack are asked for
            return PrintedBatch("", None, 0, tuple(problems))
        number = _number(work, context, now)
        file = None
        if drawn.made.printed:
            file = context.data_dir / "labels" / f"{number}.pdf"
            _keep(file, drawn.content)
        batch = LabelBatch(
            number=number, created_at=now, created_by=actor, parcels=len(printed) + len(problems),
            printed=len(printed), file_name=f"labels/{file.name}" if file else "",
            problems=[
                {"parcel": found.parcel_number, **found.error.as_document(lang)} for found in problems
            ],
        )  # fmt: skip
        work.add(batch)
        work.session.flush()
        for at, parcel in enumerate(fit, start=1):
            if parcel.id not in failed:
                label = sheet.given.get(parcel.id)
                _printed(
                    work, subjects[parcel.order_id], parcel, batch, at, actor, reason, now,
                    label.id if label else None,
                )  # fmt: skip
        watch_later(work, [parcel.id for parcel in printed], "printed", now)
        work.commit()
    return PrintedBatch(number, file, len(printed), tuple(problems))


def waiting_parcels(context: Context, numbers: Sequence[str] | None = None) -> list[int]:
    """Parcels whose label waits; with order `numbers` all their parcels that can be printed.

    Raises:
        NotFound: there is no order with one of the numbers.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        statement = select(Parcel.id).order_by(Parcel.warehouse_id, Parcel.waybill_at, Parcel.id)
        if numbers is None:
            return list(work.session.scalars(statement.where(Parcel.state == "waybill")))
        known = set(work.session.scalars(select(Order.number).where(Order.number.in_(numbers))))
        for number in numbers:
            if number not in known:
                raise NotFound(
                    "order.not_found",
                    zh=f"没有订单 {number}; 请核对单号。",
                    en=f"There is no order {number!r}; check the number.",
                    number=number,
                )
        return list(
            work.session.scalars(
                statement.join(Order, Order.id == Parcel.order_id).where(
                    Order.number.in_(numbers), Parcel.state != "cancelled"
                )
            )
        )


def pick_list(context: Context, batch_number: str, lang: str = "zh") -> bytes:
    """The pick list of a batch as a PDF.

    Raises:
        NotFound: no such batch.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        batch = _batch(work, batch_number)
        records = work.session.execute(
            select(PrintRecord, Parcel)
            .join(Parcel, Parcel.id == PrintRecord.parcel_id)
            .where(PrintRecord.batch_id == batch.id)
            .order_by(PrintRecord.sequence)
        ).all()
        subjects = load_subjects(work, list({parcel.order_id for _, parcel in records}))
        places = _locations(work, [parcel for _, parcel in records])
        parcels = [
            PickParcel(
                str(kept.sequence),
                kept.waybill_no,
                _pick_lines(subjects[parcel.order_id], parcel, places),
            )
            for kept, parcel in records
        ]
        houses = {
            s.warehouses[p.warehouse_id].name for _, p in records for s in (subjects[p.order_id],)
        }
        shops = {subjects[parcel.order_id].shop.name for _, parcel in records}
        found = PickBatch(
            batch_no=batch.number, shop=", ".join(sorted(shops)), warehouse=", ".join(sorted(houses)),
            printed_at=batch.created_at, parcels=parcels, time_zone=context.timezone,
        )  # fmt: skip
    out = BytesIO()
    print_pick_list(found, out, lang)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What would be printed now, and what would not. `labels` are drawn for `ours`, `given` are their carriers' by
    parcel, `late` those that carriers give and have not given yet.
    """

    fit: list[Parcel]
    subjects: Mapping[int, Subject]
    ours: list[Parcel]
    labels: list[Label]
    given: Mapping[int, KeptLabel]
    late: list[Parcel]
    problems: list[PrintProblem]


def _sheet(
    context: Context,
    work: UnitOfWork,
    parcel_ids: Sequence[int] | None,
    reason: str | None,
    now: datetime,
    lang: str,
) -> _Sheet:
    parcels = _parcels(work, parcel_ids)
    subjects = load_subjects(work, list({parcel.order_id for parcel in parcels}))
    sound, problems = _sort_out(parcels, parcel_ids, reason)
    given, late, told = _carriers_labels(work, subjects, sound)
    fit = [parcel for parcel in sound if parcel not in late]
    ours = [(at, one) for at, one in enumerate(fit, start=1) if one.id not in given]
    names = {row.code: row for row in work.session.scalars(select(CarrierService))}
    labels = [
        label_of(subjects[parcel.order_id], parcel, names, now, lang, f"{at}/{len(fit)}", context.timezone)
        for at, parcel in ours
    ]  # fmt: skip
    drawn = [parcel for _, parcel in ours]
    return _Sheet(fit, subjects, drawn, labels, given, late, [*problems, *told])


def _carriers_labels(
    work: UnitOfWork, subjects: Mapping[int, Subject], sound: Sequence[Parcel]
) -> tuple[Mapping[int, KeptLabel], list[Parcel], list[PrintProblem]]:
    """Labels that carriers gave, by parcel; the parcels whose label lacks, and what is said of them."""
    accounts = {
        parcel.id: account
        for parcel in sound
        if (account := carrier_labels.account_of(work, subjects[parcel.order_id].order, parcel))
    }
    found = carrier_labels.kept(work, [parcel for parcel in sound if parcel.id in accounts])
    late = [parcel for parcel in sound if parcel.id in accounts and parcel.id not in found]
    told = [
        PrintProblem(
            parcel.id, parcel.number,
            carrier_labels.missing(subjects[parcel.order_id].order, parcel, accounts[parcel.id]),
        )
        for parcel in late
    ]  # fmt: skip
    return found, late, told


def _keep(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        family = StorageFull if error.errno == errno.ENOSPC else Unavailable
        raise family(
            "labels.store_away",
            zh="面单文件夹 labels 写不进去; 没有包裹标为已打印。请检查数据目录（磁盘、权限、网络盘）后重打。",
            en="The label folder cannot be written and no parcel counts as printed; look at the data folder "
            "(disk, rights, network share) and print again.",
        ) from error


def _one_at_a_time(work: UnitOfWork) -> None:
    """Of two people who print at once the second waits, and finds the parcels printed. Whoever else adds rows of the
    tenant does not wait: they only need its key.
    """
    own = select(Tenant.id).where(Tenant.id == work.tenant_id)
    work.session.execute(own.with_for_update(key_share=True))


def _parcels(work: UnitOfWork, parcel_ids: Sequence[int] | None) -> list[Parcel]:
    statement = select(Parcel).order_by(Parcel.warehouse_id, Parcel.waybill_at, Parcel.id)
    if parcel_ids is None:
        return list(work.session.scalars(statement.where(Parcel.state == "waybill")))
    return list(work.session.scalars(statement.where(Parcel.id.in_(parcel_ids))))


def _sort_out(
    parcels: Sequence[Parcel], asked: Sequence[int] | None, reason: str | None
) -> tuple[list[Parcel], list[PrintProblem]]:
    fit, problems = [], []
    for parcel in parcels:
        error = _why_not(parcel, reason)
        if error is None:
            fit.append(parcel)
        else:
            problems.append(PrintProblem(parcel.id, parcel.number, error))
    found = {parcel.id for parcel in parcels}
    for missing in dict.fromkeys(i for i in asked or () if i not in found):
        gone = NotFound(
            "parcel.not_found",
            zh=f"没有包裹 {missing}; 可能属于别的商家。",
            en=f"There is no parcel {missing} here.",
            id=missing,
        )
        problems.append(PrintProblem(missing, str(missing), gone))
    return fit, problems


def _why_not(parcel: Parcel, reason: str | None) -> TidegateError | None:
    if not parcel.waybill_no or parcel.state not in PRINTABLE:
        return InputError(
            "labels.no_waybill",
            zh=f"包裹 {parcel.number} 是 {parcel.state}, 没有可打的运单; 先取号。",
            en=f"Parcel {parcel.number} is {parcel.state} and has no waybill to print yet.",
            parcel=parcel.number,
        )
    if parcel.print_count and not (reason and reason.strip()):
        return InputError(
            "labels.reprint_needs_reason",
            zh=f"包裹 {parcel.number} 已打过 {parcel.print_count} 次; 重打请填写原因, 以免一单发两件。",
            en=f"Parcel {parcel.number} was printed {parcel.print_count} times; a reprint needs a reason,"
            " or two boxes may leave under one number.",
            parcel=parcel.number,
            field="reason",
        )
    return None


def _printed(
    work: UnitOfWork,
    subject: Subject,
    parcel: Parcel,
    batch: LabelBatch,
    sequence: int,
    actor: str,
    reason: str | None,
    now: datetime,
    label_id: int | None,
) -> None:
    again = parcel.print_count
    told = required_reason(reason) if again else None
    work.add(
        PrintRecord(
            parcel_id=parcel.id, batch_id=batch.id, sequence=sequence,
            waybill_no=parcel.waybill_no or "", reprint_no=again, reason=told, printed_at=now,
            label_id=label_id,
        )
    )  # fmt: skip
    parcel.print_count = again + 1
    if again:
        data = {"reason": told, "reprint_no": again, "batch": batch.number}
        record(
            work, "label_reprinted", order_id=parcel.order_id, parcel_id=parcel.id, now=now,
            actor_kind="person", actor=actor, data=data,
        )  # fmt: skip
        return
    parcel.printed_at = now
    by: Mapping[str, object] = {"batch": batch.number}
    move_parcel(work, parcel, "printed", now=now, actor_kind="person", actor=actor, **by)
    move_order(work, subject.order, "printed", now=now, actor_kind="person", actor=actor, **by)


def _number(work: UnitOfWork, context: Context, now: datetime) -> str:
    day = now.astimezone(ZoneInfo(context.timezone)).strftime("%y%m%d")
    today = work.session.scalar(
        select(func.count(LabelBatch.id)).where(LabelBatch.number.like(f"L{day}-%"))
    )
    return f"L{day}-{(today or 0) + 1:03d}"


def _batch(work: UnitOfWork, number: str) -> LabelBatch:
    found = work.session.scalar(select(LabelBatch).where(LabelBatch.number == number))
    if found is None:
        raise NotFound(
            "labels.no_batch",
            zh=f"没有打单批次 {number}。",
            en=f"There is no label batch {number!r}.",
            number=number,
        )
    return found


def _locations(work: UnitOfWork, parcels: Sequence[Parcel]) -> dict[tuple[int, str], str]:
    skus = select(Reservation.sku).where(
        Reservation.order_id.in_([parcel.order_id for parcel in parcels])
    )
    rows = work.session.scalars(select(Stock).where(Stock.sku.in_(skus)))
    return {(row.warehouse_id, row.sku): row.location or "" for row in rows}


def _pick_lines(
    subject: Subject, parcel: Parcel, places: Mapping[tuple[int, str], str]
) -> list[PickLine]:
    return [
        PickLine(
            line.sku or "",
            line.title or line.sku or "",
            line.quantity,
            line.spec or "",
            places.get((parcel.warehouse_id, line.sku or ""), ""),
        )
        for line in subject.lines
    ]
