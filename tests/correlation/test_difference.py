"""Our matcher and durable-rules, over random patterns and episodes: no difference.

Through the whole road: sealed, sent to the child, answered there, and every answer compared.
"""

from __future__ import annotations

from collections import Counter
from random import Random, randrange
from typing import Any

import pytest
from questions import question
from random_patterns import JOINT, SEPARATE, a_pattern_set, an_episode

EPISODES = 12  # for each pattern


def compared(bench: Any, seed: int, patterns: int) -> Counter[Any]:
    """How often each answer came from the child, over `patterns` random patterns."""
    correlator = bench.correlator(share=1.0)
    seen: Counter[Any] = Counter()
    for number in range(seed, seed + patterns):
        rng = Random(number)
        ruleset = a_pattern_set(rng, JOINT if number % 4 == 0 else SEPARATE)
        for _ in range(EPISODES):
            gaps = 0.05 if rng.random() < 0.05 else 0.0
            asked = question(ruleset, an_episode(rng, rng.choice((4, 8, 16)), gaps))
            assert correlator.start(), bench.alarms
            answered = correlator.counts["answered"]
            found = asked.put(correlator)
            by_child = correlator.counts["answered"] > answered
            assert not bench.alarms, (number, bench.alarms, ruleset.rules[0].leaves[0].text)
            seen[found.truth if by_child else "ours"] += 1
    print(dict(seen), dict(correlator.counts))
    return seen


@pytest.mark.parametrize("seed", [7, None])
def test_both_matchers_agree(durable: None, bench: Any, seed: int | None) -> None:
    first = seed or randrange(10**9)
    print("seeds from", first)
    seen = compared(bench, first, 120)
    assert min(seen[True], seen[False]) > 200, seen


@pytest.mark.long
def test_both_matchers_agree_on_fifty_thousand_episodes(durable: None, bench: Any) -> None:
    first = randrange(10**9)
    print("seeds from", first)
    seen = compared(bench, first, 9_000)
    assert seen[True] + seen[False] >= 50_000, seen
    assert min(seen[True], seen[False]) > 15_000, seen
