"""A draft and a live set over the same subjects: what would come out differently, and by which rule.

Pure and in one thread; `tidegate.simulation` spreads it over processes. Tallies of parts add up to
the tally of the whole, in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tidegate.engine.compiled import FactDocument, Program, Ruling, typed_document
from tidegate.engine.decisions import Outcome
from tidegate.engine.ledgers import Ledger
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import plain
from tidegate.errors import InputError

NONE, REFUSED = "none", "refused"
Move = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """One order or parcel of the past. `key` names it to a person; `now` is the instant at which it
    is judged.
    """

    key: str
    facts: Mapping[str, Any]
    now: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that a version could not judge; an answer too."""

    error: str
    actions: tuple[Outcome, ...] = ()
    fired: tuple[str, ...] = ()


Answer = Ruling | Refusal


@dataclass(frozen=True, slots=True)
class Said:
    """What one version said of a subject, kept as an example."""

    actions: tuple[Outcome, ...]
    fired: tuple[str, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A subject on which the versions differ."""

    key: str
    before: Said
    after: Said

    def as_document(self) -> dict[str, object]:
        gained = [rule for rule in self.after.fired if rule not in self.before.fired]
        lost = [rule for rule in self.before.fired if rule not in self.after.fired]
        return {
            "key": self.key,
            "before": _shown(self.before),
            "after": _shown(self.after),
            "gained": gained,
            "lost": lost,
        }


@dataclass
class Tally:
    """Counts over subjects. `moved` counts the changed ones by headline before and after (equal
    when only details differ); `gained` and `lost` count, per rule, the subjects on which only the
    draft's or only the live rule fired; `caused` the changed subjects whose new or vanished actions
    come from the rule. `examples` holds the first few of each move.
    """

    keep: int = 20
    subjects: int = 0
    changed: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    moved: Counter[Move] = field(default_factory=Counter)
    fired_before: Counter[str] = field(default_factory=Counter)
    fired_after: Counter[str] = field(default_factory=Counter)
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    caused: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    examples: dict[Move, list[Change]] = field(default_factory=dict)

    def see(self, key: str, before: Answer, after: Answer) -> None:
        """Count one subject."""
        self.subjects += 1
        move = headline(before), headline(after)
        self.before[move[0]] += 1
        self.after[move[1]] += 1
        old, new = before.fired, after.fired
        for rule in old:
            self.fired_before[rule] += 1
        for rule in new:
            self.fired_after[rule] += 1
        if old != new:
            self.gained.update(rule for rule in new if rule not in old)
            self.lost.update(rule for rule in old if rule not in new)
        if REFUSED in move:
            self.refused.update(one.error for one in (before, after) if isinstance(one, Refusal))
            differ = error_of(before) != error_of(after)
        else:
            differ = not same_actions(before.actions, after.actions)
        if differ:
            self._changed(key, move, before, after)

    def _changed(self, key: str, move: Move, before: Answer, after: Answer) -> None:
        self.changed += 1
        self.moved[move] += 1
        self.caused.update(_causes(before.actions, after.actions))
        kept = self.examples.setdefault(move, [])
        if len(kept) < self.keep:
            kept.append(Change(key, _kept(before), _kept(after)))

    def add(self, other: Tally) -> None:
        """Take in the tally of another part."""
        self.subjects += other.subjects
        self.changed += other.changed
        for name in (
            "before", "after", "moved", "fired_before", "fired_after", "gained", "lost", "caused",
            "refused",
        ):  # fmt: skip
            getattr(self, name).update(getattr(other, name))
        for move, changes in other.examples.items():
            kept = self.examples.setdefault(move, [])
            kept += changes[: max(0, self.keep - len(kept))]

    def as_document(self) -> dict[str, object]:
        rules = sorted({*self.fired_before, *self.fired_after})
        moved = sorted(self.moved.items(), key=lambda item: (-item[1], item[0]))
        return {
            "subjects": self.subjects,
            "changed": self.changed,
            "refused": dict(sorted(self.refused.items())),
            "outcomes": {
                "before": dict(sorted(self.before.items())),
                "after": dict(sorted(self.after.items())),
                "moved": [
                    {"from": one, "to": other, "count": count} for (one, other), count in moved
                ],
            },
            "rules": [
                {
                    "rule": rule,
                    "before": self.fired_before[rule],
                    "after": self.fired_after[rule],
                    "gained": self.gained[rule],
                    "lost": self.lost[rule],
                    "changed": self.caused[rule],
                }
                for rule in rules
            ],
            "examples": [
                {"from": one, "to": other, **change.as_document()}
                for (one, other), _ in moved
                for change in self.examples[one, other]
            ],
        }


def headline(answer: Answer) -> str:
    """The action that says what happens; tags and exclusions only accompany it."""
    if isinstance(answer, Refusal):
        return REFUSED
    for found in answer.actions:
        if not found.many:
            return found.action
    return answer.actions[0].action if answer.actions else NONE


def error_of(answer: Answer) -> str:
    return answer.error if isinstance(answer, Refusal) else ""


def same_actions(one: Sequence[Outcome], other: Sequence[Outcome]) -> bool:
    """Whether the same would be done; from which rule does not matter."""
    if one == other:
        return True
    return [(o.action, o.args) for o in one] == [(o.action, o.args) for o in other]


def judge(
    program: Program, facts: Mapping[str, Any], now: datetime, timezone: str, currency: str
) -> Answer:
    """What one version says."""
    try:
        return program.decide(facts, now, timezone, currency=currency)
    except InputError as error:
        return Refusal(error.code)


@dataclass(frozen=True)
class Reads:
    """The facts of two versions together, so that a document is typed once for both."""

    vocabulary: Any
    fields: Mapping[str, Any]
    facts_checked: tuple[str, ...]


def reader_of(
    live: RuleSet, draft: RuleSet, currency: str
) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Types documents for both sets. Where their custom fields differ in type, or a fact has a
    wrong value, the document is left as it is and each version judges it by itself.
    """
    shared = live.fields.keys() & draft.fields.keys()
    if any(live.fields[name].type != draft.fields[name].type for name in shared):
        return lambda facts: facts
    names = tuple(sorted({*live.facts_checked, *draft.facts_checked}))
    reads: Any = Reads(live.vocabulary, {**live.fields, **draft.fields}, names)

    def read(facts: Mapping[str, Any]) -> Mapping[str, Any]:
        if facts.__class__ is FactDocument:
            return facts
        try:
            return typed_document(reads, facts, currency)
        except InputError:
            return facts

    return read


def simulate(
    live: Program,
    draft: Program,
    subjects: Iterable[Subject],
    timezone: str = "Asia/Shanghai",
    currency: str = "CNY",
    keep: int = 20,
) -> Tally:
    """Judge every subject with both versions, each subject by itself."""
    tally = Tally(keep)
    read = reader_of(live.ruleset, draft.ruleset, currency)
    for subject in subjects:
        facts = read(subject.facts)
        before = judge(live, facts, subject.now, timezone, currency)
        after = judge(draft, facts, subject.now, timezone, currency)
        tally.see(subject.key, before, after)
    return tally


def simulate_in_order(
    versions: tuple[tuple[Program, Ledger], tuple[Program, Ledger]],
    subjects: Iterable[Subject],
    timezone: str = "Asia/Shanghai",
    currency: str = "CNY",
    keep: int = 20,
) -> Tally:
    """Judge subjects in order with the live and the draft version; what the actions of a version
    use up is gone, in that version, for the subjects after.
    """
    tally = Tally(keep)
    for subject in subjects:
        answers = []
        for program, ledger in versions:
            facts = ledger.shown(subject.facts)
            answer = judge(program, facts, subject.now, timezone, currency)
            ledger.take(answer.actions, facts)
            answers.append(answer)
        tally.see(subject.key, answers[0], answers[1])
    return tally


def _causes(before: Sequence[Outcome], after: Sequence[Outcome]) -> set[str]:
    """The rules whose actions stand in one answer only."""
    old = [(o.action, o.args) for o in before]
    new = [(o.action, o.args) for o in after]
    found = {o.rule for o in before if (o.action, o.args) not in new}
    return found | {o.rule for o in after if (o.action, o.args) not in old}


def _kept(answer: Answer) -> Said:
    return Said(answer.actions, answer.fired, error_of(answer))


def _shown(answer: Said) -> dict[str, object]:
    if answer.error:
        return {"error": answer.error}
    return {"actions": [plain(one.as_document()) for one in answer.actions]}
