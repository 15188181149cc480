"""What is wrong or doubtful in a set that can be read: findings an author sees before publishing.

    check(ruleset, cases)

Where a finding needs an order to show it, it carries one that the evaluator confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from tidegate.engine import clock
from tidegate.engine.cases import run_cases
from tidegate.engine.checking import (
    across,
    conflicts,
    gaps,
    leftovers,
    outdone,
    parameters,
    reach,
    trials,
    twins,
)
from tidegate.engine.checking.analysis import Analysis
from tidegate.engine.checking.blocks import blocks_of
from tidegate.engine.checking.findings import (
    ERROR,
    INFO,
    WARNING,
    Finding,
    brief,
    findings_of,
)
from tidegate.engine.checking.leftovers import Known
from tidegate.engine.proof.spaces import DEFAULT_NOW
from tidegate.engine.proof.witnesses import Witness
from tidegate.engine.rulesets import Case, RuleSet

__all__ = [
    "ERROR", "INFO", "WARNING", "Finding", "Known", "Witness", "brief", "check", "findings_of",
]  # fmt: skip
_ORDER = (ERROR, WARNING, INFO)


def check(
    ruleset: RuleSet,
    cases: Sequence[Case] | None = None,
    others: Sequence[RuleSet] = (),
    *,
    known: Known | None = None,
    now: datetime | None = None,
    timezone: str = "Asia/Shanghai",
) -> list[Finding]:
    """All findings of a set with its cases (by default those inside it), errors first.

    `others` are the other sets of its gate, `known` the names an argument may have
    (`{"service": […]}`), `now` the day that tells which rules are over.
    """
    results = run_cases(ruleset, cases, timezone)
    found = [
        *trials.untested(ruleset, results),
        *trials.undocumented(ruleset),
        *leftovers.unused(ruleset),
        *leftovers.impossible_outcomes(ruleset),
        *(leftovers.dead_references(ruleset, known) if known else ()),
        *(leftovers.expired(ruleset, now, clock.zone(timezone)) if now else ()),
        *_proved(Analysis(ruleset, now or DEFAULT_NOW, timezone), others),
    ]
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))


def _proved(analysis: Analysis, others: Sequence[RuleSet]) -> Iterator[Finding]:
    """What follows from the conditions alone."""
    yield from reach.never_fires(analysis)
    for block in blocks_of(analysis.ruleset):
        twice = list(twins.duplicates(analysis, block))
        yield from twice
        if block.policy == "first":
            yield from reach.shadowed(analysis, block, {twin.where for twin in twice})
            yield from gaps.idle_otherwise(analysis, block)
        if block.policy == "priority":
            yield from outdone.outcomes(analysis, block)
        yield from conflicts.contradictions(analysis, block)
        yield from gaps.gap(analysis, block)
    yield from parameters.limits(analysis)
    for other in others:
        if other.gate == analysis.ruleset.gate:
            yield from across.contradictions(analysis, other)
    yield from analysis.open_questions()
