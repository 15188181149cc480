"""`changes(ruleset, facts, now, want)`: all minimal sets of up to two fact changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import localcontext
from fractions import Fraction
from typing import Any, Protocol

from tidegate.engine import clock
from tidegate.engine.changes.answers import Answer, Change, ChangeSet, reasons_for
from tidegate.engine.changes.cuts import scalar
from tidegate.engine.changes.formulas import Book, mask
from tidegate.engine.changes.search import Found, Search
from tidegate.engine.changes.slots import Bench, Slot, changed_document, find_slots
from tidegate.engine.changes.stages import sources_of
from tidegate.engine.changes.trial import AT_REST, Trials
from tidegate.engine.changes.wants import Want, read_want
from tidegate.engine.decisions import Outcome
from tidegate.engine.evaluation import Context, context_of
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import EXACT
from tidegate.errors import InputError

SIZE = 2
LIMIT = 20


class Decided(Protocol):
    """What this needs of a decision, whoever made it."""

    @property
    def actions(self) -> tuple[Outcome, ...]: ...


Decide = Callable[[Mapping[str, Any]], Decided]


def changes(
    ruleset: RuleSet,
    facts: Mapping[str, Any],
    now: datetime,
    want: str | Mapping[str, Any] | Want,
    timezone: str = "Asia/Shanghai",
    *,
    currency: str = "CNY",
    limit: int | None = LIMIT,
    size: int = SIZE,
    decide: Decide | None = None,
) -> Answer:
    """The minimal sets of at most `size` facts that a person can change to get the outcome.

    A set of facts is minimal when no part of it would do. Values are the nearest that work.
    `decide` judges a fact document (default: the reference evaluator); every set is confirmed by
    it. `limit` only cuts the list.

    Raises:
        InputError: a fact has a value of the wrong kind, or the gate has no such outcome.
    """
    wanted = want if isinstance(want, Want) else read_want(want, ruleset)
    judge = decide or (lambda doc: evaluate(ruleset, doc, now, timezone, currency=currency))
    with localcontext(EXACT):
        book, slots = _prepared(ruleset, facts, now, timezone, currency)
        holds = _gives(wanted, judge, facts)
        found = [] if holds else _searched(book, slots, ruleset, wanted, size)
        sets = _ordered(found, book, slots)
        confirmed = [
            one
            for one in sets
            if _gives(wanted, judge, changed_document(facts, one.values, ruleset.vocabulary))
        ]
    if len(confirmed) < len(sets):
        book.doubts["?"] = None
    return Answer(
        ruleset,
        clock.zone(timezone),
        wanted,
        holds,
        tuple(confirmed[:limit]),
        len(confirmed),
        not book.doubts,
        tuple(book.doubts),
    )


def _prepared(
    ruleset: RuleSet, facts: Mapping[str, Any], now: datetime, timezone: str, currency: str
) -> tuple[Book, tuple[Slot, ...]]:
    context: Context = context_of(ruleset, facts, now, timezone, currency)
    context.explain = False
    bench = Bench(facts, ruleset, currency)
    bench.check(ruleset.facts_checked)
    context.facts = bench
    slots = find_slots(ruleset, context)
    return Book(ruleset, context, slots), slots


def _gives(want: Want, judge: Decide, facts: Mapping[str, Any]) -> bool:
    """Whether the decision is as wanted; a refusal over missing facts is not."""
    try:
        return want.met_by(judge(facts).actions)
    except InputError as error:
        if error.code != "facts.missing":
            raise
        return False


def _searched(
    book: Book, slots: tuple[Slot, ...], ruleset: RuleSet, want: Want, size: int
) -> list[Found]:
    """Size by size; a place that does it with fewer is left out of the larger sets it is in."""
    trials = Trials(book, ruleset, want)
    sources = tuple(
        sources_of(ruleset, stage, rules, want)
        for stage, rules in zip(ruleset.stages, trials.stages, strict=True)
    )
    search = Search(trials, sources, slots)
    found: list[Found] = []
    for count in range(1, size + 1):
        alone = {slot for one in found if len(one.values) == 1 for slot in one.values}
        wider = search.run([slot for slot in slots if slot not in alone], count)
        smaller = [frozenset(one.values) for one in found]
        found += [
            one
            for one in wider
            if len(one.values) == count
            and not any(fewer < frozenset(one.values) for fewer in smaller)
        ]
    if search.cut_short:
        book.doubts[f"> {search.states}"] = None
    return found


def _ordered(found: Iterable[Found], book: Book, slots: tuple[Slot, ...]) -> list[ChangeSet]:
    """Fewest facts first, in the order of the dictionary, nearest first; of several values of the
    same facts that meet the same conditions only the nearest.
    """
    order = {slot: index for index, slot in enumerate(slots)}
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: _rank(one, order)):
        twins = (other for other in kept if other.values.keys() == one.values.keys())
        if not any(_meets(book, one, twin) for twin in twins):
            kept.append(one)
    return [_change_set(one, book, order) for one in kept]


def _rank(one: Found, order: Mapping[Slot, int]) -> tuple[Any, ...]:
    """Emptied facts count as far."""
    emptied = sum(value is None for value in one.values.values())
    moved = sum(
        (abs(to - of) for slot, value in one.values.items()
         if (to := scalar(value)) is not None and (of := scalar(slot.present)) is not None),
        start=Fraction(0),
    )  # fmt: skip
    return len(one.values), sorted(order[slot] for slot in one.values), emptied, moved


def _meets(book: Book, one: Found, other: Found) -> bool:
    """Whether the values also bring about what the other values were chosen for."""
    return all(mask(book.value(a, one.values)) & allowed for a, allowed in other.fixed.items())


def _change_set(one: Found, book: Book, order: Mapping[Slot, int]) -> ChangeSet:
    slots = sorted(one.values, key=order.__getitem__)
    return ChangeSet(
        tuple(
            Change(
                slot,
                slot.present,
                one.values[slot],
                reasons_for(slot, one.fixed, lambda atom: book.value(atom, AT_REST)),
            )
            for slot in slots
        )
    )
