"""Header search and guesses, on sheets the way merchants have them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tidegate.errors import InputError
from tidegate.sdk.sheets import Layout
from tidegate_connectors.files.sheets import reader
from tidegate_connectors.files.sheets.guessing import guess_columns
from tidegate_connectors.files.sheets.header_search import find_header
from tidegate_connectors.files.sheets.looks import column_look, is_order_number, is_s10

sys.path.insert(0, str(Path(__file__).parent))
from order_books import HEADER, ROWS, text_file, workbook

FIELDS = [
    "order.number", "order.ordered_at", "recipient.name", "recipient.phone", "recipient.address",
    "item.sku", "item.title", "item.quantity", "item.unit_price", "order.source_status",
    "order.seller_memo",
]  # fmt: skip


def fields_of(upload, layout=None):
    return list(reader().look(upload, layout).layout.fields.values())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_usual_headers_are_understood_in_any_usual_encoding(encoding) -> None:
    look = reader().look(text_file([HEADER, *ROWS], encoding=encoding))
    assert look.layout.header_row == 1
    assert list(look.layout.fields.values()) == FIELDS
    assert (look.layout.rows, look.layout.dates, look.layout.address) == ("line", "auto", "parts")
    assert look.rows_seen == 4


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_title_rows_above_the_header_have_no_say(delimiter) -> None:
    above = [["2026年11月 订单明细表"], [], ["导出时间：2026-11-03 10:00", "制表人：小李"]]
    look = reader().look(text_file([*above, HEADER, *ROWS], delimiter=delimiter))
    assert look.layout.header_row == 4
    assert list(look.layout.fields.values()) == FIELDS


def test_the_sheet_with_the_orders_is_chosen_and_the_others_can_be() -> None:
    notes = [["说明"], ["本表由系统导出"], ["请勿修改"]]
    upload = workbook(
        {"说明": notes, "订单": [["订单汇总"], HEADER, *ROWS], "图表": [["a", "b", "c"]]}
    )
    look = reader().look(upload)
    assert (look.layout.sheet, look.layout.header_row) == ("订单", 2)
    assert look.sheets == ("说明", "订单", "图表")
    other = reader().look(upload, Layout(1, {}, sheet="图表"))
    assert other.layout.columns == ("a", "b", "c")


def test_two_header_rows_the_lower_one_names_the_columns() -> None:
    group = ["订单信息", "", "收件信息", "", "", "商品信息", "", "", "", "其他", ""]
    assert find_header([(1, group), (2, HEADER), (3, ROWS[0])]) == 2


def test_nothing_is_a_header_where_no_row_names_columns() -> None:
    with pytest.raises(InputError) as caught:
        reader().look(text_file([["1", "2"], ["3", "4"]]))
    assert caught.value.code == "sheet.no_header"
    assert "表头" in caught.value.text("zh")


def test_values_speak_where_headers_say_nothing() -> None:
    names = [f"列{n}" for n in "甲乙丙丁戊己"]
    rows = [
        ["AB-2026-0001", "赵敏", "13812340001", "浙江省杭州市余杭区文一西路969号3幢502", "2", "2026/11/1 9:12"],
        ["AB-2026-0002", "钱进", "13912340002", "江苏省南京市鼓楼区中山路18号5室", "1", "2026/11/1 10:12"],
        ["AB-2026-0003", "孙丽", "13712340003", "广东省深圳市南山区科技园路2号", "12", "2026/11/2 8:00"],
    ]  # fmt: skip
    found = guess_columns(names, list(zip(*rows, strict=True)))
    assert [guess.field for guess in found] == [
        "order.number", "recipient.name", "recipient.phone", "recipient.address", "item.quantity",
        "order.ordered_at",
    ]  # fmt: skip
    assert {guess.why for guess in found} == {"values"}
    assert (found[2].look, found[2].hits, found[2].of) == ("phone", 3, 3)


def test_values_that_contradict_the_header_win_over_it() -> None:
    found = guess_columns(
        ["数量", "电话"], [["浙江省杭州市余杭区文一西路969号3幢"] * 4, ["13812340001"] * 4]
    )
    assert found[0].field != "item.quantity"
    assert found[1].field == "recipient.phone"


def test_a_field_goes_to_one_column_and_the_other_says_so() -> None:
    found = guess_columns(["手机", "联系电话"], [["13812340001"] * 3, ["13912340001"] * 3])
    assert sorted(guess.field for guess in found) == ["", "recipient.phone"]
    assert next(guess for guess in found if not guess.field).why == "twice"


def test_what_a_name_ends_in_is_what_it_means_and_only_so_much_is_claimed() -> None:
    found = guess_columns(
        ["customer_city", "goods_total", "退款金额"], [["Lyon"] * 3, ["12.50"] * 3, ["0"] * 3]
    )
    assert [guess.field for guess in found] == [
        "recipient.city",
        "order.goods_total",
        "payment.refund_total",
    ]
    assert [guess.why for guess in found] == ["like", "both", "both"]


def test_blank_and_equal_headers_get_names_of_their_own() -> None:
    look = reader().look(
        text_file([["订单号", "备注", "", "备注", "数量"], ["A1000001", "x", "y", "z", "1"]])
    )
    assert look.layout.columns == ("订单号", "备注", "(C)", "备注 (D)", "数量")


@pytest.mark.parametrize(
    ("cell", "rest", "told"),
    [("25/12/2026", "01/02/2026", "day_first"), ("12/25/2026", "01/02/2026", "month_first")],
)
def test_day_and_month_are_told_by_a_date_that_proves_it(cell, rest, told) -> None:
    look = reader().look(
        text_file([["Order No", "Order Date", "Qty"], ["A100001", rest, 1], ["A100002", cell, 1]])
    )
    assert (look.layout.dates, look.dates_open) == (told, False)


def test_day_and_month_stay_open_where_no_date_proves_it() -> None:
    look = reader().look(
        text_file([["Order No", "Order Date", "Qty"], ["A100001", "01/02/2026", 1]])
    )
    assert (look.layout.dates, look.dates_open) == ("auto", True)


def test_words_of_a_status_column_are_listed_for_the_person() -> None:
    look = reader().look(text_file([HEADER, *ROWS]))
    assert look.words == {"order.source_status": ("待发货", "已发货")}


def test_what_a_person_chose_is_kept_and_only_new_columns_are_guessed() -> None:
    upload = text_file([HEADER, *ROWS])
    known = Layout(1, {"订单号": "order.number", "备注": "order.buyer_memo", "手机": ""})
    found = dict(zip(HEADER, fields_of(upload, known), strict=True))
    assert (found["备注"], found["手机"]) == ("order.buyer_memo", "")
    assert found["数量"] == "item.quantity"


def test_too_many_columns_are_refused_with_the_remedy() -> None:
    with pytest.raises(InputError) as caught:
        reader().look(text_file([[f"列{n}" for n in range(201)], ["1"] * 201]))
    assert caught.value.code == "sheet.too_many_columns"


@pytest.mark.parametrize(("text", "good"), [("RB123456785CN", True), ("RB123456784CN", False)])
def test_postal_numbers_are_told_by_their_check_digit(text, good) -> None:
    assert is_s10(text) is good


def test_a_phone_or_a_date_is_no_order_number() -> None:
    assert not is_order_number("13812340001")
    assert not is_order_number("2026-11-01")
    assert is_order_number("DD20261101001")
    assert column_look(["13812340001", "13812340002"]).look == "phone"
