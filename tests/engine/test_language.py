"""One line per thing the language can say; values worked out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tidegate.engine.values import Money

ORDER = {
    "order": {
        "total": "268.00 CNY",
        "channel": "taobao",
        "quantity": 3,
        "tags": ["老客"],
        "buyer_memo": "请发顺丰，加急！",
        "paid_at": "2026-11-14T01:30:00+08:00",
        "ship_by": "2026-11-11T15:00:00+08:00",
    },
    "recipient": {"province": "新疆维吾尔自治区", "city": "新疆"},
    "items": [
        {"sku": "GIFT-01", "quantity": 2, "available": 5, "fragile": True, "unit_price": "10 CNY"},
        {
            "sku": "BA-K12-BK",
            "quantity": 1,
            "available": 0,
            "fragile": False,
            "unit_price": "248.00 CNY",
        },
    ],
    "history": {"similar_orders": {"24h": 2, "7d": 5}, "orders_to_phone": 4},
    "parcel": {"printed_at": "2026-11-11T10:30:00+08:00"},
}
TRUE = [
    "order.total >= 268 CNY",
    "order.total < high",
    'order.channel = "ＴＡＯＢＡＯ"',
    'order.channel != "jd"',
    "order.total between 100 CNY and 268 CNY",
    "order.total in [100 CNY..268 CNY]",
    "order.total > 0",
    "0 < order.total and not(order.total between 0 and 1 CNY)",
    "since(parcel.printed_at) > 0",
    "not(order.total in [100 CNY..268 CNY))",
    "order.quantity in (1, 3, 5)",
    "order.quantity in (< 2, >= 3)",
    "order.quantity in > 2",
    "recipient.city in remote",
    "not(recipient.province in remote)",
    'order.channel in ("jd", "taobao")',
    'order.channel in ["jd", "taobao"]',
    'contains(order.buyer_memo, "加急")',
    'contains(order.buyer_memo, "，加急!")',
    'contains(order.tags, "老客")',
    '"老客" in order.tags',
    'starts with("GIFT-9", "gift-")',
    'starts_with("GIFT-9", "gift-")',
    'ends with("GIFT-9", "-9")',
    'matches("A12-XL", "a*-??")',
    'not(order.channel = exact("Taobao"))',
    'order.channel = exact("taobao")',
    "some item in items satisfies item.fragile",
    "not(every item in items satisfies item.available >= item.quantity)",
    "no item in items satisfies item.quantity > 2",
    'some line in items satisfies starts with(line.sku, "GIFT-")',
    "count(items) = 2",
    "count(items[item.fragile]) = 1",
    "sum(items.quantity) = 3",
    "sum(items[item.fragile].quantity) = 2",
    "max(items.unit_price) = 248 CNY",
    "min(items.unit_price) < 10.01 CNY",
    "sum(items.unit_price) = 258.00 CNY",
    'some tag in order.tags satisfies tag = "老客"',
    "history.similar_orders(24h) = 2",
    "history.similar_orders(window) = 2",
    "history.similar_orders(7d) = 5",
    "history.orders_to_phone(99d) = 4",
    "since(parcel.printed_at) = 90m",
    "since(parcel.printed_at, warehouse_hours) = 90m",
    "until(order.ship_by) = 3h",
    "now in warehouse_hours",
    'weekday(order.paid_at) in ("Sat", "Sun")',
    "hour(order.paid_at) = 1",
    'date(order.paid_at) = @"2026-11-14"',
    'now < @"2026-11-11T12:00:01+08:00"',
    "order.seller_memo is missing",
    "order.buyer_memo is present",
    "not(order.buyer_memo is missing)",
    "1 + 2 * 3 = 7",
    "(1 + 2) * 3 = 9",
    "7 - 2 - 1 = 4",
    "-2 * -3 = 6",
    "10 / 4 = 2.5",
    "0.1 + 0.2 = 0.3",
    "order.total / 2 = 134 CNY",
    "2 * order.total = 536 CNY",
    "order.total / 134 CNY = 2",
    "24h + 12h = 36h",
    "24h / 12h = 2",
    "2 * 12h = 24h",
    "parcel.printed_at + 90m = now",
    "now - parcel.printed_at = 90m",
    "if order.quantity > 2 then true else false",
    "not(if order.invoice_wanted then true else false)",
    '(if order.quantity > 2 then "a" else "b") = "a"',
    "abs(-3) = 3",
    "round(2.345, 2) = 2.35",
    "round(1.5) = 2",
    "floor(1.9) = 1",
    "ceiling(1.1) = 2",
    "modulo(7, 3) = 1",
    "modulo(-7, 3) = 2",
    'string length("顺丰 ") = 3',
    'lower case("AB") = "ab"',
    'coalesce(order.seller_memo, "none") = "none"',
    "count(distinct(items.fragile)) = 2",
    'string(3.50) + "kg" = "3.5kg"',
    "max(1, 5, 3) = 5",
    'true or order.seller_memo = "x"',
    'not(false and order.seller_memo = "x")',
    "订单.金额 ≥ 268 CNY",
    "订单.渠道 ＝ “taobao”",
    "contains（订单.买家留言，「加急」）",
    "some 商品 in 商品行 satisfies 商品.易碎",
    "count(商品行[商品.易碎]) = 1",
    "sum(商品行.数量) = 3",
    "历史.相似订单数(24h) = 2",
    "order.total >= 268元",
    'order.quantity >= 3 and (order.quantity < 3 or order.channel = "taobao")',
    'duration("PT24H") = 1d',
    '"a\\"b" = "A\\"B"',
    "some i in [1, 2, 3] satisfies i > 2",
    "every a in items satisfies some b in items satisfies b.quantity >= a.quantity",
]
UNKNOWN = [
    'order.seller_memo = "x"',
    'order.seller_memo != "x"',
    'not(order.seller_memo = "x")',
    'contains(order.seller_memo, "x")',
    'order.seller_memo in ("a", "b")',
    'order.seller_memo = "x" or order.quantity > 5',
    "order.total > 100 USD",
    "order.total between 1 CNY and 9 USD",
    "1 / 0 = 1",
    "history.similar_orders(30d) = 1",
    "since(parcel.handed_over_at) > 1h",
    "max(items[item.quantity > 9].unit_price) > 1 CNY",
    "sum(items.weight_g) > 10",
    "every item in items satisfies item.known",
    "count(quotes) = 0",
]


@pytest.mark.parametrize("text", TRUE)
def test_true_on_the_sample_order(text: str, ask: Any) -> None:
    assert ask(text, ORDER) is True


@pytest.mark.parametrize("text", UNKNOWN)
def test_unknown_on_the_sample_order(text: str, ask: Any) -> None:
    assert ask(text, ORDER) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every item in items satisfies item.known", False),
        ("some item in items satisfies item.known", False),
        ("no item in items satisfies item.known", True),
        ("count(items)", 0),
        ("sum(items.quantity)", 0),
        ("sum(items.line_total) = 0 CNY", True),
        ("sum(items.line_total) < 5 USD", True),
    ],
)
def test_an_order_without_lines_is_never_all_in_stock(
    text: str, expected: object, ask: Any
) -> None:
    assert ask(text, {"items": []}) == expected


@pytest.mark.parametrize(
    "text",
    [
        "every item in items satisfies item.known",
        "some item in items satisfies item.known",
        "no item in items satisfies item.known",
        "count(items) = 0",
    ],
)
def test_lines_that_are_absent_are_unknown_not_empty(text: str, ask: Any) -> None:
    assert ask(text, {}) is None


@pytest.mark.parametrize(
    ("text", "lines", "expected"),
    [
        (
            "every item in items satisfies item.available >= item.quantity",
            [(1, None), (2, 1)],
            False,
        ),
        (
            "every item in items satisfies item.available >= item.quantity",
            [(1, None), (2, 2)],
            None,
        ),
        ("some item in items satisfies item.available >= item.quantity", [(1, None), (2, 2)], True),
        ("some item in items satisfies item.available >= item.quantity", [(1, None), (2, 1)], None),
        ("no item in items satisfies item.available >= item.quantity", [(1, None), (2, 2)], False),
        ("no item in items satisfies item.available >= item.quantity", [(1, None), (2, 1)], None),
        ("count(items[item.available > 0]) = 1", [(1, 1), (2, None)], None),
        ("count(items[item.available > 0]) = 1", [(1, 1), (2, 0)], True),
    ],
)
def test_an_unknown_line_leaves_open_only_what_no_other_line_decides(
    text: str, lines: list[tuple[int, int | None]], expected: object, ask: Any
) -> None:
    items = [{"quantity": quantity, "available": available} for quantity, available in lines]
    assert ask(text, {"items": items}) is expected


def test_bare_money_takes_the_orders_currency_then_the_shops(ask: Any) -> None:
    assert ask("order.total", {"order": {"total": "5", "currency": "USD"}}) == Money(5, "USD")  # type: ignore[arg-type]
    assert ask("order.total", {"order": {"total": 5}}) == Money(5, "CNY")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-11T19:00:00+08:00", "2026-11-12T09:00:00+08:00", 2),
        ("2026-11-11T21:00:00+08:00", "2026-11-12T07:00:00+08:00", 0),
        ("2026-11-11T07:00:00+08:00", "2026-11-11T21:00:00+08:00", 12),
        ("2026-11-11T19:00:00+08:00", "2026-11-14T09:00:00+08:00", 26),
    ],
)
def test_working_time_counts_only_open_hours(start: str, end: str, hours: int, ask: Any) -> None:
    facts = {"parcel": {"printed_at": start}}
    now = datetime.fromisoformat(end)
    assert ask(f"since(parcel.printed_at, warehouse_hours) = {hours}h", facts, now) is True


def test_a_filtered_line_that_cannot_be_judged_is_named_by_its_own_number(decide: Any) -> None:
    rules = """
