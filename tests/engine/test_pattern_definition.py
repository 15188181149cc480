"""The matcher against its definition: every choice of events, every requirement, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import localcontext
from itertools import product
from random import Random, randrange
from typing import Any

import pytest
from random_patterns import a_pattern_set, an_episode, opened, sequence_of

from tidegate.engine.evaluation import Context
from tidegate.engine.language import tree
from tidegate.engine.logic import Truth, conjunction, disjunction, negation
from tidegate.engine.patterns.matcher import Match, match
from tidegate.engine.values import EXACT


class Definition:
    """What a pattern means, written down without any thought of speed."""

    def __init__(self, sequence: tree.Sequence, events: Sequence[Any], context: Context) -> None:
        self.sequence = sequence
        self.events = events
        self.context = context
        self.instants = [event.get("at") for event in events]
        self.named = [step for step in sequence.steps if not step.absent]
        self.span = context.value(sequence.within) if sequence.within else None

    def before(self, one: int, other: int) -> Truth:
        if self.instants[one] is None or self.instants[other] is None:
            return None
        return (self.instants[one], one) < (self.instants[other], other)

    def condition(self, step: tree.Step, found: Sequence[int], own: int) -> Truth:
        for name, event in zip((s.name for s in self.named), found, strict=False):
            self.context.variables[name] = self.events[event]
        self.context.variables[step.name] = self.events[own]
        truth: Truth = self.context.value(step.condition)
        return truth

    def requirements(self, found: Sequence[int]) -> list[Truth]:
        """Of a whole match, or of a beginning of one."""
        truths: list[Truth] = []
        for one in range(len(found)):
            truths += [
                self.before(found[one], found[other]) for other in range(one + 1, len(found))
            ]
        if self.span is not None and len(found) > 1:
            first, last = self.instants[found[0]], self.instants[found[-1]]
            truths.append(None if first is None or last is None else last - first <= self.span)
        place = 0
        for step in self.sequence.steps:
            if not step.absent:
                if place == len(found):
                    break
                truths.append(self.condition(step, found[:place], found[place]))
                place += 1
            elif place < len(found):
                truths.append(negation(self.forbidden(step, found, place)))
        return truths

    def forbidden(self, step: tree.Step, found: Sequence[int], place: int) -> Truth:
        return disjunction(
            conjunction(
                (
                    self.before(found[place - 1], event),
                    self.before(event, found[place]),
                    self.condition(step, found[:place], event),
                )
            )
            for event in range(len(self.events))
        )

    def rank(self, found: Sequence[int]) -> list[tuple[bool, Any, int]]:
        return [(self.instants[n] is None, self.instants[n] or 0, n) for n in found]

    def match(self) -> tuple[Truth, tuple[int, ...]]:
        size = len(self.named)
        truths = {
            found: conjunction(self.requirements(found))
            for found in product(range(len(self.events)), repeat=size)
        }
        truth = disjunction(truths.values())
        if truth is True:
            best = min((found for found in truths if truths[found] is True), key=self.rank)
            return truth, tuple(n + 1 for n in best)
        for length in range(size - 1, 0, -1):
            begun = [
                found
                for found in product(range(len(self.events)), repeat=length)
                if all(self.instants[n] is not None for n in found)
                and conjunction(self.requirements(found)) is True
            ]
            if begun:
                return truth, tuple(n + 1 for n in min(begun, key=self.rank))
        return truth, ()


def judged(rng: Random, most: int) -> tuple[Match, tuple[Truth, tuple[int, ...]], str]:
    ruleset = a_pattern_set(rng)
    context = opened(ruleset, an_episode(rng, most, gaps=rng.choice((0, 0.03, 0.15))))
    sequence = sequence_of(ruleset)
    with localcontext(EXACT):
        events: Any = context.value(sequence.over)
        found = match(sequence, events, context)
        return found, Definition(sequence, events, context).match(), ruleset.rules[0].leaves[0].text


def compared(seed: int, count: int, most: int = 5) -> dict[Truth, int]:
    """How often each answer came; a difference names its seed."""
    seen: dict[Truth, int] = {True: 0, False: 0, None: 0}
    for number in range(seed, seed + count):
        found, wanted, text = judged(Random(number), most)
        assert (found.truth, found.events) == wanted, (number, text)
        seen[found.truth] += 1
    return seen


@pytest.mark.parametrize("seed", [1, None])
def test_the_matcher_means_what_the_definition_says(seed: int | None) -> None:
    first = seed or randrange(10**9)
    print("seeds from", first)
    seen = compared(first, 700)
    assert min(seen.values()) > 40, seen


@pytest.mark.long
def test_the_matcher_means_what_the_definition_says_at_length() -> None:
    first = randrange(10**9)
    print("seeds from", first)
    seen = compared(first, 30_000)
    assert min(seen.values()) > 2_000, seen
