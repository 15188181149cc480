"""What a stage concludes from the results of its rules (DMN hit policies), and what it does
about unknowns.

`Verdict.winners` are the rules whose actions stand. `blocker` is the rule whose unknown
condition could have changed the outcome; `conflict` the rules that contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tidegate.engine.decisions import FIRED, UNKNOWN, Outcome, Overridden
from tidegate.engine.rulesets import Rule, Stage


@dataclass
class Candidate:
    """A rule with its result and, if it matched, what it asks for."""

    rule: Rule
    result: str
    outcomes: tuple[Outcome, ...] = ()


@dataclass
class Verdict:
    outcomes: list[Outcome] = field(default_factory=list)
    overridden: list[Overridden] = field(default_factory=list)
    blocker: Candidate | None = None
    conflict: tuple[str, ...] = ()
    decided: bool = False  # something gave an outcome, so `otherwise` does not apply


def conclude(stage: Stage, candidates: Sequence[Candidate]) -> Verdict:
    """Tables with a policy of their own are settled first; then the stage's policy over what is
    left.
    """
    verdict = Verdict()
    left = _tables(stage, candidates, verdict)
    _POLICY[stage.policy](stage, left, verdict)
    _one_write_each(verdict)
    return verdict


def _tables(stage: Stage, candidates: Sequence[Candidate], verdict: Verdict) -> list[Candidate]:
    left: list[Candidate] = []
    for table in dict.fromkeys(c.rule.table if c.rule.table_policy else "" for c in candidates):
        rows = [c for c in candidates if (c.rule.table if c.rule.table_policy else "") == table]
        if not table or rows[0].rule.table_policy == stage.policy == "first":
            left += rows
            continue
        inner = Verdict()
        own = Stage(table, rows[0].rule.table_policy, (), stage.severity, (), stage.on_missing)
        if stage.policy == "collect" and stage.on_missing == "hold":
            own = Stage(table, own.policy, (), stage.severity, (), "skip")
        _POLICY[own.policy](own, rows, inner)
        verdict.overridden += inner.overridden
        verdict.conflict += inner.conflict
        verdict.blocker = verdict.blocker or inner.blocker
        kept = {outcome.rule for outcome in inner.outcomes}
        left += [row for row in rows if row.rule.id in kept or row.result == UNKNOWN]
        if inner.conflict:
            left = [row for row in left if row.rule.id not in inner.conflict]
    order = {c.rule.id: index for index, c in enumerate(candidates)}
    return sorted(left, key=lambda c: order[c.rule.id])


def _first(stage: Stage, candidates: Sequence[Candidate], verdict: Verdict) -> None:
    winner: Candidate | None = None
    for candidate in candidates:
        if candidate.result == FIRED and winner is None and verdict.blocker is None:
            winner = candidate
            verdict.outcomes += candidate.outcomes
            verdict.decided = True
        elif candidate.result == FIRED:
            candidate.result = "not"
            _lost(
                verdict,
                candidate,
                winner or verdict.blocker,
                "first" if winner else "missing_facts",
            )
        elif candidate.result == UNKNOWN and winner is None and stage.on_missing != "skip":
            verdict.blocker = verdict.blocker or candidate


def _lost(verdict: Verdict, loser: Candidate, winner: Candidate | None, reason: str) -> None:
    by = winner.rule.id if winner else ""
    verdict.overridden += [Overridden(outcome, by, reason) for outcome in loser.outcomes]


def _agreeing(stage: Stage, candidates: Sequence[Candidate], verdict: Verdict) -> None:
    """unique and any: several matches are a conflict, unless (any) they say the same."""
    fired = [c for c in candidates if c.result == FIRED]
    said = [[(o.action, o.args) for o in c.outcomes] for c in fired]
    if len(fired) > 1 and (stage.policy == "unique" or any(what != said[0] for what in said)):
        verdict.conflict += tuple(c.rule.id for c in fired)
        for candidate in fired:
            other = next(c for c in fired if c is not candidate)
            _lost(verdict, candidate, other, "conflict")
        verdict.decided = True
        return
    for candidate in fired:
        verdict.outcomes += candidate.outcomes
    verdict.decided = bool(fired)
    if not fired and stage.on_missing != "skip":
        verdict.blocker = verdict.blocker or next(
            (c for c in candidates if c.result == UNKNOWN), None
        )


def _priority(stage: Stage, candidates: Sequence[Candidate], verdict: Verdict) -> None:
    rank = {action: index for index, action in enumerate(stage.severity)}
    fired = [(c, o) for c in candidates if c.result == FIRED for o in c.outcomes]
    ranked = [rank[o.action] for _, o in fired if o.action in rank]
    best = min(ranked, default=len(rank))
    winner = next((c for c, o in fired if rank.get(o.action) == best), None)
    for candidate, outcome in fired:
        if rank.get(outcome.action, best) == best:
            verdict.outcomes.append(outcome)
        else:
            by = winner.rule.id if winner else candidate.rule.id
            verdict.overridden.append(Overridden(outcome, by, "severity"))
    verdict.decided = bool(ranked)
    if stage.on_missing != "skip":
        verdict.blocker = verdict.blocker or _could_be_worse(candidates, rank, best)


def _could_be_worse(
    candidates: Sequence[Candidate], rank: dict[str, int], best: int
) -> Candidate | None:
    """The unknown rule that could give the most severe outcome above the one reached."""
    worst: Candidate | None = None
    for candidate in candidates:
        if candidate.result == UNKNOWN:
            for call in candidate.rule.actions:
                if rank.get(call.action.id, best) < best:
                    best, worst = rank[call.action.id], candidate
    return worst


def _collect(stage: Stage, candidates: Sequence[Candidate], verdict: Verdict) -> None:
    """Everything that matched; what is unknown adds nothing (`fail` still refuses)."""
    for candidate in candidates:
        if candidate.result == FIRED:
            verdict.outcomes += candidate.outcomes
            verdict.decided = True
        elif candidate.result == UNKNOWN and stage.on_missing == "fail":
            verdict.blocker = verdict.blocker or candidate


_POLICY: dict[str, Callable[[Stage, Sequence[Candidate], Verdict], None]] = {
    "first": _first,
    "unique": _agreeing,
    "any": _agreeing,
    "priority": _priority,
    "collect": _collect,
}


def _one_write_each(verdict: Verdict) -> None:
    """Equal actions merge; different writes to one thing are a conflict in which neither stands.

    Several actions of one priority outcome (two holds with their reasons) all stand.
    """
    kept: list[Outcome] = []
    for outcome in verdict.outcomes:
        twin = next((o for o in kept if (o.action, o.args) == (outcome.action, outcome.args)), None)
        if twin:
            verdict.overridden.append(Overridden(outcome, twin.rule, "same"))
        else:
            kept.append(outcome)
    clashing: set[int] = set()
    for index, outcome in enumerate(kept):
        for later in range(index + 1, len(kept)):
            if _clash(outcome, kept[later]):
                clashing |= {index, later}
    for index in sorted(clashing):
        other = next(
            kept[o] for o in sorted(clashing) if o != index and kept[o].writes == kept[index].writes
        )
        verdict.overridden.append(Overridden(kept[index], other.rule, "conflict"))
        verdict.conflict += (kept[index].rule,)
    verdict.outcomes = [outcome for index, outcome in enumerate(kept) if index not in clashing]


def _clash(one: Outcome, other: Outcome) -> bool:
    if one.writes != other.writes or one.many or other.many or one.rule == other.rule:
        return False
    return not (one.action == other.action and "reason" in one.args)
