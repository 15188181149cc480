"""Rules that can never act: contradictory, hidden behind earlier ones, always outdone, or there
twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tidegate.engine.checking.analysis import (
    BUDGET,
    EXACT,
    LOOSE,
    NOT_FALSE,
    TRUE,
    Analysis,
    Layer,
    OutOfBudget,
)
from tidegate.engine.checking.blocks import (
    Block,
    may_be_excluded,
    settles_itself,
)
from tidegate.engine.checking.findings import ERROR, WARNING, Finding, about, named
from tidegate.engine.proof.boxes import EVERYWHERE, Box, meet
from tidegate.engine.proof.witnesses import Seen, Test, Witness
from tidegate.engine.rulesets import Rule

FIRES = "它能否成立", "whether it can ever fire"
REACHED = "它是否总被前面的规则挡住", "whether earlier rules always come first"
LOSES = "它的结果是否总被更严重的压过", "whether something more severe always wins"
SOUGHT = 3  # parts of a rule that are searched
MOST_NAMED = 40  # joint covers are made as small as possible up to this many rules


def never_fires(analysis: Analysis) -> Iterator[Finding]:
    """Conditions that contradict each other."""
    for rule in analysis.simple(analysis.ruleset.rules):
        if not analysis.true(rule, LOOSE):
            yield about(
                WARNING, "check.never_fires", rule,
                "条件互相矛盾，永远不会成立", "its conditions contradict each other, it never fires",
            )  # fmt: skip
        elif not analysis.true(rule) and not _can_fire(analysis, rule):
            analysis.undecided(FIRES, [rule])


def _can_fire(analysis: Analysis, rule: Rule) -> bool:
    """Whether search finds a subject, where the samples held none."""

    def shows(seen: Seen) -> bool:
        return seen.holds(rule.id) is True

    return any(analysis.judge.sought(box, shows) for box in analysis.true(rule, LOOSE)[:SOUGHT])


def shadowed(analysis: Analysis, block: Block, twins: set[str]) -> Iterator[Finding]:
    """Under `first`: what earlier rules leave nothing for. `twins` are reported already."""
    rules = analysis.simple(block.rules)
    mode = TRUE if block.patient else NOT_FALSE
    stops = [
        not settles_itself(rule, block.stage)
        and not may_be_excluded(analysis.ruleset, block.stage, rule)
        for rule in rules
    ] if not block.table else [True] * len(rules)  # fmt: skip
    shade = Shade(analysis, rules, mode)
    for number, rule in enumerate(rules):
        boxes = analysis.true(rule, LOOSE)
        earlier = [n for n in range(number) if stops[n]]
        if not boxes or not earlier or rule.id in twins:
            continue
        covered = shade.covered(rule, boxes, earlier, acts(rule))
        if covered is None:
            analysis.undecided(REACHED, [rule], BUDGET if shade.exhausted else ("", ""))
        elif covered:
            yield from _shadow(analysis, shade, rule, boxes, earlier)


def acts(rule: Rule) -> Test:
    """The rule's outcome stands."""

    def shows(seen: Seen) -> bool:
        lost = seen.lost("first", "severity", "conflict", "excluded", "missing_facts")
        return rule.id in seen.fired and rule.id not in lost

    return shows


class Shade:
    """Whether earlier rules cover one, in both readings of the space."""

    def __init__(self, analysis: Analysis, rules: Sequence[Rule], mode: str) -> None:
        self.analysis = analysis
        self.rules = rules
        self.loose = analysis.layer(rules, mode, LOOSE)
        self.exact = self.loose
        if analysis.open(rules):
            self.exact = analysis.layer(rules, mode, EXACT)
        self.exhausted = False

    def covered(
        self, rule: Rule, boxes: Sequence[Box], by: Sequence[int], acts: Test
    ) -> bool | None:
        """None when it stays open; `acts` tells that a decision is the rule's after all."""
        self.exhausted = False
        try:
            place = self.loose.gap(boxes, self.loose.among(by))
            if place is None:
                return True
            if self.exact is self.loose:
                return False
            if not self.exact.covers(self.analysis.true(rule), self.exact.among(by)):
                return False
        except OutOfBudget:
            self.exhausted = True
            return None
        return False if self.analysis.judge.sought(place, acts) else None

    def coverers(self, boxes: Sequence[Box], earlier: Sequence[int]) -> list[int]:
        """One rule that covers all by itself, else a set none of which can be left out."""
        touching = 0
        for box in boxes:
            touching |= self.loose.cover.overlapping(box, self.loose.among(earlier))
        near = self.loose.owners(touching)
        for number in near:
            if self._hide(boxes, [number]):
                return [number]
        if len(near) <= MOST_NAMED:
            for number in list(near):
                fewer = [n for n in near if n != number]
                near = fewer if self._hide(boxes, fewer) else near
        return near

    def _hide(self, boxes: Sequence[Box], numbers: Sequence[int]) -> bool:
        try:
            return self.loose.covers(boxes, self.loose.among(numbers))
        except OutOfBudget:
            return False


def _shadow(
    analysis: Analysis, shade: Shade, rule: Rule, boxes: Sequence[Box], earlier: Sequence[int]
) -> Iterator[Finding]:
    numbers = shade.coverers(boxes, earlier)
    by = [shade.rules[number] for number in numbers]
    witness = _shadow_witness(analysis, shade, rule, numbers, earlier)
    if witness is None:
        analysis.undecided(REACHED, [rule])
        return
    zh, en = named(by)
    if len(by) > 1:
        yield about(
            WARNING, "check.shadowed_jointly", rule,
            f"被前面的规则合起来完全挡住，永远轮不到：{zh}",
            f"earlier rules together leave nothing for it: {en}", by, witness,
        )  # fmt: skip
    elif analysis.true(by[0], LOOSE) == [EVERYWHERE]:
        yield about(
            ERROR, "check.unreachable", rule,
            f"排在总是成立的 {zh} 之后", f"it stands below {en}, which always holds", by, witness,
        )  # fmt: skip
    else:
        yield about(
            WARNING, "check.shadowed", rule,
            f"凡它成立时，前面的 {zh} 已先决定（或因缺少事实先停下）",
            f"whenever it holds, {en} above it has decided (or stopped for missing facts)",
            by, witness,
        )  # fmt: skip


def _shadow_witness(
    analysis: Analysis, shade: Shade, rule: Rule, by: Sequence[int], earlier: Sequence[int]
) -> Witness | None:
    """The rule's condition holds and an earlier one decides; best one that really fires."""

    def lost(seen: Seen) -> bool:
        return seen.holds(rule.id) is True and rule.id not in seen.fired

    def beaten(winner: Rule) -> Test:
        return lambda seen: winner.id in seen.fired and lost(seen)

    for number in by:
        winner = shade.rules[number]
        before = [n for n in earlier if n < number]
        for box in analysis.true(rule):
            for other in analysis.true(winner):
                both = meet(box, other)
                clear = _clear(shade.exact, both, before) if both is not None else None
                if clear is not None:
                    witness = analysis.judge.confirmed(clear, beaten(winner))
                    if witness:
                        return witness
    found = (analysis.judge.confirmed(box, lost) for box in analysis.true(rule))
    return next((witness for witness in found if witness), None)


def _clear(layer: Layer, box: Box, among: Sequence[int]) -> Box | None:
    try:
        return layer.cover.uncovered(box, layer.among(among))
    except OutOfBudget:
        return None
