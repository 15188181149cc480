"""Every rule of a past decision, leaf by leaf: worked out anew from what the decision kept.

A decision is stored with the traces of the rules that mattered, and of each that came close with the leaf it failed
by. The facts it read and the text of its set are kept too, so the rest can be had again whenever somebody asks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.errors import TidegateError
from tidegate.services.context import Context
from tidegate.store.tables import Decision, RulesetContent


def full_trace(context: Context, session: Session, decision: Decision) -> Mapping[str, Any] | None:
    """The decision's document with all rules; None when its set can't be had any more as it was
    (its text isn't kept, or the vocabulary has changed under it).
    """
    ruleset = _set_of(context, session, decision)
    found = None if ruleset is None else _again(context, ruleset, decision)
    return found if found is not None and _is_same(found, decision) else None


def with_near(context: Context, session: Session, decision: Decision) -> Mapping[str, Any]:
    """The document as it was kept, but whole traces of the rules that came close; these stay as short as they were
    kept when the set can't be had any more as it was.
    """
    document = decision.document
    short = {row["id"] for row in document.get("rules", ()) if "near" in row}
    ruleset = _set_of(context, session, decision) if short else None
    found = None if ruleset is None else _again(context, ruleset, decision, short)
    if found is None or not _is_same(found, decision):
        return document
    whole = {row["id"]: row for row in found["rules"] if row["id"] in short}
    return {**document, "rules": [whole.get(row["id"], row) for row in document["rules"]]}


def asked_again(context: Context, session: Session, decision: Decision) -> bool | None:
    """Whether the same set says the same from the same facts; None when the set can't be had as it was."""
    ruleset = _set_of(context, session, decision)
    if ruleset is None:
        return None
    found = _again(context, ruleset, decision)
    return found is not None and _is_same(found, decision)


def _again(
    context: Context, ruleset: RuleSet, decision: Decision, rules: Collection[str] | None = None
) -> Mapping[str, Any] | None:
    """What the set says now, with all its rules or `rules` at least; None when it can't judge these facts."""
    asked = (ruleset, decision.facts, decision.decided_at, context.timezone)
    try:
        in_force = any(one is ruleset for one in context.rules.for_gate(decision.gate))
        if rules is not None and in_force:
            return context.judges.traced(*asked, context.currency, rules).as_document("zh")
        return evaluate(*asked, currency=context.currency).as_document("zh")
    except TidegateError:
        return None


def _is_same(found: Mapping[str, Any], decision: Decision) -> bool:
    return bool(found["actions"] == decision.result.get("actions"))


def _set_of(context: Context, session: Session, decision: Decision) -> RuleSet | None:
    for ruleset in context.rules.for_gate(decision.gate):
        if ruleset.hash == decision.ruleset_hash:
            return ruleset
    kept = session.scalar(
        select(RulesetContent.content).where(RulesetContent.hash == decision.ruleset_hash)
    )
    if kept is None:
        return None
    try:
        found = read_ruleset(kept + "\n", context.rules.vocabulary)
    except TidegateError:
        return None
    return found if found.hash == decision.ruleset_hash else None
