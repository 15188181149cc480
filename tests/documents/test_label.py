"""What one label shows, hides and refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tidegate.documents.batch import BatchResult
from tidegate.documents.label import Label, LabelItem, Party
from tidegate.domain.money import Money
from tidegate.errors import InputError

LabelMaker = Callable[..., Label]
PartyMaker = Callable[..., Party]
Printer = Callable[..., tuple[BatchResult, bytes]]
Reader = Callable[[bytes], list[str]]


@pytest.fixture
def text_of(printed: Printer, texts_of: Reader) -> Callable[..., str]:
    """The text of the only page of a label that must print."""

    def read(label: Label, **options: Any) -> str:
        result, pdf = printed([label], **options)
        assert [problem.error.text("zh") for problem in result.problems] == []
        (text,) = texts_of(pdf)
        return text

    return read


@pytest.fixture
def error_of(printed: Printer) -> Callable[[Label], InputError]:
    """The error of a label that must not print."""

    def read(label: Label) -> InputError:
        result, pdf = printed([label])
        assert (len(result.printed), pdf) == (0, b"")
        (problem,) = result.problems
        return problem.error

    return read


def test_paper_hides_name_phone_and_room_of_both_parties(
    a_label: LabelMaker, text_of: Callable[..., str]
) -> None:
    text = text_of(a_label())
    assert "浙江省杭州市余杭区" in text  # the page was read
    squeezed = "".join(text.split())
    for secret in ("欧阳晓堃", "13812345678", "1204", "林潮生", "13987654321", "506"):
        assert secret not in squeezed
    digits = [line for line in text.splitlines() if "138" in line]
    assert len(digits) == 1
    assert digits[0].count("*") >= 6


def test_a_note_hides_the_recipients_name_and_any_mobile_number(
    a_label: LabelMaker, text_of: Callable[..., str]
) -> None:
    note = "欧阳晓堃 电话139 1234 5678, 原订单281122334455667788"
    text = "".join(text_of(a_label(note=note)).split())
    assert "欧阳晓堃" not in text
    assert "13912345678" not in text
    assert "原订单281122334455667788" in text  # 18 digits are no phone
    clear = "".join(text_of(a_label(note=note), mask=False).split())
    assert "13912345678" in clear


def test_unmasked_paper_is_a_choice(a_label: LabelMaker, text_of: Callable[..., str]) -> None:
    text = "".join(text_of(a_label(), mask=False).split())
    for shown in ("欧阳晓堃", "13812345678", "1204室"):
        assert shown in text
    assert "41833" not in text


def test_a_label_shows_what_courier_and_packer_need(
    a_label: LabelMaker, text_of: Callable[..., str]
) -> None:
    text = text_of(a_label(packaging=("易碎",), cod=Money(12_800, "CNY"), sequence="12/300"))
    for shown in (
        *("SF1234567890123", "571WA-023-B12", "顺丰速运", "标准快递", "易碎"),
        *("代收货款 ¥128.00", "重量 1.24 kg", "TG-CUP-350", "×2", "[雾霾蓝]"),
        *("2811223344556677889", "潮汐优选旗舰店", "请送货上门", "12", "/ 300", "签收人"),
    ):
        assert shown in text


def test_the_time_printed_is_the_shops(a_label: LabelMaker, text_of: Callable[..., str]) -> None:
    assert "2026-11-11 02:03" in text_of(a_label())  # 18:03 UTC in Shanghai
    assert "2026-11-10 19:03" in text_of(a_label(time_zone="Europe/Berlin"))


def test_english_labels_have_no_chinese_captions(
    a_label: LabelMaker, text_of: Callable[..., str]
) -> None:
    text = text_of(a_label(), lang="en")
    for caption in ("TO", "FROM", "CONTENTS", "Received by", "NOTE:"):
        assert caption in text
    for caption in ("签收", "内件", "备注", "店铺"):
        assert caption not in text


@pytest.mark.parametrize(
    ("reprint_no", "shown"), [(0, False), (1, True)], ids=["first print", "reprint"]
)
def test_only_a_reprint_carries_the_mark(
    a_label: LabelMaker, text_of: Callable[..., str], reprint_no: int, shown: bool
) -> None:
    assert ("重打 1" in text_of(a_label(reprint_no=reprint_no))) is shown


def test_without_a_sort_code_the_region_stands_large(
    a_label: LabelMaker, text_of: Callable[..., str]
) -> None:
    assert text_of(a_label(sort_code="")).count("浙江省杭州市余杭区") == 3  # large, 收, 寄


@pytest.mark.parametrize(
    ("changes", "field", "point"),
    [
        ({"name": "王😀"}, "recipient.name", "U+1F600"),
        ({"name": "ก้อย"}, "recipient.name", "U+0E01"),
        ({"region": "浙江省\x00杭州市"}, "recipient.region", "U+0000"),
        ({"detail": "文一西路🏠1号"}, "recipient.detail", "U+1F3E0"),
        ({"phone": "138🀄12345678"}, "recipient.phone", "U+1F004"),
    ],
)
def test_a_character_without_glyph_in_personal_data_is_refused_by_code_point(
    a_label: LabelMaker, a_party: PartyMaker, error_of: Callable[[Label], InputError],
    changes: dict[str, str], field: str, point: str,
) -> None:  # fmt: skip
    error = error_of(a_label(recipient=a_party(**changes)))
    assert (error.code, error.fields["field"]) == ("label.missing_glyph", field)
    assert error.fields["code_point"] == point
    (value,) = changes.values()
    for lang in ("zh", "en"):
        assert point in error.text(lang)
        assert value not in error.text(lang)


def test_rare_characters_of_names_print(
    a_label: LabelMaker, a_party: PartyMaker, text_of: Callable[..., str]
) -> None:
    """喆 堃 垚 珺 镕 are not in GB2312, so Bold lacks them and Regular steps in."""
    text = text_of(a_label(recipient=a_party(name="喆堃垚珺镕")), mask=False)
    assert "喆堃垚珺镕" in "".join(text.split())


def test_decomposed_accents_and_invisible_marks_print_as_they_look(
    a_label: LabelMaker, a_party: PartyMaker, text_of: Callable[..., str]
) -> None:
    name = "\u202eJose\u0301\u200b\u3000Nun\u0303ez"
    assert "José Nuñez" in text_of(a_label(recipient=a_party(name=name)), mask=False)


def test_an_emoji_in_a_title_is_a_box_and_a_remark(
    a_label: LabelMaker, printed: Printer, texts_of: Reader
) -> None:
    items = (LabelItem("TG-1", "杯子😀套装😀", 1), LabelItem("TG-2", "😀", 1))
    result, pdf = printed([a_label(items=items)])
    assert "杯子□套装□" in texts_of(pdf)[0]
    (remark,) = result.printed[0].remarks
    assert (remark.code, remark.field, remark.detail) == ("label.replaced", "items", "U+1F600")
    assert "U+1F600" in remark.text("zh")
    assert "U+1F600" in remark.text("en")


def test_a_long_address_shrinks_and_is_complete(
    a_label: LabelMaker, a_party: PartyMaker, text_of: Callable[..., str]
) -> None:
    detail = "".join(f"创业大道与幸福路交叉口往东{n}百米" for n in range(1, 8))
    text = text_of(a_label(recipient=a_party(detail=detail)), mask=False)
    assert detail in "".join(text.split())


def test_an_address_beyond_the_smallest_size_is_refused_not_cut(
    a_label: LabelMaker, a_party: PartyMaker, error_of: Callable[[Label], InputError]
) -> None:
    error = error_of(a_label(recipient=a_party(detail="创业大道与幸福路交叉口" * 30)))
    assert (error.code, error.fields["field"]) == ("label.overflow", "recipient.address")


@pytest.mark.parametrize("field", ["name", "phone", "region", "detail"])
@pytest.mark.parametrize("blank", ["", " \t\u3000", "\u200b\ufeff"], ids=["empty", "space", "zero"])
def test_a_missing_field_is_named(
    a_label: LabelMaker, a_party: PartyMaker, error_of: Callable[[Label], InputError],
    field: str, blank: str,
) -> None:  # fmt: skip
    error = error_of(a_label(recipient=a_party(**{field: blank})))
    assert (error.code, error.fields["field"]) == ("label.missing_field", f"recipient.{field}")


@pytest.mark.parametrize("number", ["", "SF 1", "运单1", "SF\n1"])
def test_a_number_that_is_no_barcode_is_refused(
    a_label: LabelMaker, error_of: Callable[[Label], InputError], number: str
) -> None:
    assert error_of(a_label(waybill_no=number)).code == "label.number"


def test_a_number_too_long_for_readable_bars_is_refused(
    a_label: LabelMaker, error_of: Callable[[Label], InputError]
) -> None:
    assert error_of(a_label(waybill_no="A" * 40)).code == "label.overflow"


def test_a_naive_time_and_an_unknown_zone_are_refused(
    a_label: LabelMaker, error_of: Callable[[Label], InputError]
) -> None:
    naive = a_label(printed_at=datetime(2026, 11, 11))  # noqa: DTZ001
    assert error_of(naive).code == "label.printed_at"
    assert error_of(a_label(time_zone="Mars/Olympus")).code == "label.time_zone"


def test_items_beyond_the_room_are_counted(
    a_label: LabelMaker, text_of: Callable[..., str]
) -> None:
    """Six lines fit without a note; of nine items five are listed and four are counted."""
    items = tuple(LabelItem(f"SKU-{n}", "杯", n) for n in range(1, 10))
    text = text_of(a_label(items=items, note=""))
    assert "9 种 45 件" in text
    assert "SKU-5" in text
    assert "SKU-6" not in text
    assert "另有 4 种 30 件, 见拣货单" in text  # 6 + 7 + 8 + 9


def test_a_long_note_ends_visibly_and_is_reported(
    a_label: LabelMaker, printed: Printer, texts_of: Reader
) -> None:
    result, pdf = printed([a_label(note="放门口前请先电话" * 40)])
    assert "…" in texts_of(pdf)[0]
    assert [(r.code, r.field) for r in result.printed[0].remarks] == [("label.shortened", "note")]
