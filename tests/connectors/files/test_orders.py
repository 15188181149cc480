"""Rows become orders: grouping, joins, flags, rejections, and every row accounted for."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

from tidegate.domain.orders import Issue, OrderDraft
from tidegate.errors import InputError
from tidegate.sdk.schemas import dump_order
from tidegate.sdk.source import Progress
from tidegate_connectors.files import gather, open_source

SEED = 20261111


def table(*rows: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def issues(draft: OrderDraft) -> set[tuple[str, str]]:
    return {(issue.field, issue.code) for issue in draft.issues}


# Taobao: order report and item report.

ORDERS = [
    ["订单编号", "买家会员名 ", "总金额", "买家实际支付金额", "订单状态", "买家留言",
     "收货人姓名", "收货地址 ", "联系手机",
     "订单创建时间", "订单付款时间", "宝贝标题", "宝贝总数量", "订单备注", "店铺名称"],
    ['="1930123456789012345"', "tb_7f3a", "268.00", "268.00元", "买家已付款，等待卖家发货", "请发顺丰", "张三",
     "浙江省 杭州市 余杭区 仓前街道 文一西路969号(311121)", "'13800002291", "2026/11/11 0:00", "2026/11/11 0:01",
     "手冲壶", "3", "老客", "北岸器物旗舰店"],
    ['="1930123456789012346"', "tb_1", "20.00", "0.00", "等待买家付款", "", "李*", "上海 上海市 浦东新区 ***",
     "138****0000", "2026-11-11 00:00:12", "", "杯子", "1", "", "北岸器物旗舰店"],
]  # fmt: skip
ITEMS = [
    ["子订单编号", "主订单编号", "标题", "价格", "购买数量", "商家编码", "商品属性", "退款状态"],
    ["S1", "1930123456789012345", "手冲壶 1.2L", "129.00", "1", "BA-K12-BK", "哑光黑", "没有申请退款"],
    ["S2", "1930123456789012345", "滤纸", "69.50", "2", "FP-2", "", "退款成功"],
]  # fmt: skip


@pytest.mark.parametrize("items_first", [False, True])
def test_order_and_item_report_are_joined_in_either_order(read, a_file, items_first) -> None:
    paths = [
        a_file(table(*ORDERS), name="ExportOrderList.csv", encoding="gb18030"),
        a_file(table(*ITEMS), name="ExportOrderDetailList.csv", encoding="gb18030"),
    ]
    drafts, rejected, rows = read(*(reversed(paths) if items_first else paths), mapping="taobao")
    assert (rows, rejected) == (4, [])
    full = next(draft for draft in drafts if draft.number.endswith("345"))
    assert full.shop == "北岸器物旗舰店"
    assert (full.total_minor, full.paid_total_minor) == (26800, 26800)
    assert (full.source_status, full.payment_status) == ("to_ship", "paid")
    assert full.ordered_at == datetime(2026, 11, 10, 16, 0, tzinfo=UTC)
    assert full.paid_at == datetime(2026, 11, 10, 16, 1, tzinfo=UTC)
    assert (full.recipient.province, full.recipient.town) == ("浙江省", "仓前街道")
    assert (full.recipient.address, full.recipient.postcode) == ("文一西路969号", "311121")
    assert (full.recipient.phone, full.recipient.kind) == ("13800002291", "plain")
    assert [(line.sku, line.quantity, line.unit_price_minor) for line in full.lines] == [
        ("BA-K12-BK", 1, 12900),
        ("FP-2", 2, 6950),
    ]
    assert [line.refund_status for line in full.lines] == ["none", "refunded"]
    assert full.goods_total_minor == 12900 + 2 * 6950
    assert issues(full) == set()
    bare = next(draft for draft in drafts if draft.number.endswith("346"))
    assert (bare.source_status, bare.payment_status) == ("unpaid", "unpaid")
    assert bare.recipient.kind == "masked"
    assert [(line.title, line.quantity) for line in bare.lines] == [("杯子", 1)]
    assert ("item.sku", "import.no_item_rows") in issues(bare)


def test_an_item_report_alone_asks_for_its_order_report(read, a_file) -> None:
    with pytest.raises(InputError) as caught:
        read(a_file(table(*ITEMS)), mapping="taobao")
    assert caught.value.code == "import.orders_file_missing"


def test_items_of_an_unknown_order_are_rejected_by_name(read, a_file) -> None:
    lost = [*ITEMS, ["S3", "999", "x", "1", "1", "A", "", ""]]
    paths = a_file(table(*ORDERS), name="a.csv"), a_file(table(*lost), name="b.csv")
    _, rejected, rows = read(*paths, mapping="taobao")
    assert rows == 5
    assert [(row.file, row.row, row.code, row.value) for row in rejected] == [
        ("b.csv", 4, "import.order_not_in_orders_file", "999")
    ]


# The other shipped mappings.


def test_jd_repeats_order_facts_on_each_row(read, a_file) -> None:
    head = ["订单号", "商品ID", "商品名称", "订购数量", "支付方式", "下单时间", "京东价", "订单金额",
            "应付金额", "订单状态", "客户姓名", "客户地址", "联系电话", "商家备注", "货号", "运费金额"]  # fmt: skip
    same = ["在线支付", "2026-01-15 10:00:00"]
    where = [
        "500.00",
        "500.00",
        "等待出库",
        "冯颖",
        "广东深圳市福田区农园路66号",
        "1******6198",
        "",
    ]
    drafts, _, rows = read(
        a_file(
            table(
                head,
                ["JD1", "SKU-A", "甲", "1", *same, "250.00", *where, "A-1", "0.00"],
                ["JD1", "SKU-B", "乙", "2", *same, "125.00", *where, "B-1", "0.00"],
            )
        ),
        mapping="jd",
    )
    (draft,) = drafts
    assert rows == 2
    assert (draft.total_minor, draft.goods_total_minor, draft.payment_method) == (
        50000,
        50000,
        "online",
    )
    assert [line.platform_sku for line in draft.lines] == ["SKU-A", "SKU-B"]
    assert (draft.recipient.kind, draft.source_status) == ("masked", "to_ship")
    assert draft.payment_status == "paid"
    assert issues(draft) == set()


def test_douyin_adds_up_rows_and_keeps_cipher_text_as_token(read, a_file) -> None:
    head = (
        "主订单编号,子订单编号,选购商品,商品规格,商品数量,商家编码,订单应付金额,运费,"
        "收件人,收件人手机号,详细地址,订单提交时间,商家备注,订单状态,售后状态"
    )
    number, who = '"\t6917926768823643751"', "##a,$$b,##c,2026-09-22 00:54:10,-,待发货"
    rows = [
        f'{number},{number},"\t辣丝丝","\t1袋",2,"\t300400008",28.90,3.00,{who},-',
        f'{number},"\t2","\t赠品","\t默认",1,"\t300400009",0.00,2.00,{who},退款成功',
    ]
    drafts, rejected, _ = read(a_file("\ufeff" + "\n".join([head, *rows]) + "\n"), mapping="douyin")
    (draft,) = drafts
    assert rejected == []
    assert draft.number == "6917926768823643751"
    assert (draft.freight_minor, draft.goods_total_minor, draft.total_minor) == (500, 2890, 3390)
    assert (draft.recipient.kind, draft.seller_memo) == ("token", None)
    assert draft.payment_status == "paid"
    assert [(line.sku, line.unit_price_minor) for line in draft.lines] == [
        ("300400008", 1445),
        ("300400009", 0),
    ]
    assert [line.refund_status for line in draft.lines] == [None, "refunded"]
    assert issues(draft) == set()


def test_amazon_report_has_row_prices_offsets_and_bare_quotes(read, a_file) -> None:
    cells = {
        "order-id": "113-1", "order-item-id": "1", "purchase-date": "2026-11-11T08:00:00-08:00",
        "payments-date": "", "buyer-email": "x@y", "sku": "K-1",
        "product-name": '12" ruler "steel"', "quantity-purchased": "3", "currency": "JPY",
        "item-price": "3000", "shipping-price": "500", "recipient-name": "Jane",
        "ship-address-1": "1 Main St", "ship-address-2": "Apt 2", "ship-city": "Seattle",
        "ship-state": "WA", "ship-postal-code": "98101", "ship-country": "US",
    }  # fmt: skip
    head, row = "\t".join(cells), "\t".join(cells.values())
    drafts, _, _ = read(a_file(f"{head}\n{row}\n"), mapping="amazon")
    (draft,) = drafts
    assert draft.currency == "JPY"
    assert (draft.lines[0].line_total_minor, draft.lines[0].unit_price_minor) == (3000, 1000)
    assert (draft.goods_total_minor, draft.freight_minor, draft.total_minor) == (3000, 500, 3500)
    assert draft.lines[0].title == '12" ruler "steel"'
    assert draft.ordered_at == datetime(2026, 11, 11, 16, 0, tzinfo=UTC)
    assert (draft.recipient.address, draft.recipient.country) == ("1 Main St Apt 2", "US")
    assert (draft.source_status, draft.payment_status) == ("to_ship", "paid")


# Grouping.


def test_rows_of_an_order_are_gathered_wherever_they_stand(read, a_file) -> None:
    rows = [["订单编号", "商家编码", "数量"], ["A", "1", "1"], ["B", "2", "1"], ["A", "3", "2"]]
    drafts, _, _ = read(a_file(table(*rows)))
    assert [(d.number, [line.sku for line in d.lines]) for d in drafts] == [
        ("A", ["1", "3"]),
        ("B", ["2"]),
    ]


def test_gathering_from_disk_gives_what_gathering_in_memory_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = random.Random(SEED)
    rows = [(str(source.randrange(400)), (0, row, (str(row),))) for row in range(3_000)]
    in_memory, on_disk = gather.Gather(), gather.Gather()
    for row in rows:
        in_memory.add(*row)
    wanted = list(in_memory.groups())
    monkeypatch.setattr(gather, "BLOCK_ROWS", 50)
    monkeypatch.setattr(gather, "HELD_ROWS", 70)
    for row in rows:
        on_disk.add(*row)
    assert on_disk._file is not None
    assert list(on_disk.groups()) == wanted
    assert len(wanted) == len({key for key, _ in rows})


def test_the_same_number_in_two_shops_is_two_orders(read, a_file) -> None:
    rows = [["店铺", "订单编号", "数量"], ["一店", "7", "1"], ["二店", "7", "2"]]
    drafts, _, _ = read(a_file(table(*rows)))
    assert [(draft.shop, draft.number) for draft in drafts] == [("一店", "7"), ("二店", "7")]


def test_a_shop_given_by_hand_wins(read, a_file) -> None:
    rows = [["店铺", "订单编号", "数量"], ["一店", "7", "1"], ["二店", "7", "2"]]
    (draft,), _, _ = read(a_file(table(*rows)), shop="旗舰店")
    assert (draft.shop, len(draft.lines)) == ("旗舰店", 2)


def test_rows_that_disagree_are_said_and_blanks_are_filled(read, a_file) -> None:
    rows = [
        ["订单编号", "数量", "收货人", "总金额", "下单时间"],
        ["A", "1", "张三", "10", ""],
        ["A", "1", "李四", "10", "2026-11-11 08:00:00"],
    ]
    (draft,), _, _ = read(a_file(table(*rows)))
    assert draft.recipient.name == "张三"
    assert draft.ordered_at == datetime(2026, 11, 11, tzinfo=UTC)
    differing = [issue for issue in draft.issues if issue.code == "import.values_differ"]
    assert differing == [Issue("recipient.name", "import.values_differ")]


# Rejections and flags.

FULL = ["收货人", "联系电话", "收货地址", "商家编码"]
WHO = ["张三", "13800002291", "某路1号", "SKU"]


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        ("-1", "import.quantity_not_positive"),
        ("0", "import.quantity_not_positive"),
        ("", "import.missing_quantity"),
        ("two", "import.quantity_not_a_number"),
        ("1.5", "import.quantity_not_a_number"),
        ("1000001", "import.quantity_too_large"),
    ],
)
def test_a_row_without_a_quantity_above_zero_is_rejected(read, a_file, quantity, code) -> None:
    rows = [["订单编号", "数量", *FULL], ["A", quantity, *WHO], ["A", "1", *WHO]]
    (draft,), (rejected,), _ = read(a_file(table(*rows)))
    assert (rejected.row, rejected.field, rejected.code) == (2, "item.quantity", code)
    assert len(draft.lines) == 1
    assert draft.issues == (Issue("item.quantity", "import.lines_rejected", "1"),)


def test_an_order_of_rejected_rows_only_does_not_come_in(read, a_file) -> None:
    drafts, rejected, rows = read(a_file(table(["订单编号", "数量"], ["A", "-1"], ["A", "-2"])))
    assert (drafts, len(rejected), rows) == ([], 2, 2)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("", "import.missing_number"),
        ("  ", "import.missing_number"),
        ("1.93012E+17", "import.number_damaged"),
        ("x" * 121, "import.number_too_long"),
    ],
)
def test_a_row_without_a_usable_number_is_rejected(read, a_file, number, code) -> None:
    drafts, (rejected,), _ = read(a_file(table(["订单编号", "数量"], [number, "1"])))
    assert drafts == []
    assert (rejected.row, rejected.code) == (2, code)


def test_rows_of_the_wrong_width(read, a_file) -> None:
    text = "订单编号,商家编码,数量,备注\nA,1,1,x,,\nB,1,1,x,y\nC,1\nD,1,2\n\nE,1,1,z\n"
    drafts, rejected, rows = read(a_file(text))
    assert [draft.number for draft in drafts] == ["A", "D", "E"]
    assert [(row.row, row.code, row.value) for row in rejected] == [
        (3, "import.too_many_cells", "5"),
        (4, "import.too_few_cells", "2"),
    ]
    assert rows == 5


def test_one_row_an_order_takes_equal_repeats_and_rejects_others(read, a_file) -> None:
    head = ["订单编号", "总金额", "买家实际支付金额", "收货地址", "订单创建时间"]
    one = ["7", "10", "10", "上海", "2026-11-11 00:00:00"]
    other = ["7", "11", "10", "上海", "2026-11-11 00:00:00"]
    drafts, rejected, rows = read(a_file(table(head, one, one, other)), mapping="tmall-report")
    assert (len(drafts), rows) == (1, 3)
    assert drafts[0].total_minor == 1000
    assert [(row.row, row.code, row.value) for row in rejected] == [
        (4, "import.duplicate_number", "7")
    ]


def test_what_does_not_fit_is_flagged_and_the_order_kept(read, a_file) -> None:
    rows = [
        ["订单编号", "数量", *FULL, "单价", "下单时间", "订单状态", "需要发票", "国家"],
        ["A", "1", *WHO, "cheap", "soon", "神秘", "maybe", "Atlantis"],
    ]
    (draft,), rejected, _ = read(a_file(table(*rows)))
    assert rejected == []
    assert {(i.field, i.code, i.value) for i in draft.issues} == {
        ("item.unit_price", "import.not_an_amount", "cheap"),
        ("order.ordered_at", "import.not_a_time", "soon"),
        ("order.source_status", "import.unknown_value", "神秘"),
        ("payment.status", "import.unknown_value", "神秘"),
        ("order.invoice_wanted", "import.not_yes_or_no", "maybe"),
        ("recipient.country", "import.not_a_country", "Atlantis"),
    }


def test_personal_values_never_get_into_a_flag(read, a_file) -> None:
    name = "某" * 201
    rows = [["订单编号", "数量", *FULL], ["A", "1", name, "1.38E+10", "某路1号", ""]]
    (draft,), _, _ = read(a_file(table(*rows)))
    found = {(i.field, i.code, i.value) for i in draft.issues}
    assert found == {
        ("recipient.name", "import.too_long", "201 characters: letters"),
        ("recipient.phone", "import.code_damaged", "8 characters: digits, letters"),
        ("item.sku", "import.missing_value", None),
    }
    assert draft.recipient.name == name[:200]


def test_negative_quantities_count_where_the_mapping_says_cancelled(read, a_file) -> None:
    head = [
        "Invoice",
        "StockCode",
        "Description",
        "Quantity",
        "InvoiceDate",
        "Price",
        "Customer ID",
        "Country",
    ]
    tail = ["2009-12-01 07:45:00", "6.95", "13085.0", "EIRE"]
    drafts, rejected, _ = read(
        a_file(
            table(
                head,
                ["C1", "A", "x", "-3", *tail],
                ["2", "A", "x", "-3", *tail],
                ["3", "A", "x", "3", *tail],
            )
        ),
        mapping="online-retail",
    )
    assert [(d.number, d.source_status, d.lines[0].quantity) for d in drafts] == [
        ("C1", "cancelled", 3),
        ("3", "completed", 3),
    ]
    assert [(row.row, row.value) for row in rejected] == [(3, "-3")]
    assert (drafts[0].total_minor, drafts[0].buyer) == (2085, "13085")
    assert drafts[0].recipient.country == "IE"
    assert drafts[0].ordered_at == datetime(2009, 12, 1, 7, 45, tzinfo=UTC)  # winter: GMT


def test_too_many_lines_are_rejected_one_by_one(read, a_file) -> None:
    rows = [["订单编号", "数量"], *([["A", "1"]] * 5_001)]
    (draft,), (rejected,), _ = read(a_file(table(*rows)))
    assert len(draft.lines) == 5_000
    assert rejected.code == "import.too_many_lines"


# Headers.


def test_missing_columns_are_named_with_what_looks_alike(read, a_file) -> None:
    with pytest.raises(InputError) as caught:
        read(a_file(table(["订单编码", "件量", "备注"], ["A", "1", ""])))
    error = caught.value
    assert error.code == "import.missing_columns"
    assert error.fields["missing"] == "order.number, item.quantity"
    assert "订单编码" in error.text("zh")
    assert "similar" in error.text("en")


@pytest.mark.parametrize(
    "head",
    [
        " 订单编号 ,数量",
        "【订单编号】,数量",
        "订单编号（必填）,数量(件)",
        "\ufeff订单编号,\t数量",
        "ORDER NO,Ｑｔｙ",
    ],
)
def test_headers_are_matched_by_text(read, a_file, head: str) -> None:
    head = head.replace("【订单编号】", "订单编号【新】")
    drafts, _, _ = read(a_file(f"{head}\nA,2\n"))
    assert drafts[0].lines[0].quantity == 2


def test_columns_may_stand_anywhere_and_the_first_of_equal_headers_counts(read, a_file) -> None:
    drafts, _, _ = read(a_file("数量,备注,订单编号,数量\n2,x,A,9\n"))
    assert (drafts[0].lines[0].quantity, drafts[0].seller_memo) == (2, "x")


# JSON lines.


def test_json_lines_with_flat_or_nested_keys(read, a_file) -> None:
    lines = [
        {"订单编号": 12345678901234567890, "数量": 2, "单价": 12.10},
        {"订单编号": "B", "数量": "1", "单价": None},
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    drafts, _, _ = read(a_file(text, name="orders.jsonl"))
    assert [draft.number for draft in drafts] == ["12345678901234567890", "B"]
    assert drafts[0].lines[0].unit_price_minor == 1210


def test_a_broken_json_line_and_a_late_key_cost_one_row_each(
    read, a_file, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate_connectors.files.tables.JSON_LOOK_AHEAD", 2)
    text = '{"订单编号": "A", "数量": 1}\n{"broken\n{"订单编号": "B", "数量": 1, "备注": "x"}\n'
    drafts, rejected, rows = read(a_file(text))
    assert ([draft.number for draft in drafts], rows) == (["A"], 3)
    assert [(row.row, row.code) for row in rejected] == [
        (2, "import.json_broken"),
        (3, "import.json_field"),
    ]


def test_our_own_documents_come_back_as_they_went_out(read, a_file) -> None:
    drafts, _, _ = read(a_file(table(*ORDERS), name="o.csv"), mapping="taobao")
    assert len(drafts) == 2
    text = "\n".join(json.dumps(dump_order(draft), ensure_ascii=False) for draft in drafts)
    again, rejected, rows = read(a_file(text, name="o.jsonl"), mapping="tidegate")
    assert (rejected, rows) == ([], 2)
    for before, after in zip(drafts, again, strict=True):
        assert dump_order(after) == dump_order(before)


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ({"order": {"totl": "1.00 CNY"}}, "order.totl"),
        ({"order": {"total": "one"}}, "order.total"),
        ({"order": {"ordered_at": "2026-11-11 00:00:00"}}, "order.ordered_at"),
        ({"order": {"total": "1.00 USD"}}, "order.total"),
        ({"items": [{"sku": "A", "quantity": 0}]}, "item.quantity"),
        ({"items": "none"}, "items"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_document_that_does_not_fit_names_the_field(read, a_file, change, value) -> None:
    document: dict[str, Any] = {"order": {"number": "A"}, "items": [{"sku": "A", "quantity": 1}]}
    for key, part in change.items():
        document[key] = {**document.get(key, {}), **part} if isinstance(part, dict) else part
    drafts, (rejected,), _ = read(a_file(json.dumps(document)), mapping="tidegate")
    assert drafts == []
    assert (rejected.code, rejected.value) == ("import.json_field", value)


# Hostile input and the sum.


@pytest.mark.shared_data
def test_naughty_strings_and_formulas_arrive_as_text(read, a_file, shared_data: Path) -> None:
    folder = shared_data / "security"
    naughty = json.loads((folder / "blns" / "blns.json").read_text("utf-8"))
    formulas = (folder / "csv_injection_payloads.txt").read_text("utf-8").splitlines()
    texts = [text for text in [*naughty, *formulas] if "\x00" not in text]
    assert len(texts) > 500
    rows = [[str(number), text, "1", text, text] for number, text in enumerate(texts, 1)]
    content = table(["订单编号", "收货人", "数量", "收货地址", "商品名称"], *rows)
    drafts, rejected, count = read(a_file(content.encode("utf-8", "surrogatepass")))
    assert (len(drafts), rejected, count) == (len(texts), [], len(texts))
    kept = {draft.number: draft.lines[0].title for draft in drafts}
    for number, text in enumerate(texts, 1):
        if text in formulas:
            assert kept[str(number)] == text.strip()
        (kept[str(number)] or "").encode("utf-8")  # no lone surrogates: a database takes it


CELL = st.one_of(
    st.sampled_from(
        ["", "A", "B", "C", "1", "2", "-3", "0", "x", "1.5", "¥9.90", "2026/1/2 3:04", "是", "*"]
    ),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6),
)


@seed(SEED)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.lists(CELL, min_size=0, max_size=7), max_size=25), data=st.data())
def test_read_is_accepted_plus_rejected_whatever_the_rows(read, a_file, rows, data) -> None:
    note(f"seed {SEED}")
    mapping = data.draw(st.sampled_from(["generic", "online-retail", "tmall-report", "taobao"]))
    heads = {
        "generic": ["订单编号", "数量", "单价", "下单时间", "收货人", "需要发票"],
        "online-retail": ["Invoice", "Quantity", "Price", "InvoiceDate", "StockCode", "Country"],
        "tmall-report": [
            "订单编号",
            "总金额",
            "收货地址",
            "订单创建时间",
            "订单付款时间",
            "退款金额",
        ],
        "taobao": ["订单编号", "收货地址", "总金额", "订单状态", "宝贝标题", "宝贝总数量"],
    }
    content = table(heads[mapping], *rows).encode("utf-8", "replace")
    drafts, rejected, count = read(a_file(content), mapping=mapping)
    lines = content.decode().split("\r\n")
    assert count <= len(lines)
    numbers = Counter(draft.number for draft in drafts)
    assert all(times == 1 for times in numbers.values())
    accepted = count - len(rejected)
    assert accepted >= len(drafts)
    if mapping in ("generic", "online-retail"):
        assert accepted == sum(len(draft.lines) for draft in drafts)


def test_progress_is_told_for_both_phases(a_file) -> None:
    content = table(["订单编号", "数量"], *([str(n), "1"] for n in range(12_000)))
    told: list[Progress] = []
    batches = list(open_source([a_file(content)], "generic").batches(told.append))
    assert len(batches) == 12
    assert told[0].phase == "read"
    assert told[-1] == Progress("save", 12_000, 12_000)
    assert max(at.done for at in told if at.phase == "read") == len(content.encode())
