"""Conditions, rules and policies as people read them: golden sentences, and a check over generated
sets that no code is left in them.
"""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
from strategies import a_ruleset, a_vocabulary

from tidegate.engine.language import tree
from tidegate.engine.language.sentences import (
    action_sentence,
    condition_sentence,
    derived_sentence,
    rule_sentence,
    sentence,
    stage_sentences,
)
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Vocabulary, load_vocabulary
from tidegate.errors import ConfigError


def a_set(vocabulary: Vocabulary, conditions: Any, **more: Any) -> RuleSet:
    """One rule that holds the order; `more` goes into the document."""
    document = {
        "tidegate": "ruleset/1",
        "id": "t",
        "gate": "review",
        "policy": "collect",
        "parameters": {
            "high": {
                "type": "money",
                "value": "2000 CNY",
                "title": {"zh": "高价值门槛", "en": "High value"},
            },
            "window": {
                "type": "duration",
                "value": "24h",
                "title": {"zh": "时间窗", "en": "Window"},
            },
            "pieces": {
                "type": "number",
                "unit": "units",
                "value": 6,
                "title": {"zh": "每箱件数", "en": "Units a box"},
            },
        },
        "lists": {
            "words": {"values": ["退款"], "title": {"zh": "风险词", "en": "Risky words"}},
            "remote": {"values": ["新疆"], "title": {"zh": "偏远省份", "en": "Remote provinces"}},
        },
        "derive": {
            "vip": {"value": '"vip" in order.tags', "title": {"zh": "是老客", "en": "A regular"}}
        },
        "rules": [
            {
                "id": "a",
                "if": conditions,
                "then": [{"hold": {"reason": "no_rule_decided", "queue": "finance"}}],
            }
        ],
    }
    return read_ruleset(document | more, vocabulary)


