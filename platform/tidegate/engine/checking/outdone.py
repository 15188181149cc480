"""Outcomes that never stand, because something more severe always does (`priority`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tidegate.engine.checking.analysis import BUDGET, LOOSE, NOT_FALSE, TRUE, Analysis
from tidegate.engine.checking.blocks import Block, held_by, rank
from tidegate.engine.checking.findings import WARNING, Finding, about, named
from tidegate.engine.checking.reach import Shade, acts
from tidegate.engine.proof.boxes import Box
from tidegate.engine.proof.witnesses import Seen
from tidegate.engine.rulesets import Rule

LOSES = "它的结果是否总被更严重的压过", "whether something more severe always wins"


def outcomes(analysis: Analysis, block: Block) -> Iterator[Finding]:
    """Under `priority`: outcomes beside which there is always a more severe one."""
    stage = block.stage
    rules = [rule for rule in analysis.simple(block.rules) if rank(stage, rule) is not None]
    held = held_by(analysis.ruleset, stage)
    shades = {mode: Shade(analysis, rules, mode) for mode in (TRUE, NOT_FALSE)}
    for rule in rules:
        own = rank(stage, rule)
        more = [n for n, other in enumerate(rules) if (rank(stage, other) or 0) < (own or 0)]
        boxes = analysis.true(rule, LOOSE)
        if not more or not boxes:
            continue
        held_over = any(
            call.action.writes == one.action.writes and call.action.id != one.action.id
            for call in held for one in rule.actions if one.action.id in stage.severity
        )  # fmt: skip
        shade = shades[NOT_FALSE if held_over and not block.patient else TRUE]
        covered = shade.covered(rule, boxes, more, acts(rule))
        if covered is None:
            analysis.undecided(LOSES, [rule], BUDGET if shade.exhausted else ("", ""))
        elif covered:
            yield from _outdone(analysis, shade, rule, boxes, more)


def _outdone(
    analysis: Analysis, shade: Shade, rule: Rule, boxes: Sequence[Box], more: Sequence[int]
) -> Iterator[Finding]:
    by = [shade.rules[number] for number in shade.coverers(boxes, more)]

    def lost(seen: Seen) -> bool:
        return rule.id in seen.fired and rule.id in seen.lost("severity", "missing_facts")

    found = (analysis.judge.confirmed(box, lost) for box in analysis.true(rule))
    witness = next((witness for witness in found if witness), None)
    if witness is None:
        analysis.undecided(LOSES, [rule])
        return
    zh, en = named(by)
    yield about(
        WARNING, "check.always_loses", rule,
        f"凡它成立时，更严重的 {zh} 也成立（或缺事实），它的结果从不生效",
        f"whenever it holds, the more severe {en} holds too (or is unknown), so its outcome never "
        f"stands", by, witness,
    )  # fmt: skip
