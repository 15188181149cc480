"""The 100 x 150 mm one-ply waybill after GB/T 41833-2022: six areas, personal data hidden, nothing
cut in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reportlab.pdfgen.canvas import Canvas

from tidegate.documents.barcodes import DOT_MM, QUIET, code128, qr
from tidegate.documents.checks import (
    Remark,
    ascii_number,
    exact,
    local_time,
    overflow,
    refuse_uncovered,
    repaired,
)
from tidegate.documents.fonts import Face, bold, regular
from tidegate.documents.sheet import MM, Sheet
from tidegate.documents.text import Fitted, Step, clean, fit, shorten, squeeze
from tidegate.documents.wording import words
from tidegate.domain.masking import mask_address, mask_name, mask_phone
from tidegate.domain.money import Money

WIDTH, HEIGHT = 100.0, 150.0  # mm
LEFT, RIGHT, TOP, BOTTOM = 3.0, 97.0, 3.0, 147.0  # printers leave up to 3 mm white
# Lower edges of the areas, in mm: header, destination, codes, recipient, sender, contents (then
# signature).
HEAD, SORT, CODE, TO, FROM, ITEMS = 13.0, 30.0, 50.0, 77.0, 90.5, 117.0
BADGE = 13.0  # right edge of the column with 收 and 寄
QR_LEFT = 75.0

SORT_STEPS = tuple(Step(size) for size in (38, 34, 30, 26, 22, 18, 15))
CARRIER_STEPS = tuple(Step(size) for size in (17, 15, 13, 11, 9))
NUMBER_STEPS = tuple(Step(size) for size in (11.5, 10, 9, 8))
MARK_STEPS = tuple(Step(size) for size in (11, 10, 9, 8, 7, 6))
TO_NAME_STEPS = tuple(Step(size) for size in (15, 13, 11, 9))
TO_ADDRESS_STEPS = (
    Step(13.5, 3),
    Step(12, 3),
    Step(11, 3),
    Step(10, 4),
    Step(9, 4),
    Step(8, 5),
    Step(7, 6),
)
FROM_NAME_STEPS = tuple(Step(size) for size in (9, 8, 7, 6))
FROM_ADDRESS_STEPS = (Step(8.5, 2), Step(7.5, 2), Step(6.5, 3), Step(6, 3))
FACT_STEPS = tuple(Step(size) for size in (7.5, 7, 6.5, 6, 5.5))
COD_STEPS = tuple(Step(size) for size in (13, 11, 9))
SEQUENCE_STEPS = tuple(Step(size) for size in (28, 24, 20, 16, 12, 9))
NOTE_SIZE, ITEM_SIZE, ROW = 7.0, 7.5, 3.4
MOBILE = re.compile(r"(?<!\d)1\d{2}[- ]?\d{4}[- ]?\d{4}(?!\d)")  # not inside an order number
SKU_SIZES = (ITEM_SIZE, 6.5, 5.5)


@dataclass(frozen=True, slots=True)
class Party:
    """A sender or recipient in clear. `region` is province to district (town), `detail` what
    follows.
    """

    name: str
    phone: str
    region: str
    detail: str


@dataclass(frozen=True, slots=True)
class LabelItem:
    sku: str
    title: str
    quantity: int
    spec: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """One parcel's waybill. Everything is given in clear; masking happens on the way to paper.

    `sort_code` is the carrier's 三段码 (the recipient's region is printed large when the carrier
    gave none), `packaging` marks such as 易碎, `note` what the picker or courier must read,
    `sequence` the place in the batch ("12/300"), `reprint_no` 0 for the first print, `time_zone`
    the shop's.
    """

    waybill_no: str
    carrier: str
    service: str
    sort_code: str
    recipient: Party
    sender: Party
    order_no: str
    shop: str
    items: Sequence[LabelItem]
    weight_g: int
    printed_at: datetime
    note: str = ""
    packaging: tuple[str, ...] = ()
    cod: Money | None = None
    reprint_no: int = 0
    sequence: str = ""
    time_zone: str = "Asia/Shanghai"


def compose(label: Label, lang: str = "zh", *, mask: bool = True) -> tuple[Sheet, list[Remark]]:
    """What is printed for `label`, and what was printed otherwise than given. Nothing is drawn yet.

    Raises:
        InputError: a field is missing, does not fit, or has a character that no font prints;
            `fields["field"]` names it.
    """
    sheet, remarks = Sheet(HEIGHT), list[Remark]()
    _header(sheet, label, remarks)
    _destination(sheet, label)
    _codes(sheet, label)
    _recipient(sheet, label.recipient, mask)
    _sender(sheet, label.sender, mask)
    _contents(sheet, label, lang, mask, remarks)
    _signature(sheet, label, lang, remarks)
    return sheet, list(dict.fromkeys(remarks))


def frame(canvas: Canvas, lang: str, *, mask: bool) -> None:
    """Draw what is the same on every label: rules, badges and captions."""
    say, sheet = words(lang), Sheet(HEIGHT)
    sheet.box(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP, width=0.3)
    for edge, width in (
        (HEAD, 0.15),
        (SORT, 0.3),
        (CODE, 0.3),
        (TO, 0.15),
        (FROM, 0.3),
        (ITEMS, 0.15),
    ):
        sheet.line(LEFT, edge, RIGHT, edge, width)
    sheet.line(BADGE, CODE, BADGE, FROM)
    sheet.line(QR_LEFT, FROM, QR_LEFT, ITEMS)
    sheet.line(QR_LEFT, ITEMS, QR_LEFT, BOTTOM)
    sheet.box(LEFT, CODE, BADGE - LEFT, TO - CODE, fill=True)
    centre = (LEFT + BADGE) / 2
    is_zh = len(say["to"]) == 1
    sheet.text(
        centre, 66.3, say["to"], 22 if is_zh else 16, strong=True, align="centre", white=True
    )
    sheet.text(centre, 85.8, say["from"], 16 if is_zh else 8, strong=True, align="centre")
    middle = (QR_LEFT + RIGHT) / 2
    sheet.text(middle, 115, say["waybill"], 6, align="centre")
    sheet.text(middle, 121, say["sequence"], 6, align="centre")
    for x, wide, caption in ((LEFT + 2, 32, "sign"), (LEFT + 37, 33, "sign_time")):
        sheet.text(x, 137.5, say[caption], 7)
        sheet.line(x, 142.4, x + wide, 142.4)
    sheet.text(LEFT + 2, 145.5, say["terms" if mask else "terms_clear"], 5)
    sheet.draw(canvas)


def _header(sheet: Sheet, label: Label, remarks: list[Remark]) -> None:
    """Carrier on the left; from the right the service and the packaging marks."""
    right = RIGHT - 1.5
    marks = [("service", label.service, True)]
    marks += [("packaging", mark, False) for mark in label.packaging]
    for field, given, filled in marks:
        text = repaired(field, given, remarks)
        if text:
            fitted = _fitted(field, text, bold(), (right - 25) * MM, MARK_STEPS)
            wide = bold().width(text, fitted.size) / MM + 3
            right -= wide
            sheet.box(right, TOP + 2, wide, 6, fill=filled, width=0.3)
            baseline = TOP + 5 + fitted.size * 0.37 / MM
            sheet.text(right + 1.5, baseline, text, fitted.size, strong=True, white=filled)
            right -= 1.2
    text = repaired("carrier", label.carrier, remarks)
    fitted = _fitted("carrier", text, bold(), (right - LEFT - 3) * MM, CARRIER_STEPS)
    sheet.text(LEFT + 2, 8 + fitted.size * 0.37 / MM, text, fitted.size, strong=True)


def _destination(sheet: Sheet, label: Label) -> None:
    if clean(label.sort_code):
        field, text = "sort_code", exact("sort_code", label.sort_code)
    else:
        field, text = "recipient.region", exact("recipient.region", label.recipient.region)
    fitted = _fitted(field, text, bold(), (RIGHT - LEFT - 5) * MM, SORT_STEPS)
    baseline = (HEAD + SORT) / 2 + fitted.size * 0.37 / MM
    sheet.text((LEFT + RIGHT) / 2, baseline, text, fitted.size, strong=True, align="centre")


def _codes(sheet: Sheet, label: Label) -> None:
    number = ascii_number("waybill_no", label.waybill_no)
    path, modules = code128(number)
    dots = min(4, int((RIGHT - LEFT) / DOT_MM) // (modules + 2 * QUIET))
    if dots < 2:  # below 0.25 mm a module a 203 dpi printer makes no readable bars
        raise overflow("waybill_no")
    unit = dots * DOT_MM
    x = _on_dot((LEFT + RIGHT - modules * unit) / 2)
    sheet.path(x, 44.5, path, unit, 12.5)
    fitted = _fitted("waybill_no", number, bold(), (RIGHT - LEFT - 3) * MM, NUMBER_STEPS)
    sheet.text((LEFT + RIGHT) / 2, 48.8, number, fitted.size, strong=True, align="centre")
    path, side = qr(number)
    unit = int(20 / DOT_MM) // side * DOT_MM
    sheet.path(_on_dot((QR_LEFT + RIGHT - side * unit) / 2), 112, path, unit, unit)


def _recipient(sheet: Sheet, party: Party, mask: bool) -> None:
    who, where = _shown("recipient", party, mask)
    x, width = BADGE + 2, (RIGHT - BADGE - 4) * MM
    fitted = _fitted("recipient.name", who, bold(), width, TO_NAME_STEPS)
    sheet.text(x, 56.6, who, fitted.size, strong=True)
    fitted = _fitted("recipient.address", where, bold(), width, TO_ADDRESS_STEPS)
    _lines(sheet, x, 58.4, fitted, strong=True)


def _sender(sheet: Sheet, party: Party, mask: bool) -> None:
    who, where = _shown("sender", party, mask)
    x, width = BADGE + 2, (RIGHT - BADGE - 4) * MM
    fitted = _fitted("sender.name", who, regular(), width, FROM_NAME_STEPS)
    sheet.text(x, 81.2, who, fitted.size)
    _lines(sheet, x, 82, _fitted("sender.address", where, regular(), width, FROM_ADDRESS_STEPS))


def _shown(role: str, party: Party, mask: bool) -> tuple[str, str]:
    """Name with phone, and the whole address, as they go onto paper."""
    name, phone = exact(f"{role}.name", party.name), exact(f"{role}.phone", party.phone)
    region, detail = exact(f"{role}.region", party.region), exact(f"{role}.detail", party.detail)
    if mask:
        name, phone, detail = mask_name(name), mask_phone(phone), mask_address(detail)
        refuse_uncovered(f"{role}.name", name)
        refuse_uncovered(f"{role}.phone", phone)
        refuse_uncovered(f"{role}.detail", detail)
    return f"{name}  {phone}", f"{region} {detail}"


def _without_contact(note: str, recipient: Party) -> str:
    """The note with mobile numbers and the recipient's name masked: buyers write both there."""
    name = clean(recipient.name)
    if len(name) > 1:
        note = note.replace(name, mask_name(name))
    return MOBILE.sub(lambda found: mask_phone(found[0]), note)