tidegate: ruleset/1
id: t
gate: review
policy: collect
rules:
  - {id: a, if: ['every item in items[item.fragile] satisfies item.known'], then: [tag: x]}
"""
    items = [{"sku": "A", "fragile": False}, {"sku": "B", "fragile": True}]
    (leaf,) = decide(rules, {"items": items}).rules[0].leaves
    assert (leaf.result, leaf.line, leaf.values["item.sku"]) == (None, 2, "B")


def test_everything_a_set_names_answers_to_its_chinese_name(read: Any) -> None:
    ruleset = read(
        """
tidegate: ruleset/1
id: t
gate: review
policy: collect
parameters:
  high: {type: money, value: 2000 CNY, title: {zh: 高价值门槛, en: High}}
  cutoff: {type: time, value: "16:00", title: {zh: 截单时间, en: Cut-off}}
  grace: {type: months, value: P3M, title: {zh: 保护期, en: Grace}}
lists:
  remote: {values: [新疆], title: {zh: 偏远地区, en: Remote}}
  peak: {type: date, values: [2026-11-11], title: {zh: 大促日, en: Peak}}
fields:
  custom.age: {type: number, unit: years, title: {zh: 年龄, en: Age}}
derive:
  vip: {title: {zh: 是老客, en: A regular}, value: "contains(order.tags, \\"老客\\")"}
  high_and_vip: {title: {zh: 老客大单, en: Big and regular}, value: "是老客 and 订单.金额 > 高价值门槛"}
