"""Rules that are there twice: their conditions mean the same, however they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tidegate.engine.checking.analysis import LOOSE, NOT_FALSE, TRUE, Analysis, OutOfBudget
from tidegate.engine.checking.blocks import Block
from tidegate.engine.checking.findings import WARNING, Finding, about
from tidegate.engine.proof.boxes import EVERYWHERE, Box
from tidegate.engine.rulesets import Rule

SAME = "两条规则的条件是否相同", "whether two rules are the same"


def duplicates(analysis: Analysis, block: Block) -> Iterator[Finding]:
    """Rules whose conditions mean the same, however they are written."""
    kinds: dict[object, list[Rule]] = {}
    for rule in analysis.simple(block.rules):
        places = analysis.true(rule, LOOSE)
        hidden = block.policy == "first" and places == [EVERYWHERE]  # said as never reached
        if places and not hidden:
            kinds.setdefault(_outline(analysis, rule), []).append(rule)
    for alike in kinds.values():
        for number, rule in enumerate(alike[1:], 1):
            twin = next((one for one in alike[:number] if _same(analysis, rule, one)), None)
            if twin is not None:
                yield from _duplicate(analysis, rule, twin)


def _duplicate(analysis: Analysis, rule: Rule, twin: Rule) -> Iterator[Finding]:
    found = (
        analysis.judge.confirmed(box, lambda s: s.holds(rule.id) is s.holds(twin.id) is True)
        for box in analysis.true(rule)
    )
    witness = next((one for one in found if one), None)
    if witness is None:
        analysis.undecided(SAME, [rule, twin])
        return
    yield about(
        WARNING, "check.duplicate", rule,
        f"条件与 {twin.id} 相同", f"its condition is that of {twin.id}", [twin], witness,
    )  # fmt: skip


def _outline(analysis: Analysis, rule: Rule) -> object:
    """Equal for equal conditions: the smallest box around each of its sets."""
    return tuple(
        _hull(analysis.space.boxes((0, rule.id), mode, LOOSE)) for mode in (TRUE, NOT_FALSE)
    )


def _hull(boxes: Sequence[Box]) -> Box:
    masks = dict(boxes[0])
    for box in boxes[1:]:
        own = dict(box)
        masks = {axis: mask | own[axis] for axis, mask in masks.items() if axis in own}
    return tuple(sorted(masks.items()))


def _same(analysis: Analysis, one: Rule, other: Rule) -> bool:
    try:
        for mode in (TRUE, NOT_FALSE):
            layer = analysis.layer([one, other], mode, LOOSE)
            first, second = (
                analysis.space.boxes((0, rule.id), mode, LOOSE) for rule in (one, other)
            )
            if first == second:
                continue
            if not layer.covers(first, layer.own[1]) or not layer.covers(second, layer.own[0]):
                return False
    except OutOfBudget:
        return False
    return True
