"""Conditions and rules as people read them."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.engine.language.sentences import rule_sentence, sentence
from tidegate.engine.rulesets import RuleSet

SET = """
tidegate: ruleset/1
id: t
gate: review
policy: priority
severity: [hold, approve]
parameters:
  high: {{type: money, value: 2000 CNY, title: {{zh: 高价值门槛, en: High value}}}}
  window: {{type: duration, value: 24h, title: {{zh: 时间窗, en: Window}}}}
lists:
  words: {{values: [退款], title: {{zh: 风险词, en: Risky words}}}}
derive:
  vip: {{value: '"vip" in order.tags', title: {{zh: 是老客, en: A regular}}}}
rules:
  - id: a
    if: ['{0}']
    then: [hold: {{reason: no_rule_decided}}]
"""


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        (
            "order.total >= high",
            "订单金额不少于高价值门槛（2000 CNY）",
            "order total is at least high value (2000 CNY)",
        ),
        ("order.invoice_wanted", "订单需要发票", "order invoice wanted"),
        ("recipient.phone_valid = false", "收件人电话有效：否", "recipient phone valid: no"),
        (
            "order.quantity between 2 and 5",
            "订单件数在 2 到 5 之间",
            "order units is between 2 and 5",
        ),
        (
            'order.channel in ("jd", "tmall")',
            "订单渠道是“jd”、“tmall”之一",
            "order channel is one of “jd”, “tmall”",
        ),
        (
            "every item in items satisfies item.available >= item.quantity",
            "每个商品都满足：商品可用库存不少于商品数量",
            "every line: line available is at least line quantity",
        ),
        (
            "some w in words satisfies contains(order.buyer_memo, w)",
            "有风险词满足：订单买家留言包含其",
            "some risky words: order buyer memo contains it",
        ),
        (
            "history.similar_orders(window) > 0",
            "时间窗（24 小时）内的历史相似订单数大于 0",
            "history similar orders within window (24h) is more than 0",
        ),
        ("order.buyer_memo is missing", "订单买家留言缺失", "order buyer memo is missing"),
        ("not(vip)", "并非（是老客）", "not (a regular)"),
        (
            "since(order.paid_at) > 3d",
            "距订单付款时间已过大于 3 天",
            "the time since order paid at is more than 3d",
        ),
    ],
)
def test_a_condition_in_words(text: str, zh: str, en: str, read: Any) -> None:
    ruleset: RuleSet = read(SET.format(text))
    node = ruleset.rules[0].leaves[0].node
    assert (sentence(node, ruleset, "zh-CN"), sentence(node, ruleset, "en")) == (zh, en)


def test_a_rule_in_words(read: Any) -> None:
    ruleset: RuleSet = read(SET.format("order.total > high"))
    rule = ruleset.rules[0]
    assert rule_sentence(rule, ruleset, "zh") == (
        "如果订单金额大于高价值门槛（2000 CNY），则转人工（没有规则给出结论、manual_review）"
    )
    assert rule_sentence(rule, ruleset, "en") == (
        "If order total is more than high value (2000 CNY), "
        "then Hold for a person (No rule decided, manual_review)"
    )