GOLDEN = [
    (
        "order.total >= high",
        "订单金额不少于高价值门槛（2000 元）",
        "order total is at least high value (2000 CNY)",
    ),
    (
        "500 CNY < order.total",
        "订单金额大于 500 元",
        "order total is more than 500 CNY",
    ),
    (
        'payment.status = "paid"',
        "付款状态是“已付款”",
        "payment status is “paid”",
    ),
    (
        'order.channel != "taobao"',
        "订单渠道不是“淘宝”",
        "order channel is not “Taobao”",
    ),
    (
        "order.invoice_wanted",
        "订单需要发票为“是”",
        "order invoice wanted is “yes”",
    ),
    (
        "recipient.phone_valid = false",
        "收件人电话有效为“否”",
        "recipient phone valid is “no”",
    ),
    (
        "not(recipient.phone_valid)",
        "收件人电话有效为“否”",
        "recipient phone valid is “no”",
    ),
    (
        "order.quantity between 2 and 5",
        "订单件数在 2 到 5 之间",
        "order units is between 2 and 5",
    ),
    (
        "order.quantity in [2..5)",
        "订单件数不少于 2 且小于 5",
        "order units is at least 2 and less than 5",
    ),
    (
        "order.total in [100 CNY..200 CNY]",
        "订单金额在 100 元到 200 元之间",
        "order total is between 100 CNY and 200 CNY",
    ),
    (
        'order.channel in ("jd", "tmall", "douyin")',
        "订单渠道是“京东”、“天猫”或“抖店”",
        "order channel is “JD”, “Tmall” or “Douyin”",
    ),
    (
        'not(order.channel in ("jd", "tmall"))',
        "订单渠道不是“京东”，也不是“天猫”",
        "order channel is neither “JD” nor “Tmall”",
    ),
    (
        "recipient.province in remote",
        "收件人省份属于偏远省份",
        "recipient province is one of remote provinces",
    ),
    (
        "not(recipient.province in remote)",
        "收件人省份不属于偏远省份",
        "recipient province is none of remote provinces",
    ),
    (
        "order.quantity in (1, > 10)",
        "订单件数是 1，或订单件数大于 10",
        "order units is 1 or order units is more than 10",
    ),
    (
        '"老客" in order.tags',
        "订单标签包含“老客”",
        "order tags contains “老客”",
    ),
    (
        'not(list contains(order.tags, "老客"))',
        "订单标签不包含“老客”",
        "order tags does not contain “老客”",
    ),
    (
        'contains(order.buyer_memo, "加急")',
        "订单买家留言包含“加急”",
        "order buyer memo contains “加急”",
    ),
    (
        'not(contains(order.buyer_memo, "加急"))',
        "订单买家留言不包含“加急”",
        "order buyer memo does not contain “加急”",
    ),
    (
        'starts with(recipient.postcode, "8")',
        "收件人邮编以“8”开头",
        "recipient postcode starts with “8”",
    ),
    (
        "some w in words satisfies contains(order.buyer_memo, w)",
        "订单买家留言包含风险词中的任何一个",
        "order buyer memo contains any of risky words",
    ),
    (
        "no w in words satisfies contains(order.buyer_memo, w)",
        "订单买家留言不包含风险词中的任何一个",
        "order buyer memo does not contain any of risky words",
    ),
    (
        "every item in items satisfies item.available >= item.quantity",
        "每个商品都满足：商品可用库存不少于商品数量",
        "for every line, line available is at least line quantity",
    ),
    (
        "some item in items satisfies item.fragile and item.quantity > 2",
        "至少有一个商品满足：（商品易碎为“是”，且商品数量大于 2）",
        "for at least one line, (line fragile is “yes” and line quantity is more than 2)",
    ),
    (
        "no item in items satisfies item.is_gift",
        "没有商品满足：商品赠品为“是”",
        "for no line, line gift is “yes”",
    ),
    (
        "count(items[item.fragile]) >= 2",
        "至少有 2 个商品满足：商品易碎为“是”",
        "for at least 2 of the lines, line fragile is “yes”",
    ),
    (
        "count(items[item.hazardous]) = 0",
        "没有商品满足：商品限运为“是”",
        "for no line, line hazardous is “yes”",
    ),
    (
        "count(items) = 0",
        "商品行的个数等于 0",
        "the number of lines is 0",
    ),
    (
        "sum(items.quantity) > 20",
        "商品行的数量之和大于 20",
        "the sum of the quantity of lines is more than 20",
    ),
    (
        "max(items.unit_price) > high",
        "商品行的单价中最大的大于高价值门槛（2000 元）",
        "the largest of the unit price of lines is more than high value (2000 CNY)",
    ),
    (
        "order.total * 2 + order.freight > 100 CNY",
        "（订单金额 × 2 + 订单运费）大于 100 元",
        "(order total × 2 + order freight) is more than 100 CNY",
    ),
    (
        "since(order.paid_at) > 3d",
        "订单付款时间距今超过 3 天",
        "order paid at is more than 3 days ago",
    ),
    (
        "since(order.paid_at, warehouse_hours) >= 26h",
        "按仓库工作时间计，订单付款时间距今至少 26 小时",
        "order paid at is at least 26 hours ago, counting warehouse hours only",
    ),
    (
        "until(order.ship_by) < 4h",
        "距订单发货时限不到 4 小时",
        "less than 4 hours is left until order ship by",
    ),
    (
        "now in warehouse_hours",
        "现在在仓库工作时间内",
        "now is within warehouse hours",
    ),
    (
        'order.paid_at < @"2026-11-11T00:00:00+08:00"',
        "订单付款时间早于 2026-11-10 16:00 UTC",
        "order paid at is before 2026-11-10 16:00 UTC",
    ),
    (
        'date(now) = @"2026-11-11"',
        "现在的日期是 2026-11-11",
        "the date of now is 2026-11-11",
    ),
    (
        'weekday(order.paid_at) in ("Sat", "Sun")',
        "订单付款时间是星期六或星期日",
        "the weekday of order paid at is Saturday or Sunday",
    ),
    (
        "hour(now) >= 18",
        "现在的钟点数不少于 18",
        "the hour of now is at least 18",
    ),
    (
        "history.similar_orders(window) >= 1",
        "时间窗（24 小时）内的历史相似订单数不少于 1",
        "history similar orders within window (24 hours) is at least 1",
    ),
    (
        "order.buyer_memo is missing",
        "订单买家留言为空",
        "order buyer memo is missing",
    ),
    (
        'order.buyer_memo is present and contains(order.buyer_memo, "加急")',
        "订单买家留言不为空，且订单买家留言包含“加急”",
        "order buyer memo is known and order buyer memo contains “加急”",
    ),
    (
        'coalesce(order.manual_review, "none") = "none"',
        "订单人工审核结论（空缺时用“无”）是“无”",
        "order manual review (or “none” if missing) is “none”",
    ),
    (
        "not(vip)",
        "“是老客”不成立",
        "“a regular” does not hold",
    ),
    (
        "vip = true",
        "是老客",
        "a regular",
    ),
    (
        '(order.total > high or vip) and payment.status = "paid"',
        "（订单金额大于高价值门槛（2000 元），或是老客），且付款状态是“已付款”",
        "(order total is more than high value (2000 CNY) or a regular) and payment status is “paid”",
    ),
    (
        "if vip then order.total > high else order.total > 100 CNY",
        "若是老客则为订单金额大于高价值门槛（2000 元），否则为订单金额大于 100 元",
        "order total is more than high value (2000 CNY) if a regular, else order total is more than 100 CNY",
    ),
    (
        "not(order.total > high)",
        "订单金额不超过高价值门槛（2000 元）",
        "order total is at most high value (2000 CNY)",
    ),
    (
        'matches(order.shop, "*旗舰店")',
        "订单店铺形如“*旗舰店”",
        "order shop looks like “*旗舰店”",
    ),
    (
        "modulo(order.quantity, pieces) != 0",
        "订单件数除以每箱件数（6）的余数不等于 0",
        "order units modulo units a box (6) is not 0",
    ),
    (
        "string length(recipient.address) < 6",
        "收件人详细地址的字数小于 6",
        "the length of recipient address is less than 6",
    ),
    (
        "order.total / order.quantity > 100 CNY",
        "（订单金额 ÷ 订单件数）大于 100 元",
        "(order total ÷ order units) is more than 100 CNY",
    ),
    (
        "some item in items satisfies some other in items satisfies item.sku = other.sku and item.quantity > other.quantity",
        "至少有一个商品满足：至少有一个商品满足：（item 的商家编码是 other 的商家编码，且 item 的数量大于 other 的数量）",
        "for at least one line, for at least one line, (item's SKU is other's SKU and item's quantity is more than other's quantity)",
    ),
    (
        "some item in items[item.is_gift] satisfies item.quantity > 1",
        "至少有一个满足「商品赠品为“是”」的商品满足：商品数量大于 1",
        "for at least one line where line gift is “yes”, line quantity is more than 1",
    ),
    (
        "order.quantity in ([1..2], [5..9))",
        "订单件数在 1 到 2 之间，或订单件数不少于 5 且小于 9",
        "order units is between 1 and 2 or order units is at least 5 and less than 9",
    ),
    (
        "not(every item in items satisfies item.known)",
        "并非（每个商品都满足：商品编码已建档为“是”）",
        "it is not so that (for every line, line known SKU is “yes”)",
    ),
    (
        "order.paid_at - order.ordered_at > 30m",
        "（订单付款时间 - 订单下单时间）超过 30 分钟",
        "(order paid at - ordered at) is more than 30 minutes",
    ),
    (
        "min(order.total, order.freight) < 0",
        "订单金额和订单运费中最小的小于 0",
        "the smallest of order total and order freight is less than 0",
    ),
    (
        'distinct(items.sku) = ["a"]',
        "不重复的商品行的商家编码等于“a”",
        "distinct the SKU of lines is “a”",
    ),
]


