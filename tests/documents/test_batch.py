"""Batches: every code reads back, counts add up, bytes repeat, nothing crashes."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest

from tidegate.documents.barcodes import code128_values
from tidegate.documents.batch import BatchResult
from tidegate.documents.label import Label, LabelItem, Party

LabelMaker = Callable[..., Label]
PartyMaker = Callable[..., Party]
Printer = Callable[..., tuple[BatchResult, bytes]]
Codes = Callable[[bytes], list[list[tuple[str, str]]]]

SHAPES = ("SF{:013}", "7{:014}", "JDVB{:011}-1-1-", "YT{:013}", "{:012}", "LP{:09}CN", "jt{:010}/a")


def test_every_code_of_300_labels_reads_back(
    a_label: LabelMaker, printed: Printer, codes_of: Codes
) -> None:
    seed = 20261111
    source = random.Random(seed)
    numbers = [SHAPES[n % len(SHAPES)].format(source.randrange(10**9)) for n in range(300)]
    result, pdf = printed(a_label(n, waybill_no=number) for n, number in enumerate(numbers))
    assert [label.waybill_no for label in result.printed] == numbers
    pages = codes_of(pdf)
    assert len(pages) == 300
    for number, codes in zip(numbers, pages, strict=True):
        assert codes == [("Code128", number), ("QRCode", number)], f"seed {seed}"


def test_code128_packs_pairs_of_digits() -> None:
    """Start C, 12, 34, check (105 + 12 + 2 x 34) mod 103 = 82, stop."""
    assert code128_values("1234") == [105, 12, 34, 82, 106]
    # An odd run: start C, 12 34, to B, 5; check (105 + 12 + 68 + 300 + 84) mod 103 = 54.
    assert code128_values("12345") == [105, 12, 34, 100, 21, 54, 106]
    # Start B, S, F, to C, 12 34; check (104 + 51 + 76 + 297 + 48 + 170) mod 103 = 25.
    assert code128_values("SF1234") == [104, 51, 38, 99, 12, 34, 25, 106]


def test_fonts_are_embedded_as_subsets(a_label: LabelMaker, printed: Printer) -> None:
    _, pdf = printed([a_label()])
    fonts = [
        font.get_object()
        for page in pypdf.PdfReader(io.BytesIO(pdf)).pages
        for font in page["/Resources"]["/Font"].get_object().values()
    ]
    described = [font for font in fonts if "/FontDescriptor" in font]
    names = {font["/BaseFont"] for font in described}
    assert {name.partition("+")[2] for name in names} == {"NotoSansSC-Regular", "NotoSansSC-Bold"}
    for font in described:
        assert "/FontFile2" in font["/FontDescriptor"].get_object()
    assert len(pdf) < 100_000  # the two files together have 9.8 MB


def test_the_page_is_100_by_150_mm_and_printed_at_its_size(
    a_label: LabelMaker, printed: Printer
) -> None:
    _, pdf = printed([a_label()])
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    box = reader.pages[0].mediabox
    assert (float(box.width), float(box.height)) == pytest.approx((283.465, 425.197), abs=0.001)
    assert reader.trailer["/Root"]["/ViewerPreferences"]["/PrintScaling"] == "/None"


def test_the_same_labels_give_the_same_bytes(a_label: LabelMaker, printed: Printer) -> None:
    first = printed(a_label(n) for n in range(5))[1]
    assert first == printed(a_label(n) for n in range(5))[1]
    assert first != printed(a_label(n) for n in range(1, 6))[1]


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    code = (
        "import hashlib, io; from datetime import UTC, datetime;"
        "from tidegate.documents.batch import print_labels;"
        "from tidegate.documents.label import Label, LabelItem, Party;"
        "p = Party('王敏', '13812345678', '浙江省杭州市', '文一路1号');"
        "l = Label('SF1', '顺丰', '标快', 'A-1', p, p, '1', '店', [LabelItem('S', '杯', 1)], 10,"
        " datetime(2026, 11, 11, tzinfo=UTC));"
        "o = io.BytesIO(); print_labels([l], o); print(hashlib.sha256(o.getvalue()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_bad_parcels_do_not_lose_the_others(
    a_label: LabelMaker, a_party: PartyMaker, printed: Printer
) -> None:
    labels = [a_label(n) for n in range(6)]
    labels[1] = a_label(1, recipient=a_party(name="😀"))
    labels[4] = a_label(4, recipient=a_party(detail="长" * 900))
    read: list[int] = []
    result, pdf = printed(iter(labels), progress=read.append)
    assert read == [1, 2, 3, 4, 5, 6]
    assert result.read == 6
    assert [(p.position, p.page) for p in result.printed] == [(1, 1), (3, 2), (4, 3), (6, 4)]
    assert [(p.position, p.error.code) for p in result.problems] == [
        (2, "label.missing_glyph"),
        (5, "label.overflow"),
    ]
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 4


def test_a_waybill_number_is_printed_once_in_a_batch(a_label: LabelMaker, printed: Printer) -> None:
    result, _ = printed([a_label(0), a_label(1), a_label(0)])
    assert [label.position for label in result.printed] == [1, 2]
    assert [(p.position, p.error.code) for p in result.problems] == [(3, "label.repeated")]


def test_an_empty_batch_writes_nothing(printed: Printer) -> None:
    result, pdf = printed([])
    assert (result.read, pdf) == (0, b"")


@pytest.mark.shared_data
def test_naughty_strings_end_as_page_or_problem(
    a_label: LabelMaker, a_party: PartyMaker, printed: Printer, shared_data: Path
) -> None:
    """Each string stands in for a name, an address, a title, a note, a sort code and a number."""
    (source,) = (shared_data / "security" / "blns").glob("*.json")
    strings: list[str] = json.loads(source.read_text("utf-8"))
    assert len(strings) > 400
    labels = []
    for text in strings:
        for changes in (
            {"recipient": a_party(name=text)},
            {"recipient": a_party(detail=text, region=text)},
            {"items": (LabelItem(text, text, 1, text),), "note": text, "shop": text[:20]},
            {"sort_code": text[:12], "carrier": text[:9], "sequence": text[:6]},
            {"waybill_no": text},
        ):
            labels.append(a_label(len(labels), **changes))
    result, pdf = printed(labels)
    assert result.read == len(labels)
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == len(result.printed)
    assert len(result.printed) > len(strings)
    assert {p.error.code for p in result.problems} <= {
        "label.missing_glyph", "label.missing_field", "label.overflow", "label.number",
        "label.repeated",
    }  # fmt: skip
