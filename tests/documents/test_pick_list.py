"""The pick list: sums by location in walking order, parcels in the labels' order."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pymupdf
import pytest

from tidegate.documents.pick_list import (
    PickBatch,
    PickLine,
    PickListResult,
    PickParcel,
    print_pick_list,
    totals,
)
from tidegate.errors import InputError

CUP, TEA = PickLine("CUP", "保温杯", 2, "雾霾蓝", "A-10"), PickLine("TEA", "龙井", 1, "", "A-2")
LOST = PickLine("GIFT", "赠品", 3)
PARCELS = [
    PickParcel("1", "SF1001", [CUP, LOST]),
    PickParcel("2", "SF1002", [TEA]),
    PickParcel("3", "SF1003", [CUP, TEA]),
]


def make(batch_no: str = "P-7", parcels: list[PickParcel] | None = None) -> PickBatch:
    at = datetime(2026, 11, 10, 18, 3, tzinfo=UTC)
    return PickBatch(batch_no, "潮汐优选", "华东一仓", at, PARCELS if parcels is None else parcels)


def written(batch: PickBatch, lang: str = "zh") -> tuple[PickListResult, bytes]:
    out = io.BytesIO()
    return print_pick_list(batch, out, lang), out.getvalue()


def text_of(pdf: bytes) -> str:
    with pymupdf.open(stream=pdf) as document:
        return "\n".join(page.get_text() for page in document)


def test_totals_add_up_by_place_in_walking_order() -> None:
    summed = [(line.location, line.sku, line.quantity) for line in totals(PARCELS)]
    assert summed == [("A-2", "TEA", 2), ("A-10", "CUP", 4), ("", "GIFT", 3)]


def test_one_sku_in_two_places_is_two_lines() -> None:
    elsewhere = PickLine("CUP", "保温杯", 5, "雾霾蓝", "B-1")
    lines = totals([PickParcel("1", "SF1", [CUP, elsewhere])])
    assert [(line.location, line.quantity) for line in lines] == [("A-10", 2), ("B-1", 5)]


def test_the_list_names_batch_parcels_and_lines() -> None:
    result, pdf = written(make())
    assert (result.pages, result.kinds, result.pieces, result.remarks) == (1, 3, 9, ())
    text = text_of(pdf)
    for shown in (
        *("拣货单", "P-7", "华东一仓", "2026-11-11 02:03", "SF1001", "SF1002", "SF1003"),
        *("雾霾蓝 · 保温杯", "第 1 / 1 页"),
    ):
        assert shown in text


def test_the_batch_number_reads_back(
    codes_of: Callable[[bytes], list[list[tuple[str, str]]]],
) -> None:
    _, pdf = written(make("P20261111-0007"))
    assert codes_of(pdf) == [[("Code128", "P20261111-0007")]]


def test_a_long_list_repeats_its_head_and_loses_no_parcel() -> None:
    parcels = [PickParcel(str(n), f"SF{n:06}", [CUP, TEA]) for n in range(1, 201)]
    result, pdf = written(make(parcels=parcels))
    text = text_of(pdf)
    assert result.pages > 5
    assert text.count("拣货单") == result.pages
    assert [n for n in range(1, 201) if f"SF{n:06}" not in text] == []
    assert "第 1 / " in text


def test_a_parcel_without_lines_is_still_seen() -> None:
    assert "SF9" in text_of(written(make(parcels=[PickParcel("1", "SF9", [])]))[1])


def test_what_cannot_be_printed_is_a_box_and_a_remark() -> None:
    odd = PickLine("CUP😀", "杯🎁", 1, "", "A-1")
    result, pdf = written(make(parcels=[PickParcel("1", "SF1", [odd])]))
    assert "CUP□" in text_of(pdf)
    assert {(r.field, r.detail) for r in result.remarks} == {
        ("items", "U+1F600"),
        ("items", "U+1F381"),
    }


def test_english_lists_and_repeated_bytes() -> None:
    first = written(make(), "en")[1]
    assert first == written(make(), "en")[1]
    text = text_of(first)
    assert "Pick list" in text
    assert "拣货" not in text


def test_a_batch_number_that_is_no_barcode_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        written(make("批次1"))
    assert caught.value.code == "label.number"
