"""A light preview of one changed threshold: how many recent orders would come out otherwise. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidegate.engine.compiled import compile_set
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.writing import document_of
from tidegate.errors import NotFound
from tidegate.services.context import Context
from tidegate.services.workshop import check_touching, drafts, numbers, set_edits
from tidegate.services.workshop.model import Words
from tidegate.services.workshop.simulation_view import namer
from tidegate.simulation.comparing import Asked, Compared, Terms, compare
from tidegate.simulation.pool import Versions

CELLS = 6  # kinds of change that are named one by one
DAYS = check_touching.DAYS


@dataclass(frozen=True, slots=True)
class Cell:
    before: Words
    after: Words
    count: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Of `looked` orders or parcels of `days` days, `changed` come out otherwise with `after` for `before`;
    `held` is how many more are given to a person.
    """

    name: str
    before: str
    after: str
    looked: int
    changed: int
    held: int
    cells: Sequence[Cell]
    days: int = DAYS


def what_if(context: Context, set_id: str, name: str, form: Mapping[str, str]) -> WhatIf:
    """What the set as it is now would say with another value; a small sample, the latest first.

    Raises:
        InputError: the value does not fit.
        NotFound: no such set or threshold.
    """
    ruleset = drafts.working_set(context, set_id)
    other = _with_value(context, ruleset, name, form)
    found = _compared(context, ruleset, other)
    changed = [one for one in found if one.changed]
    cells = Counter((one.before.outcome, one.after.outcome) for one in changed)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        named = namer(work)
        said = [Cell(named(a).words, named(b).words, n) for (a, b), n in cells.most_common(CELLS)]
    return WhatIf(
        name, numbers.value_text(ruleset, name), numbers.value_text(other, name), len(found),
        len(changed), sum(one.after.held - one.before.held for one in changed),
        said,
    )  # fmt: skip


def _with_value(context: Context, ruleset: RuleSet, name: str, form: Mapping[str, str]) -> RuleSet:
    if name not in ruleset.parameters:
        raise NotFound(
            "rules.no_parameter",
            zh=f"没有阈值 {name}；可能已改名或删除。",
            en=f"There is no threshold {name}; it may have been renamed or removed.",
            name=name,
        )
    document = document_of(ruleset)
    entry = numbers.threshold_document(ruleset, name, form)
    set_edits.put_entry(document, "parameters", name, entry)
    vocabulary = context.rules.vocabulary
    return numbers.tried(
        lambda: read_ruleset(document, vocabulary, ruleset.id, unfinished=True), name
    )


def _compared(context: Context, before: RuleSet, after: RuleSet) -> list[Compared]:
    if not before.rules:
        return []
    versions = Versions(compile_set(before), compile_set(after), ("", ""), ("", ""))
    asked = [Asked(one.facts, one.at) for one in check_touching.recent(context, before)]
    terms = Terms(before.gate, context.timezone, context.currency)
    return compare(versions, asked, terms)
