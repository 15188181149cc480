"""What would change it: every minimal set of up to two facts, against trying everything."""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest
from changes_oracle import (
    NOW,
    a_problem,
    applied,
    brute_force,
    fact_sets,
    gives,
    values_in,
)
from changes_oracle import (
    vocabulary as small_vocabulary,
)

from tidegate.engine.changes import changes
from tidegate.engine.compiled import compile_set


def check(seed: int, seen: Counter[str]) -> None:
    rng = random.Random(seed)
    problem = a_problem(rng, small_vocabulary())
    program = compile_set(problem.ruleset)
    decide = lambda facts: program.decide(facts, NOW)  # noqa: E731
    answer = changes(problem.ruleset, problem.facts, NOW, problem.want, limit=None, decide=decide)
    seen["problems"] += 1
    if answer.holds:
        seen["held"] += 1
        assert gives(problem, decide, problem.facts)
        return
    for one in answer.sets:  # nothing wrong
        document = applied(problem, [answer.change(change) for change in one.changes])
        assert gives(problem, decide, document), (seed, one.facts)
    wanted, _ = brute_force(problem, decide, values_in(answer))
    found = fact_sets(answer)
    assert found <= wanted, (seed, "not minimal", found - wanted)  # nothing too large
    if answer.complete:  # nothing missed
        assert found == wanted, (seed, wanted - found)
        seen["complete"] += 1
    seen["found"] += bool(found)


def run(seeds: range) -> None:
    seen: Counter[str] = Counter()
    for seed in seeds:
        check(seed, seen)
    print(f"seeds {seeds.start}..{seeds.stop - 1}: {dict(seen)}")
    assert seen["problems"] == len(seeds)
    assert seen["complete"] > 0.5 * (len(seeds) - seen["held"])
    assert seen["found"] > 0.2 * len(seeds)


def test_every_minimal_change_is_found_and_none_is_wrong() -> None:
    start = int(os.environ.get("TIDEGATE_SEED", "0"))
    run(range(start, start + 120))


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(10))
def test_every_minimal_change_is_found_on_thousands_of_sets(chunk: int) -> None:
    start = 70_000 + int(os.environ.get("TIDEGATE_SEED", "0"))
    run(range(start + chunk * 200, start + chunk * 200 + 200))
