"""What becomes of the rules that matched: the outcome of a stage, with what it overrides and what
was missing. One piece of code for both evaluators; only how a rule was judged differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from tidegate.engine.decisions import FIRED, NOT, UNKNOWN, Outcome, Overridden
from tidegate.engine.operations import wildcard
from tidegate.engine.policies import Candidate, Verdict, conclude
from tidegate.engine.rulesets import OTHERWISE, ActionCall, RuleSet, Stage
from tidegate.engine.values import Incomplete, fold
from tidegate.errors import InputError

MISSING_REASON = "missing_facts"
CONFLICT_REASON = "conflict"
# (action, the rule that asks, unknown facts are added here) to an outcome, or None if one of the
# action's arguments is unknown
Perform = Callable[[ActionCall, str, dict[str, None]], Outcome | None]
# names of the facts that left a rule unknown
Unknowns = Callable[[Candidate], Iterable[str]]


@dataclass
class Settlement:
    """Grows stage by stage. Candidates are given in rule order; those that did not match may be
    left out.
    """

    ruleset: RuleSet
    perform: Perform
    unknowns: Unknowns
    actions: list[Outcome] = field(default_factory=list)
    overridden: list[Overridden] = field(default_factory=list)
    _gaps: list[Callable[[], Iterable[str]]] = field(default_factory=list)

    def settle(self, stage: Stage, candidates: Sequence[Candidate]) -> None:
        """Add what the stage concludes. Raises InputError under `on_missing: fail`."""
        self._drop_excluded(candidates)
        verdict = conclude(stage, candidates)
        self._note_missing(stage, candidates, verdict)
        self._act(stage, verdict)

    @property
    def missing(self) -> tuple[str, ...]:
        """Facts that were missing where it could matter, in order; worked out when asked for."""
        return tuple(dict.fromkeys(name for gap in self._gaps for name in gap()))

    def decided(self, action: str) -> tuple[object, ...]:
        """`decided.<action>`: the main arguments so far."""
        return tuple(outcome.main for outcome in self.actions if outcome.action == action)

    def _drop_excluded(self, candidates: Sequence[Candidate]) -> None:
        """A rule that asks for what an earlier stage excluded loses; the next one gets its
        chance.
        """
        for candidate in candidates:
            by = next(
                (e for o in candidate.outcomes for e in self.actions if self._excludes(e, o)), None
            )
            if by:
                candidate.result = NOT
                self.overridden += [
                    Overridden(outcome, by.rule, "excluded") for outcome in candidate.outcomes
                ]
                candidate.outcomes = ()

    def _excludes(self, earlier: Outcome, outcome: Outcome) -> bool:
        target = self.ruleset.vocabulary.actions[earlier.action].excludes
        chosen = self.ruleset.vocabulary.actions[outcome.action]
        if not target or chosen.writes != target or chosen.main != target.partition(".")[2]:
            return False
        return wildcard(fold(str(outcome.main)), fold(str(earlier.main)))

    def _note_missing(
        self, stage: Stage, candidates: Sequence[Candidate], verdict: Verdict
    ) -> None:
        """Facts that were missing where it could matter: under `first`, up to the rule that
        decided.
        """
        for candidate in candidates:
            if candidate.result == UNKNOWN:
                self._gaps.append(partial(self.unknowns, candidate))
            if stage.policy == "first" and candidate.result == FIRED:
                break
        if verdict.blocker and stage.on_missing == "fail":
            raise self._refusal(verdict.blocker)

    def _refusal(self, blocker: Candidate) -> InputError:
        names = ", ".join(self.unknowns(blocker))
        where = f"{self.ruleset.id}/{blocker.rule.id}"
        return InputError(
            "facts.missing",
            zh=f"规则 {where} 缺少事实 {names}，规则集要求齐全（on_missing: fail）",
            en=f"The rule {where} misses {names}, and the set wants all facts (on_missing: fail)",
            ruleset=self.ruleset.id,
            rule=blocker.rule.id,
            missing=names,
        )

    def _act(self, stage: Stage, verdict: Verdict) -> None:
        self.overridden += verdict.overridden
        if verdict.conflict:
            held = self._held(stage, CONFLICT_REASON, verdict.conflict[0])
            verdict.outcomes = self._over(verdict.outcomes, held, CONFLICT_REASON)
        elif verdict.blocker:
            held = self._held(stage, MISSING_REASON, verdict.blocker.rule.id)
            verdict.outcomes = self._over(verdict.outcomes, held, MISSING_REASON)
        elif not verdict.decided:
            verdict.outcomes = [*verdict.outcomes, *self._done(stage.otherwise, OTHERWISE)]
        self.actions += verdict.outcomes

    def _done(self, calls: Iterable[ActionCall], rule: str) -> list[Outcome]:
        """The actions whose arguments are known; what is unknown of the others is missing."""
        unknown: dict[str, None] = {}
        found = [self.perform(call, rule, unknown) for call in calls]
        self._gaps.append(lambda: unknown)
        return [outcome for outcome in found if outcome]

    def _over(self, outcomes: list[Outcome], held: list[Outcome], reason: str) -> list[Outcome]:
        kept, lost = held_over(outcomes, held, reason)
        self.overridden += lost
        return kept

    def _held(self, stage: Stage, reason: str, rule: str) -> list[Outcome]:
        return self._done(held_calls(self.ruleset, stage, reason), rule)


def held_calls(ruleset: RuleSet, stage: Stage, reason: str) -> list[ActionCall]:
    """What holding means for a stage: `otherwise` with the reason put in; else the gate's `hold`;
    else `otherwise` as it stands.
    """
    calls = [call for call in stage.otherwise if "reason" in call.action.args]
    hold = ruleset.vocabulary.actions.get("hold")
    if not calls and hold and "hold" in ruleset.gate_spec.actions:
        defaults = {name: a.default for name, a in hold.args.items() if a.default is not None}
        calls = [ActionCall(hold, defaults)]
    if not calls:
        return list(stage.otherwise)
    return [ActionCall(call.action, {**call.args, "reason": reason}) for call in calls]


def held_over(
    outcomes: Iterable[Outcome], held: Iterable[Outcome], reason: str
) -> tuple[list[Outcome], list[Overridden]]:
    """Holding replaces what writes the same thing, unless that is the same kind of hold already:
    what stands, and what does not.
    """
    kept: list[Outcome] = []
    lost: list[Overridden] = []
    holds = list(held)
    for outcome in outcomes:
        rival = next((h for h in holds if h.writes == outcome.writes), None)
        if rival and rival.action == outcome.action:
            holds = [h for h in holds if h is not rival]
        elif rival:
            lost.append(Overridden(outcome, rival.rule, reason))
            continue
        kept.append(outcome)
    return [*kept, *holds], lost


def with_written(known: object, name: str, candidates: Iterable[Candidate]) -> tuple[object, ...]:
    """A list fact (tags) after these rules wrote to it; if a writer is unknown, the list may hold
    more than it shows.
    """
    written: list[object] = []
    open_end = known is None or isinstance(known, Incomplete)
    for candidate in candidates:
        if candidate.result == FIRED:
            written += [o.main for o in candidate.outcomes if o.writes == name]
        elif candidate.result == UNKNOWN and name in candidate.rule.writes:
            open_end = True
    members = (*(known if isinstance(known, tuple) else ()), *written)
    return Incomplete(members) if open_end else members


def list_facts_written(ruleset: RuleSet, names: Iterable[str]) -> list[str]:
    """Those of the written things that rules can read back as a list."""
    facts = ruleset.vocabulary.facts
    return sorted(name for name in set(names) if name in facts and facts[name].type == "texts")