def test_there_are_enough_golden_conditions() -> None:
    assert len(GOLDEN) >= 55


@pytest.mark.parametrize(("text", "zh", "en"), GOLDEN, ids=[row[0] for row in GOLDEN])
def test_a_condition_in_words(text: str, zh: str, en: str, vocabulary: Vocabulary) -> None:
    ruleset = a_set(vocabulary, [text])
    node = ruleset.rules[0].leaves[0].node
    assert (sentence(node, ruleset, "zh-CN"), sentence(node, ruleset, "en")) == (zh, en)


@pytest.mark.parametrize(
    ("conditions", "zh", "en"),
    [
        (
            [],
            "总是转人工：没有规则给出结论（队列：财务）",
            "Always hold for a person: No rule decided (queue: Finance)",
        ),
        (
            ["order.total > high"],
            "如果订单金额大于高价值门槛（2000 元），则转人工：没有规则给出结论（队列：财务）",
            "If order total is more than high value (2000 CNY), "
            "then hold for a person: No rule decided (queue: Finance)",
        ),
        (
            ["vip", {"any": ["order.total > high", "order.quantity > 9"]}],
            "如果是老客，且（订单金额大于高价值门槛（2000 元），或订单件数大于 9），"
            "则转人工：没有规则给出结论（队列：财务）",
            "If a regular and (order total is more than high value (2000 CNY) or order units is "
            "more than 9), then hold for a person: No rule decided (queue: Finance)",
        ),
        (
            [{"none": ["vip", "order.quantity > 9"]}],
            "如果以下都不成立（是老客；订单件数大于 9），则转人工：没有规则给出结论（队列：财务）",
            "If none of these holds (a regular; order units is more than 9), "
            "then hold for a person: No rule decided (queue: Finance)",
        ),
        (
            ["no item in items satisfies item.fragile", "vip"],
            "如果（没有商品满足：商品易碎为“是”），且是老客，则转人工：没有规则给出结论（队列：财务）",
            "If (for no line, line fragile is “yes”) and a regular, "
            "then hold for a person: No rule decided (queue: Finance)",
        ),
    ],
)
def test_a_rule_in_words(conditions: Any, zh: str, en: str, vocabulary: Vocabulary) -> None:
    ruleset = a_set(vocabulary, conditions)
    rule = ruleset.rules[0]
    assert (rule_sentence(rule, ruleset, "zh"), rule_sentence(rule, ruleset, "en")) == (zh, en)
    assert condition_sentence(rule.condition, ruleset, "en") in rule_sentence(rule, ruleset, "en")