def _contents(sheet: Sheet, label: Label, lang: str, mask: bool, remarks: list[Remark]) -> None:
    say, x, right = words(lang), LEFT + 2, QR_LEFT - 2
    pieces = sum(item.quantity for item in label.items)
    summary = say["kinds"].format(kinds=len(label.items), pieces=pieces)
    sheet.text(x, 94.6, say["items"], 7.5, strong=True)
    sheet.text(x + (9 if lang.startswith("zh") else 19), 94.6, summary, 7.5)
    weight = say["weight"].format(weight=f"{label.weight_g / 1000:.2f}")
    sheet.text(right, 94.6, weight, 7.5, align="right")
    note = repaired("note", label.note, remarks)
    if mask:
        note = _without_contact(note, label.recipient)
    bottom = _note(sheet, note, say["note"], remarks) if note else ITEMS - 1.4
    room = int((bottom - 95) / ROW)
    shown = label.items if len(label.items) <= room else label.items[: room - 1]
    y = 95.0
    for item in shown:
        y += ROW
        _item(sheet, y, item, remarks)
    rest = label.items[len(shown) :]
    if rest:
        left = sum(item.quantity for item in rest)
        sheet.text(x, y + ROW, say["more"].format(kinds=len(rest), pieces=left), ITEM_SIZE)


