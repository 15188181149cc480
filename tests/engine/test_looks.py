"""Lines compared with lines have a limit of work, and both evaluators refuse the same."""

from __future__ import annotations

from typing import Any

import pytest
from hostile_cases import NOON, VOCABULARY, a_document, lines

from tidegate.engine.compiled import compile_set
from tidegate.engine.limits import MAX_LOOKS
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import load_vocabulary
from tidegate.errors import InputError

PAIR = "some x in items satisfies some y in items satisfies x.quantity > y.quantity + {n}"
SIDE = int(MAX_LOOKS**0.5)


def made(*conditions: str) -> RuleSet:
    document: dict[str, Any] = a_document(conditions[0])
    first = document["rules"][0]
    document["rules"] = [
        {**first, "id": f"r{n}", "if": [text]} for n, text in enumerate(conditions)
    ]
    return read_ruleset(document, load_vocabulary(VOCABULARY))


def codes(ruleset: RuleSet, facts: dict[str, Any]) -> list[str]:
    found = []
    for decide in (
        lambda: evaluate(ruleset, facts, NOON),
        lambda: compile_set(ruleset).decide(facts, NOON),
    ):
        try:
            decide()
            found.append("")
        except InputError as error:
            found.append(error.code)
    return found


@pytest.mark.parametrize(("count", "code"), [(SIDE // 4, ""), (SIDE + 1, "facts.too_many_looks")])
def test_one_pair_of_lists(count: int, code: str) -> None:
    ruleset = made(PAIR.format(n=9999))
    assert ruleset.nested_lists == (("items", "items"),)
    assert codes(ruleset, lines(count)) == [code, code]


def test_all_rules_of_a_set_count_together() -> None:
    ruleset = made(*(PAIR.format(n=9000 + n) for n in range(8)))
    assert len(ruleset.nested_lists) == 8
    assert codes(ruleset, lines(SIDE // 2)) == ["facts.too_many_looks"] * 2


def test_a_filter_inside_a_quantifier_counts_and_one_beside_another_does_not() -> None:
    inside = made("some x in items satisfies count(items[item.quantity > x.quantity]) > 9999")
    assert inside.nested_lists == (("items", "items"),)
    beside = made(
        "(some x in items satisfies x.quantity > 5) and (some y in items satisfies y.quantity > 6)"
    )
    assert beside.nested_lists == ()
    assert codes(beside, lines(SIDE + 1)) == ["", ""]


def test_the_error_says_what_to_do() -> None:
    with pytest.raises(InputError) as told:
        evaluate(made(PAIR.format(n=1)), lines(SIDE + 1), NOON)
    assert "items" in told.value.text("en")
    assert "nest less" in told.value.text("en")
    assert "减少嵌套" in told.value.text("zh")
