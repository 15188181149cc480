"""Documents that show what a finding says, confirmed by the evaluator that decides live orders."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import localcontext
from functools import cached_property
from random import Random
from typing import Any

from tidegate.engine.compiled import Program, Ruling, compile_set
from tidegate.engine.decisions import (
    FIRED,
    INACTIVE,
    UNKNOWN,
    Decision,
    Outcome,
    Overridden,
    RuleTrace,
)
from tidegate.engine.evaluation import context_of
from tidegate.engine.logic import Truth, conjunction, disjunction, negation
from tidegate.engine.proof.boxes import Box
from tidegate.engine.proof.seeking import sought
from tidegate.engine.proof.sources import Source
from tidegate.engine.proof.spaces import Space
from tidegate.engine.reference import active, evaluate, judge
from tidegate.engine.rulesets import Condition, Leaf, RuleSet
from tidegate.engine.values import EXACT
from tidegate.errors import TidegateError

COMPILED_FROM = 100  # rules; for fewer, compiling costs more than it saves
_TRIES = 6
SEARCHES = 60  # of one set; each is some hundred evaluations of a few conditions


@dataclass(frozen=True)
class Witness:
    """A fact document and the instant at which it shows what a finding says."""

    facts: Mapping[str, Any]
    now: datetime


class Refused(Exception):
    """The set refuses the document (`on_missing: fail`)."""


class Seen:
    """One document as the set sees it: the decision, and single rules, each when asked for."""

    def __init__(self, judge: Judge, witness: Witness) -> None:
        self.witness = witness
        self._judge = judge

    @cached_property
    def _found(self) -> Ruling | Decision:
        witness, judge = self.witness, self._judge
        try:
            if judge.large:
                return judge.program.decide(witness.facts, witness.now, judge.timezone)
            return evaluate(judge.ruleset, witness.facts, witness.now, judge.timezone)
        except TidegateError as error:
            raise Refused from error

    @cached_property
    def fired(self) -> frozenset[str]:
        """Rules that fired; under `first` the one that decided."""
        return self._with_result(FIRED)

    @cached_property
    def unknown(self) -> frozenset[str]:
        return self._with_result(UNKNOWN)

    def _with_result(self, result: str) -> frozenset[str]:
        found = self._found
        if isinstance(found, Ruling):
            return frozenset(found.fired if result == FIRED else found.unknown)
        return frozenset(trace.rule.id for trace in found.rules if trace.result == result)

    @cached_property
    def overridden(self) -> Sequence[Overridden]:
        return self._found.overridden

    @property
    def actions(self) -> Sequence[Outcome]:
        return self._found.actions

    def lost(self, *reasons: str) -> frozenset[str]:
        """Rules whose outcome doesn't stand for one of these reasons, or that say the same as one
        of them.
        """
        found = {item.outcome.rule for item in self.overridden if item.reason in reasons}
        echoes = [item for item in self.overridden if item.reason == "same" and item.by in found]
        return frozenset(found | {item.outcome.rule for item in echoes})

    def conflicting(self, rules: Sequence[str]) -> list[str]:
        """Which of the rules contradict another."""
        lost = self.lost("conflict")
        return [rule for rule in rules if rule in lost]

    def holds(self, rule: str) -> Truth:
        """Whether the rule's condition held and its arguments were known, whatever the policy made
        of it.
        """
        if self._judge.staged:
            found = self._found
            whole = found.full() if isinstance(found, Ruling) else found
            return _held(whole.trace(rule))
        one = self._judge.rules[rule]
        if not active(one, self.witness.now, self._judge.space.zone):
            return False
        try:
            with localcontext(EXACT):
                trace, _ = judge(one, self._context)
        except TidegateError as error:
            raise Refused from error
        return _held(trace)

    @cached_property
    def _context(self) -> Any:
        witness = self.witness
        return context_of(self._judge.ruleset, witness.facts, witness.now, self._judge.timezone)


def _held(trace: RuleTrace) -> Truth:
    if trace.result in (FIRED, INACTIVE):
        return trace.result == FIRED
    leaves = iter(trace.leaves)

    def visit(condition: Condition) -> Truth:
        parts = [
            next(leaves).result if isinstance(part, Leaf) else visit(part)
            for part in condition.parts
        ]
        if condition.kind == "any":
            return disjunction(parts)
        return negation(disjunction(parts)) if condition.kind == "none" else conjunction(parts)

    truth = visit(trace.rule.condition)
    return None if truth and trace.result == UNKNOWN else truth


Test = Callable[[Seen], bool]


class Judge:
    """Asks the evaluator; answers are kept, since many findings share a document."""

    def __init__(self, ruleset: RuleSet, space: Space) -> None:
        self.ruleset = ruleset
        self.space = space
        self.timezone = space.zone.key
        self.rules = {rule.id: rule for rule in ruleset.rules}
        strata = {rule.stratum for rule in ruleset.rules}
        self.staged = ruleset.policy == "stages" or len(strata) > 1
        self.large = len(ruleset.rules) > COMPILED_FROM
        self.searches = SEARCHES
        self._kept: dict[tuple[str, datetime], Seen] = {}

    @cached_property
    def program(self) -> Program:
        return compile_set(self.ruleset)

    def seen(self, witness: Witness) -> Seen:
        key = (json.dumps(witness.facts, ensure_ascii=False, sort_keys=True), witness.now)
        return self._kept.setdefault(key, Seen(self, witness))

    def shows(self, witness: Witness, test: Test) -> bool:
        """Whether the test holds on the document; a refused one shows nothing."""
        try:
            return test(self.seen(witness))
        except Refused:
            return False

    def confirmed(self, box: Box, test: Test) -> Witness | None:
        """A document in the box on which the test holds: as small as possible, else filled up."""
        return next((one for one in self.candidates(box) if self.shows(one, test)), None)

    def sought(self, box: Box, test: Test) -> Witness | None:
        """The same for a box of the loose reading, by search; None says nothing."""
        self.searches -= 1
        if self.searches < 0:
            return None
        for values in sought(self.space, box):
            for witness in (self._written(values), self._written({**self._usual, **values})):
                if self.shows(witness, test):
                    return witness
        return None

    def candidates(self, box: Box) -> Iterator[Witness]:
        """The box alone, all facts with typical values beside it, then other fillings."""
        values = self.space.values(self.space.point(box))
        yield self._written(values)
        yield self._written({**self._usual, **values})
        rng = Random(0)  # noqa: S311 - the same fillings every time
        sizes = self.space.axes.sizes
        for _ in range(_TRIES):
            filled = {axis: rng.randrange(sizes[axis]) for axis in self.space.exact_axes}
            yield self._written({**self.space.values(filled), **values})

    @cached_property
    def _usual(self) -> dict[Source, object]:
        return self.space.values(self.space.point((), self.space.exact_axes))

    def _written(self, values: Mapping[Source, object]) -> Witness:
        return Witness(*self.space.documents.written(values))