def _item(sheet: Sheet, y: float, item: LabelItem, remarks: list[Remark]) -> None:
    """SKU, title and variant on one line, the quantity at its end; the title gives way with a
    visible `…`.
    """
    x, right = LEFT + 2, QR_LEFT - 2
    quantity = f"×{item.quantity}"
    room = (right - x) * MM - bold().width(quantity, ITEM_SIZE) - 6
    sku = repaired("items", item.sku, remarks)
    spec = repaired("items", item.spec, remarks)
    title = repaired("items", item.title, remarks)
    sheet.text(right, y, quantity, ITEM_SIZE, strong=True, align="right")
    if sku:
        fitted = squeeze(sku, bold(), room * 0.6, SKU_SIZES)
        if fitted.lines[0] != sku:  # two SKUs may share their beginning: say so
            remarks.append(Remark("label.shortened", "items"))
        sheet.text(x, y, fitted.lines[0], fitted.size, strong=True)
        used = bold().width(fitted.lines[0], fitted.size) + 4
        room, x = room - used, x + used / MM
    face = regular()
    spec = shorten(f"[{spec}]" if spec else "", face, room * 0.55, ITEM_SIZE)
    title = shorten(title, face, room - face.width(spec, ITEM_SIZE) - 3, ITEM_SIZE)
    sheet.text(x, y, f"{title} {spec}".strip(), ITEM_SIZE)


