"""Thousands of labels in one PDF: each parcel ends as a page or as a problem, and the same input
gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO

from reportlab.pdfgen.canvas import Canvas

from tidegate.documents.checks import Remark
from tidegate.documents.label import HEIGHT, WIDTH, Label, compose, frame
from tidegate.documents.sheet import MM
from tidegate.documents.wording import words
from tidegate.errors import InputError


@dataclass(frozen=True, slots=True)
class Printed:
    """A label on `page` (from 1); `position` is its place in the input (from 1)."""

    position: int
    waybill_no: str
    page: int
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A parcel without a label, and why."""

    position: int
    waybill_no: str
    error: InputError


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Every label read is in exactly one of the two."""

    printed: tuple[Printed, ...]
    problems: tuple[Problem, ...]

    @property
    def read(self) -> int:
        return len(self.printed) + len(self.problems)


def print_labels(
    labels: Iterable[Label],
    out: BinaryIO,
    lang: str = "zh",
    *,
    mask: bool = True,
    progress: Callable[[int], None] | None = None,
) -> BatchResult:
    """Write one page per label to `out`, in order; `labels` is read once and not kept.

    A label that cannot be printed in full becomes a problem and leaves no page, and so does a
    waybill number that the batch already printed. Nothing is written to `out` when no label was
    printed. `progress` is called with the number read after each label. Instants come from the
    labels: the bytes depend on the arguments alone.
    """
    canvas = Canvas(out, pagesize=(WIDTH * MM, HEIGHT * MM), pageCompression=1, invariant=1)
    canvas.setTitle(words(lang)["labels_title"])
    canvas.setCreator("Tidegate")
    canvas.setViewerPreference("PrintScaling", "None")  # "fit to page" would shrink the bars
    canvas.beginForm("frame", 0, 0, WIDTH * MM, HEIGHT * MM)
    frame(canvas, lang, mask=mask)
    canvas.endForm()
    printed: list[Printed] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for position, label in enumerate(labels, 1):
        try:
            refuse_repeat(label.waybill_no, seen)
            sheet, remarks = compose(label, lang, mask=mask)
        except InputError as error:
            problems.append(Problem(position, label.waybill_no, error))
        else:
            seen.add(label.waybill_no)
            canvas.doForm("frame")
            sheet.draw(canvas)
            canvas.showPage()
            printed.append(Printed(position, label.waybill_no, len(printed) + 1, tuple(remarks)))
        if progress:
            progress(position)
    if printed:
        canvas.save()
    return BatchResult(tuple(printed), tuple(problems))


def refuse_repeat(waybill_no: str, seen: set[str]) -> None:
    """Two papers with one number send one of two parcels nowhere."""
    if waybill_no in seen:
        raise InputError(
            "label.repeated",
            zh=f"运单号 {waybill_no} 在本批中出现两次, 只打印第一张; 请为另一个包裹重新取号。",
            en=f"waybill {waybill_no} is in this batch twice; only the first was printed. "
            "Ask the carrier for another number for the other parcel.",
            waybill_no=waybill_no,
        )
