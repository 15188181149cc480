"""How many recent orders a finding is about: its rules, asked about what the gate was asked lately."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import localcontext
from typing import Any

from sqlalchemy import select

from tidegate.engine.checking import Finding
from tidegate.engine.compiled import compile_set
from tidegate.engine.decisions import FIRED
from tidegate.engine.evaluation import context_of
from tidegate.engine.reference import active, judge
from tidegate.engine.rulesets import Rule, RuleSet
from tidegate.engine.values import EXACT
from tidegate.errors import TidegateError
from tidegate.services.context import Context
from tidegate.services.view_names import fact_name, is_personal, walk
from tidegate.services.workshop.simulation_subjects import Reader, Wanted, in_chunks, keys
from tidegate.store.tables import Order

DAYS = 30
SAMPLE = 400  # orders the findings are counted on
ASKED_RULES = 60  # rules named by findings that are asked one by one
_TOGETHER = frozenset(
    ("check.overlap", "check.conflict", "check.double_write", "check.sets_conflict")
)
_FIRST = frozenset(
    (
        "check.shadowed",
        "check.shadowed_jointly",
        "check.unreachable",
        "check.never_fires",
        "check.always_loses",
        "check.duplicate",
    )
)


@dataclass(frozen=True, slots=True)
class Subject:
    order_id: int | None
    facts: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Near:
    """A real order. `inside`: the finding is about it; else it is like the example in `alike` values."""

    order_id: int
    number: str
    inside: bool
    alike: int
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """`holds` are rules whose conditions hold, of those asked; `fired` those that decided."""

    subject: Subject
    holds: frozenset[str]
    fired: frozenset[str]


def recent(context: Context, ruleset: RuleSet) -> list[Subject]:
    """The latest orders or parcels of 30 days as the gate saw them; what it did not read then is rebuilt."""
    now = context.clock()
    wanted = Wanted(now - timedelta(days=DAYS), now, (), ())
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = keys(work, ruleset.gate, wanted)[-SAMPLE:]
    reader = Reader(context, ruleset.id, (ruleset, ruleset))
    read = [one for chunk in in_chunks(found) for one in reader.read(chunk)]
    return [Subject(one.order_id, one.facts, one.at) for one in reversed(read)]


def seen(
    context: Context, ruleset: RuleSet, subjects: Sequence[Subject], findings: Sequence[Finding]
) -> list[Seen]:
    """Each subject with the rules that hold and fire on it. One that can't be judged is left out."""
    if not ruleset.rules:
        return []
    asked = _asked(context, ruleset, findings)
    program = compile_set(ruleset)
    found = []
    for subject in subjects:
        try:
            ruling = program.decide(
                subject.facts, subject.at, context.timezone, currency=context.currency
            )
            holds = frozenset(
                name for one, names in asked for name in _holding(context, one, names, subject)
            )
        except TidegateError:
            continue
        found.append(Seen(subject, holds, frozenset(ruling.fired)))
    return found


def _asked(
    context: Context, ruleset: RuleSet, findings: Sequence[Finding]
) -> list[tuple[RuleSet, list[Rule]]]:
    """The rules that findings name, set by set: a finding may name one of another set of the gate."""
    names = dict.fromkeys(rule for finding in findings for rule in finding.rules)
    left = set(list(names)[:ASKED_RULES])
    found = []
    others = [one for one in context.rules.for_gate(ruleset.gate) if one.id != ruleset.id]
    for one in (ruleset, *others):
        rules = [rule for rule in one.rules if rule.id in left]
        left -= {rule.id for rule in rules}
        found.append((one, rules))
    return [(one, rules) for one, rules in found if rules]


def _holding(
    context: Context, ruleset: RuleSet, rules: Sequence[Rule], subject: Subject
) -> Iterator[str]:
    """Rules whose conditions hold on a subject. Raises TidegateError where its facts don't fit."""
    facts = context_of(ruleset, subject.facts, subject.at, context.timezone, context.currency)
    with localcontext(EXACT):
        for rule in rules:
            if active(rule, subject.at, facts.zone) and judge(rule, facts)[0].result == FIRED:
                yield rule.id


def touches(finding: Finding, one: Seen) -> bool:
    """Whether the finding is about this order."""
    if finding.code == "check.gap":
        return not one.fired
    if finding.code in _TOGETHER:
        return len(one.holds & set(finding.rules)) > 1
    if finding.code in _FIRST:
        return finding.where in one.holds
    return not (one.holds | one.fired).isdisjoint(finding.rules)


def nearest(
    context: Context, finding: Finding, everyone: Sequence[Seen], touched: Sequence[Seen]
) -> tuple[Seen, bool, int] | None:
    """The touched order most like the example, else the one most like it at all."""
    example = flat(finding.witness.facts) if finding.witness else {}
    if finding.witness is None or (not touched and not example):
        return None
    pool = [one for one in (touched or everyone) if one.subject.order_id]
    best = max(pool, key=lambda one: _alike(example, one.subject.facts), default=None)
    if best is None:
        return None
    alike = _alike(example, best.subject.facts)
    return (best, bool(touched), alike) if touched or alike else None


def flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves of a document by path; personal ones are left out."""
    return {
        path: value
        for path, value in walk(facts)
        if value not in (None, "", [], {}) and not is_personal(fact_name(path))
    }


def numbers(context: Context, ids: Sequence[int]) -> dict[int, str]:
    """Order numbers by id."""
    if not ids:
        return {}
    statement = select(Order.id, Order.number).where(Order.id.in_(ids))
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return {row.id: row.number for row in work.session.execute(statement)}


def _alike(example: Mapping[str, Any], facts: Mapping[str, Any]) -> int:
    real = flat(facts) if example else {}
    return sum(1 for path, value in example.items() if str(real.get(path)) == str(value))
