"""What every function gives, worked out by hand: values, unknowns and limits."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.functions import ALIASES, FUNCTIONS
from tidegate.engine.language.parser import parse
from tidegate.engine.language.rendering import render
from tidegate.engine.language.types import of_fact
from tidegate.engine.values import MAX_LIST, MAX_TEXT, parse_money, parse_months, parse_time
from tidegate.engine.vocabulary import Vocabulary

# 12:00 on Wednesday, 11 November 2026, in Shanghai
FACTS = {
    "order": {
        "buyer_memo": "请发顺丰，加急",
        "channel": "Taobao",
        "tags": ["老客", "VIP", "老客"],
        "quantity": 7,
        "total": "10.25 CNY",
        "paid_at": "2026-08-31T23:30:15.250000+08:00",
    },
    "items": [
        {"sku": "GIFT-01", "quantity": 2, "unit_price": "10 CNY", "fragile": True},
        {"sku": "BA-K12-BK", "quantity": 1, "unit_price": "248 CNY", "fragile": False},
        {"sku": "BA-K12-WH", "quantity": 4, "unit_price": "20 CNY", "fragile": False},
    ],
}
TRUE = [
    # text
    'substring("foobar", 3) = "obar"',
    'substring("foobar", 3, 3) = "oba"',
    'substring("foobar", -2, 1) = "a"',
    'substring(order.buyer_memo, 3, 2) = "顺丰"',
    'substring before("GIFT-01-A", "-") = "GIFT"',
    'substring before("GIFT", "-") = ""',
    'substring after("GIFT-01-A", "-") = "01-A"',
    'substring after("GIFT", "-") = ""',
    'substring after("GIFT", "") = "GIFT"',
    'replace("a b  c", " ", "") = exact("abc")',
    'replace("aaa", "aa", "b") = "ba"',
    'count(split("a,b,,c", ",")) = 4',
    'split("a;b", ";") = ["a", "b"]',
    'string join(["a", "b", "c"], " and ") = "a and b and c"',
    'string join(["a", null, "c"]) = "ac"',
    'string join(order.tags, "/") = "老客/vip/老客"',
    'upper case("aß") = exact("ASS")',
    'trim("  a ") = exact("a")',
    'string length(" a ") = 3',
    'number("1,234.5", ",") = 1234.5',
    'number("1.234,5", ".", ",") = 1234.5',
    'number("12") + 1 = 13',
    'string(true) = "true"',
    'string([1, 2.50]) = "[1, 2.5]"',
    'string(time("09:05")) = "09:05:00"',
    'string(duration("P1Y6M")) = "P1Y6M"',
    # lists
    "mean([1, 2, 6]) = 3",
    "mean(1, 2, 6) = 3",
    "mean(items.unit_price) = 278 CNY / 3",
    "median([5, 1, 9]) = 5",
    "median(8, 2, 5, 3) = 4",
    "median(items.unit_price) = 20 CNY",
    "sum(1, 2, 3) = 6",
    "sum([]) = 0",
    "all([true, true])",
    "not(all(true, false, null))",
    "all([])",
    "any(false, null, true)",
    "not(any([]))",
    "any(items.fragile) and not(all(items.fragile))",
    "concatenate([1, 2], [3]) = [1, 2, 3]",
    "append([1], 2, 3) = [1, 2, 3]",
    "reverse([1, 2, 3]) = [3, 2, 1]",
    'index of(order.tags, "老客") = [1, 3]',
    'count(index of(order.tags, "新")) = 0',
    'list contains(order.tags, "vip")',
    "count(distinct(order.tags)) = 2",
    "count(distinct values(order.tags)) = 2",
    "element([4, 5, 6], 2) = 5",
    "[4, 5, 6][2] = 5",
    "[4, 5, 6][-1] = 6",
    'items[1].sku = "gift-01"',
    "items[-1].quantity = 4",
    'items[fragile][1].sku = "GIFT-01"',
    "items[quantity > 1 and not(fragile)].quantity = [4]",
    "商品行[易碎].数量 = [2]",
    "sum(for item in items return item.quantity * item.unit_price) = 348 CNY",
    "(for x in [1, 2, 3] return x * 2) = [2, 4, 6]",
    "count(for i in items return i.sku) = 3",
    "sum(for 商品 in 商品行 return 商品.数量) = 7",
    'max(["b", "a", "C"]) = "c"',
    # numbers
    "round up(1.21, 1) = 1.3",
    "round down(-1.29, 1) = -1.2",
    "round half down(2.5) = 2 and round half up(2.5) = 3",
    "decimal(2.5, 0) = 2 and decimal(3.5, 0) = 4",
    "floor(1.29, 1) = 1.2 and ceiling(-1.21, 1) = -1.2",
    "round(order.total, 1) = 10.3 CNY",
    "odd(order.quantity) and not(even(order.quantity))",
    "even(0) and odd(-3) and not(odd(2.5))",
    "modulo(-7, 3) = 2 and modulo(10.5, 3) = 1.5",
    'abs(duration("-P1M")) = duration("P1M")',
    "1.5e2 = 150 and 1e-2 = 0.01",
    # days
    'date(order.paid_at) = @"2026-08-31"',
    "year(order.paid_at) = 2026 and month(order.paid_at) = 8 and day(order.paid_at) = 31",
    'year(@"2026-01-02") = 2026',
    "order.paid_at.year = 2026 and order.paid_at.day = 31",
    'weekday(now) = "Wed" and weekday number(now) = 3 and now.weekday = 3',
    'day of week(now) = "Wednesday" and month of year(now) = "November"',
    "day of year(now) = 315 and week of year(now) = 46",
    'day of week(@"2026-11-15") = "Sunday"',
    "today() = date(now) and now() = now",
    'date(2026, 11, 11) = @"2026-11-11"',
    '@"2026-11-11" + 3d = @"2026-11-14"',
    '@"2026-11-11" - 36h = @"2026-11-09"',
    '@"2026-11-11" - @"2026-11-01" = 10d',
    # months
    'duration("P1Y") = duration("P12M")',
    '@"2026-01-31" + duration("P1M") = @"2026-02-28"',
    '@"2024-03-31" - duration("P1M") = @"2024-02-29"',
    'duration("P1Y") + duration("P6M") = duration("P18M")',
    '2 * duration("P1Y") = duration("P2Y") and duration("P1Y") / duration("P3M") = 4',
    '-duration("P1M") < duration("P0M")',
    'years(duration("-P18M")) = -1 and months(duration("-P18M")) = -6',
    'duration("P18M").years = 1',
    'years and months duration(@"2025-01-21", @"2026-01-20") = duration("P11M")',
    'years and months duration(@"2025-01-21", @"2026-01-21") = duration("P1Y")',
    'years and months duration(@"2026-01-21", @"2025-01-22") = duration("-P11M")',
    'years and months duration(order.paid_at, now) = duration("P2M")',
    # times of day
    'time(now) = time("12:00")',
    "hour(order.paid_at) = 23 and minute(order.paid_at) = 30 and second(order.paid_at) = 15",
    "order.paid_at.minute = 30",
    'time("18:30:05").minute = 30 and time("18:30").hour = 18',
    'time("T09:00") = time(9, 0, 0)',
    'time("23:00") + 2h = time("01:00") and time("01:00") - 2h = time("23:00")',
    'time("18:00") - time("09:30") = 8h + 30m',
    'time(now) in [time("09:00")..time("18:00"))',
    'time("18:00+08:00") = time("10:00Z")',
    # instants from parts
    'date and time("2026-11-11T12:00:00") = now',
    'date and time(date(now), time("12:00")) = now',
    'date and time(@"2026-11-11", time("04:00Z")) = now',
    'date and time(now, time("09:00")) = now - 3h',
    'date and time("2026-11-11") = now - 12h',
    'date and time(string(@"2026-11-11") + "T12:00:00") = now',
    'now < date and time(date(now), time("16:00"))',
    "now.hour = 12",
    # ranges and membership
    "[1..3] = [1..3] and [1..3) != [1..3]",
    "]1..3] = (1..3] and 1 in ]0..2[",
    '2 in range("[1..3]")',
    'now in [@"2026-11-11"..@"2026-11-12")',
    'order.paid_at in [@"2026-08-31"]',
    # unknown literals
    "order.seller_memo = null and order.channel != null",
    "null = order.seller_memo and not(order.channel = null)",
    # arguments by name
    'contains(string: order.buyer_memo, match: "加急")',
    'contains(match: "加急", string: order.buyer_memo)',
    'substring(string: "foobar", start position: 3) = "obar"',
    'time(hour: 9, minute: 0, second: 0) = time("09:00")',
    # functions and properties in Chinese
    "包含(order.buyer_memo, “加急”)",
    "合计(商品行.数量) = 7",
    "已过(order.paid_at) > 24h",
    "最大(商品行.数量) = 4",
]
UNKNOWN = [
    'substring("foobar", 0) = "x"',
    'substring("foobar", 8) = "x"',
    'substring("foobar", 1, 0) = "x"',
    'substring(order.seller_memo, 1) = "x"',
    'number("zwölf") > 1',
    'number(order.buyer_memo) > 1',
    'replace("a", "", "b") = "b"',
    "mean([]) = 1",
    "median([]) = 1",
    "mean([1, null]) = 1",
    "median([1, null]) = 1",
    "sum([1, null]) = 1",
    "mean(items[known].quantity) = 1",
    "all([true, null])",
    "any([false, null])",
    "any(items.known)",
    "[4, 5, 6][4] = 1",
    "[4, 5, 6][0] = 1",
    "[4, 5, 6][1.5] = 1",
    "items[known][1].quantity = 2",
    "count(items[known]) = 0",
    "[1, null] = [1, 2]",
    "[order.weight_g..5] = [1..5]",
    'time("18:00") = time("18:00Z")',
    'time("18:00") > time("18:00Z")',
    "time(25, 0, 0) = time(\"01:00\")",
    'time(order.buyer_memo) = time("01:00")',
    'date and time(order.buyer_memo) = now',
    "year(order.ship_by) = 2026",
    '@"9999-12-31" + 1d = @"9999-12-31"',
    '@"0001-01-01" - duration("P1M") = @"0001-01-01"',
    'years and months duration(order.ship_by, now) = duration("P1M")',
    "modulo(5, 0) = 0",
    "round(1.5, 31) = 1.5",
    "sum(for item in items return item.weight_g) > 1",
    "null and true",
    "null or false",
]  # fmt: skip


@pytest.mark.parametrize("text", TRUE)
def test_it_holds_on_the_sample(text: str, ask: Any) -> None:
    assert ask(text, FACTS) is True


@pytest.mark.parametrize("text", UNKNOWN)
def test_it_is_unknown_on_the_sample(text: str, ask: Any) -> None:
    assert ask(text, FACTS) is None


def test_every_function_is_tried_here_or_with_the_language() -> None:
    from pathlib import Path

    page = Path(__file__).with_name("test_language.py").read_text(encoding="utf-8")
    tried = "\n".join([*TRUE, page])
    assert not [name for name in FUNCTIONS if f"{name.replace('_', ' ')}(" not in tried]


def test_no_two_functions_share_a_name_and_chinese_names_can_be_typed() -> None:
    chinese = [function.zh for function in FUNCTIONS.values() if function.zh]
    assert len(chinese) == len(set(chinese)) >= 40
    assert not set(ALIASES) & set(FUNCTIONS)
    assert all(render(parse(f"{name}(1)")) == f"{name}(1)" for name in chinese)


def test_names_in_chinese_and_arguments_by_name_have_one_canonical_text(
    vocabulary: Vocabulary,
) -> None:
    def canonical(text: str) -> str:
        node, _, problems = bind(
            parse(text), Scope(vocabulary, parameters={"late": of_fact("time")})
        )
        assert not problems
        return render(node)

    assert (
        canonical("包含(match: “急”, string: 订单.买家留言)") == 'contains(order.buyer_memo, "急")'
    )
    assert canonical("any(order.invoice_wanted, true)") == "any([order.invoice_wanted, true])"
    assert canonical("order.paid_at.hour = 1") == "hour(order.paid_at) = 1"
    assert canonical("items[易碎]") == "items[item.fragile]"
    assert canonical("items[2].sku = null") == "element(items, 2).sku is missing"
    assert canonical("now in [date(now)..date(now)]") == "date(now) in [date(now)..date(now)]"
    assert canonical("time(now) > late") == "time(now) > late"
    assert canonical("distinct values(order.tags)") == "distinct(order.tags)"


def test_a_text_may_become_ten_thousand_characters_long_and_no_longer(ask: Any) -> None:
    text = "x" * 5_000
    facts = {"order": {"buyer_memo": text, "seller_memo": text + "y", "channel": "x" * MAX_TEXT}}
    assert len(str(ask("order.buyer_memo + order.buyer_memo", facts))) == MAX_TEXT
    assert ask("order.buyer_memo + order.seller_memo", facts) is None
    assert ask('replace(order.buyer_memo, "x", "xx") = "x"', facts) is False
    assert ask('replace(order.buyer_memo, "x", "xxx")', facts) is None
    assert ask("string join([order.buyer_memo, order.buyer_memo]) = order.channel", facts) is True
    assert ask('string join([order.buyer_memo, order.seller_memo], "")', facts) is None
    assert ask('upper case(order.channel + "")', facts) is not None


def test_a_list_may_become_ten_thousand_members_long_and_no_longer(ask: Any) -> None:
    tags = {"order": {"tags": ["a"] * (MAX_LIST // 2)}}
    assert ask("count(concatenate(order.tags, order.tags))", tags) == MAX_LIST
    assert ask('append(concatenate(order.tags, order.tags), "b")', tags) is None
    memo = {"order": {"buyer_memo": "," * MAX_LIST}}
    assert ask('count(split(order.buyer_memo, ","))', memo) is None


def test_a_local_time_is_the_shops(ask: Any) -> None:
    assert ask("time(now)") == parse_time("12:00")
    assert ask('date and time("2026-11-11T12:00:00") = @"2026-11-11T04:00:00Z"') is True


def test_amounts_of_two_currencies_have_no_mean_and_no_median(ask: Any) -> None:
    facts = {"items": [{"unit_price": "1 CNY"}, {"unit_price": "3 USD"}]}
    assert ask("mean(items.unit_price)", facts) is None
    assert ask("median(items.unit_price)", facts) is None
    one = {"items": [{"unit_price": "1 CNY"}, {"unit_price": "4 CNY"}]}
    assert ask("mean(items.unit_price)", one) == parse_money("2.5 CNY")
    assert ask("median(items.unit_price)", one) == parse_money("2.5 CNY")


def test_months_keep_their_sign_and_canonical_form() -> None:
    assert [str(parse_months(t)) for t in ("P14M", "-P1Y", "P0Y", "p2y")] == [
        "P1Y2M",
        "-P1Y",
        "P0M",
        "P2Y",
    ]


def test_units_that_measure_the_same_tell_the_factor(vocabulary: Vocabulary) -> None:
    scope = Scope(
        vocabulary, parameters={"limit": of_fact("number", "kg"), "n": of_fact("number", "units")}
    )
    (problem,) = bind(parse("order.weight_g > limit"), scope)[2]
    assert "1 kg is 1000 g" in problem.en
    assert "1 kg = 1000 g" in problem.zh
    (problem,) = bind(parse("order.weight_g > n"), scope)[2]
    assert "=" not in problem.zh
    assert bind(parse("order.weight_g / 1000 > limit"), scope)[2] == []
