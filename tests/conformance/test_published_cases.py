"""The language against published cases of five others, on both evaluators.

Each case passes, or is not ours for one of a few reasons; which is which is kept in `lists/`. A
case that newly fails, that is on no list, or that moved from one list to another fails the test.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import azure_cases
import cel_cases
import dmn_cases
import json_logic_cases
import pytest
import zen_cases
from evaluators import EVALUATORS
from reasons import CANNOT_RUN, CONTRADICT, REASONS
from suites import Case, Tally, run

pytestmark = pytest.mark.shared_data
LISTS = Path(__file__).parent / "lists"
SUITES: dict[str, Callable[[Path], Iterator[Case]]] = {
    "dmn_tck": dmn_cases.cases,
    "cel_spec": cel_cases.cases,
    "json_logic": json_logic_cases.cases,
    "azure_policy_cases": azure_cases.cases,
    "gorules_zen": zen_cases.cases,
}
COUNTS = {
    "dmn_tck": 340,
    "cel_spec": 163,
    "json_logic": 162,
    "azure_policy_cases": 158,
    "gorules_zen": 69,
}


@pytest.mark.parametrize("evaluator", EVALUATORS)
@pytest.mark.parametrize("suite", SUITES)
def test_every_published_case_ends_as_its_list_says(
    suite: str, evaluator: str, shared_data: Path
) -> None:
    tally = run(SUITES[suite](shared_data), EVALUATORS[evaluator])
    print(tally.told(f"{suite} ({evaluator})"))
    assert tally.total == COUNTS[suite]
    assert not tally.failed, "\n".join(f"{case}: {why}" for case, why in tally.failed.items())
    kept = json.loads((LISTS / f"{suite}.json").read_text(encoding="utf-8"))
    assert sorted(tally.passed) == kept["passed"]
    assert {reason: sorted(ids) for reason, ids in tally.not_ours.items()} == kept["not_ours"]


def test_97_of_100_cases_pass_that_can_be_run_and_every_reason_is_one_we_give() -> None:
    kept = [json.loads((LISTS / f"{suite}.json").read_text(encoding="utf-8")) for suite in SUITES]
    passed = sum(len(found["passed"]) for found in kept)
    reasons: Counter[str] = Counter()
    for found in kept:
        reasons.update({reason: len(ids) for reason, ids in found["not_ours"].items()})
    assert set(reasons) <= set(REASONS)
    assert len(reasons) >= 10
    assert passed + reasons.total() == sum(COUNTS.values())
    asked = passed + reasons.total() - sum(reasons[name] for name in (*CONTRADICT, *CANNOT_RUN))
    print(f"{passed} of {asked}; of all {sum(COUNTS.values())}")
    assert passed >= 0.97 * asked
    assert passed >= 0.93 * sum(COUNTS.values())


def test_a_case_that_answers_wrongly_is_told_apart_from_one_that_is_not_ours() -> None:
    from asking import Refused
    from reasons import NotOurs

    from tidegate.engine.problems import Problem, RuleProblems

    def not_ours(_: object) -> tuple[object, object]:
        raise NotOurs("no_bytes")

    def refused(code: str) -> Callable[[object], tuple[object, object]]:
        def answer(_: object) -> tuple[object, object]:
            raise Refused(RuleProblems("case", [Problem(code, "错", "wrong")]))

        return answer

    cases = [
        Case("right", lambda _: (True, True)),
        Case("wrong", lambda _: (True, None)),
        Case("other", not_ours),
        Case("types", refused("rule.type_compare")),
        Case("nothing", refused("rule.type_compare"), no_answer=True),
        Case("syntax", refused("rule.syntax")),
    ]
    tally: Tally = run(iter(cases), EVALUATORS["reference"])
    assert tally.passed == ["right", "nothing"]
    assert list(tally.failed) == ["wrong", "syntax"]
    assert tally.not_ours == {"no_bytes": ["other"], "types_refused": ["types"]}
