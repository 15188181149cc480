"""What would be decided with other values in place: only the rules that look at them are judged
again, and what follows from the rules is concluded by the engine's own `Settlement`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tidegate.engine.changes.formulas import Atom, Book, Formula, Join, atoms_of, truth_of
from tidegate.engine.changes.slots import Slot, Values
from tidegate.engine.changes.wants import Want, same
from tidegate.engine.decisions import FIRED, UNKNOWN, Outcome
from tidegate.engine.language import tree
from tidegate.engine.logic import Truth
from tidegate.engine.policies import Candidate
from tidegate.engine.reference import active, perform
from tidegate.engine.rulesets import ActionCall, Rule, RuleSet
from tidegate.engine.settling import Settlement, list_facts_written, with_written
from tidegate.errors import InputError

AT_REST: Values = {}


@dataclass(frozen=True, eq=False)
class Judged:
    """A rule as the search sees it. `formula` is true when the rule matches and all its arguments
    are known; `fits` is true when it then asks for what is wanted (None: it never does).
    """

    rule: Rule
    stage: int
    index: int
    formula: Formula
    fits: Formula | None
    slots: frozenset[Slot]
    late: bool


@dataclass
class Stand:
    """One stage of a trial: what its rules said (false ones are left out), before its policy
    spoke; and those that lost because an earlier stage excluded what they ask for, with the rule
    that did.
    """

    said: dict[int, Truth] = field(default_factory=dict)
    dropped: dict[int, str] = field(default_factory=dict)


@dataclass
class Trial:
    """`refused` is the index of the rule whose missing facts made the set refuse, in the last
    stage reached (-1: not because of a rule).
    """

    values: Values
    actions: list[Outcome]
    stands: list[Stand] = field(default_factory=list)
    refused: int | None = None
    late: dict[tuple[Judged, Atom], Truth] = field(default_factory=dict)


class Trials:
    """The set, ready to be tried with many values. `calls` counts the rules judged."""

    def __init__(self, book: Book, ruleset: RuleSet, want: Want) -> None:
        self.book = book
        self.ruleset = ruleset
        self.want = want
        self.stages = [
            [self._judged(rule, number, index) for index, rule in enumerate(stage.rules)]
            for number, stage in enumerate(ruleset.stages)
        ]
        everything = [judged for stage in self.stages for judged in stage]
        self.staged = ruleset.policy == "stages"
        self.publishes = any(judged.late for judged in everything)
        self.readers: dict[Slot, list[Judged]] = {}
        for judged in everything:
            for slot in () if judged.late else judged.slots:
                self.readers.setdefault(slot, []).append(judged)
        self.levels = [
            sorted({judged.rule.stratum for judged in stage}) or [0] for stage in self.stages
        ]
        self.needs_at_rest: dict[tuple[Formula, int], list[frozenset[Slot]]] = {}
        self.at_rest: list[dict[int, Truth]] = []
        for stage in self.stages:
            said = {j.index: self._truth(j, AT_REST) for j in stage if not j.late}
            self.at_rest.append({at: truth for at, truth in said.items() if truth is not False})

    def open(self, rule: Rule) -> bool:
        return active(rule, self.book.context.now, self.book.context.zone)

    # the rules as formulas

    def _judged(self, rule: Rule, stage: int, index: int) -> Judged:
        book = self.book
        condition = book.condition(rule.condition)
        args = [
            book.atom(value, kind="known")
            for call in rule.actions
            for value in call.args.values()
            if isinstance(value, tree.Node)
        ]
        formula = Join(True, (condition, *args)) if args else condition
        if not self.open(rule):
            formula = Join(False, ())
        calls = [call for call in rule.actions if call.action.id == self.want.action]
        asked = [found for found in map(self._asks, calls) if found is not None]
        fits = Join(True, (formula, Join(False, tuple(asked)))) if asked else None
        atoms = {*atoms_of(formula), *(atoms_of(fits) if fits else ())}
        slots = frozenset(slot for atom in atoms for slot in atom.slots)
        return Judged(rule, stage, index, formula, fits, slots, any(atom.late for atom in atoms))

    def _asks(self, call: ActionCall) -> Formula | None:
        """When the call says what is wanted: always, never (None), or when arguments are so."""
        parts: list[Formula] = []
        for name, wanted in self.want.args.items():
            value = call.args.get(name)
            if isinstance(value, tree.Node):
                parts.append(self._says(call, name, value))
            elif not same(value, wanted):
                return None
        return Join(True, tuple(parts))

    def _says(self, call: ActionCall, name: str, value: tree.Node) -> Formula:
        """When a computed argument is what is wanted; one of any type also by its text."""
        wanted = tree.Literal(self.want.args[name])
        equal = self.book.atom(tree.Compare("=", value, wanted))
        if call.action.args[name].type != "any":
            return equal
        text = tree.Compare("=", tree.Call("string", (value,)), wanted)
        return Join(False, (equal, self.book.atom(text)))

    # one trial

    def run(self, values: Values) -> Trial:
        bench, context = self.book.bench, self.book.context
        bench.written = {}
        context.derived.clear()
        self.book.place(values)
        said = self._said(values)
        settlement = Settlement(self.ruleset, self._perform, lambda candidate: ())
        trial = Trial(values, settlement.actions)
        for number in range(len(self.stages)):
            stand = Stand(said[number])
            trial.stands.append(stand)
            if self.staged and self.publishes:
                self._publish_decided(settlement)
            candidates = self._candidates(number, stand, trial)
            before = len(settlement.overridden)
            try:
                settlement.settle(self.ruleset.stages[number], candidates)
            except InputError as error:
                refusing = self._index(number, error.fields.get("rule"))
                trial.refused = -1 if refusing is None else refusing
                break
            for lost in settlement.overridden[before:]:
                if lost.reason == "excluded":
                    stand.dropped[self._index(number, lost.outcome.rule) or 0] = lost.by
            if self.staged and self.publishes:
                self._publish_written(number, candidates, self.stages[number])
        bench.written = {}
        context.derived.clear()
        return trial

    def satisfied(self, trial: Trial) -> bool:
        return trial.refused is None and self.want.met_by(trial.actions)

    def value(self, trial: Trial, judged: Judged, atom: Atom) -> Truth:
        """What an atom of a rule said in a trial."""
        if atom.late:
            return trial.late[judged, atom]
        return self.book.value(atom, trial.values)

    def _said(self, values: Values) -> list[dict[int, Truth]]:
        said = [dict(stage) for stage in self.at_rest]
        for judged in {judged for slot in values for judged in self.readers.get(slot, ())}:
            truth = self._truth(judged, values)
            if truth is False:
                said[judged.stage].pop(judged.index, None)
            else:
                said[judged.stage][judged.index] = truth
        return said

    def _truth(self, judged: Judged, values: Values) -> Truth:
        return truth_of(judged.formula, lambda atom: self.book.value(atom, values))

    def _candidates(self, number: int, stand: Stand, trial: Trial) -> list[Candidate]:
        """Stratum by stratum, because later ones see what earlier ones wrote."""
        found: dict[int, Candidate] = {}
        stage = self.stages[number]
        levels = self.levels[number] if self.publishes else [None]
        for level in levels:
            members = [j for j in stage if level is None or j.rule.stratum == level]
            for judged in members if self.publishes else ():
                if judged.late:
                    self._judge_late(judged, stand, trial)
            for index in sorted(stand.said):
                if index not in found and (level is None or stage[index].rule.stratum == level):
                    found[index] = self._candidate(stage[index], stand.said[index])
            if level is not None and level != levels[-1]:
                known = [found[j.index] for j in members if j.index in found]
                self._publish_written(number, known, members)
        return [found[index] for index in sorted(found)]

    def _judge_late(self, judged: Judged, stand: Stand, trial: Trial) -> None:
        for atom in {*atoms_of(judged.formula), *(atoms_of(judged.fits) if judged.fits else ())}:
            if atom.late:
                self.book.place(trial.values)
                trial.late[judged, atom] = self.book.evaluate(atom)
        truth = truth_of(judged.formula, lambda atom: self.value(trial, judged, atom))
        if truth is not False:
            stand.said[judged.index] = truth

    def _candidate(self, judged: Judged, truth: Truth) -> Candidate:
        if truth is None:
            return Candidate(judged.rule, UNKNOWN)
        found = [self._perform(call, judged.rule.id, {}) for call in judged.rule.actions]
        return Candidate(judged.rule, FIRED, tuple(outcome for outcome in found if outcome))

    def _perform(self, call: ActionCall, rule: str, unknown: dict[str, None]) -> Outcome | None:
        if not any(isinstance(value, tree.Node) for value in call.args.values()):
            action = call.action
            main = call.args.get(action.main) if action.main else True
            return Outcome(action.id, call.args, rule, main, action.writes, action.many)
        return perform(call, rule, unknown, self.book.context)

    def _index(self, number: int, rule: object) -> int | None:
        return next((j.index for j in self.stages[number] if j.rule.id == rule), None)

    # what later rules see

    def _publish_decided(self, settlement: Settlement) -> None:
        written = self.book.bench.written
        for action in self.ruleset.gate_spec.actions:
            written[f"decided.{action}"] = settlement.decided(action)
        self.book.context.derived.clear()

    def _publish_written(
        self, number: int, candidates: Iterable[Candidate], members: Iterable[Judged]
    ) -> None:
        facts = self.book.bench
        known = list(candidates)
        names = {name for judged in members for name in judged.rule.writes}
        for name in list_facts_written(self.ruleset, names):
            facts.written[name] = with_written(facts.get(name), name, known)
        self.book.context.derived.clear()
