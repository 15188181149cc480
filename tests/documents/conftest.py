"""Labels with defaults, and the readers that look at what came out."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pymupdf
import pytest
import zxingcpp
from PIL import Image

from tidegate.documents.batch import BatchResult, print_labels
from tidegate.documents.label import Label, LabelItem, Party


@pytest.fixture
def a_party() -> Callable[..., Party]:
    def make(**changes: Any) -> Party:
        given = {
            "name": "欧阳晓堃",
            "phone": "13812345678",
            "region": "浙江省杭州市余杭区",
            "detail": "仓前街道文一西路969号西溪园区3幢2单元1204室",
        }
        return Party(**{**given, **changes})

    return make


@pytest.fixture
def a_label(a_party: Callable[..., Party]) -> Callable[..., Label]:
    def make(index: int = 0, **changes: Any) -> Label:
        given = {
            "waybill_no": f"SF{1234567890123 + index}",
            "carrier": "顺丰速运",
            "service": "标准快递",
            "sort_code": "571WA-023-B12",
            "recipient": a_party(),
            "sender": a_party(
                name="林潮生", phone="13987654321", detail="梅龙路88号东仓2号门506室"
            ),
            "order_no": "2811223344556677889",
            "shop": "潮汐优选旗舰店",
            "items": (LabelItem("TG-CUP-350", "保温杯", 2, "雾霾蓝"),),
            "weight_g": 1240,
            "printed_at": datetime(2026, 11, 10, 18, 3, tzinfo=UTC),
            "note": "请送货上门",
            "sequence": f"{index + 1}/300",
        }
        return Label(**{**given, **changes})

    return make


@pytest.fixture
def printed() -> Callable[..., tuple[BatchResult, bytes]]:
    def run(labels: Iterable[Label], **options: Any) -> tuple[BatchResult, bytes]:
        out = io.BytesIO()
        result = print_labels(labels, out, **options)
        return result, out.getvalue()

    return run


@pytest.fixture
def texts_of() -> Callable[[bytes], list[str]]:
    """The text of each page as a PDF reader copies it."""

    def read(pdf: bytes) -> list[str]:
        with pymupdf.open(stream=pdf) as document:
            return [page.get_text() for page in document]

    return read


@pytest.fixture
def codes_of() -> Callable[[bytes], list[list[tuple[str, str]]]]:
    """(symbology, text) of every code on each page, read from pictures at a printer's 203 dpi."""

    def read(pdf: bytes) -> list[list[tuple[str, str]]]:
        pages = []
        with pymupdf.open(stream=pdf) as document:
            for page in document:
                picture = page.get_pixmap(dpi=203, colorspace=pymupdf.csGRAY)
                image = Image.frombytes("L", (picture.width, picture.height), picture.samples)
                found = zxingcpp.read_barcodes(image)
                pages.append(sorted((code.format.name, code.text) for code in found))
        return pages

    return read
