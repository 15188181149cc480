"""What the findings about several rules share: one space, one judge, and the questions that stay
open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from tidegate.engine.checking.findings import INFO, WARNING, Finding, named
from tidegate.engine.proof.boxes import FALSE, NOT_FALSE, NOT_TRUE, TRUE, Box, TooManyBoxes
from tidegate.engine.proof.cover import Cover, OutOfBudget, bits
from tidegate.engine.proof.spaces import EXACT, LOOSE, Space
from tidegate.engine.proof.witnesses import Judge
from tidegate.engine.rulesets import Rule, RuleSet

__all__ = ["EXACT", "FALSE", "LOOSE", "NOT_FALSE", "NOT_TRUE", "TRUE", "Analysis", "Layer"]
BUDGET = ("组合太多", "there are too many combinations")


class Layer:
    """Where each of some rules is true, not false …: their boxes in one index."""

    def __init__(self, space: Space, rules: Sequence[Rule], mode: str, reading: str) -> None:
        boxes: list[Box] = []
        self.rules = rules
        self.own: list[int] = []  # per rule its boxes, as bits
        self._owner: list[int] = []
        for number, rule in enumerate(rules):
            found = space.boxes((0, rule.id), mode, reading)
            self.own.append(((1 << len(found)) - 1) << len(boxes))
            self._owner += [number] * len(found)
            boxes += found
        self.cover = Cover(boxes, space.axes.sizes, space.work)

    def among(self, numbers: Iterable[int]) -> int:
        found = 0
        for number in numbers:
            found |= self.own[number]
        return found

    def owners(self, boxes: int) -> list[int]:
        """The rules these boxes belong to, ascending."""
        return list(dict.fromkeys(self._owner[bit] for bit in bits(boxes)))

    def covers(self, boxes: Sequence[Box], among: int) -> bool:
        """Whether all of the boxes are covered. Raises OutOfBudget."""
        return all(self.cover.uncovered(box, among) is None for box in boxes)

    def gap(self, boxes: Sequence[Box], among: int) -> Box | None:
        """A part of the boxes that is not covered. Raises OutOfBudget."""
        found = (self.cover.uncovered(box, among) for box in boxes)
        return next((box for box in found if box is not None), None)


class Analysis:
    """One set under examination."""

    def __init__(self, ruleset: RuleSet, now: datetime, timezone: str) -> None:
        self.ruleset = ruleset
        self.space = Space([ruleset], now, timezone)
        self.judge = Judge(ruleset, self.space)
        self._undecided: dict[tuple[str, str, str], dict[str, Rule]] = {}
        self._severe: set[tuple[str, str, str]] = set()
        self._simple = {rule.id: self._is_simple(rule) for rule in ruleset.rules}

    # places of rules

    def true(self, rule: Rule, reading: str = EXACT) -> list[Box]:
        return self.space.boxes((0, rule.id), TRUE, reading)

    def open(self, rules: Iterable[Rule]) -> bool:
        """Whether the two readings of the space differ for one of the rules."""
        return any(self.space.open[0, rule.id] for rule in rules)

    def simple(self, rules: Iterable[Rule]) -> tuple[Rule, ...]:
        """Without rules that fall into too many alternatives."""
        return tuple(rule for rule in rules if self._simple[rule.id])

    def _is_simple(self, rule: Rule) -> bool:
        try:
            for reading in (EXACT, LOOSE):
                for mode in (TRUE, NOT_FALSE):
                    self.space.boxes((0, rule.id), mode, reading)
        except TooManyBoxes:
            said = "条件展开后分支太多", "its condition falls into too many alternatives"
            self.undecided(("规则的条件", "the condition"), [rule], said)
            return False
        return True

    def layer(self, rules: Sequence[Rule], mode: str, reading: str) -> Layer:
        return Layer(self.space, rules, mode, reading)

    # what can't be decided

    def undecided(
        self, question: tuple[str, str], rules: Iterable[Rule], why: tuple[str, str] = ("", ""),
        severe: bool = False,
    ) -> None:  # fmt: skip
        """Keep an open question; `severe` when publishing wants it answered."""
        rules = list(rules)
        if not why[0]:
            causes = sorted({name for rule in rules for name in self.space.open[0, rule.id]})
            why = self._because(causes)
        key = (question[0], question[1], "\0".join(why))
        self._undecided.setdefault(key, {}).update({rule.id: rule for rule in rules})
        if severe:
            self._severe.add(key)

    @staticmethod
    def _because(causes: Sequence[str]) -> tuple[str, str]:
        if not causes:
            return "没有找到能证明的订单", "no order was found that shows it"
        zh, en = "、".join(causes), ", ".join(cause.replace("、", ", ") for cause in causes)
        return f"涉及 {zh} 的复合条件", f"conditions on {en} that depend on one another"

    def open_questions(self) -> Iterator[Finding]:
        for key, rules in self._undecided.items():
            zh, en, why = key
            because, en_because = why.split("\0")
            names, en_names = named(list(rules.values()))
            first = next(iter(rules.values()), None)
            yield Finding(
                WARNING if key in self._severe else INFO,
                "check.cannot_decide",
                first.id if first else self.ruleset.id,
                f"无法判定{zh}（{names}）：{because}",
                f"cannot decide {en} ({en_names}): {en_because}",
                first.line if first else 0,
                tuple(rules),
            )


__all__ += ["BUDGET", "OutOfBudget"]
