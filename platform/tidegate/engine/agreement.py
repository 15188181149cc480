"""Do the two evaluators say the same? The publish gate and the differential tests ask here.

A difference is a defect of the compiled evaluator: the reference defines the meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.engine.compiled import Program, Ruling
from tidegate.engine.decisions import FIRED, UNKNOWN, Decision
from tidegate.engine.explain import near_misses
from tidegate.engine.reference import evaluate
from tidegate.errors import InputError


@dataclass(frozen=True)
class Disagreement:
    """Which part of the decision differs, and the two values (facts themselves are not kept)."""

    part: str
    reference: object
    compiled: object


def compare(
    program: Program,
    facts: Mapping[str, Any],
    now: datetime,
    timezone: str = "Asia/Shanghai",
    *,
    currency: str = "CNY",
    details: bool = True,
) -> Disagreement | None:
    """The first difference on one subject; None when both agree, also in refusing it.

    `details` compares everything a decision holds, not only what fired and what is to be done.
    """
    try:
        wanted = evaluate(program.ruleset, facts, now, timezone, currency=currency)
    except InputError as error:
        return _refused(program, facts, now, timezone, currency, error)
    try:
        found = program.decide(facts, now, timezone, currency=currency)
    except InputError as error:
        return Disagreement("error", None, error.code)
    for part, one, other in _parts(wanted, found, details):
        if one != other:
            return Disagreement(part, one, other)
    return None


def _refused(
    program: Program,
    facts: Mapping[str, Any],
    now: datetime,
    timezone: str,
    currency: str,
    error: InputError,
) -> Disagreement | None:
    try:
        program.decide(facts, now, timezone, currency=currency)
    except InputError as found:
        same = (found.code, found.fields) == (error.code, error.fields)
        return None if same else Disagreement("error", str(error), str(found))
    return Disagreement("error", error.code, None)


def _parts(wanted: Decision, found: Ruling, details: bool) -> list[tuple[str, object, object]]:
    parts: list[tuple[str, object, object]] = [
        ("actions", wanted.actions, found.actions),
        ("fired", wanted.fired, found.fired),
    ]
    if not details:
        return parts
    brief, short = found.decision(), found.brief()
    traces = {trace.rule.id: trace for trace in wanted.rules}
    parts += [
        ("overridden", wanted.overridden, found.overridden),
        ("missing", wanted.missing, found.missing),
        ("fired again", wanted.fired, found.fired),
        ("unknown", _with(wanted, UNKNOWN), found.unknown),
        ("derived", wanted.derived, found.derived),
        ("actions again", wanted.actions, brief.actions),
    ]
    parts += [(f"trace {one.rule.id}", traces[one.rule.id], one) for one in brief.rules]
    near = {
        one.rule: (one.leaf.leaf.text, one.leaf.result, traces[one.rule].result)
        for one in near_misses(wanted)
    }
    kept = {one.rule.id: (one.leaf.text, one.truth, one.result) for one in short.near}
    named = {one.rule.id for one in short.rules}
    parts += [
        ("near", {name: said for name, said in near.items() if name not in named}, kept),
        ("in brief", tuple(one for one in brief.rules if one.rule.id not in kept), short.rules),
    ]
    full = found.full()
    parts += [("full", wanted, full)]
    return parts


def _with(decision: Decision, result: str) -> tuple[str, ...]:
    return tuple(trace.rule.id for trace in decision.rules if trace.result == result)


__all__ = ["FIRED", "Disagreement", "compare"]
