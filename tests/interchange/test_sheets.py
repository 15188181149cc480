"""Decision tables that people keep in spreadsheets, or paste as text."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import xlsxwriter
from exchanging import brought, errors, outcome, warnings

from tidegate.engine.vocabulary import Vocabulary
from tidegate.errors import InputError
from tidegate.interchange.remarks import Imported


def pasted(text: str, vocabulary: Vocabulary, **options: Any) -> Imported:
    return brought(text, vocabulary, "pasted.tsv", **options)


def workbook(write: Callable[[Any, Any], None], name: str = "表") -> bytes:
    """A workbook of one sheet, written by the test."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    write(book, book.add_worksheet(name))
    book.close()
    return stream.getvalue()


ROUTING = """选快递\t\t\t\t
策略\t首个匹配\t\t\t
编号\t货值\t省份\t同城\t指定快递\t备注
1\t≥２０００\t－\t\tSF.standard\t贵的走顺丰
2\t\t新疆、西藏\t否\tCHINAPOST.parcel\t
3\t-\t-\t是\tINTRACITY.instant\t
"""


def test_a_chinese_table_finds_its_facts_and_its_action(vocabulary: Vocabulary) -> None:
    found = pasted(ROUTING, vocabulary, gate="routing")
    (made,) = found.document["tables"]
    assert made["title"] == "选快递"
    assert made["policy"] == "first"
    assert made["inputs"] == ["parcel.goods_value", "recipient.province", "parcel.same_city"]
    assert made["outputs"] == ["use_service"]
    assert [row["when"] for row in made["rows"]] == [
        [">= 2000 CNY", "-", "-"],
        ["-", '"新疆", "西藏"', "false"],
        ["-", "-", "true"],
    ]
    assert made["rows"][0]["note"] == "贵的走顺丰"
    assert (found.read, found.accepted) == (3, 3)
    assert warnings(found) == ["interchange.taken_as_text"]


@pytest.mark.parametrize(
    ("cell", "yes", "no"),
    [
        ("100-500", 500, 501),
        ("100～500", 100, 99),
        ("100 至 500", 500, 501),
        (">=100, <500", 100, 500),
        ("<100, >500", 501, 500),
        ("１，０００", 1000, 100),
        ("1,000", 1000, 1),
        (">1,000", 1001, 1000),
        ("不低于100", 100, 99),
        ("不超过 100", 100, 101),
        ("100元", 100, 101),
        ("[100..500)", 100, 500),
        ("≠100", 101, 100),
        ("not(100)", 101, 100),
    ],
)
def test_amounts_are_read_as_people_write_them(
    vocabulary: Vocabulary, cell: str, yes: int, no: int
) -> None:
    found = pasted(f"订单金额\t标签\n{cell}\thit\n", vocabulary, gate="review")
    assert found.names == {"订单金额": "order.total"}
    assert found.complete, found.remarks
    for value, wanted in ((yes, [("tag", "hit")]), (no, [])):
        assert outcome(found, vocabulary, {"订单金额": f"{value} CNY"}) == wanted


def test_bounds_joined_by_a_comma_are_a_range_and_said_to_be(vocabulary: Vocabulary) -> None:
    found = pasted("件数\t标签\n>=2，<5\thit\n", vocabulary, gate="review")
    assert "interchange.taken_as_range" in warnings(found)
    assert found.document["tables"][0]["rows"][0]["when"] == ["[2..5)"]


@pytest.mark.parametrize(
    ("cell", "yes", "no"),
    [
        ("浙江省", "浙江省", "江苏省"),
        ("浙江省、江苏省", "江苏省", "安徽省"),
        ("“浙江省”，“江苏省”", "浙江省", "安徽省"),
        ("不是 浙江省", "江苏省", "浙江省"),
        ("≠浙江省", "江苏省", "浙江省"),
        ('not("浙江省")', "江苏省", "浙江省"),
        ('contains(?, "江")', "浙江省", "安徽省"),
    ],
)
def test_texts_need_no_quotes(vocabulary: Vocabulary, cell: str, yes: str, no: str) -> None:
    found = pasted(f"省份\t标签\n{cell}\thit\n", vocabulary, gate="review")
    assert found.complete, found.remarks
    assert outcome(found, vocabulary, {"省份": yes}) == [("tag", "hit")]
    assert outcome(found, vocabulary, {"省份": no}) == []