def _note(sheet: Sheet, note: str, caption: str, remarks: list[Remark]) -> float:
    """Print the note in a box at the foot of the contents, two lines at most; return the box's
    upper edge in mm.
    """
    text, width = f"{caption}: {note}", (QR_LEFT - LEFT - 5) * MM
    fitted = fit(text, bold(), width, (Step(NOTE_SIZE, 2), Step(6, 2)))
    if fitted is None:
        remarks.append(Remark("label.shortened", "note"))
        fitted = _shortened(text, bold(), width)
    top = ITEMS - 1.6 - 3.1 * len(fitted.lines) - 0.8
    sheet.box(LEFT + 1.2, top, QR_LEFT - LEFT - 2.4, 3.1 * len(fitted.lines) + 1.2, width=0.25)
    for index, line in enumerate(fitted.lines):
        sheet.text(LEFT + 2.5, top + 2.9 + 3.1 * index, line, fitted.size, strong=True)
    return top - 0.6


def _shortened(text: str, face: Face, width: float) -> Fitted:
    """Two lines of 6 points, the second ending in `…`."""
    first = shorten(text, face, width + face.width("…", 6), 6)[:-1]
    return Fitted(6, (first, shorten(text[len(first) :].lstrip(), face, width, 6)))


def _signature(sheet: Sheet, label: Label, lang: str, remarks: list[Remark]) -> None:
    """The shop's references, cash to collect, and the place in the batch, large enough to sort by
    hand.
    """
    say, x, right = words(lang), LEFT + 2, QR_LEFT - 2
    order = f"{say['order']} {repaired('order_no', label.order_no, remarks)}"
    fitted = _fitted("order_no", order, regular(), (right - x) * MM, FACT_STEPS)
    sheet.text(x, 121, order, fitted.size)
    printed = f"{say['printed']} {local_time(label.printed_at, label.time_zone)}"
    sheet.text(right, 124.6, printed, 7.5, align="right")
    room = (right - x) * MM - regular().width(printed, 7.5) - 6
    shop = f"{say['shop']} {repaired('shop', label.shop, remarks)}"
    fitted = _fitted("shop", shop, regular(), room, FACT_STEPS)
    sheet.text(x, 124.6, shop, fitted.size)
    if label.cod is not None:
        _cash(sheet, f"{say['cod']} {_amount(label.cod)}")
    if label.sequence:
        number, slash, total = exact("sequence", label.sequence).partition("/")
        middle, width = (QR_LEFT + RIGHT) / 2, (RIGHT - QR_LEFT - 2) * MM
        fitted = _fitted("sequence", number, bold(), width, SEQUENCE_STEPS)
        sheet.text(middle, 133, number, fitted.size, strong=True, align="centre")
        if slash:
            fitted = _fitted("sequence", f"/ {total}", regular(), width, MARK_STEPS)
            sheet.text(middle, 138.5, f"/ {total}", fitted.size, align="centre")
    if label.reprint_no:
        mark = say["reprint"].format(count=label.reprint_no)
        fitted = _fitted("sequence", mark, bold(), (RIGHT - QR_LEFT - 5) * MM, MARK_STEPS)
        sheet.box(QR_LEFT + 1.2, 140.4, RIGHT - QR_LEFT - 2.4, 5.6, fill=True)
        baseline = 143.2 + fitted.size * 0.37 / MM
        sheet.text(
            (QR_LEFT + RIGHT) / 2,
            baseline,
            mark,
            fitted.size,
            strong=True,
            align="centre",
            white=True,
        )


def _cash(sheet: Sheet, amount: str) -> None:
    left, wide = LEFT + 1.2, QR_LEFT - LEFT - 2.4
    fitted = _fitted("cod", amount, bold(), wide * MM - 6, COD_STEPS)
    sheet.box(left, 126.4, wide, 7.4, fill=True)
    baseline = 130.1 + fitted.size * 0.37 / MM
    sheet.text(
        left + wide / 2, baseline, amount, fitted.size, strong=True, align="centre", white=True
    )


def _amount(money: Money) -> str:
    number, currency = str(money).split(" ")
    return f"¥{number}" if currency == "CNY" else f"{number} {currency}"


def _fitted(field: str, text: str, face: Face, width: float, steps: Sequence[Step]) -> Fitted:
    fitted = fit(text, face, width, steps)
    if fitted is None:
        raise overflow(field)
    return fitted


def _lines(sheet: Sheet, x: float, top: float, fitted: Fitted, *, strong: bool = False) -> None:
    leading = fitted.size * 1.17 / MM
    for index, line in enumerate(fitted.lines, 1):
        sheet.text(x, top + index * leading, line, fitted.size, strong=strong)


def _on_dot(x: float) -> float:
    return round(x / DOT_MM) * DOT_MM
