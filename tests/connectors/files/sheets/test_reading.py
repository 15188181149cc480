"""Orders out of spreadsheets: every row accounted for, what is no order told, what is wrong mended without doubling."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.errors import InputError
from tidegate.sdk.sheets import KEEP, Layout, Upload, layout_document, layout_of
from tidegate_connectors.files.sheets import reader

sys.path.insert(0, str(Path(__file__).parent))
from order_books import HEADER, ROWS, text_file, workbook


def orders(upload: Upload, layout: Layout | None = None, **more):
    """(drafts, rejected rows, skipped rows); the sum is checked on the way."""
    layout = layout or replace(reader().look(upload).layout, **more)
    source = reader().source(upload, layout, channel="spreadsheet", shop="茶铺")
    batches = list(source.batches())
    rejected = [row for batch in batches for row in batch.rejected]
    assert sum(b.rows_read for b in batches) == sum(b.rows_accepted for b in batches) + len(
        rejected
    )
    return [d for b in batches for d in b.drafts], rejected, source.skipped


def test_lines_become_orders_with_address_time_and_status() -> None:
    drafts, rejected, _ = orders(text_file([HEADER, *ROWS], encoding="gbk"))
    assert rejected == []
    assert [(d.number, len(d.lines)) for d in drafts] == [
        ("DD20261101001", 2), ("DD20261101002", 1), ("DD20261101003", 1),
    ]  # fmt: skip
    first = drafts[0]
    assert (first.shop, first.channel, first.currency) == ("茶铺", "spreadsheet", "CNY")
    assert first.ordered_at == datetime(2026, 11, 1, 1, 12, tzinfo=UTC)
    who = first.recipient
    assert (who.province, who.city, who.district) == ("浙江省", "杭州市", "余杭区")
    assert who.address == "文一西路969号3幢502"
    assert (first.source_status, first.payment_status) == ("to_ship", "paid")
    assert drafts[2].source_status == "shipped"
    assert [line.line_total_minor for line in first.lines] == [17600, 3550]


def test_totals_notes_and_repeated_headers_are_left_out_and_told() -> None:
    rows = [
        HEADER, *ROWS[:2], HEADER, *ROWS[2:],
        ["合计", "", "", "", "", "", "", "8", "", "", ""],
        ["", "", "", "", "", "", "总计：", "8", "247.00", "", ""],
        ["制表人：小李"],
    ]  # fmt: skip
    drafts, rejected, skipped = orders(text_file(rows))
    assert (len(drafts), rejected) == (3, [])
    assert [(one.row, one.kind) for one in skipped] == [
        (4, "header"),
        (7, "total"),
        (8, "total"),
        (9, "note"),
    ]


def test_merged_cells_count_for_each_of_their_rows() -> None:
    rows = [
        ["订单导出"],
        ["订单号", "收货人", "商品编码", "数量"],
        ["", "", "TEA", 2],
        ["", "", "CUP", 1],
        ["B2000001", "钱进", "TEA", 1],
    ]
    upload = workbook({"Sheet1": rows}, merged=[("A3:A4", "B1000001"), ("B3:B4", "赵敏")])
    drafts, rejected, _ = orders(upload)
    assert rejected == []
    assert [(d.number, len(d.lines), d.recipient.name) for d in drafts] == [
        ("B1000001", 2, "赵敏"),
        ("B2000001", 1, "钱进"),
    ]


def test_a_blank_number_is_that_of_the_row_above_where_the_layout_says_so() -> None:
    rows = [
        ["订单号", "商品编码", "数量"],
        ["B1000001", "TEA", "2"],
        ["", "CUP", "1"],
        ["B2000001", "TEA", "1"],
    ]
    upload = text_file(rows)
    assert reader().look(upload).layout.fill_down is True
    drafts, rejected, _ = orders(upload)
    assert ([len(d.lines) for d in drafts], rejected) == ([2, 1], [])
    drafts, rejected, _ = orders(upload, fill_down=False)
    assert [(one.row, one.code) for one in rejected] == [(3, "import.missing_number")]


def test_typed_cells_of_a_workbook_read_like_text() -> None:
    rows = [
        ["订单号", "下单时间", "数量", "单价"],
        [20261101001, "2026-11-01 09:12", 2, 88.5],
    ]
    drafts, _, _ = orders(workbook({"Sheet1": rows}), workbook_dates())
    assert drafts[0].number == "20261101001"
    assert drafts[0].lines[0].unit_price_minor == 8850


def workbook_dates() -> Layout:
    return Layout(
        1,
        {"订单号": "order.number", "数量": "item.quantity", "单价": "item.unit_price"},
        sheet="Sheet1",
    )


def test_constants_stand_in_for_columns_that_are_missing() -> None:
    upload = text_file(
        [["订单号", "收货人", "商品名称"], ["B1000001", "赵敏", "茶"], ["B1000002", "钱进", "茶"]]
    )
    look = reader().look(upload)
    assert (look.layout.quantity, look.layout.status) == ("1", "to_ship")
    drafts, _, _ = orders(upload, currency="USD", quantity="1", rows="line")
    assert [(d.currency, d.lines[0].quantity, d.payment_status) for d in drafts] == [
        ("USD", 1, "paid")
    ] * 2


def test_shop_and_currency_may_be_columns() -> None:
    rows = [
        ["店铺", "订单号", "数量", "币种", "订单金额"],
        ["一店", "B1000001", "1", "USD", "9.90"],
        ["二店", "B1000001", "1", "", "5"],
    ]
    upload = text_file(rows)
    source = reader().source(upload, reader().look(upload).layout, channel="spreadsheet", shop="")
    drafts = [d for b in source.batches() for d in b.drafts]
    assert [(d.shop, d.currency, d.total_minor) for d in drafts] == [
        ("一店", "USD", 990),
        ("二店", "CNY", 500),
    ]


def test_name_phone_and_address_in_one_cell_are_taken_apart() -> None:
    line = "赵敏 13812340001 浙江省杭州市余杭区五常街道文一西路969号3幢502"
    upload = text_file(
        [["订单号", "收货信息", "数量"], ["B1000001", line, "1"], ["B1000002", line, "1"]]
    )
    look = reader().look(upload)
    assert (look.layout.fields["收货信息"], look.layout.address) == (
        "recipient.address",
        "recipient",
    )
    who = orders(upload)[0][0].recipient
    assert (who.name, who.phone, who.city, who.town) == (
        "赵敏",
        "13812340001",
        "杭州市",
        "五常街道",
    )
    assert who.address == "文一西路969号3幢502"


def test_several_address_columns_are_joined_and_kept_columns_stay() -> None:
    rows = [
        ["Order ID", "Address 1", "Address 2", "Qty", "Tracking number"],
        ["B1000001", "1 High St", "Flat 2", "1", "RB123456785CN"],
    ]
    drafts, _, _ = orders(text_file(rows), address="as_is")
    assert drafts[0].recipient.address == "1 High St Flat 2"
    assert drafts[0].extra == {"Tracking number": "RB123456785CN"}


@pytest.mark.parametrize(("way", "month"), [("day_first", 2), ("month_first", 1)])
def test_dates_with_the_year_last_are_read_the_way_the_layout_says(way, month) -> None:
    upload = text_file([["Order No", "Order Date", "Qty"], ["A1000001", "01/02/2026 3:05 PM", "1"]])
    drafts, _, _ = orders(upload, dates=way, timezone="UTC")
    assert drafts[0].ordered_at == datetime(2026, month, 3 - month, 15, 5, tzinfo=UTC)


def test_words_of_their_own_get_a_meaning() -> None:
    upload = text_file([["订单号", "状态", "数量"], ["A1000001", "等着发", "1"]])
    drafts, _, _ = orders(upload)
    assert [issue.code for issue in drafts[0].issues] == ["import.unknown_value"]
    drafts, _, _ = orders(upload, values={"order.source_status": {"等着发": "to_ship"}})
    assert (drafts[0].source_status, drafts[0].issues) == ("to_ship", ())


def test_rejected_rows_are_mended_with_the_others_of_their_order() -> None:
    """Brought again, the mended file must not take lines away from an order that is partly in."""
    broken = [list(row) for row in ROWS]
    broken[1][7] = "一件"
    broken.append(["", *ROWS[2][1:]])
    upload = text_file([HEADER, *broken])
    layout = reader().look(upload).layout
    layout = replace(layout, fill_down=False)
    rejected = orders(upload, layout)[1]
    assert sorted((one.row, one.field) for one in rejected) == [
        (3, "item.quantity"),
        (6, "order.number"),
    ]
    header, rows = reader().repair(upload, layout, channel="spreadsheet", shop="茶铺")
    assert list(header) == HEADER
    assert [(one.row, one.problem is None) for one in rows] == [(2, True), (3, False), (6, False)]
    mended = [list(one.cells) for one in rows[:2]]
    mended[1][7] = "1"
    again, rejected, _ = orders(
        text_file([[*HEADER, "拒收原因"], *([*row, ""] for row in mended)]), replace(layout)
    )
    assert rejected == []
    whole = {d.number: d for d in orders(text_file([HEADER, *ROWS]), layout)[0]}
    assert again[0].lines == whole["DD20261101001"].lines


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"fields": {"数量": "item.quantity"}}, "order.number"),
        ({"fields": {"订单号": "order.number"}}, "quantity"),
        ({"fields": {"订单号": "order.number", "手机": "recipient.phone", "电话": "recipient.phone"}, "quantity": "1"}, "field-电话"),
        ({"fields": {"订单号": "order.number", "手机": "os.system"}, "quantity": "1"}, "field"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"currency": "元"}, "currency"),
        ({"values": {"order.source_status": {"x": "flying"}}}, "values"),
        ({"encoding": "rot13"}, "encoding"),
        ({"quantity": "__import__('os')"}, "quantity"),
    ],
)  # fmt: skip
def test_a_layout_that_cannot_be_is_refused_at_its_place(change, place) -> None:
    good = Layout(1, {"订单号": "order.number", "数量": "item.quantity"})
    with pytest.raises(InputError) as caught:
        reader().source(text_file([HEADER]), replace(good, **change), channel="x", shop="y")
    assert caught.value.fields["field"] == place


def test_columns_that_are_gone_are_named_with_what_looks_alike() -> None:
    layout = Layout(1, {"订单编号": "order.number", "数量": "item.quantity"})
    source = reader().source(
        text_file([["订单编号1", "数量"], ["A1", "1"]]), layout, channel="x", shop="y"
    )
    with pytest.raises(InputError) as caught:
        list(source.batches())
    assert "订单编号1" in caught.value.text("zh")


def test_a_layout_is_the_same_after_it_was_kept() -> None:
    layout = Layout(
        3,
        {"订单号": KEEP},
        ("订单号",),
        rows="order",
        values={"order.source_status": {"a": "to_ship"}},
    )
    assert layout_of(layout_document(layout)) == layout
