"""What would change it: the smallest changes a person could make, as cards that can be tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine.changes import changes
from tidegate.engine.changes.answers import Answer, Change, ChangeSet
from tidegate.engine.changes.slots import changed_document
from tidegate.engine.rulesets import RuleSet
from tidegate.services.context import Context
from tidegate.services.view_names import Words, same
from tidegate.services.workshop import drafts, fact_boxes, leaf_values, trial_sets
from tidegate.services.workshop.try_subjects import Subject

SHOWN = 6
LOOKED_AT = 60  # of which the shown ones are chosen
ALIKE = 2  # ways that change the same facts
_OVERLAP = 4  # letters of a personal value that another value may share with it


@dataclass(frozen=True, slots=True)
class WayChange:
    """One fact of a change; `line` names the line of goods. An empty `after` means: clear it."""

    line: str
    title: Words
    before: Words
    after: Words


@dataclass(frozen=True, slots=True)
class Way:
    """A smallest change that would do. `boxes` are the boxes of a form that make it; where a personal fact
    is changed there are none, and the change is called by its number.
    """

    number: int
    changes: Sequence[WayChange]
    boxes: Sequence[tuple[str, str]]

    @property
    def sentence(self) -> Words:
        """The changes in one line: `陶瓷杯 可用库存 1 → 3`."""
        return {
            lang: {"zh": "，并且", "en": " and "}[lang].join(
                f"{one.line} {one.title[lang]} {one.before[lang] or '?'} → {one.after[lang] or '-'}".strip()
                for one in self.changes
            )
            for lang in ("zh", "en")
        }


@dataclass(frozen=True, slots=True)
class Ways:
    want: str
    holds: bool
    total: int
    complete: bool
    ways: Sequence[Way]


def ways(context: Context, set_id: str, subject: Subject, want: str, rule: str = "") -> Ways:
    """The smallest changes of up to two facts a person can change that give the outcome.

    Raises:
        InputError: the gate has no such outcome.
    """
    ruleset, answer = _answer(context, set_id, subject, want, rule)
    return Ways(
        want, answer.holds, answer.total, answer.complete,
        [_way(context, ruleset, subject, answer.sets[n], n) for n in _chosen(answer.sets)],
    )  # fmt: skip


def made(
    context: Context, set_id: str, subject: Subject, want: str, number: int, rule: str = ""
) -> Subject:
    """The subject with one of the changes made; as it is when there are not so many."""
    ruleset, answer = _answer(context, set_id, subject, want, rule)
    if number >= len(answer.sets):
        return subject
    document = changed_document(subject.facts, answer.sets[number].values, ruleset.vocabulary)
    return replace(subject, facts=document)


def _answer(
    context: Context, set_id: str, subject: Subject, want: str, rule: str
) -> tuple[RuleSet, Answer]:
    ruleset = trial_sets.with_rule(context, drafts.working_set(context, set_id), rule).ruleset
    return ruleset, changes(
        ruleset, subject.facts, subject.at, want, context.timezone, currency=context.currency,
        limit=LOOKED_AT,
    )  # fmt: skip


def _chosen(sets: Sequence[ChangeSet]) -> list[int]:
    """Few of each kind, so that one memo with many magic words does not fill the list."""
    seen: Counter[frozenset[str]] = Counter()
    first: list[int] = []
    rest: list[int] = []
    for number, one in enumerate(sets):
        seen[one.facts] += 1
        (first if seen[one.facts] <= ALIKE else rest).append(number)
    return [*first, *rest][:SHOWN]


def _way(context: Context, ruleset: RuleSet, subject: Subject, one: ChangeSet, number: int) -> Way:
    said = [_change(ruleset, subject, change) for change in one.changes]
    if any(change.slot.fact.personal for change in one.changes):
        return Way(number, said, ())
    zone = ZoneInfo(context.timezone)
    boxes = [
        (
            fact_boxes.PREFIX + _box(change),
            fact_boxes.box_text(change.after, change.slot.fact, zone),
        )
        for change in one.changes
    ]
    return Way(number, said, boxes)


def _box(change: Change) -> str:
    slot = change.slot
    if slot.line:
        return f"{slot.list}.{slot.line - 1}.{slot.fact.field_name}"
    window = f"@{fact_boxes.window_text(slot.span)}" if slot.span is not None else ""
    return f"{slot.fact.id}{window}"


def _change(ruleset: RuleSet, subject: Subject, change: Change) -> WayChange:
    slot, fact = change.slot, change.slot.fact
    group: Any = ruleset.vocabulary.groups.get(fact.group)
    line = ""
    title: Mapping[str, str] = fact.title
    if slot.line:
        line = subject.lines.get(slot.line) or f"{slot.line}"
    elif group is not None and group.id not in ("order",):
        title = {lang: f"{group.title[lang]} {fact.title[lang]}" for lang in ("zh", "en")}
    after = _value(fact.id, change.after)
    if fact.personal and isinstance(change.after, str):
        after = _invented(str(change.before or ""), change.after, after)
    return WayChange(line, title, _value(fact.id, change.before), after)


def _invented(before: str, after: str, masked: Words) -> Words:
    """The part of a new value that is not the person's: what is added to it, or all of one that has nothing
    in common with it.
    """
    if before and after.startswith(before):
        added = after[len(before) :].strip()
        return {"zh": f"{masked['zh'][:3]} + “{added}”", "en": f"{masked['en'][:3]} + “{added}”"}
    pieces = {before[n : n + _OVERLAP] for n in range(len(before) - _OVERLAP + 1)} or {before}
    return masked if before and any(one in after for one in pieces) else same(after)


def _value(fact: str, value: object) -> Words:
    if value is None:
        return same("")
    return {lang: leaf_values.said(fact, value, lang) for lang in ("zh", "en")}
