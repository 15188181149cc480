"""The A4 pick list of a batch: what to fetch by location, then what goes into which parcel, in the
labels' order.

It names no recipient: parcel and label meet by their number in the batch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from reportlab.pdfgen.canvas import Canvas

from tidegate.documents.barcodes import code128
from tidegate.documents.checks import Remark, ascii_number, local_time, repaired
from tidegate.documents.fonts import bold, regular
from tidegate.documents.sheet import MM, Sheet
from tidegate.documents.text import squeeze
from tidegate.documents.wording import words

WIDTH, HEIGHT = 210.0, 297.0  # mm
LEFT, RIGHT, TOP, BOTTOM = 12.0, 198.0, 12.0, 285.0
ROW, SIZE, SMALL = 6.0, 9.0, 7.0
BARCODE_UNIT = 0.25
# Columns: left edges in mm. The tick box stands at the right margin.
SUM_AT = {"location": LEFT + 1, "sku": 42.0, "title": 82.0, "quantity": 180.0}
PARCEL_AT = {
    "number": LEFT + 1,
    "waybill": 26.0,
    "location": 66.0,
    "sku": 92.0,
    "title": 126.0,
    "quantity": 179.0,
}
CELL_FIELDS = {
    "location": "location",
    "sku": "items",
    "title": "items",
    "number": "sequence",
    "waybill": "waybill_no",
}


@dataclass(frozen=True, slots=True)
class PickLine:
    sku: str
    title: str
    quantity: int
    spec: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class PickParcel:
    """`sequence` is the label's number in the batch ("12")."""

    sequence: str
    waybill_no: str
    lines: Sequence[PickLine]


@dataclass(frozen=True, slots=True)
class PickBatch:
    batch_no: str
    shop: str
    warehouse: str
    printed_at: datetime
    parcels: Sequence[PickParcel]
    time_zone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class PickListResult:
    """`remarks` tells each kind of repair once."""

    pages: int
    kinds: int
    pieces: int
    remarks: tuple[Remark, ...]


def totals(parcels: Iterable[PickParcel]) -> list[PickLine]:
    """One line per location and SKU with the sum of its quantities, in walking order: A-2 before
    A-10, no place last.
    """
    first: dict[tuple[str, str], PickLine] = {}
    pieces: dict[tuple[str, str], int] = {}
    for parcel in parcels:
        for line in parcel.lines:
            key = line.location, line.sku
            first.setdefault(key, line)
            pieces[key] = pieces.get(key, 0) + line.quantity
    summed = (
        PickLine(line.sku, line.title, pieces[key], line.spec, line.location)
        for key, line in first.items()
    )
    return sorted(
        summed, key=lambda line: (not line.location, _natural(line.location), _natural(line.sku))
    )


def _natural(text: str) -> list[tuple[int, str]]:
    """A key by which runs of digits compare as numbers, and before letters."""
    parts = re.split(r"([0-9]+)", text)
    numbers = (part.lstrip("0") for part in parts[1::2])
    mixed = list(zip(parts[::2], [*numbers, ""], strict=True))
    return [pair for letters, digits in mixed for pair in ((0, letters), (len(digits), digits))]


def print_pick_list(batch: PickBatch, out: BinaryIO, lang: str = "zh") -> PickListResult:
    """Write the list to `out`; the bytes depend on the arguments alone.

    Raises:
        InputError: the batch number cannot be a barcode, or the time of printing has no time zone.
    """
    summed = totals(batch.parcels)
    pieces = sum(line.quantity for line in summed)
    pages = _Pages(batch, lang)
    pages.turn()
    kinds = len({line.sku for line in summed})
    pages.figures(parcels=len(batch.parcels), kinds_title=kinds, pieces=pieces)
    pages.table("pick_sum", SUM_AT, map(_sum_row, summed))
    pages.table("pick_parcels", PARCEL_AT, _parcel_rows(batch.parcels))
    canvas = Canvas(out, pagesize=(WIDTH * MM, HEIGHT * MM), pageCompression=1, invariant=1)
    canvas.setTitle(f"{pages.say['pick_title']} {batch.batch_no}")
    canvas.setCreator("Tidegate")
    for number, sheet in enumerate(pages.sheets, 1):
        page = pages.say["page"].format(page=number, pages=len(pages.sheets))
        sheet.text(RIGHT, BOTTOM + 5, page, 8, align="right")
        sheet.draw(canvas)
        canvas.showPage()
    canvas.save()
    return PickListResult(len(pages.sheets), kinds, pieces, tuple(dict.fromkeys(pages.remarks)))


@dataclass(frozen=True, slots=True)
class _Row:
    """Cells by column. A new `group` (aisle, parcel) starts with a stronger rule."""

    cells: Mapping[str, str]
    group: str


def _sum_row(line: PickLine) -> _Row:
    return _Row(_cells(line), line.location.partition("-")[0])


def _parcel_rows(parcels: Iterable[PickParcel]) -> Iterator[_Row]:
    for parcel in parcels:
        head = {"number": parcel.sequence, "waybill": parcel.waybill_no}
        for line in parcel.lines or (PickLine("", "", 0),):  # an empty parcel is seen, not skipped
            yield _Row(_cells(line) | head, parcel.waybill_no)


