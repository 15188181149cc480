"""Ask a gate, keep the answer: the decision is stored with the facts it read and the set's content hash."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from tidegate.engine.compiled import FactDocument
from tidegate.engine.decisions import Outcome
from tidegate.engine.per_set import once_per_set
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import plain
from tidegate.errors import InputError
from tidegate.services.context import Context
from tidegate.services.judging import in_brief
from tidegate.services.said_before import last_said, note_said
from tidegate.services.watched_gates import timed
from tidegate.services.workshop.shadowing import beside
from tidegate.store.dialects import insert_of
from tidegate.store.tables import Decision, Order, RulesetContent
from tidegate.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
CONSEQUENCES = ("state", "state_since", "tags")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate's sets said together. `failed` is the code of an error that kept a set from deciding."""

    actions: tuple[Outcome, ...]
    kept: tuple[Decision, ...]
    failed: str | None = None
    fresh: bool = True  # False: every set said the same from the same facts before

    def first(self, *names: str) -> Outcome | None:
        """The first action with one of these names."""
        return next((found for found in self.actions if found.action in names), None)

    def every(self, name: str) -> list[Outcome]:
        """All actions with this name, in order."""
        return [found for found in self.actions if found.action == name]


def ask(
    work: UnitOfWork,
    context: Context,
    gate: str,
    facts: Mapping[str, Any],
    *,
    now: datetime,
    trigger: str,
    order_id: int | None,
    parcel_id: int | None = None,
    subject_key: str | None = None,
    applied: bool = True,
    keep_quiet: bool = False,
    again: bool = True,
) -> Verdict:
    """Evaluate every set of `gate`, store each decision, and join the answers.

    Of several sets that write the same thing, the most severe by the sets' `severity` lists wins; the other actions
    live side by side. The same answer from the same facts and set as last time is not stored twice. `keep_quiet`
    stores nothing when no action came of it (alerts that do not ring); `again` False says that no gate judged
    this order before. `subject_key` names what is no order (`account:3`).
    """
    answers: list[tuple[RuleSet, tuple[Outcome, ...]]] = []
    kept: list[Decision] = []
    failed: str | None = None
    fresh = False
    given = FactDocument(facts)
    for ruleset in context.rules.for_gate(gate):
        try:
            with timed(gate) as judged:
                found = context.judges.decide(
                    ruleset, given, now, context.timezone, context.currency
                )
                judged.outcome = _headline(found.actions)
        except InputError as error:  # a fact of the wrong kind, or `on_missing: fail`
            failed = error.code
            log.warning(
                "gate.failed", gate=gate, ruleset=ruleset.id, order_id=order_id, code=failed
            )
            continue
        answers.append((ruleset, found.actions))
        if keep_quiet and not found.actions:
            continue
        row = Decision(
            order_id=order_id,
            parcel_id=parcel_id,
            subject_key=subject_key,
            gate=gate,
            ruleset_id=ruleset.id,
            ruleset_hash=ruleset.hash,
            trigger=trigger,
            verdict=_headline(found.actions),
            decided_at=now,
            facts=plain(_read_facts(facts, ruleset)),
            applied=applied,
        )
        said_before = last_said(work, row) if again else None
        if said_before is None or not _same(said_before, row, found.actions):
            row.keep(in_brief(found).as_document("zh"))
            _keep_content(work, context, ruleset, now)
            work.add(row)
            note_said(work, row)
            said_before, fresh = row, True
        kept.append(said_before)
        if fresh:
            beside(work, context, gate, row, given, found.actions)
    return Verdict(_join(answers), tuple(kept), failed, fresh or failed is not None)


def add_tags(order: Order, found: Verdict) -> None:
    """Put the tags that rules gave onto the order, each once."""
    tags = dict.fromkeys(str(action.args["tag"]) for action in found.every("tag"))
    new = [tag for tag in tags if tag not in order.tags]
    if new:
        order.tags = [*order.tags, *new]