rules:
  - id: a
    if:
      - 老客大单 and not(是老客)
      - 收件人.省份 in 偏远地区
      - 自定义.年龄 > 18
      - some 商品 in 商品行 satisfies 商品.易碎 and 商品.数量 > 1
      - 历史.相似订单数(24h) >= 1
      - time(订单.付款时间) <= 截单时间 or 现在 in 大促日
      - date(订单.付款时间) + 保护期 > date(现在)
      - 现在 in 仓库工作时间
      - some item in items satisfies some 商品 in items satisfies 商品.数量 > item.数量
    then: [hold: other]
"""
    )
    assert [leaf.text for leaf in ruleset.rules[0].leaves] == [
        "high_and_vip and not(vip)",
        "recipient.province in remote",
        "custom.age > 18",
        "some item in items satisfies item.fragile and item.quantity > 1",
        "history.similar_orders(24h) >= 1",
        "time(order.paid_at) <= cutoff or date(now) in peak",
        "date(order.paid_at) + grace > date(now)",
        "now in warehouse_hours",
        "some item in items satisfies some 商品 in items satisfies 商品.quantity > item.quantity",
    ]


def test_an_id_comes_before_a_title_that_is_spelt_like_it(read: Any) -> None:
    ruleset = read(
        """
tidegate: ruleset/1
id: t
gate: review
policy: collect
parameters:
  one: {type: number, value: 1, title: two}
  two: {type: number, value: 2, title: one}
rules:
  - {id: a, if: [one < two], then: [tag: x]}
"""
    )
    assert ruleset.rules[0].leaves[0].text == "one < two"
