"""Both evaluators on tables of plain comparisons, exact and folded text side by side."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from random_tables import a_table
from strategies import NOW, FactDocuments

from tidegate.engine.agreement import compare
from tidegate.engine.compiled import compile_set
from tidegate.engine.reader import read_ruleset


def run(seeds: range, vocabulary: Any) -> None:
    judged, wrong = 0, []
    for seed in seeds:
        rng = Random(seed)
        ruleset = read_ruleset(a_table(rng).document, vocabulary)
        program, maker = compile_set(ruleset), FactDocuments(ruleset)
        for number in range(10):
            difference = compare(program, maker.document(rng), NOW, details=number == 0)
            judged += 1
            if difference:
                wrong.append((seed, number, str(difference)[:500]))
    print(f"seeds {seeds.start}..{seeds.stop - 1}: {judged} judged")
    assert judged == 10 * len(seeds)
    assert wrong == []


def test_both_evaluators_agree_on_tables(vocabulary: Any) -> None:
    run(range(300), vocabulary)


@pytest.mark.long
def test_both_evaluators_agree_on_many_tables(vocabulary: Any) -> None:
    run(range(10_000, 14_000), vocabulary)
