"""Thousands of rules read within seconds, in time that grows with their number and no faster."""

from __future__ import annotations

import time
from random import Random

from tidegate import simple_yaml
from tidegate.engine.language.parser import kept_tree
from tidegate.engine.limits import MAX_DEPTH, MAX_RULES, MAX_VALUES
from tidegate.engine.reader import read_ruleset
from tidegate.engine.sourced import read_fully
from tidegate.engine.vocabulary import Vocabulary
from tidegate.engine.writing import write

HEAD = """\
tidegate: ruleset/1
id: big
gate: review
title: {zh: 大规则集, en: Big set}
policy: priority
severity: [reject, hold, approve]
otherwise:
  - hold: {reason: no_rule_decided, queue: manual_review}
parameters:
  high: {type: money, value: 2000 CNY, title: {zh: 高价值门槛, en: High value}}
  window: {type: duration, value: 24h, title: {zh: 时间窗, en: Window}}
lists:
  remote: {type: text, values: [新疆, 西藏, 青海], title: {zh: 偏远省份, en: Remote}}
derive:
  repeat: history.similar_orders(window) >= 1
rules:
"""
CONDITIONS = [
    'order.channel = "{word}"',
    "order.total >= {number} CNY",
    'recipient.province in ("浙江省", "江苏省", "省{number}")',
    "order.quantity in [{digit}..{number})",
    'some item in items satisfies item.sku = "SKU-{number}" and item.quantity > {digit}',
    'contains(order.buyer_memo, "词{number}")',
    "recipient.province in remote",
    "since(order.paid_at) > {digit}h",
    "repeat",
    "order.weight_g > {number}",
    "sum(items.quantity) > {digit}",
    '订单.店铺 = "店铺{digit}"',
]


def a_big_set(rules: int) -> str:
    """Rules of three or four conditions, as in `benchmarks`, about 330 bytes each."""
    rng = Random(1)
    text = [HEAD]
    for n in range(rules):
        found = [
            shape.format(
                word=rng.choice(("jd", "tmall", "pdd")),
                number=rng.randint(10, 9_999),
                digit=rng.randint(1, 9),
            )
            for shape in rng.sample(CONDITIONS, rng.choice((3, 4)))
        ]
        text.append(f"  - id: rule-{n}\n    title: {{zh: 第 {n} 条规则, en: Rule number {n}}}\n")
        text.append(f"    why: 2026-03 退件复盘第 {n} 条\n    if:\n")
        text += [f"      - {one}\n" for one in found[:2]]
        text.append("      - any:\n" + "".join(f"          - {one}\n" for one in found[2:]))
        text.append(
            f"    then:\n      - {rng.choice(('hold', 'reject'))}: {{reason: reason_{n % 20}}}\n"
        )
        if n % 10 == 0:
            text.append(f"      - tag: 标签{n}\n")
    return "".join(text)


def seconds(text: str, vocabulary: Vocabulary) -> float:
    """CPU time of a first reading."""
    kept_tree.cache_clear()
    started = time.process_time()
    read_ruleset(text, vocabulary)
    return time.process_time() - started


def test_a_thousand_rules_are_read_in_bounded_time(vocabulary: Vocabulary) -> None:
    text = a_big_set(1_000)
    assert 250_000 < len(text.encode()) < 400_000
    read_ruleset(a_big_set(2), vocabulary)  # the grammar is loaded once
    took = min(seconds(text, vocabulary) for _ in range(2))
    print(f"1,000 rules: {took:.2f} s")
    assert took <= 20


def test_five_thousand_rules_are_read_and_written_in_bounded_time(
    vocabulary: Vocabulary,
) -> None:
    text = a_big_set(5_000)
    assert len(text.encode()) > 1_400_000
    took = seconds(text, vocabulary)
    ruleset = read_ruleset(text, vocabulary)
    assert len(ruleset.rules) == 5_000
    started = time.process_time()
    written = write(ruleset)
    wrote = time.process_time() - started
    print(f"5,000 rules: read in {took:.2f} s, written in {wrote:.2f} s")
    assert took <= 100
    assert wrote <= 30
    assert read_ruleset(written, vocabulary).hash == ruleset.hash


def test_a_set_may_have_ten_thousand_rules(vocabulary: Vocabulary) -> None:
    rules = [
        {"id": f"r{n}", "if": ["order.total > 1 CNY"], "then": ["approve"]}
        for n in range(MAX_RULES)
    ]
    document = {"tidegate": "ruleset/1", "id": "t", "gate": "review", "policy": "collect"}
    found = read_ruleset(document | {"rules": rules}, vocabulary)
    assert len(found.rules) == MAX_RULES == 10_000


def test_reading_grows_with_the_number_of_rules_and_no_faster(vocabulary: Vocabulary) -> None:
    """Rules that write and read tags, derived facts, thousands of parameters: nothing is looked at
    once for every other.
    """

    def took(count: int) -> float:
        parameters = {f"p{n}": {"type": "number", "value": n} for n in range(count)}
        derive = {"d0": "order.quantity > 1"} | {
            f"d{n}": f"order.quantity > p{n} and not(d{n // 2})" for n in range(1, count // 4)
        }
        rules = [
            {
                "id": f"w{n}",
                "if": [f"order.quantity > p{n}", f"d{n % (count // 4)}"],
                "then": [{"tag": f"t{n}"}],
            }
            for n in range(count // 2)
        ]
        rules += [
            {"id": f"r{n}", "if": [f'"t{n}" in order.tags'], "then": [{"hold": "tagged"}]}
            for n in range(count // 2)
        ]
        document = {
            "tidegate": "ruleset/1",
            "id": "t",
            "gate": "review",
            "policy": "priority",
            "severity": ["hold"],
        }
        document |= {"parameters": parameters, "derive": derive, "rules": rules}
        best = 99.0
        for _ in range(2):
            kept_tree.cache_clear()
            started = time.process_time()
            read_ruleset(document, vocabulary)
            best = min(best, time.process_time() - started)
        return best

    took(100)
    small, large = took(600), took(3_000)
    print(f"600: {small:.2f} s, 3,000: {large:.2f} s")
    assert large <= 5 * 5 * small  # 25 times would be each looked at once for every other


def test_a_big_set_is_read_by_the_simple_reader_as_by_the_full_parser() -> None:
    text = a_big_set(300)
    quick = simple_yaml.read(text, MAX_DEPTH, MAX_VALUES)
    assert quick is not None
    assert not isinstance(quick, int)
    assert quick[0] == read_fully(text, "x").data