def test_dates_stand_before_the_rule(vocabulary: Vocabulary) -> None:
    def said(active: dict[str, str], lang: str) -> str:
        rules = [{"id": "a", "active": active, "if": ["vip"], "then": ["approve"]}]
        ruleset = a_set(vocabulary, [], rules=rules)
        return rule_sentence(ruleset.rules[0], ruleset, lang)

    both = {"from": "2026-11-01", "to": "2026-11-12"}
    assert said(both, "zh") == "2026-11-01 至 2026-11-12 期间，如果是老客，则通过"
    assert said(both, "en") == "From 2026-11-01 to 2026-11-12, if a regular, then approve"
    assert said({"from": "2026-11-01"}, "zh") == "自 2026-11-01 起，如果是老客，则通过"
    assert said({"to": "2026-11-12"}, "en") == "Until 2026-11-12, if a regular, then approve"


def test_a_table_row_reads_like_a_rule(vocabulary: Vocabulary) -> None:
    rows = [{"id": "x", "when": [">= 10", "not(remote)"], "then": ["加急"]}]
    table = {
        "id": "t1",
        "inputs": ["order.quantity", "recipient.province"],
        "outputs": ["tag"],
        "rows": rows,
    }
    ruleset = a_set(vocabulary, [], rules=[], tables=[table])
    assert rule_sentence(ruleset.rules[0], ruleset, "zh") == (
        "如果订单件数不少于 10，且收件人省份不属于偏远省份，则打标签：加急"
    )


def test_arguments_are_named_and_codes_are_put_into_words(vocabulary: Vocabulary) -> None:
    then = [
        {"insure": "order.total * 2"},
        {"exclude": {"service": "SF.express", "reason": "too_heavy"}},
    ]
    rules = [{"id": "a", "if": [], "then": then}]
    document = {"tidegate": "ruleset/1", "id": "t", "gate": "routing", "policy": "collect"}
    ruleset = read_ruleset(document | {"rules": rules}, vocabulary)
    calls = ruleset.rules[0].actions
    assert [action_sentence(call, ruleset, "zh") for call in calls] == [
        "保价：订单金额 × 2",
        "排除快递：顺丰特快（原因：超重）",
    ]
    assert action_sentence(calls[1], ruleset, "en") == (
        "exclude a service: SF Express (reason: Too heavy)"
    )


