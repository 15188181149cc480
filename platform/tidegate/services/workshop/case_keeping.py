"""A subject kept as a test: only what the set reads, nothing personal, and what the set says about that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine.decisions import Decision
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import plain
from tidegate.engine.writing import document_of
from tidegate.errors import InputError
from tidegate.services.context import Context
from tidegate.services.workshop import drafts
from tidegate.services.workshop.try_subjects import Subject


def save_as_case(
    context: Context, set_id: str, version: int, subject: Subject, name: str, actor: str
) -> str:
    """Into the draft, personal values replaced by the vocabulary's invented ones; expected is what the set
    says about exactly that. Returns the name it got.

    Raises:
        InputError: no name.
        DraftChanged: somebody saved meanwhile.
    """
    ruleset = drafts.working_set(context, set_id)
    cases = list(document_of(ruleset).get("tests") or [])
    free = free_name(name, cases)
    facts = impersonal(ruleset, subject.facts)
    decision = evaluate(ruleset, facts, subject.at, context.timezone, currency=context.currency)
    case = {
        "name": free,
        "at": subject.at.astimezone(ZoneInfo(context.timezone)).isoformat(),
        "given": facts,
        "expect": expected(decision),
    }
    drafts.save_cases(context, set_id, version, [*cases, case], actor)
    return free


def free_name(name: str, cases: Sequence[Mapping[str, Any]]) -> str:
    """The name, with a number behind it when a test has it already. Raises InputError for none."""
    wanted = name.strip()
    if not wanted:
        raise InputError(
            "try.no_name", zh="给这个测试起个名字。", en="Give the test a name.", field="name"
        )
    taken = {case["name"] for case in cases}
    free, number = wanted, 2
    while free in taken:
        free, number = f"{wanted} ({number})", number + 1
    return free


def expected(decision: Decision) -> dict[str, Any]:
    """What a case would say of this decision: the actions and the rules that fired."""
    return {
        "actions": [one.action for one in decision.actions],
        "fired": list(decision.fired),
    }


def impersonal(ruleset: RuleSet, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Only the groups and fields the set reads, personal ones replaced by the vocabulary's sample."""
    read = set(ruleset.facts_checked)
    groups = {name.partition(".")[0] for name in read}
    lists = ruleset.vocabulary.variables
    kept: dict[str, Any] = {}
    for group, value in facts.items():
        if isinstance(value, Mapping) and group in groups:
            kept[group] = {
                field: _safe(ruleset, f"{group}.{field}", one)
                for field, one in value.items()
                if f"{group}.{field}" in read
            }
        elif isinstance(value, Sequence) and not isinstance(value, str):
            each = next((name for name, of in lists.items() if of == group), "")
            wanted = {n.partition(".")[2] for n in read if n.partition(".")[0] == each}
            if wanted or group in read:
                kept[group] = [
                    {f: _safe(ruleset, f"{each}.{f}", v) for f, v in row.items() if f in wanted}
                    for row in value
                ]
    found = plain(kept)
    return dict(found) if isinstance(found, Mapping) else {}


def _safe(ruleset: RuleSet, name: str, value: Any) -> Any:
    fact = ruleset.fields.get(name) or ruleset.vocabulary.facts.get(name)
    if fact is None or not fact.personal or value in (None, ""):
        return value
    return fact.sample