def _same(before: Decision, row: Decision, actions: Sequence[Outcome]) -> bool:
    """Whether nothing new was said; where the order stands and its tags follow from the answer itself."""
    return (
        before.ruleset_hash == row.ruleset_hash
        and (row.applied or not before.applied)
        and _given(before.facts) == _given(row.facts)
        and before.result.get("actions") == [one.as_document() for one in actions]
    )


def _given(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts apart from those that move by themselves: they count only if they change the answer."""
    order = {k: v for k, v in facts.get("order", {}).items() if k not in CONSEQUENCES}
    items = [{k: v for k, v in line.items() if k != "available"} for line in facts.get("items", ())]
    still = {name: group for name, group in facts.items() if name != "connection"}
    return {**still, "order": order, "items": items}


def _headline(actions: Sequence[Outcome]) -> str:
    """The action that says what happens; tags and exclusions only accompany it."""
    if not actions:
        return "none"
    return next((found.action for found in actions if not found.many), actions[0].action)


def _join(answers: Sequence[tuple[RuleSet, tuple[Outcome, ...]]]) -> tuple[Outcome, ...]:
    """All actions; where sets disagree about one thing, the strictest. Sets that give no order yield to a hold."""
    stages = [stage for ruleset, _ in answers for stage in ruleset.stages]
    order = list(dict.fromkeys(name for stage in stages for name in stage.severity))
    single: dict[str, Outcome] = {}
    many = []
    for _, actions in answers:
        for found in actions:
            if found.many or not found.writes:
                many.append(found)
            elif found.writes not in single:
                single[found.writes] = found
            else:
                single[found.writes] = _stricter(order, single[found.writes], found)
    return (*single.values(), *many)


def _stricter(order: Sequence[str], one: Outcome, other: Outcome) -> Outcome:
    def rank(outcome: Outcome) -> int:
        if outcome.action in order:
            return order.index(outcome.action)
        return -1 if outcome.action.startswith("hold") else len(order)

    return min(one, other, key=rank)


def _read_facts(facts: Mapping[str, Any], ruleset: RuleSet) -> dict[str, Any]:
    """Only what the set reads, so that a decision keeps no more personal data than it used."""
    wanted = _wanted(ruleset)
    kept: dict[str, Any] = {}
    for group, value in facts.items():
        if group in wanted:
            fields = wanted[group]
            if isinstance(value, Mapping):
                kept[group] = _only(value, fields or frozenset())
            else:
                kept[group] = list(value) if fields is None else [_only(x, fields) for x in value]
    return kept


def _only(given: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in fields}


@once_per_set
def _wanted(ruleset: RuleSet) -> Mapping[str, frozenset[str] | None]:
    """By group the fields that the set reads; None for a list that is kept whole, since nothing in it is personal."""
    read: dict[str, set[str]] = defaultdict(set)
    for name in ruleset.facts_read:
        group, _, field = name.partition(".")
        read[group].add(field)
    found: dict[str, frozenset[str] | None] = {
        group: frozenset(fields) for group, fields in read.items()
    }
    for lines in ruleset.vocabulary.groups.values():
        if lines.each and (lines.id in read or lines.each in read):
            facts = [one for one in ruleset.vocabulary.facts.values() if one.group == lines.each]
            personal = any(fact.personal for fact in facts)
            found[lines.id] = frozenset(read.get(lines.each, ())) if personal else None
    return found


def _keep_content(work: UnitOfWork, context: Context, ruleset: RuleSet, now: datetime) -> None:
    known = work.session.info.setdefault("ruleset_hashes", set())
    if ruleset.hash in known:
        return
    insert = insert_of(work.session.get_bind().dialect)
    work.session.execute(
        insert(RulesetContent)
        .values(
            hash=ruleset.hash,
            ruleset_id=ruleset.id,
            gate=ruleset.gate,
            content=context.rules.content(ruleset.hash),
            first_seen_at=now,
        )
        .on_conflict_do_nothing(index_elements=["hash"])
    )
    known.add(ruleset.hash)
