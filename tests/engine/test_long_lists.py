"""Long lists: found by a set, with the meaning of looking through them, and a set of rules that has one compiles soon."""

from __future__ import annotations

import time
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hostile_cases import NOON, VOCABULARY, a_document

from tidegate.engine.compiled import compile_set
from tidegate.engine.long_lists import LONG, LongLists
from tidegate.engine.operations import ExactText, member_of
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.values import Money
from tidegate.engine.vocabulary import load_vocabulary

RUNAWAY_S = 60.0


def test_a_set_means_what_looking_through_means() -> None:
    seed = time.time_ns() % 10**9
    print(f"seed: {seed}")
    rng = Random(seed)
    texts = tuple(f"Ａb{n}" for n in range(LONG))
    numbers = tuple(Decimal(n) / 4 for n in range(LONG))
    amounts = tuple(Money(Decimal(n), "CNY") for n in range(LONG))
    exact = (ExactText("x"), *texts)
    mixed = (*texts, Decimal(1))
    values = [
        "ab3",
        "AB3",
        "ab999",
        Decimal("2.50"),
        Decimal("0.1"),
        None,
        True,
        Money(Decimal(3), "CNY"),
    ]
    looked = 0
    lists = LongLists()
    for _ in range(2_000):
        value = rng.choice(values)
        members: tuple[Any, ...] = rng.choice([texts, numbers, amounts, exact, mixed, texts[:5]])
        found = lists.holds(value, members)
        if found is not None:
            looked += 1
            assert found is member_of(value, members), (value, members[:2])
    assert looked > 50
    assert lists.holds("ab3", amounts) is None
    assert lists.holds("ab3", exact) is None


@pytest.mark.parametrize(
    ("fact", "members"),
    [
        ("order.buyer_memo", [f"v{n}" for n in range(30_000)]),
        ("order.quantity", list(range(30_000))),
    ],
)
def test_a_list_of_thirty_thousand_compiles_soon_and_decides(fact: str, members: list[Any]) -> None:
    kind = "text" if isinstance(members[0], str) else "number"
    listed = {"l": {"title": {"zh": "名单", "en": "List"}, "type": kind, "values": members}}
    ruleset = read_ruleset(a_document(f"{fact} in l", lists=listed), load_vocabulary(VOCABULARY))
    began = time.process_time()
    program = compile_set(ruleset)
    assert time.process_time() - began < RUNAWAY_S
    group, _, name = fact.partition(".")
    for value, actions in ((members[17], 1), ("none" if kind == "text" else -1, 0)):
        facts = {group: {name: value}}
        assert len(program.decide(facts, NOON).actions) == actions
        assert len(evaluate(ruleset, facts, NOON).actions) == actions
