"""Invented rule sets: rules of 3-4 conditions of 18 kinds, chosen so that two or three match an order.

A rule is a tuple of `Test`, equality first (durable-rules works in no other order). `document` writes the set in our
language; `forms.py` writes the same rules for each peer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from orders import (
    CARRIERS,
    CATEGORIES,
    CHANNELS,
    FACTS,
    FLAGS,
    KINDS,
    METHODS,
    NEEDLES,
    SEED,
    SHOPS,
    Plain,
    places,
    plain_orders,
)

import tidegate_rules
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Vocabulary, load_vocabulary

SAMPLE = 4_000
# rules in the set: how many should match an order
MATCHING = {10: 1.4, 100: 2.2, 1_000: 2.5, 5_000: 2.5}
EQUAL, UNEQUAL, LEAST, BELOW, CONTAINS = "=", "!=", ">=", "<", "contains"
SOME_CATEGORY, SOME_FRAGILE, ALL_IN_STOCK = "some category", "some fragile", "all in stock"


class Test(NamedTuple):
    """One condition; `value` is text, fen, grams or pieces."""

    op: str
    field: str = ""
    value: Any = None


Rule = tuple[Test, ...]


def kinds(spread: bool) -> list[Callable[[random.Random], Test]]:
    """The 18 kinds. With `spread` almost every threshold is different, as if each rule had an author of its own."""
    provinces = tuple(dict.fromkeys(province for province, _ in places()))
    equal: dict[str, Sequence[str]] = {
        "shop": SHOPS.values,
        "city": [city for _, city in places()],
        "province": provinces,
        "carrier": CARRIERS.values,
        "channel": CHANNELS.values,
        "flag": FLAGS.values,
        "kind": KINDS.values,
        "method": METHODS.values,
    }
    step = 1 if spread else 5_000
    heavy = 1 if spread else 500
    equalities: list[Callable[[random.Random], Test]] = [
        lambda pick, field=field, values=values: Test(EQUAL, field, pick.choice(values))  # type: ignore[misc]
        for field, values in equal.items()
    ]
    return [
        *equalities,
        lambda pick: Test(LEAST, "total", pick.randrange(5_000, 90_000, step)),
        lambda pick: Test(BELOW, "total", pick.randrange(5_000, 90_000, step)),
        lambda pick: Test(LEAST, "weight", pick.randrange(500, 12_000, heavy)),
        lambda pick: Test(BELOW, "weight", pick.randrange(500, 12_000, heavy)),
        lambda pick: Test(LEAST, "quantity", pick.randrange(2, 9)),
        lambda pick: Test(UNEQUAL, "province", pick.choice(provinces)),
        lambda pick: Test(CONTAINS, "memo", pick.choice(NEEDLES)),
        lambda pick: Test(SOME_CATEGORY, "items", pick.choice(CATEGORIES.values)),
        lambda pick: Test(SOME_FRAGILE, "items"),
        lambda pick: Test(ALL_IN_STOCK, "items"),
    ]


def make_rules(count: int, seed: int = SEED, *, spread: bool = False) -> list[Rule]:
    """Different rules of which, together, about `MATCHING[count]` match an order of the generator."""
    pick, drawn = random.Random(seed), kinds(spread)
    sample = list(plain_orders(SAMPLE, seed + 2))
    columns: dict[Test, int] = {}
    wanted = MATCHING.get(count, 2.5) / count
    chosen: dict[Rule, None] = {}
    total = 0.0
    while len(chosen) < count:
        rule = _candidate(pick, drawn)
        share = _share(rule, sample, columns)
        fits = share <= wanted if total > wanted * len(chosen) else share >= wanted
        if fits and 0 < share < 8 * wanted and rule not in chosen:
            chosen[rule] = None
            total += share
    return list(chosen)


def _candidate(pick: random.Random, drawn: Sequence[Callable[[random.Random], Test]]) -> Rule:
    """Three or four conditions on different things, at least one of them an equality."""
    size = pick.choice((3, 4))
    tests = [pick.choice(drawn[:8])(pick)]
    while len(tests) < size:
        test = pick.choice(drawn)(pick)
        if all((test.op, test.field) != (t.op, t.field) for t in tests):
            tests.append(test)
    return tuple(sorted(tests, key=_place))


def _place(test: Test) -> tuple[int, int]:
    """Equality first, the field with the most values first."""
    rarest = ("city", "shop", "province", "carrier", "channel", "flag", "kind", "method")
    order = (EQUAL, SOME_FRAGILE, ALL_IN_STOCK, SOME_CATEGORY, CONTAINS, LEAST, BELOW, UNEQUAL)
    return order.index(test.op), rarest.index(test.field) if test.op == EQUAL else 0


def _share(rule: Rule, sample: Sequence[Plain], columns: dict[Test, int]) -> float:
    """The share of the sample the rule matches; one bit an order and condition."""
    matched = (1 << len(sample)) - 1
    for test in rule:
        if test not in columns:
            columns[test] = sum(1 << n for n, order in enumerate(sample) if holds(test, order))
        matched &= columns[test]
    return matched.bit_count() / len(sample)


def holds(test: Test, order: Plain) -> bool:
    """Whether a plain order without gaps meets the condition."""
    return _HOLDS[test.op](order[test.field], test.value)


_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    EQUAL: lambda found, value: found == value,
    UNEQUAL: lambda found, value: found != value,
    LEAST: lambda found, value: found >= value,
    BELOW: lambda found, value: found < value,
    CONTAINS: lambda found, value: value in found,
    SOME_CATEGORY: lambda lines, value: any(line["category"] == value for line in lines),
    SOME_FRAGILE: lambda lines, value: any(line["fragile"] for line in lines),
    ALL_IN_STOCK: lambda lines, value: all(x["available"] >= x["quantity"] for x in lines),
}

# our language

POLICIES = ("collect", "priority")


def rule_id(number: int) -> str:
    return f"r{number:04d}"


def document(rules: Sequence[Rule], policy: str = "collect") -> dict[str, Any]:
    """The set as plain data. `collect` tags an order with each rule's id; `priority` holds (three rules of four) or
    approves, and holds for missing facts too."""
    extra = {} if policy == "collect" else PRIORITY
    return {
        "tidegate": "ruleset/1",
        "id": "bench",
        "gate": "review",
        "title": {"zh": "基准规则", "en": "Benchmark rules"},
        "policy": policy,
        **extra,
        "rules": [
            {
                "id": rule_id(number),
                "title": {"zh": f"规则 {number}", "en": f"Rule {number}"},
                "why": "基准",
                "if": [our_text(test) for test in rule],
                "then": [_action(number, policy)],
            }
            for number, rule in enumerate(rules)
        ],
    }


PRIORITY = {
    "severity": ["hold", "approve"],
    "on_missing": "hold",
    "otherwise": [{"hold": {"reason": "no_rule_decided", "queue": "manual_review"}}],
}


def _action(number: int, policy: str) -> object:
    if policy == "collect":
        return {"tag": rule_id(number)}
    if number % 4 == 3:
        return "approve"
    return {"hold": {"reason": rule_id(number), "queue": "manual_review"}}


def our_text(test: Test) -> str:
    fact, value = FACTS.get(test.field, test.field), test.value
    if test.field == "total":
        return f"{fact} {test.op} {value // 100}.{value % 100:02d} CNY"
    if test.op in (LEAST, BELOW):
        return f"{fact} {test.op} {value}"
    if test.op == CONTAINS:
        return f'contains({fact}, "{value}")'
    if test.op == SOME_CATEGORY:
        return f'some item in items satisfies item.category = "{value}"'
    if test.op == SOME_FRAGILE:
        return "some item in items satisfies item.fragile"
    if test.op == ALL_IN_STOCK:
        return "every item in items satisfies item.available >= item.quantity"
    return f'{fact} {test.op} "{value}"'


@cache
def vocabulary() -> Vocabulary:
    return load_vocabulary(Path(tidegate_rules.__path__[0]) / "vocabulary.yaml")


def our_set(rules: Sequence[Rule], policy: str = "collect") -> RuleSet:
    return read_ruleset(document(rules, policy), vocabulary())
