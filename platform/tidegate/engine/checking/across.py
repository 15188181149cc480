"""Two sets of one gate that write the same thing differently for one subject."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from tidegate.engine.checking.analysis import Analysis
from tidegate.engine.checking.blocks import clash
from tidegate.engine.checking.findings import INFO, WARNING, Finding, about
from tidegate.engine.decisions import Outcome
from tidegate.engine.proof.boxes import TRUE, Box, TooManyBoxes, meet
from tidegate.engine.proof.cover import Cover, bits
from tidegate.engine.proof.spaces import Space
from tidegate.engine.proof.witnesses import Judge, Refused, Seen, Witness
from tidegate.engine.rulesets import Rule, RuleSet

MOST = 10  # findings for one pair of sets
TRIED = 200  # pairs of rules looked at


def contradictions(analysis: Analysis, other: RuleSet) -> Iterator[Finding]:
    """One finding for each pair of rules, until there are enough to settle first."""
    here = analysis.ruleset
    space = Space([here, other], analysis.space.now, analysis.space.zone.key)
    judges = Judge(here, space), Judge(other, space)
    given = tried = 0
    for rule, second, boxes in _pairs(space, here, other):
        if given >= MOST or tried >= TRIED:
            yield Finding(
                INFO, "check.more", here.id,
                f"check.sets_conflict：与规则集 {other.id} 还有更多冲突，先改上面列出的",
                f"check.sets_conflict: more with the set {other.id}; settle those listed first",
            )  # fmt: skip
            return
        tried += 1
        witness = next((w for box in boxes if (w := _shown(judges, box, rule, second))), None)
        if witness is None:
            analysis.undecided(
                (f"与规则集 {other.id} 是否冲突", f"whether it contradicts the set {other.id}"),
                [rule],
            )
            continue
        given += 1
        yield about(
            WARNING, "check.sets_conflict", rule,
            f"与同一关口规则集 {other.id} 的规则 {second.id} 会同时成立，并把同一件事写得不同",
            f"it and the rule {second.id} of the set {other.id}, at the same gate, can match "
            f"together and write the same thing differently", [second], witness,
        )  # fmt: skip


def _pairs(space: Space, here: RuleSet, other: RuleSet) -> Iterator[tuple[Rule, Rule, list[Box]]]:
    """Rules that write one thing differently and have points in common."""
    theirs: list[tuple[Rule, Box]] = []
    for rule in other.rules:
        theirs += [(rule, box) for box in _boxes(space, 1, rule)]
    cover = Cover([box for _, box in theirs], space.axes.sizes)
    for rule in here.rules:
        met: dict[str, tuple[Rule, list[Box]]] = {}
        for box in _boxes(space, 0, rule):
            for bit in bits(cover.overlapping(box, cover.everything)):
                second, place = theirs[bit]
                both = meet(box, place)
                if both is not None and _differ(rule, second):
                    met.setdefault(second.id, (second, []))[1].append(both)
        for second, boxes in met.values():
            yield rule, second, boxes


def _boxes(space: Space, which: int, rule: Rule) -> list[Box]:
    try:
        return space.boxes((which, rule.id), TRUE)
    except TooManyBoxes:
        return []


def _differ(one: Rule, other: Rule) -> bool:
    return any(clash(a, b) for a in one.actions for b in other.actions)


def _shown(judges: tuple[Judge, Judge], box: Box, one: Rule, other: Rule) -> Witness | None:
    """A document on which both outcomes stand, each in the decision of its own set."""
    first, second = judges
    for witness in first.candidates(box):
        here, there = first.seen(witness), second.seen(witness)
        with suppress(Refused):
            if _contradict(here, there, one, other):
                return witness
    return None


def _contradict(here: Seen, there: Seen, one: Rule, other: Rule) -> bool:
    mine = [outcome for outcome in here.actions if outcome.rule == one.id]
    theirs = [outcome for outcome in there.actions if outcome.rule == other.id]
    return any(_against(a, b) for a in mine for b in theirs)


def _against(one: Outcome, other: Outcome) -> bool:
    if one.writes != other.writes or one.many or other.many:
        return False
    if one.action != other.action:
        return True
    return "reason" not in one.args and one.args != other.args
