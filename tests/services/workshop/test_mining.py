"""The search finds what trying everything finds, and prefers saying little."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from tidegate.services.workshop import mining
from tidegate.services.workshop.mining import Condition, Example, Pattern


def is_(field: str, value: str, side: str = "") -> Condition:
    return Condition(0, field, f'{field} = "{value}"', side)


def examples(*rows: tuple[str, bool, int]) -> list[Example]:
    """`"channel=jd city=x", done, how often`."""
    found: list[Example] = []
    for words, done, times in rows:
        holds = frozenset(is_(*word.split("=")) for word in words.split())
        found += [Example(len(found) + n, holds, done) for n in range(times)]
    return found


def by_trying_everything(
    rows: list[Example], at_least: int, precision: float, fewest: int, most: int
) -> Pattern | None:
    every = sorted({condition for one in rows for condition in one.holds})
    found = []
    for size in range(fewest, most + 1):
        for conditions in combinations(every, size):
            pairs = list(combinations(conditions, 2))
            if any(a.field == b.field and (a.side == b.side or not a.side) for a, b in pairs):
                continue
            support = sum(one.done and set(conditions) <= one.holds for one in rows)
            exceptions = sum(not one.done and set(conditions) <= one.holds for one in rows)
            if support >= at_least and support / (support + exceptions) >= precision:
                found.append(Pattern(conditions, support, exceptions))
    return min(found, key=mining.order, default=None)


@pytest.mark.parametrize("round_", range(60))
def test_the_best_pattern_is_the_best_of_all(round_: int) -> None:
    seed = random.randrange(10**9)
    print("seed", seed)
    told = random.Random(seed)
    fields = [("a", 3), ("b", 2), ("c", 4), ("d", 2)]
    rows = []
    for n in range(told.randrange(1, 60)):
        values = {name: told.randrange(size) for name, size in fields}
        holds = {Condition(0, name, f"{name} = {value}") for name, value in values.items()}
        amount = told.randrange(100)
        holds |= {Condition(1, "m", f"m >= {x}", ">=") for x in (20, 50) if amount >= x}
        holds |= {Condition(1, "m", f"m < {x}", "<") for x in (20, 50) if amount < x}
        habit = values["a"] == 1 and amount >= 50
        rows.append(Example(n, frozenset(holds), told.random() < (0.9 if habit else 0.15)))
    at_least, precision = told.randrange(1, 6), told.choice((0.5, 0.8, 1.0))
    for fewest in (0, 1):
        wanted = by_trying_everything(rows, at_least, precision, fewest, 3)
        assert mining.best(rows, at_least=at_least, precision=precision, fewest=fewest) == wanted


def test_a_condition_must_be_worth_two_orders() -> None:
    rows = examples(
        ("channel=jd city=x", True, 10),
        ("channel=jd city=y", False, 2),
        ("channel=tb city=x", False, 9),
    )
    found = mining.best(rows, at_least=5, precision=0.8)
    assert found == Pattern((is_("channel", "jd"),), 10, 2)
    more = rows + examples(("channel=jd city=y", False, 1))
    found = mining.best(more, at_least=5, precision=0.7)
    assert found is not None
    assert [one.field for one in found.conditions] == ["channel", "city"]


def test_too_few_acts_or_too_many_exceptions_are_no_pattern() -> None:
    rows = examples(("channel=jd", True, 9), ("channel=jd", False, 2))
    assert mining.best(rows, at_least=10, precision=0.5) is None
    assert mining.best(rows, at_least=9, precision=0.82) is None
    assert mining.best(rows, at_least=9, precision=0.81) is not None


def test_two_habits_are_two_patterns_each_counted_against_everything() -> None:
    rows = examples(
        ("channel=jd", True, 12),
        ("channel=tb", True, 10),
        ("channel=tb", False, 1),
        ("channel=pdd", False, 20),
    )
    found = mining.cover(rows, at_least=8, precision=0.9)
    assert [(one.conditions[0].text, one.support, one.exceptions) for one in found] == [
        ('channel = "jd"', 12, 0),
        ('channel = "tb"', 10, 1),
    ]


def test_an_act_on_everything_needs_no_condition() -> None:
    rows = examples(("channel=jd", True, 12), ("channel=tb", True, 12), ("channel=tb", False, 1))
    assert mining.best(rows, at_least=8, precision=0.9, fewest=0) == Pattern((), 24, 1)
    assert mining.best([], at_least=1, precision=0.9, fewest=0) is None


def test_what_chance_could_have_made_is_no_habit() -> None:
    seed = random.randrange(10**9)
    print("seed", seed)
    told = random.Random(seed)
    for _ in range(20):
        rows = []
        for n in range(400):
            holds = {is_(name, str(told.randrange(5))) for name in "abcdef"}
            rows.append(Example(n, frozenset(holds), told.random() < 0.4))
        assert len(mining.cover(rows, at_least=6, precision=0.8)) <= 1  # 1 % a time, not more


def test_the_chance_of_a_pattern_is_the_hypergeometric_tail() -> None:
    rows = examples(("channel=jd", True, 4), ("channel=jd", False, 1), ("channel=tb", False, 5))
    # 5 of 10 orders drawn hold all 4 acts: C(4,4) C(6,1) / C(10,5) = 6/252; one condition was sought
    chance = mining.by_chance(Pattern((is_("channel", "jd"),), 4, 1), rows, at_least=2)
    assert chance == pytest.approx(6 / 252)
    assert mining.by_chance(Pattern((), 4, 6), rows, at_least=2) == 0