def _cells(line: PickLine) -> dict[str, str]:
    title = " · ".join(part for part in (line.spec, line.title) if part)  # the variant is never cut
    return {
        "location": line.location,
        "sku": line.sku,
        "title": title,
        "quantity": str(line.quantity),
    }


class _Pages:
    """Fills pages from the top; `turn` starts one, the last is `sheet`, filled down to `y` mm."""

    def __init__(self, batch: PickBatch, lang: str) -> None:
        self.say = words(lang)
        self.remarks: list[Remark] = []
        self.sheets: list[Sheet] = []
        self._batch = batch
        self._barcode, self._modules = code128(ascii_number("batch_no", batch.batch_no))
        self._printed = local_time(batch.printed_at, batch.time_zone)

    def turn(self) -> None:
        """Start a page with its head: title and shop on the left, the batch number as barcode on
        the right.
        """
        self.sheet, self.y = Sheet(HEIGHT), TOP + 20
        self.sheets.append(self.sheet)
        say, batch, sheet = self.say, self._batch, self.sheet
        sheet.text(LEFT, TOP + 6, say["pick_title"], 20, strong=True)
        where = [self._clean("shop", batch.shop), self._clean("warehouse", batch.warehouse)]
        about = " · ".join(part for part in [*where, f"{say['printed']} {self._printed}"] if part)
        wide = self._modules * BARCODE_UNIT
        left = RIGHT - wide
        fitted = squeeze(about, regular(), (left - LEFT - 4) * MM, (SIZE, SMALL))
        sheet.text(LEFT, TOP + 13, fitted.lines[0], fitted.size)
        sheet.path(left, TOP + 10, self._barcode, BARCODE_UNIT, 10)
        sheet.text(left + wide / 2, TOP + 14, batch.batch_no, SIZE, strong=True, align="centre")

    def figures(self, **counts: int) -> None:
        """The batch in numbers, large, under the first head."""
        for index, (name, count) in enumerate(counts.items()):
            x = LEFT + index * 40
            self.sheet.text(x, self.y + 6, str(count), 18, strong=True)
            self.sheet.text(x, self.y + 10, self.say[name], SMALL)
        for x, name in ((LEFT + 122, "picker"), (LEFT + 156, "checker")):
            self.sheet.text(x, self.y + 10, self.say[name], SMALL)
            self.sheet.line(x, self.y + 6.5, x + 30, self.y + 6.5)
        self.y += 16

    def table(self, name: str, columns: Mapping[str, float], rows: Iterable[_Row]) -> None:
        if self.y > BOTTOM - 6 * ROW:
            self.turn()
        self._heads(name, columns)
        group: str | None = None
        for row in rows:
            if self.y + ROW > BOTTOM:
                self.turn()
                self._heads(name, columns)
                group = None
            self.sheet.line(LEFT, self.y, RIGHT, self.y, 0.1 if row.group == group else 0.3)
            self._row(columns, row, repeated=row.group == group)
            group = row.group
        self.sheet.line(LEFT, self.y, RIGHT, self.y, 0.3)
        self.y += 6

    def _heads(self, name: str, columns: Mapping[str, float]) -> None:
        self.sheet.text(LEFT, self.y + 5, self.say[name], 12, strong=True)
        self.y += 7
        for column, left in columns.items():
            if column == "quantity":
                self.sheet.text(left + 9, self.y + 3.5, self.say[column], SMALL, align="right")
            else:
                self.sheet.text(left, self.y + 3.5, self.say[column], SMALL)
        self.y += 5

    def _row(self, columns: Mapping[str, float], row: _Row, *, repeated: bool) -> None:
        """One line; what repeats the line above is left out, except the SKU and the quantity."""
        base = self.y + ROW / 2 + SIZE * 0.37 / MM
        edges = [*list(columns.values())[1:], RIGHT]
        for (column, left), edge in zip(columns.items(), edges, strict=True):
            given = row.cells[column]
            if repeated and column in ("number", "waybill"):
                continue
            if column == "quantity":
                self.sheet.text(left + 9, base, given, 11, strong=True, align="right")
                continue
            self._cell(column, left, edge, base, given)
        self.sheet.box(RIGHT - 5, self.y + ROW / 2 - 1.75, 3.5, 3.5, width=0.25)
        self.y += ROW

    def _cell(self, column: str, left: float, edge: float, base: float, given: str) -> None:
        field = CELL_FIELDS[column]
        text = self._clean(field, given) or self.say["none"]
        strong = column in ("location", "number")
        face = bold() if strong else regular()
        sizes = (8, 7) if column == "title" else (SIZE, 8, 7, 6, 5)
        fitted = squeeze(text, face, (edge - left - 2) * MM, sizes)
        if fitted.lines[0] != text and column != "title":
            self.remarks.append(Remark("label.shortened", field))
        self.sheet.text(left, base, fitted.lines[0], fitted.size, strong=strong)

    def _clean(self, field: str, given: str) -> str:
        return repaired(field, given, self.remarks)