def test_typed_cells_of_a_spreadsheet_keep_their_meaning(vocabulary: Vocabulary) -> None:
    def write(book: Any, sheet: Any) -> None:
        sheet.merge_range(0, 0, 0, 4, "折扣")
        sheet.write_row(1, 0, ["F", "订单.件数", "下单日期", "会员", "折扣率"])
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        percent = book.add_format({"num_format": "0%"})
        sheet.write_row(2, 0, [1, 3])
        sheet.merge_range(2, 2, 3, 2, "")
        sheet.write_datetime(2, 2, date(2026, 11, 11), day)
        sheet.write_boolean(2, 3, True)
        sheet.write_number(2, 4, 0.08, percent)
        sheet.write_row(3, 0, [2, ">=2"])
        sheet.write_number(3, 4, 0.1 + 0.2)
        sheet.write_row(5, 0, [3, "", "", "", "'1"])

    found = brought(workbook(write), vocabulary, "折扣.xlsx")
    (made,) = found.document["tables"]
    assert made["title"] == "折扣"
    assert [row["when"] for row in made["rows"]] == [
        ["3", '@"2026-11-11"', "true"],
        [">= 2", '@"2026-11-11"', "-"],  # a merged cell stands for all its rows
        ["-", "-", "-"],
    ]
    values = [row["then"][0]["value"] for row in made["rows"]]
    assert [str(value) for value in values] == ["0.08", "0.3", "'1"]
    assert (found.read, found.accepted) == (3, 3)  # the blank row is none


def test_marks_above_the_header_say_what_a_column_is(vocabulary: Vocabulary) -> None:
    text = "条件\t条件\t结果\t结果\t说明\n国家\t件数\t等级\t费率\t谁定的\nCN\t>1\tA\t8%\t财务\n"
    found = pasted(text, vocabulary)
    assert outcome(found, vocabulary, {"国家": "CN", "件数": 2}) == [("等级", "A"), ("费率", 0.08)]
    assert found.document["tables"][0]["rows"][0]["note"] == "财务"


def test_a_prefix_marks_a_column_too_and_without_marks_the_last_one_is_the_result(
    vocabulary: Vocabulary,
) -> None:
    marked = pasted("if: a\tthen: b\tthen: c\n1\tx\ty\n", vocabulary)
    assert outcome(marked, vocabulary, {"a": 1}) == [("b", "x"), ("c", "y")]
    plain = pasted("a\tb\tc\n1\t2\ty\n", vocabulary)
    assert outcome(plain, vocabulary, {"a": 1, "b": 2}) == [("c", "y")]


@pytest.mark.parametrize(
    ("mark", "wanted"),
    [
        ("U", "unique"),
        ("A", "any"),
        ("F", "first"),
        ("C", "collect"),
        ("唯一", "unique"),
        ("收集", "collect"),
    ],
)
def test_the_corner_or_a_line_above_names_the_policy(
    vocabulary: Vocabulary, mark: str, wanted: str
) -> None:
    corner = pasted(f"{mark}\ta\tb\n1\t1\tx\n", vocabulary)
    above = pasted(f"策略\t{mark}\na\tb\n1\tx\n", vocabulary)
    for found in (corner, above):
        assert found.document["tables"][0]["policy"] == wanted
        assert "interchange.policy_assumed" not in warnings(found)


