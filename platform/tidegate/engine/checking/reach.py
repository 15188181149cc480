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
    held_by,
    may_be_excluded,
    rank,
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
    shade = _Shade(analysis, rules, mode)
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
        lost = {item.outcome.rule for item in seen.overridden if item.reason != "same"}
        return rule.id in seen.fired and rule.id not in lost

    return shows


class _Shade:
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
    analysis: Analysis, shade: _Shade, rule: Rule, boxes: Sequence[Box], earlier: Sequence[int]
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
    analysis: Analysis, shade: _Shade, rule: Rule, by: Sequence[int], earlier: Sequence[int]
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


# priority


def outdone(analysis: Analysis, block: Block) -> Iterator[Finding]:
    """Under `priority`: outcomes beside which there is always a more severe one."""
    stage = block.stage
    rules = [rule for rule in analysis.simple(block.rules) if rank(stage, rule) is not None]
    held = held_by(analysis.ruleset, stage)
    shades = {mode: _Shade(analysis, rules, mode) for mode in (TRUE, NOT_FALSE)}
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
    analysis: Analysis, shade: _Shade, rule: Rule, boxes: Sequence[Box], more: Sequence[int]
) -> Iterator[Finding]:
    by = [shade.rules[number] for number in shade.coverers(boxes, more)]

    def lost(seen: Seen) -> bool:
        reasons = {item.reason for item in seen.overridden if item.outcome.rule == rule.id}
        return rule.id in seen.fired and bool(reasons & {"severity", "missing_facts"})

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


# the same twice


def duplicates(analysis: Analysis, block: Block) -> Iterator[Finding]:
    """Rules whose conditions mean the same, however they are written."""
    kinds: dict[object, list[Rule]] = {}
    for rule in analysis.simple(block.rules):
        if analysis.true(rule, LOOSE):
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
        analysis.undecided(
            ("两条规则的条件是否相同", "whether two rules are the same"), [rule, twin]
        )
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
