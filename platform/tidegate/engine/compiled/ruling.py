"""What a program decided: the actions at once, everything else when it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import localcontext
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tidegate.engine.compiled.concluding import constant_outcomes
from tidegate.engine.compiled.conclusions import in_three, indexes
from tidegate.engine.compiled.documents import FactDocument
from tidegate.engine.compiled.layout import NOW, TYPED, ZONE
from tidegate.engine.decisions import (
    FIRED,
    INACTIVE,
    NOT,
    UNKNOWN,
    Decision,
    LeafTrace,
    Missed,
    Outcome,
    Overridden,
    RuleTrace,
)
from tidegate.engine.language import tree
from tidegate.engine.policies import Candidate
from tidegate.engine.reference import active, judge, perform
from tidegate.engine.rulesets import ActionCall, Rule, Stage
from tidegate.engine.settling import Settlement, list_facts_written, with_written
from tidegate.engine.values import EXACT

if TYPE_CHECKING:
    from tidegate.engine.compiled.parts import Part
    from tidegate.engine.compiled.program import Program

Given = tuple[datetime, ZoneInfo, Mapping[str, Any], FactDocument, str]
"""What a decision is asked with: the first slots of the layout."""


@dataclass
class Judged:
    """One block on one subject: indexes of the rules whose condition holds, bits of those that
    are unknown, and what earlier blocks had written.
    """

    part: Part
    fired: Sequence[int]
    unknown: int
    written: Mapping[str, object] = field(default_factory=dict)


class Ruling:
    """A decision of a compiled set. `actions` is what a caller carries out."""

    # made light, one per decision: what only the general way needs is set when it is asked for
    __slots__ = ("_asked", "_given", "_judged", "_slots", "_standing", "actions", "program")
    program: Program
    actions: tuple[Outcome, ...]
    _given: Given
    _judged: Any
    _slots: list[Any]
    _standing: Settlement
    _asked: list[Candidate]

    @property
    def _x(self) -> list[Any]:
        try:
            return self._slots
        except AttributeError:
            self._slots = self.program.slots(self._given)
            return self._slots

    @_x.setter
    def _x(self, slots: list[Any]) -> None:
        self._slots = slots

    @property
    def _settlement(self) -> Settlement | None:
        return getattr(self, "_standing", None)

    @_settlement.setter
    def _settlement(self, settlement: Settlement) -> None:
        self._standing = settlement

    @property
    def _candidates(self) -> list[Candidate] | None:
        return getattr(self, "_asked", None)

    @_candidates.setter
    def _candidates(self, candidates: list[Candidate]) -> None:
        self._asked = candidates

    @classmethod
    def of_one(cls, program: Program, given: Given, open_rules: int) -> Ruling:
        """A set of one block; its actions the short way if that decides."""
        ruling = cls.__new__(cls)
        ruling.program, ruling._given = program, given
        part = program.parts[0]
        ruling._judged = part.run(given[TYPED], given, open_rules, ruling)
        fired, unclear, maybe = in_three(ruling._judged)
        found = part.quick((indexes(fired), unclear, maybe), ruling) if part.quick else None
        ruling.actions = tuple(ruling.settled().actions) if found is None else found
        return ruling

    def really(self, maybe: int) -> int:
        """Those of some rules that are really unknown."""
        return self.program.resolve(self.program.parts[0], self._x, maybe)

    @classmethod
    def of_stages(cls, program: Program, given: Given) -> Ruling:
        """A set that sees what it wrote itself: stage by stage, stratum by stratum."""
        ruling = cls.__new__(cls)
        ruling.program, ruling._given, ruling._x = program, given, program.slots(given)
        own: list[Candidate] = []
        ruling._candidates, ruling._judged = own, []
        ruling._settlement = standing = ruling._new_settlement()
        with localcontext(EXACT):
            for stage in program.ruleset.stages:
                ruling._stage(stage)
        ruling.actions = tuple(standing.actions)
        return ruling

    # how it came about

    @property
    def fired(self) -> tuple[str, ...]:
        """Ids of the rules that fired, in rule order."""
        if self._settlement is None:
            part, (bits, unclear, maybe) = self.program.parts[0], in_three(self._judged)
            if part.stage.policy == "first" and (unclear or maybe):
                self.settled()  # an unknown rule may have stopped the search
                return self._with_result(FIRED)
            fired = indexes(bits)
            chosen = fired[:1] if part.stage.policy == "first" else fired
            return tuple(part.block.rules[index].id for index in chosen)
        return self._with_result(FIRED)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Ids of the rules that could not be judged."""
        self.settled()
        return self._with_result(UNKNOWN)

    @property
    def overridden(self) -> tuple[Overridden, ...]:
        return tuple(self.settled().overridden)

    @property
    def missing(self) -> tuple[str, ...]:
        """Facts that were missing where it could matter."""
        return self.settled().missing

    @property
    def derived(self) -> dict[str, object]:
        with localcontext(EXACT):
            context = self.program.context(self._x)
            return {name: context.value(tree.Derived(name)) for name in self.program.ruleset.derive}

    @property
    def near_misses(self) -> tuple[str, ...]:
        """Ids of the rules that one leaf kept from firing."""
        return tuple(one.rule.id for one in self._missed())

    def brief(self) -> Decision:
        """With the traces of the rules that fired, lost or are named by an action, and the one leaf of each that
        came close; what is derived can be had from the facts.
        """
        named = self._named()
        near = tuple(one for one in self._missed() if one.rule.id not in named)
        return self._traced(named, near=near)

    def decision(self) -> Decision:
        """With the traces of the rules that fired, lost, came close or are named by an action."""
        return self._traced({*self._named(), *self.near_misses})

    def traced(self, rules: Collection[str]) -> Decision:
        """With the traces of just these rules."""
        return self._traced(set(rules))

    def full(self) -> Decision:
        """With the traces of all rules."""
        return self._traced({rule.id for rule in self.program.ruleset.rules}, full=True)

    # the general way

    def _with_result(self, result: str) -> tuple[str, ...]:
        found = {c.rule.id for c in self._candidates or () if c.result == result}
        return tuple(rule.id for rule in self.program.ruleset.rules if rule.id in found)

    def _new_settlement(self) -> Settlement:
        return Settlement(
            self.program.ruleset, self._perform, lambda candidate: self._unknowns(candidate)
        )

    def settled(self) -> Settlement:
        """The outcome the general way."""
        settlement = self._settlement
        if settlement is None:
            part, (bits, unclear, maybe) = self.program.parts[0], in_three(self._judged)
            with localcontext(EXACT):
                unknown = unclear | self.program.resolve(part, self._x, maybe)
                candidates = self._judge(Judged(part, indexes(bits), unknown))
                settlement = self._new_settlement()
                self._candidates = candidates
                settlement.settle(part.stage, candidates)
            self._settlement = settlement
        return settlement

    def _judge(self, judged: Judged) -> list[Candidate]:
        """Candidates in rule order; a rule whose arguments can't be known is unknown."""
        rules = judged.part.block.rules
        chosen = {index: FIRED for index in judged.fired} | {
            index: UNKNOWN for index in indexes(judged.unknown)
        }
        found = []
        for index in sorted(chosen):
            rule, result = rules[index], chosen[index]
            outcomes = self._outcomes(rule) if result == FIRED else ()
            if outcomes is None:
                result, outcomes = UNKNOWN, ()
            found.append(Candidate(rule, result, outcomes))
        return found

    def _outcomes(self, rule: Rule) -> tuple[Outcome, ...] | None:
        constant = constant_outcomes(rule.actions, rule.id)
        if constant is not None:
            return constant
        made = [self._perform(call, rule.id, {}) for call in rule.actions]
        known = tuple(outcome for outcome in made if outcome)
        return known if len(known) == len(made) else None

    def _perform(self, call: ActionCall, rule: str, unknown: dict[str, None]) -> Outcome | None:
        return perform(call, rule, unknown, self.program.context(self._x))

    def _unknowns(self, candidate: Candidate) -> tuple[str, ...]:
        trace, _ = judge(candidate.rule, self.program.context(self._x))
        return trace.unknown

    # stages and strata

    def _stage(self, stage: Stage) -> None:
        program, settlement = self.program, self._settlement
        assert settlement is not None and isinstance(self._candidates, list)  # noqa: S101, PT018
        if program.ruleset.policy == "stages":
            said = {
                f"decided.{a}": settlement.decided(a) for a in program.ruleset.gate_spec.actions
            }
            program.publish(self._x, said)
        own: list[Candidate] = []
        names: dict[str, tuple[str, ...]] = {}
        for part in (part for part in program.parts if part.stage is stage):
            judged = program.judge(part, self._x)
            judged.written = dict(program.context(self._x).facts.written)
            self._judged.append(judged)
            found = self._judge(judged)
            names |= {c.rule.id: self._unknowns(c) for c in found if c.result == UNKNOWN}
            own += found
            if not part.last:
                self._publish_written(part.block.rules, found)
        place = {rule.id: index for index, rule in enumerate(stage.rules)}
        own.sort(key=lambda candidate: place[candidate.rule.id])
        settlement.unknowns = lambda candidate: names[candidate.rule.id]
        settlement.settle(stage, own)
        self._candidates += own
        if program.ruleset.policy == "stages":
            self._publish_written(stage.rules, own)

    def _publish_written(self, rules: Sequence[Rule], candidates: Sequence[Candidate]) -> None:
        facts = self.program.context(self._x).facts
        names = {name for rule in rules for name in rule.writes}
        written = {
            name: with_written(facts.get(name), name, candidates)
            for name in list_facts_written(self.program.ruleset, names)
        }
        self.program.publish(self._x, written)

    # traces

    def _blocks(self) -> Iterator[Judged]:
        """Each block, with the program's slots and context as they were when it was judged; of a set of one block,
        rules that may be unknown are not named.
        """
        if not isinstance(self._judged, list):
            part, (bits, unclear, _maybe) = self.program.parts[0], in_three(self._judged)
            yield Judged(part, indexes(bits), unclear)
            return
        facts = self.program.context(self._x).facts
        final = dict(facts.written)
        for judged in self._judged:
            facts.written.clear()
            self.program.publish(self._x, judged.written)
            yield judged
        facts.written.clear()
        self.program.publish(self._x, final)

    def _near(self, judged: Judged) -> list[Missed]:
        part, x = judged.part, self._x
        every = part.block.every
        if part.timed:
            every = self.program.open_on(part, x[NOW].astimezone(x[ZONE]).date())
        for index in judged.fired:
            every &= ~(1 << index)
        near = self.program.near(part, x, judged.written, every)
        results = {c.rule.id: c.result for c in self._candidates or ()}
        found = []
        for index in sorted(near):
            rule, (place, truth) = part.block.rules[index], near[index]
            found.append(Missed(rule, place, truth, results.get(rule.id, NOT)))
        return found

    def _missed(self) -> Iterator[Missed]:
        return (one for judged in self._blocks() for one in self._near(judged))

    def _named(self) -> set[str]:
        settlement = self.settled()
        named = {outcome.rule for outcome in settlement.actions}
        named |= {item.outcome.rule for item in settlement.overridden}
        named |= {item.by for item in settlement.overridden}
        return named | {*self.fired}

    def _traced(
        self, wanted: set[str], full: bool = False, near: tuple[Missed, ...] | None = None
    ) -> Decision:
        settlement = self.settled()
        results = {c.rule.id: c.result for c in self._candidates or ()}
        now: datetime = self._x[NOW]
        traces: dict[str, RuleTrace] = {}
        with localcontext(EXACT):
            context = self.program.context(self._x)
            for judged in self._blocks():
                seen: dict[str, LeafTrace] = {}
                for rule in judged.part.block.rules:
                    if rule.id in wanted:
                        traces[rule.id] = _trace(rule, context, results.get(rule.id, NOT), seen)
        return Decision(
            self.program.ruleset,
            now,
            self._x[ZONE],
            tuple(settlement.actions),
            tuple(settlement.overridden),
            tuple(traces[rule.id] for rule in self.program.ruleset.rules if rule.id in traces),
            self.derived if near is None else {},
            settlement.missing,
            full,
            near or (),
        )


def _trace(rule: Rule, context: Any, result: str, seen: dict[str, LeafTrace]) -> RuleTrace:
    if not active(rule, context.now, context.zone):
        return RuleTrace(rule, INACTIVE, ())
    trace, _ = judge(rule, context, seen)
    return RuleTrace(rule, result, trace.leaves, trace.unknown)
