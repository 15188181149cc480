"""One cell at a time: what people and programs write into spreadsheets, and what it means."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tidegate_connectors.files.addresses import recipient_kind, split_address
from tidegate_connectors.files.converters import (
    CellProblem,
    boolean,
    code,
    country,
    drop_decimals,
    instant,
    integer,
    kilograms,
    minor,
    money,
    phone,
    presence,
    quantity,
    tidy,
    unix_seconds,
    upper,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('="193012345678901234"', "193012345678901234"),
        ("  a \t", "a"),
        ("\ufeffa\x00b", "ab"),
        ("\ud800", "\ufffd"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("　全角空格　", "全角空格"),
    ],
)
def test_every_cell_is_tidied_and_nothing_else(cell: str, text: str) -> None:
    assert tidy(cell) == text


@pytest.mark.parametrize(
    ("cell", "cents"),
    [
        ("12.5", 1250),
        ("¥1,234.50", 123450),
        ("￥１２.３０", 1230),
        ("128元", 12800),
        ("CNY 9.9", 990),
        ("'8.00", 800),
        ("0", 0),
        (".5", 50),
        ("1,234,567.89", 123456789),
    ],
)
def test_money_is_read_with_signs_words_and_wide_digits(cell: str, cents: int) -> None:
    assert money(cell, "CNY") == cents


@pytest.mark.parametrize("cell", ["", "abc", "1,23", "12.5.6", "1e5", "--3", "-", ".", "1.234,50"])
def test_what_is_no_amount_is_said(cell: str) -> None:
    with pytest.raises(CellProblem) as caught:
        money(cell, "CNY")
    assert caught.value.code == "import.not_an_amount"


def test_money_knows_the_currencys_digits() -> None:
    assert money("1200", "JPY") == 1200
    assert money("1.234", "KWD") == 1234


@pytest.mark.parametrize(
    ("cell", "code_", "kept"),
    [
        ("-3.10", "import.amount_negative", -310),
        ("0.005", "import.amount_rounded", 1),
        ("9999999999999999", "import.amount_too_large", None),
    ],
)
def test_doubtful_money_is_flagged_with_what_can_be_kept(
    cell: str, code_: str, kept: int | None
) -> None:
    with pytest.raises(CellProblem) as caught:
        money(cell, "CNY")
    assert (caught.value.code, caught.value.value) == (code_, kept)


def test_minor_units_stay_minor_units() -> None:
    assert minor("12800") == 12800


@pytest.mark.parametrize(
    ("cell", "units"),
    [("2", 2), ("2.0", 2), ("３", 3), ("1,000", 1000), ("2 件", 2), ("4pcs", 4), ("-12", -12)],
)
def test_quantities_are_whole(cell: str, units: int) -> None:
    assert quantity(cell) == units


@pytest.mark.parametrize("cell", ["two", "1.5", "", "1e3", "∞", "NaN"])
def test_what_is_no_quantity_is_said(cell: str) -> None:
    with pytest.raises(CellProblem) as caught:
        quantity(cell)
    assert caught.value.code == "import.quantity_not_a_number"


def test_a_million_units_is_the_most() -> None:
    assert quantity("1000000") == 1_000_000
    with pytest.raises(CellProblem):
        quantity("1000001")


NOON = datetime(2026, 11, 11, 4, 5, tzinfo=UTC)  # 12:05 in Shanghai


@pytest.mark.parametrize(
    "cell",
    [
        "2026/11/11 12:05",
        "2026-11-11 12:05:00",
        "2026-11-11T04:05:00Z",
        "2026-11-11T12:05:00+08:00",
        "2026-11-11T12:05:00+0800",
        "2026年11月11日 12时05分",
        "2026.11.11 12:05:00",
        "２０２６/１１/１１ １２:０５",
        "20261111120500",
        "46337.50347222222",
    ],
)
def test_times_in_many_shapes_are_one_instant(cell: str) -> None:
    assert instant(cell, SHANGHAI) == NOON


def test_a_date_alone_is_its_first_moment() -> None:
    assert instant("2026/1/2", SHANGHAI) == datetime(2026, 1, 1, 16, tzinfo=UTC)


@pytest.mark.parametrize("cell", ["0000-00-00 00:00:00", "1970-01-01 00:00:00"])
def test_placeholders_are_no_time(cell: str) -> None:
    assert instant(cell, SHANGHAI) is None


@pytest.mark.parametrize(
    "cell", ["yesterday", "2026-13-01", "2026-02-30 10:00", "11/12/2026", "1899-01-01", "1"]
)
def test_what_is_no_time_is_said(cell: str) -> None:
    with pytest.raises(CellProblem) as caught:
        instant(cell, SHANGHAI)
    assert caught.value.code == "import.not_a_time"


def test_unix_seconds_and_milliseconds() -> None:
    assert unix_seconds("1794369900") == NOON
    assert unix_seconds("1794369900000") == NOON
    assert unix_seconds("0") is None


def test_words_for_yes_and_no() -> None:
    assert [boolean(word) for word in ("是", "Y", "１", "true")] == [True] * 4
    assert [boolean(word) for word in ("否", "no", "0", "False")] == [False] * 4
    with pytest.raises(CellProblem):
        boolean("maybe")


def test_codes_survive_and_damaged_ones_are_caught() -> None:
    assert code("'0012345") == "0012345"
    assert code("ＡＢ－１２") == "AB-12"
    with pytest.raises(CellProblem) as caught:
        code("1.93012E+17")
    assert caught.value.code == "import.code_damaged"


def test_steps() -> None:
    assert drop_decimals("13085.0") == "13085"
    assert drop_decimals("1.5") == "1.5"
    assert (presence(" x"), presence("")) == ("present", "blank")
    assert upper("ab") == "AB"


def test_weights_and_numbers() -> None:
    assert kilograms("1.25kg") == 1250
    assert integer("1,200") == 1200


def test_phones_keep_extension_and_mask() -> None:
    assert phone("'138 0000 2291") == "13800002291"
    assert phone("18877771111-123") == "18877771111-123"
    assert phone("138****2291") == "138****2291"


def test_countries_by_code_and_name() -> None:
    assert [country(text) for text in ("cn", "中国", "United Kingdom", "USA")] == [
        "CN",
        "CN",
        "GB",
        "US",
    ]
    with pytest.raises(CellProblem) as caught:
        country("Atlantis")
    assert caught.value.value == "Atlantis"


def test_a_one_string_address_is_taken_apart_at_its_blanks() -> None:
    assert split_address("浙江省 杭州市 余杭区 仓前街道 文一西路969号 3幢(311121)") == {
        "province": "浙江省",
        "city": "杭州市",
        "district": "余杭区",
        "town": "仓前街道",
        "address": "文一西路969号 3幢",
        "postcode": "311121",
    }
    assert split_address("上海 上海市 浦东新区 世纪大道1号(000000)") == {
        "province": "上海",
        "city": "上海市",
        "district": "浦东新区",
        "address": "世纪大道1号",
    }


def test_contact_before_the_address_is_recognised() -> None:
    found = split_address("李四，86-13900000004，江苏省 苏州市 姑苏区 某路2号")
    assert (found["name"], found["phone"], found["address"]) == ("李四", "13900000004", "某路2号")


def test_running_text_is_left_alone() -> None:
    assert split_address("广东深圳市福田区农园路66号") == {"address": "广东深圳市福田区农园路66号"}


def test_masked_and_cipher_recipients_are_told_from_plain_ones() -> None:
    assert recipient_kind("张三", "13800002291", "路1号") == "plain"
    assert recipient_kind("张*", "13800002291", "路1号") == "masked"
    assert recipient_kind("张三", "138＊＊＊＊2291", None) == "masked"
    assert recipient_kind("##密文", "$$密文", "##密文") == "token"
