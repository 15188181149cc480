"""What is wrong or doubtful in a set that can be read: findings an author sees before publishing.

    check(ruleset, cases)

Where a finding needs an order to show it, it carries one that the evaluator confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from tidegate.engine.checking.blocks import Block, blocks_of
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
    watch: Callable[[int, int], None] | None = None,
) -> list[Finding]:
    """All findings of a set with its cases (by default those inside it), errors first.

    `others` are the other sets of its gate, `known` the names an argument may have
    (`{"service": […]}`), `now` the day that tells which rules are over. `watch` is told how many
    of how many steps are done, often; what it raises ends the check.
    """
    steps = _Steps(watch)
    results = run_cases(ruleset, cases, timezone)
    found = [
        *trials.untested(ruleset, results),
        *trials.undocumented(ruleset),
        *leftovers.unused(ruleset),
        *leftovers.impossible_outcomes(ruleset),
        *(leftovers.dead_references(ruleset, known) if known else ()),
        *(leftovers.expired(ruleset, now, clock.zone(timezone)) if now else ()),
        *_proved(Analysis(ruleset, now or DEFAULT_NOW, timezone), others, steps),
    ]
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))


class _Steps:
    """How far the check is."""

    def __init__(self, watch: Callable[[int, int], None] | None) -> None:
        self._watch = watch
        self._done, self._total = 0, 1

    def begin(self, total: int) -> None:
        self._total = total

    def now(self) -> None:
        if self._watch is not None:
            self._watch(self._done, self._total)

    def next(self) -> None:
        self._done += 1
        self.now()


def _proved(analysis: Analysis, others: Sequence[RuleSet], steps: _Steps) -> Iterator[Finding]:
    """What follows from the conditions alone."""
    blocks = list(blocks_of(analysis.ruleset))
    same_gate = [other for other in others if other.gate == analysis.ruleset.gate]
    steps.begin(2 + 4 * len(blocks) + len(same_gate))
    analysis.space.work.watch = steps.now
    yield from reach.never_fires(analysis)
    steps.next()
    for block in blocks:
        yield from _of_block(analysis, block, steps)
    yield from parameters.limits(analysis)
    steps.next()
    for other in same_gate:
        yield from across.contradictions(analysis, other)
        steps.next()
    yield from analysis.open_questions()


def _of_block(analysis: Analysis, block: Block, steps: _Steps) -> Iterator[Finding]:
    twice = list(twins.duplicates(analysis, block))
    yield from twice
    steps.next()
    if block.policy == "first":
        yield from reach.shadowed(analysis, block, {twin.where for twin in twice})
        yield from gaps.idle_otherwise(analysis, block)
    if block.policy == "priority":
        yield from outdone.outcomes(analysis, block)
    steps.next()
    yield from conflicts.contradictions(analysis, block)
    steps.next()
    yield from gaps.gap(analysis, block)
    steps.next()
