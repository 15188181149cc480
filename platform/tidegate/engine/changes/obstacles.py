"""Why a trial did not give what is wanted, as goals: whatever gives it reaches at least one of
them. What a stage's policy makes of its rules is in docs/rule-language.md, "Policies".

Sharp reasons are given where the policy makes them simple. Everywhere else the reason is "every
rule that could matter is as it is", which is always true and only costs time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tidegate.engine.changes.formulas import (
    ANY,
    FALSE,
    TRUE,
    UNKNOWN,
    Atom,
    mask,
    truth_of,
)
from tidegate.engine.changes.goals import Asker, Free, Goal
from tidegate.engine.changes.reach import Reach
from tidegate.engine.changes.slots import Slot
from tidegate.engine.changes.stages import Sources
from tidegate.engine.changes.trial import Judged, Trial, Trials
from tidegate.engine.changes.upstream import Upstream
from tidegate.engine.logic import Truth

Goals = list[Goal]


class Obstacles:
    """What stands between one trial and what is wanted; `allowed` are the places that may still be
    changed.
    """

    def __init__(
        self,
        trials: Trials,
        sources: tuple[Sources, ...],
        trial: Trial,
        allowed: frozenset[Slot],
    ) -> None:
        self.trials = trials
        self.sources = sources
        self.trial = trial
        self.free: Free = lambda atom: not atom.slots.isdisjoint(allowed)
        self.upstream = Upstream(self)
        self.reach = Reach(self, allowed)

    def goals(self) -> Goals:
        """Complete goals."""
        if self.trial.refused is not None:
            return self._refused(len(self.trial.stands) - 1)
        if self.trials.want.absent:
            return self._unwanted()
        found: Goals = []
        for number, sources in enumerate(self.sources):
            if sources.any:
                found += self._stage(number, sources)
        return found

    def _stage(self, number: int, sources: Sources) -> Goals:
        if sources.own_tables:
            return self.coarse(number)
        goals = _POLICY[sources.stage.policy](self, number, sources)
        return self.coarse(number) if goals is None else goals

    # rules

    def says(self, judged: Judged) -> Callable[[Atom], Truth]:
        return lambda atom: self.trials.value(self.trial, judged, atom)

    def asker(self, judged: Judged) -> Asker:
        return Asker(self.says(judged), self.free, lambda atom: self.upstream.late(judged, atom))

    def truth(self, judged: Judged) -> Truth:
        return self.trial.stands[judged.stage].said.get(judged.index, False)

    def become(self, judged: Judged, wanted: int) -> Goals:
        """Goals for the rule's result to be one of `wanted`; none if it is so already."""
        if mask(self.truth(judged)) & wanted:
            return []
        return self.asker(judged).become(judged.formula, wanted)

    def otherwise_judged(self, judged: Judged) -> Goals:
        """Goals for anything about the rule's result to be otherwise."""
        return self.become(judged, ANY & ~mask(self.truth(judged)))

    def stopped(self, judged: Judged, wanted: int = FALSE | UNKNOWN) -> Goals:
        """Goals for a rule that matches to lose its say."""
        return [*self.become(judged, wanted), *self.upstream.exclusions(judged)]

    def fits(self, judged: Judged) -> bool:
        return judged.fits is not None and truth_of(judged.fits, self.says(judged)) is True

    def rules_that_fit(self, judged: Iterable[Judged]) -> Goals | None:
        """Goals for one of the rules to ask for what is wanted; None when one does already."""
        goals: Goals = []
        for one in judged:
            if not self.fits(one):
                goals += self.asker(one).ways(one.fits) if one.fits else []
            elif one.index in self.trial.stands[one.stage].dropped:
                goals += self.upstream.readmit(one)
            else:
                return None
        return goals

    def having_say(self, number: int, truth: Truth) -> list[Judged]:
        """Rules with this result, in rule order, without those an earlier stage excluded."""
        stand, stage = self.trial.stands[number], self.trials.stages[number]
        return [
            stage[index]
            for index in sorted(stand.said)
            if stand.said[index] is truth and index not in stand.dropped
        ]

    # policies: complete goals, or None when nothing visible stands in the way

    def first(self, number: int, sources: Sources) -> Goals | None:
        patient = sources.stage.on_missing == "skip"
        stops = self.having_say(number, True)[:1]
        stops += [] if patient else self.having_say(number, None)[:1]
        stop = min(stops, key=lambda judged: judged.index, default=None)
        end = len(sources.stage.rules) if stop is None else stop.index
        goals = self.rules_that_fit(j for j in sources.rules if j.index <= end)
        if goals is None:
            return None
        if sources.missing:
            above = self.trials.stages[number][: end + 1]
            goals += [goal for judged in above for goal in self.become(judged, UNKNOWN)]
        if stop is None:
            return None if sources.otherwise else goals
        if self.truth(stop) is None and sources.missing:
            return None
        below = sources.otherwise or sources.missing
        if below or any(judged.index > end for judged in sources.rules):
            goals += self.stopped(stop, FALSE | UNKNOWN if patient else FALSE)
        return goals

    def priority(self, number: int, sources: Sources) -> Goals | None:
        rank = {action: index for index, action in enumerate(sources.stage.severity)}
        own = rank.get(self.trials.want.action)

        def top(judged: Judged) -> int:
            ranks = [rank[c.action.id] for c in judged.rule.actions if c.action.id in rank]
            return min(ranks, default=len(rank))

        fired = [j for j in self.having_say(number, True) if top(j) < len(rank)]
        unclear = [j for j in self.having_say(number, None) if top(j) < len(rank)]
        unclear = [] if sources.stage.on_missing == "skip" else unclear
        found: Goals = []
        for goals in (
            self._ranked(sources, own, fired, unclear, top),
            self._nothing_decides(fired, unclear) if sources.otherwise else [],
            self._in_doubt(number, fired, unclear, top, len(rank)) if sources.missing else [],
            None if sources.conflict else [],
        ):
            if goals is None:
                return None
            found += goals
        return found

    def _ranked(
        self,
        sources: Sources,
        own: int | None,
        fired: list[Judged],
        unclear: list[Judged],
        top: Callable[[Judged], int],
    ) -> Goals | None:
        """Through the rules: nothing more severe may stand or be in doubt."""
        if not sources.rules:
            return []
        if own is not None:
            worse = [self.stopped(judged) for judged in fired if top(judged) < own]
            if worse:
                return min(worse, key=len)
            doubts = [j for j in unclear if top(j) < own] if sources.overrides else []
            if doubts:
                return min((self.become(j, TRUE | FALSE) for j in doubts), key=len)
        return self.rules_that_fit(sources.rules)

    def _nothing_decides(self, fired: list[Judged], unclear: list[Judged]) -> Goals | None:
        """Through `otherwise`: no rule may decide or be in doubt."""
        if fired:
            return min((self.stopped(judged) for judged in fired), key=len)
        if unclear:
            return min((self.become(judged, TRUE | FALSE) for judged in unclear), key=len)
        return None

    def _in_doubt(
        self,
        number: int,
        fired: list[Judged],
        unclear: list[Judged],
        top: Callable[[Judged], int],
        none: int,
    ) -> Goals | None:
        """Through a hold over missing facts: some rule must be unknown that could outdo the rest."""
        best = min(map(top, fired), default=none)
        if any(top(judged) < best for judged in unclear):
            return None
        ranked = [j for j in self.trials.stages[number] if top(j) < none]
        goals = [goal for judged in ranked for goal in self.become(judged, UNKNOWN)]
        held = [self.stopped(judged) for judged in fired if top(judged) == best]
        return goals + (min(held, key=len) if held and unclear else [])

    def collect(self, number: int, sources: Sources) -> Goals | None:
        fired = self.having_say(number, True)
        found: Goals = []
        for goals in (
            self.rules_that_fit(sources.rules),
            self._nothing_decides(fired, []) if sources.otherwise else [],
            None if sources.conflict else [],
        ):
            if goals is None:
                return None
            found += goals
        return found

    def agreeing(self, number: int, sources: Sources) -> Goals | None:
        """unique and any."""
        fired = self.having_say(number, True)
        patient = sources.stage.on_missing == "skip"
        unclear = [] if fired or patient else self.having_say(number, None)
        found: Goals = []
        for goals in (
            self._sole(sources, fired) if sources.rules else [],
            self._nothing_decides(fired, unclear) if sources.otherwise else [],
            self._nothing_but_doubt(number, fired, unclear) if sources.missing else [],
            None if sources.conflict else [],
        ):
            if goals is None:
                return None
            found += goals
        return found

    def _sole(self, sources: Sources, fired: list[Judged]) -> Goals | None:
        """Through a rule: none may match beside it that says something else."""
        others = [judged for judged in fired if not self.fits(judged)]
        if others:
            return min(
                (
                    [*self.stopped(j), *(self.asker(j).ways(j.fits) if j.fits else [])]
                    for j in others
                ),
                key=len,
            )
        if not fired:
            return self.rules_that_fit(sources.rules)
        if sources.stage.policy == "any" or len(fired) == 1:
            return None
        return [*self.stopped(fired[0]), *self.stopped(fired[1])]

    def _nothing_but_doubt(
        self, number: int, fired: list[Judged], unclear: list[Judged]
    ) -> Goals | None:
        if fired:
            return min((self.stopped(judged) for judged in fired), key=len)
        if unclear:
            return None
        rules = self.trials.stages[number]
        return [goal for judged in rules for goal in self.become(judged, UNKNOWN)]

    # the absence of an outcome

    def _unwanted(self) -> Goals:
        """One of the outcomes that should not be there; goals for it to go."""
        rules = {judged.rule.id: judged for stage in self.trials.stages for judged in stage}
        want = self.trials.want
        choices: list[Goals] = []
        for outcome in filter(want.fits, self.trial.actions):
            source = rules.get(outcome.rule)
            if source is None:
                stages = [n for n, sources in enumerate(self.sources) if sources.otherwise]
                choices.append([goal for number in stages for goal in self.coarse(number)])
                continue
            gone = self._gone(source, self.sources[source.stage]) if self.fits(source) else None
            choices.append(self.coarse(source.stage) if gone is None else gone)
        return min(choices, key=len)

    def _gone(self, source: Judged, sources: Sources) -> Goals | None:
        if sources.own_tables or sources.clashes or source.fits is None:
            return None
        goals = self.asker(source).become(source.fits, FALSE | UNKNOWN)
        goals += self.upstream.exclusions(source)
        if sources.stage.policy == "collect":
            return goals
        if sources.stage.policy != "priority":
            return None
        rank = {action: index for index, action in enumerate(sources.stage.severity)}
        own = rank.get(self.trials.want.action, -1)
        in_doubt = sources.stage.on_missing != "skip" and sources.overrides
        for judged in self.trials.stages[source.stage]:
            ranks = [rank[c.action.id] for c in judged.rule.actions if c.action.id in rank]
            if min(ranks, default=len(rank)) < own:
                goals += self.become(judged, TRUE | UNKNOWN if in_doubt else TRUE)
                dropped = judged.index in self.trial.stands[judged.stage].dropped
                goals += self.upstream.readmit(judged) if dropped else []
        return goals

    # reasons that always hold

    def coarse(self, number: int) -> Goals:
        """Every rule that could matter to this stage is as it is."""
        goals = [
            goal
            for judged in self._mattering(number)
            for goal in (*self.otherwise_judged(judged), *self.upstream.arguments(judged))
        ]
        if self.upstream.excludes(number):
            goals += self.upstream.before(number, 0)
        return _distinct(goals)

    def _mattering(self, number: int) -> Iterable[Judged]:
        """Under `first`, and in tables that are settled by it, nothing below the first rule that
        stops the search.
        """
        stage, stand = self.trials.stages[number], self.trial.stands[number]
        policy = self.sources[number].stage.policy
        over: set[str] = set()
        for judged in stage:
            rule = judged.rule
            by_table = rule.table_policy and not (rule.table_policy == policy == "first")
            if not by_table:
                unit = "" if policy == "first" else None
            else:
                unit = rule.table if rule.table_policy == "first" else None
            if unit is not None and unit in over:
                continue
            yield judged
            stops = judged.index in stand.said and judged.index not in stand.dropped
            sure = stand.said.get(judged.index) is True
            if unit is not None and stops and (sure or not self._patient(number)):
                over.add(unit)

    def _patient(self, number: int) -> bool:
        """Whether unknown rules may be passed over (for tables under collect: always)."""
        stage = self.sources[number].stage
        return stage.on_missing == "skip" or (
            stage.policy == "collect" and stage.on_missing == "hold"
        )

    def _refused(self, number: int) -> Goals:
        """The rule that made the set refuse must be known, or another must decide before it."""
        if self.trial.refused is None or self.trial.refused < 0:
            return self.coarse(number)
        stage = self.trials.stages[number]
        blocker = stage[self.trial.refused]
        goals = self.become(blocker, TRUE | FALSE)
        for judged in stage:
            if judged is not blocker:
                goals += self.become(judged, TRUE)
                dropped = judged.index in self.trial.stands[number].dropped
                goals += self.upstream.readmit(judged) if dropped else []
        return _distinct(goals)


_POLICY: dict[str, Callable[[Obstacles, int, Sources], Goals | None]] = {
    "first": Obstacles.first,
    "priority": Obstacles.priority,
    "collect": Obstacles.collect,
    "unique": Obstacles.agreeing,
    "any": Obstacles.agreeing,
}


def _distinct(goals: Goals) -> Goals:
    seen: dict[frozenset[tuple[Atom, int]], Goal] = {}
    for goal in goals:
        seen.setdefault(frozenset(goal.items()), goal)
    return list(seen.values())
