"""Subjects for which every rule says no, and an `otherwise` that no subject reaches."""

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
from tidegate.engine.checking.blocks import Block, may_be_excluded, rank
from tidegate.engine.checking.findings import INFO, WARNING, Finding, named
from tidegate.engine.proof.boxes import EVERYWHERE, Box
from tidegate.engine.proof.witnesses import Seen, Witness
from tidegate.engine.rulesets import Rule

QUESTION = "是否有订单不符合任何规则", "whether some subject meets no rule"


def gap(analysis: Analysis, block: Block) -> Iterator[Finding]:
    """Where no rule decides and nothing is missing either."""
    deciding = _deciding(block)
    if not deciding or not _asks_for_completeness(block):
        return
    if len(analysis.simple(deciding)) < len(deciding):
        return  # said already: a rule falls into too many alternatives
    try:
        found = analysis.layer(deciding, NOT_FALSE, EXACT)
        place = found.cover.uncovered(EVERYWHERE, found.cover.everything)
    except OutOfBudget:
        analysis.undecided(QUESTION, deciding, BUDGET)
        return

    names = {rule.id for rule in deciding}

    def shows(seen: Seen) -> bool:
        return not names & (seen.fired | seen.unknown) and not any(map(seen.holds, names))

    witness = analysis.judge.confirmed(place, shows) if place is not None else None
    room = None
    if witness is None:
        room = _room(analysis, deciding)
        witness = analysis.judge.sought(room, shows) if room is not None else None
    if witness is not None:
        yield _finding(block, deciding, witness)
    elif place is not None or room is not None:
        analysis.undecided(QUESTION, [rule for rule in deciding if analysis.open([rule])])


def _room(analysis: Analysis, deciding: Sequence[Rule]) -> Box | None:
    """Where the wider reading leaves room for a subject nobody decides."""
    if not analysis.open(deciding):
        return None
    layer = analysis.layer(deciding, NOT_FALSE, LOOSE)
    try:
        return layer.cover.uncovered(EVERYWHERE, layer.cover.everything)
    except OutOfBudget:
        return EVERYWHERE


def _deciding(block: Block) -> Sequence[Rule]:
    if block.policy == "priority":
        return [rule for rule in block.everyone if rank(block.stage, rule) is not None]
    return block.everyone if block.policy in ("first", "unique", "any") else ()


def _asks_for_completeness(block: Block) -> bool:
    """An `otherwise` that decides something is an answer; holding or doing nothing is a gap."""
    if block.table and block.stage.policy not in ("collect", "priority"):
        return False  # what no row of the table takes goes on to the rules after it
    return all(call.action.id.startswith("hold") for call in block.stage.otherwise)


def _finding(block: Block, deciding: Sequence[Rule], witness: Witness) -> Finding:
    otherwise = block.stage.otherwise
    what_zh = "由 otherwise 转人工" if otherwise else "什么也不会发生"
    what_en = "otherwise holds it" if otherwise else "nothing happens"
    name_zh = f"表 {block.table}" if block.table else "规则"
    name_en = f"the table {block.table}" if block.table else "the rules"
    return Finding(
        INFO if block.stage.otherwise_given and not otherwise and not block.table else WARNING,
        "check.gap", block.where,
        f"有订单不符合{name_zh}中的任何一条，{what_zh}",
        f"{name_en} leave a gap: for some subject none holds, and {what_en}",
        deciding[0].line, (), witness,
    )  # fmt: skip


def idle_otherwise(analysis: Analysis, block: Block) -> Iterator[Finding]:
    """An `otherwise` that is never needed under `first`: some rule always decides, and none before
    it is ever unknown.
    """
    stage = block.stage
    rules = analysis.simple(block.everyone)
    if block.table or not stage.otherwise or block.policy != "first":
        return
    if any(may_be_excluded(analysis.ruleset, stage, rule) for rule in rules):
        return
    layer = analysis.layer(rules, TRUE, LOOSE)
    try:
        if layer.cover.uncovered(EVERYWHERE, layer.cover.everything) is not None:
            return
        if not block.patient and not _certain(analysis, layer):
            return
    except OutOfBudget:
        return
    by = [rule for rule in rules if analysis.true(rule, LOOSE) == [EVERYWHERE]][:1] or list(rules)
    zh, en = named(by)
    yield Finding(
        WARNING, "check.otherwise_unused", block.where,
        f"{zh} 总有一条成立，otherwise 不会用到" if len(by) > 1 else
        f"{zh} 总是成立，otherwise 不会用到",
        f"one of {en} always holds, so otherwise is never used" if len(by) > 1 else
        f"{en} always holds, so otherwise is never used",
        by[0].line, tuple(rule.id for rule in by),
    )  # fmt: skip


def _certain(analysis: Analysis, layer: Layer) -> bool:
    """No rule down to one that always holds is ever unknown. Raises OutOfBudget."""
    for number, rule in enumerate(layer.rules):
        if analysis.true(rule, LOOSE) == [EVERYWHERE]:
            return True
        possible = analysis.space.boxes((0, rule.id), NOT_FALSE, LOOSE)
        if not layer.covers(possible, layer.own[number]):
            return False
    return True
