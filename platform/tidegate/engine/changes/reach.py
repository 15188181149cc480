"""Whether a few places can possibly be enough: every rule that must change its result needs one of
the places it looks at. A cheap and safe way to see that a branch of the search leads nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from tidegate.engine.changes.formulas import (
    FALSE,
    TRUE,
    UNKNOWN,
    Atom,
    Formula,
    Opposite,
    mask,
    swapped,
    truth_of,
)
from tidegate.engine.changes.goals import Says
from tidegate.engine.changes.slots import Slot
from tidegate.engine.changes.stages import Sources
from tidegate.engine.changes.trial import Judged

if TYPE_CHECKING:
    from tidegate.engine.changes.obstacles import Obstacles

Needs = list[frozenset[Slot]]


def needs(formula: Formula, wanted: int, says: Says) -> Needs:
    """Sets of places of which each must have one that changes before the formula is `wanted`. An
    atom that looks at what was written before needs nothing that is known here.
    """
    if mask(truth_of(formula, says)) & wanted:
        return []
    if isinstance(formula, Atom):
        return [] if formula.late else [formula.slots]
    if isinstance(formula, Opposite):
        return needs(formula.part, swapped(wanted), says)
    everything = wanted == (TRUE if formula.every else FALSE)
    found: Needs = []
    for part in formula.parts:
        inner = needs(part, wanted, says)
        if everything:
            found += inner
        elif inner:
            found.append(frozenset().union(*inner))
        elif not mask(truth_of(part, says)) & wanted:
            return []
    return found if everything else [frozenset().union(*found)]


class Reach:
    """The question for one trial; `allowed` are the places that may be opened."""

    def __init__(self, obstacles: Obstacles, allowed: frozenset[Slot]) -> None:
        self.of = obstacles
        self.allowed = allowed
        self._known: dict[tuple[frozenset[Slot], int], bool] = {}

    def possible(self, places: frozenset[Slot], room: int) -> bool:
        """Whether these places, with `room` more, could give what is wanted."""
        of = self.of
        if of.trial.refused is not None:
            return True
        key = (places, room)
        if key not in self._known:
            self._known[key] = (
                self._without(places, room)
                if of.trials.want.absent
                else any(
                    self._stage(number, sources, places, room)
                    for number, sources in enumerate(of.sources)
                    if sources.any
                )
            )
        return self._known[key]

    def _without(self, places: frozenset[Slot], room: int) -> bool:
        """The unwanted outcome goes when every rule that asks for it falls silent, or (under
        priority) when something more severe is said. A doubt or a conflict that ends in the same
        outcome is no way out; where it ends in another, anything is possible.
        """
        sources, want = self.of.sources[0], self.of.trials.want
        elsewhere = (sources.clashes and not sources.conflict) or sources.own_tables
        if len(self.of.sources) > 1 or want.args or elsewhere:
            return True
        policy = sources.stage.policy
        rank = {action: index for index, action in enumerate(sources.stage.severity)}
        if policy != "collect" and (policy != "priority" or want.action not in rank):
            return True
        asking: Needs = []
        for judged in self.of.having_say(0, True):
            if self.of.fits(judged) and not self.of.upstream.may_exclude(judged):
                asking += self._needs(judged, FALSE | UNKNOWN, fits=True)
        if self._met(asking, places, room):
            return True
        if policy == "collect":
            return False
        truth = TRUE if sources.missing or sources.stage.on_missing == "skip" else TRUE | UNKNOWN
        own = rank[want.action]
        worse = (
            judged
            for judged in self.of.trials.stages[0]
            if any(rank.get(call.action.id, own) < own for call in judged.rule.actions)
        )
        return any(self._met(self._needs(judged, truth), places, room) for judged in worse)

    def _stage(self, number: int, sources: Sources, places: frozenset[Slot], room: int) -> bool:
        if sources.own_tables or sources.missing or sources.conflict:
            return True
        if sources.stage.policy == "first":
            return self._first(number, sources, places, room)
        if sources.stage.policy == "priority":
            return self._priority(number, sources, places, room)
        return True

    def _first(self, number: int, sources: Sources, places: frozenset[Slot], room: int) -> bool:
        """Everything above the rule that is to decide must be silent."""
        above: Needs = []
        stopping = self._stopping(number, sources)
        ahead = next(stopping, None)
        for judged in sources.rules:
            while ahead is not None and ahead[0] < judged.index:
                above += ahead[1]
                ahead = next(stopping, None)
            if not self._met(above, places, room):
                return False
            if self._met(above + self._needs(judged, TRUE, fits=True), places, room):
                return True
        if not sources.otherwise:
            return False
        while ahead is not None:
            above += ahead[1]
            ahead = next(stopping, None)
        return self._met(above, places, room)

    def _stopping(self, number: int, sources: Sources) -> Iterator[tuple[int, Needs]]:
        patient = sources.stage.on_missing == "skip"
        silent = FALSE | UNKNOWN if patient else FALSE
        heard = [*self.of.having_say(number, True)]
        heard += [] if patient else self.of.having_say(number, None)
        for judged in sorted(heard, key=lambda judged: judged.index):
            yield judged.index, self._silencing(judged, silent)

    def _priority(self, number: int, sources: Sources, places: frozenset[Slot], room: int) -> bool:
        """Everything more severe must be silent, and some rule must ask for it."""
        rank = {action: index for index, action in enumerate(sources.stage.severity)}
        own = rank.get(self.of.trials.want.action, -1)
        worse: Needs = []
        others: Needs = []
        for judged in self.of.having_say(number, True):
            ranks = [rank[c.action.id] for c in judged.rule.actions if c.action.id in rank]
            if ranks:
                silencing = self._silencing(judged, FALSE | UNKNOWN)
                others += silencing
                worse += silencing if min(ranks) < own else []
        if sources.otherwise and self._met(others, places, room):
            return True
        return self._met(worse, places, room) and any(
            self._met(worse + self._needs(judged, TRUE, fits=True), places, room)
            for judged in sources.rules
        )

    def _silencing(self, judged: Judged, silent: int) -> Needs:
        """An exclusion may silence it as well, from anywhere."""
        return [] if self.of.upstream.may_exclude(judged) else self._needs(judged, silent)

    def _needs(self, judged: Judged, wanted: int, fits: bool = False) -> Needs:
        """As they are at rest, if none of its places has moved."""
        at_rest = judged.slots.isdisjoint(self.of.trial.values) and not judged.late
        formula = judged.fits if fits else judged.formula
        if formula is None:
            return [frozenset()]
        key = (formula, wanted)
        cache = self.of.trials.needs_at_rest
        if at_rest and key in cache:
            return cache[key]
        found = needs(formula, wanted, self.of.says(judged))
        if at_rest:
            cache[key] = found
        return found

    def _met(self, sets: Iterable[frozenset[Slot]], places: frozenset[Slot], room: int) -> bool:
        """Whether the places, with `room` more, have one of each set."""
        left = [one for one in sets if one.isdisjoint(places)]
        if not left or not room:
            return not left
        if room == 1:
            return bool(frozenset.intersection(*left) & self.allowed)
        return any(self._met(left, places | {slot}, room - 1) for slot in left[0] & self.allowed)
