"""Why a subject came out differently: both versions' traces of it, worked out anew by the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import plain
from tidegate.errors import InputError
from tidegate.services.context import Context
from tidegate.services.view_decisions import DecisionView, decision_view
from tidegate.services.view_lexicon import lexicon
from tidegate.services.workshop import simulating, simulation_view
from tidegate.services.workshop.simulation_shapes import ChangeLine, RunView
from tidegate.services.workshop.simulation_subjects import Reader
from tidegate.store.simulation_tables import SimulationChange
from tidegate.store.tables import Decision


@dataclass(frozen=True, slots=True)
class Traces:
    """`before` or `after` is None where that version can't judge these facts; `gone` where the facts
    can't be had any more.
    """

    run: RunView
    line: ChangeLine
    before: DecisionView | None
    after: DecisionView | None
    gone: bool


def traces(context: Context, simulation_id: int, change_id: int) -> Traces:
    """Raises NotFound."""
    run = simulation_view.opened(context, simulation_id)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = simulating.row_of(work, simulation_id)
        change = work.session.get(SimulationChange, change_id)
        if change is None or change.simulation_id != simulation_id:
            raise simulating.unknown(simulation_id)
        line = simulation_view.line_of(work, run, change)
    sets = tuple(simulation_view.read(context, one) for one in (row.against_text, row.draft_text))
    facts = _facts(context, row.set_id, (sets[0], sets[1]), change)
    if facts is None:
        return Traces(run, line, None, None, True)
    views = [_view(context, one, facts, change.at) for one in sets]
    return Traces(run, line, views[0], views[1], False)


def _facts(
    context: Context, set_id: str, sets: tuple[RuleSet, RuleSet], change: SimulationChange
) -> Mapping[str, Any] | None:
    if change.order_id is None:
        return change.facts
    found = Reader(context, set_id, sets).read([(change.order_id, change.parcel_id)])
    return found[0].facts if found else None


def _view(
    context: Context, ruleset: RuleSet, facts: Mapping[str, Any], now: datetime
) -> DecisionView | None:
    try:
        found = evaluate(ruleset, facts, now, context.timezone, currency=context.currency)
    except InputError:
        return None
    document = found.as_document("zh")
    verdict = found.actions[0].action if found.actions else "none"
    decision = Decision(  # never stored: only to be shown like one
        id=0, gate=ruleset.gate, ruleset_id=ruleset.id, ruleset_hash=ruleset.hash,
        trigger="simulated", verdict=verdict,
        decided_at=now, facts=plain(facts), result=document, applied=True,
    )  # fmt: skip
    return decision_view(decision, lexicon(ruleset))
