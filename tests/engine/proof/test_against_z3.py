"""The decision procedure and z3 agree on random tables."""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import Any

import pytest
from random_tables import Table, a_table
from table_oracle import Oracle, verdicts

from tidegate.engine.checking import Finding, check
from tidegate.engine.decisions import FIRED
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Vocabulary

SHADOWS = ("check.shadowed", "check.shadowed_jointly", "check.unreachable")
CONTRADICTIONS = ("check.overlap", "check.conflict", "check.double_write")
WITNESSED = (
    *SHADOWS, *CONTRADICTIONS, "check.gap", "check.duplicate", "check.always_loses",
)  # fmt: skip


def found_by(table: Table, findings: list[Finding]) -> dict[str, Any]:
    """The checker's findings in the oracle's terms."""
    together: set[tuple[str, str]] = set()
    for finding in findings:
        if finding.code in CONTRADICTIONS:
            together |= set(combinations(sorted(finding.rules), 2))
    if table.policy in ("any", "collect"):  # who stands beside two that differ may agree with one
        word = 0 if table.policy == "collect" else slice(None)
        said = {rule: what.split()[word] for rule, what in table.said.items()}
        together = {(a, b) for a, b in together if said[a] != said[b]}
    return {
        "never": {f.where for f in findings if f.code == "check.never_fires"},
        "hidden": {f.where for f in findings if f.code in SHADOWS},
        "outdone": {f.where for f in findings if f.code == "check.always_loses"},
        "together": together,
        "twins": {f.where for f in findings if f.code == "check.duplicate"},
        "gap": any(f.code == "check.gap" for f in findings),
    }


def compare(seed: int, vocabulary: Vocabulary) -> list[str]:
    table = a_table(Random(seed))
    ruleset = read_ruleset(table.document, vocabulary)
    findings = check(ruleset, ())
    assert not [f for f in findings if f.code in ("check.cannot_decide", "check.more")], seed
    came, wanted = found_by(table, findings), dict(verdicts(table))
    if table.policy == "first":  # a twin of an earlier rule is reported once, as a twin
        assert wanted["twins"] <= wanted["hidden"], seed
        wanted["twins"] -= Oracle(table).always()  # below one that always holds: never reached
        wanted["hidden"] -= wanted["twins"]
        jointly = {f.where for f in findings if f.code == "check.shadowed_jointly"}
        oracle = Oracle(table)
        assert {name for name in came["hidden"] if not oracle.hidden_by_one(name)} == jointly, seed
    assert came == wanted, (seed, table.document)
    for finding in findings:
        witnessed(ruleset, table, finding, seed)
    return [finding.code for finding in findings]


def witnessed(ruleset: RuleSet, table: Table, finding: Finding, seed: int) -> None:
    """The witness shows it, asked once more."""
    if finding.code not in WITNESSED:
        return
    assert finding.witness is not None, (seed, finding)
    decision = evaluate(ruleset, finding.witness.facts, finding.witness.now)
    results = {trace.rule.id: trace.result for trace in decision.rules}
    if finding.code in CONTRADICTIONS:
        assert all(results[rule] == FIRED for rule in finding.rules), (seed, finding)
    elif finding.code == "check.gap":
        assert set(results.values()) == {"not"}, (seed, finding)
    elif finding.code in SHADOWS:
        lost = {item.outcome.rule for item in decision.overridden}
        assert results[finding.where] == "not", (seed, finding)
        assert finding.where in lost, (seed, finding)


def run(seeds: range, vocabulary: Vocabulary) -> None:
    print(f"seeds {seeds}")
    seen: dict[str, int] = {}
    for seed in seeds:
        for code in compare(seed, vocabulary):
            seen[code] = seen.get(code, 0) + 1
    for code in (*WITNESSED, "check.never_fires"):
        assert seen.get(code, 0) >= len(seeds) // 200, (code, seen)


def test_procedure_and_z3_agree_on_random_tables(vocabulary: Vocabulary) -> None:
    run(range(200), vocabulary)


@pytest.mark.long
def test_procedure_and_z3_agree_on_thousands_of_random_tables(vocabulary: Vocabulary) -> None:
    run(range(1_000, 5_000), vocabulary)