def test_policies_otherwise_and_derived_facts_are_explained(vocabulary: Vocabulary) -> None:
    more = {
        "policy": "priority",
        "severity": ["reject", "hold"],
        "otherwise": ["approve"],
        "on_missing": "fail",
    }
    ruleset = a_set(vocabulary, ["vip"], **more)
    assert stage_sentences(ruleset.stages[0], ruleset, "zh") == (
        "每条规则都判断，最严重的结论生效（从重到轻：拒绝、转人工）",
        "没有规则给出结论时：通过",
        "信息缺失时拒绝判断",
    )
    assert stage_sentences(ruleset.stages[0], ruleset, "en") == (
        "Every rule is tried, and the most severe outcome stands "
        "(most severe first: reject, hold for a person)",
        "When no rule decides: approve",
        "When facts are missing, deciding is refused",
    )
    assert derived_sentence("vip", ruleset, "zh") == "“是老客”指：订单标签包含“vip”"


CODE = re.compile(
    r"satisfies|starts with\(|\b(order|items?|scans?|history|custom)\.|\w+_\w+\(|None|\{\d\}"
)


def test_a_value_is_called_by_its_name_wherever_its_fact_is_asked(vocabulary: Vocabulary) -> None:
    ruleset = a_set(
        vocabulary,
        [
            'payment.status in ("unpaid", "part_paid")',
            "order.kind = gift_kind",
            'answer != "released"',
            'some item in items satisfies item.refund_status = "Requested"',
            'order.shop = "paid"',
            'order.channel = "corner_shop"',
            'order.channel = exact("taobao")',
        ],
        parameters={
            "gift_kind": {
                "type": "text",
                "value": "gift",
                "title": {"zh": "礼物类型", "en": "Kind of a present"},
            }
        },
        derive={
            "answer": {
                "value": 'coalesce(order.manual_review, "none")',
                "title": {"zh": "人工结论", "en": "The person's answer"},
            }
        },
    )
    said = [
        sentence(leaf.node, ruleset, lang)
        for leaf in ruleset.rules[0].leaves
        for lang in ("zh", "en")
    ]
    assert said == [
        "付款状态是“未付款”或“部分付款”",
        "payment status is “unpaid” or “part paid”",
        "订单类型是礼物类型（“赠品”）",
        "order kind is kind of a present (“gift”)",
        "人工结论不是“人工放行”",
        "the person's answer is not “released”",
        "至少有一个商品满足：商品退款状态是“买家申请”",
        "for at least one line, line refund status is “requested”",
        "订单店铺是“paid”",
        "order shop is “paid”",
        "订单渠道是“corner_shop”",
        "order channel is “corner_shop”",
        "订单渠道是“taobao”（逐字）",
        "order channel is exactly “taobao”",
    ]


def test_every_choice_of_the_dictionary_has_names_in_both_languages(vocabulary: Vocabulary) -> None:
    choices = {name: fact.values for name, fact in vocabulary.facts.items() if fact.values}
    assert len(choices) > 10
    for name, values in choices.items():
        assert set(vocabulary.words.get(name, ())) == set(values), name
    for action in vocabulary.actions.values():
        for argument in action.args.values():
            assert set(argument.values) <= set(vocabulary.reasons), (action.id, argument.id)


def test_words_for_a_value_that_a_choice_does_not_have_are_refused() -> None:
    text = """
tidegate: vocabulary/1
groups: {order: {title: Order, fields: {kind: {type: choice, values: [gift], title: Kind}}}}
actions: {}
gates: {}
words: {order.kind: {gfit: {zh: 礼物, en: present}}}
"""
    with pytest.raises(ConfigError, match=r"value of order\.kind gfit isn't"):
        load_vocabulary(text)


def test_no_generated_condition_leaves_code_in_its_sentence() -> None:
    kinds: set[type] = set()
    said = 0
    for seed in range(250):
        rng = Random(seed)
        ruleset = a_ruleset(rng, a_vocabulary(rng))
        for rule in ruleset.rules:
            for leaf in rule.leaves:
                kinds |= {type(part) for part in tree.walk(leaf.node)}
            for lang in ("zh", "en"):
                text = rule_sentence(rule, ruleset, lang)
                said += 1
                assert text
                assert not CODE.search(text), (seed, rule.id, text, rule.condition.text())
        for stage in ruleset.stages:
            assert all(all(stage_sentences(stage, ruleset, lang)) for lang in ("zh", "en"))
    assert said > 2_000
    assert len(kinds) >= 24