def test_sums_and_priorities_work_from_a_sheet(vocabulary: Vocabulary) -> None:
    total = pasted("C+\tn\tpoints\n1\t>1\t10\n2\t>2\t20\n", vocabulary)
    assert outcome(total, vocabulary, {"n": 3}) == [("points", 30)]
    ranked = pasted("策略\t优先\n取值\thigh, low\nn\tband\n>1\tlow\n>2\thigh\n", vocabulary)
    assert outcome(ranked, vocabulary, {"n": 3}) == [("band", "high")]


def test_an_unknown_policy_is_refused_by_name(vocabulary: Vocabulary) -> None:
    found = pasted("策略\t随便\na\tb\n1\tx\n", vocabulary)
    assert errors(found) == [("pasted", 0, "", "interchange.policy")]


def test_a_column_in_another_unit_is_refused(vocabulary: Vocabulary) -> None:
    fine = pasted("订单.重量(g)\t标签\n>500\theavy\n", vocabulary, gate="review")
    assert fine.names == {"订单.重量": "order.weight_g"}
    wrong = pasted("订单.重量（kg）\t标签\n>5\theavy\n", vocabulary, gate="review")
    assert [code for _, _, _, code in errors(wrong)] == ["interchange.unit"]
    assert (wrong.read, wrong.accepted) == (1, 0)


def test_bad_rows_are_named_with_the_line_of_the_sheet(vocabulary: Vocabulary) -> None:
    text = "策略\t首个\n订单金额\t标签\n很多\ta\n>=100\tb\n>=\tc\n>=50\t\n"
    found = pasted(text, vocabulary, gate="review")
    assert (found.read, found.accepted) == (4, 1)
    places = [(r.place.row, r.place.line, r.code) for r in found.remarks if r.severity == "error"]
    assert places == [
        (1, 3, "interchange.unknown_name"),
        (3, 5, "rule.syntax"),
        (4, 6, "interchange.no_result"),
    ]
    shown = next(r.text("zh") for r in found.remarks if r.place.row == 3)
    assert shown.startswith("pasted 第 3 行 （工作表第 5 行） “订单金额”列：")


def test_every_sheet_with_a_table_is_read_and_hidden_ones_are_not(vocabulary: Vocabulary) -> None:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    for name in ("one", "two", "说明", "hidden"):
        sheet = book.add_worksheet(name)
        if name == "说明":
            sheet.write(0, 0, "这里只有说明文字")
            continue
        sheet.write_column(0, 0, ["a", "> 1"])
        sheet.write_column(0, 1, ["b", "x"])
        if name == "hidden":
            sheet.hide()
    book.close()
    found = brought(stream.getvalue(), vocabulary, "book.xlsx")
    assert [one["title"] for one in found.document["tables"]] == ["one", "two"]
    assert found.read == 2


def test_an_expression_may_stand_in_a_header_and_behind_an_equals_sign(
    vocabulary: Vocabulary,
) -> None:
    text = "hour(order.paid_at)\t结果: rate\n>= 18\t= order.quantity * 2\n"
    found = pasted(text, vocabulary)
    assert found.complete
    (made,) = found.document["tables"]
    assert made["inputs"] == ["hour(order.paid_at)"]
    assert made["rows"][0]["then"] == [{"field": "rate", "value": "= order.quantity * 2"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_pasted_text_may_be_in_any_usual_encoding(vocabulary: Vocabulary, encoding: str) -> None:
    found = brought(
        "省份\t标签\n浙江省\thit\n".encode(encoding), vocabulary, "a.txt", gate="review"
    )
    assert found.names == {"省份": "recipient.province"}


def test_commas_separate_where_there_are_no_tabs(vocabulary: Vocabulary) -> None:
    found = brought('a,b\n"1, 2",x\n', vocabulary, "a.csv")
    assert outcome(found, vocabulary, {"a": 2}) == [("b", "x")]


@pytest.mark.parametrize("text", ["", "one line", "a\tb\n", "a\n1\n2\n", "\n\n\n"])
def test_what_holds_no_table_is_said(vocabulary: Vocabulary, text: str) -> None:
    with pytest.raises(InputError) as caught:
        pasted(text, vocabulary)
    assert caught.value.code == "interchange.no_table"
