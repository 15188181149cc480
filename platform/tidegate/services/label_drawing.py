"""What stands on labels, and the PDF of it; no lock is held while it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from tidegate.documents import batch as pdf
from tidegate.documents.label import Label, LabelItem, Party
from tidegate.domain.money import Money
from tidegate.services.subjects import Subject
from tidegate.store.tables import CarrierService, Parcel

MARKS = {
    "reinforced": {"zh": ("加固",), "en": ("REINFORCED",)},
    "cold": {"zh": ("冷链",), "en": ("COLD",)},
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A PDF, the labels it was drawn from, and what was wrong with some of them."""

    labels: Sequence[Label]
    made: pdf.BatchResult
    content: bytes


def draw(labels: Sequence[Label], lang: str, progress: Callable[[int], None] | None) -> Drawn:
    """One PDF of all labels that can be drawn."""
    content = BytesIO()
    made = pdf.print_labels(labels, content, lang, progress=progress)
    return Drawn(labels, made, content.getvalue())


def label_of(
    subject: Subject,
    parcel: Parcel,
    names: Mapping[str, CarrierService],
    now: datetime,
    lang: str,
    sequence: str,
    timezone: str,
) -> Label:
    """What stands on the label of a parcel."""
    order, house = subject.order, subject.warehouses[parcel.warehouse_id]
    service = names.get(parcel.service_code or "")
    title = (service.name_zh if lang.startswith("zh") else service.name_en) if service else ""
    return Label(
        waybill_no=parcel.waybill_no or "",
        carrier=parcel.carrier or "",
        service=title or parcel.service_code or "",
        sort_code=parcel.sort_code or "",
        recipient=Party(
            order.recipient_name or "",
            order.recipient_phone or "",
            _region(order.province, order.city, order.district, order.town),
            order.address or "",
        ),
        sender=Party(
            house.contact or house.name,
            house.phone or "",
            _region(house.province, house.city, house.district),
            house.address or "",
        ),
        order_no=order.number,
        shop=subject.shop.name,
        items=tuple(
            LabelItem(line.sku or "", line.title or line.sku or "", line.quantity, line.spec or "")
            for line in subject.lines
        ),
        weight_g=parcel.weight_g or 0,
        printed_at=now,
        note=" ".join(str(note) for note in parcel.label_notes),
        packaging=MARKS.get(parcel.packaging or "", {}).get(
            "zh" if lang.startswith("zh") else "en", ()
        ),
        cod=Money(order.cod_minor, order.currency) if order.cod_minor else None,
        reprint_no=parcel.print_count,
        sequence=sequence,
        time_zone=timezone,
    )


def _region(*parts: str | None) -> str:
    """Province to town; a municipality is not written twice."""
    return " ".join(dict.fromkeys(part for part in parts if part))
