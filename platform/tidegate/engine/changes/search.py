"""The search for changes: start from the facts as they are; as long as the outcome is not the
wanted one, ask what stands in the way, and for each goal change one or two places so that it and
everything reached before holds.

Nothing is missed. Whatever changes give the outcome reach some goal at every step, and are within
the places opened and the atoms fixed on at least one branch; a branch only ends when it has an
outcome, no values, or no goal. Nothing is reported that was not decided.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from tidegate.engine.changes.formulas import ANY, Atom, mask
from tidegate.engine.changes.goals import Goal, both
from tidegate.engine.changes.obstacles import Obstacles
from tidegate.engine.changes.reach import Reach
from tidegate.engine.changes.slots import Slot, Values
from tidegate.engine.changes.solving import Solver
from tidegate.engine.changes.stages import Sources
from tidegate.engine.changes.trial import Trial, Trials

MOST_STATES = 20_000


@dataclass(frozen=True)
class State:
    """Places that may be changed, and what is fixed about the atoms."""

    places: tuple[Slot, ...]
    fixed: Mapping[Atom, int]
    values: Values


@dataclass(frozen=True)
class Found:
    values: Values
    fixed: Mapping[Atom, int]


class Search:
    """`cut_short` is whether there were more states than anybody would wait for."""

    def __init__(self, trials: Trials, sources: tuple[Sources, ...], slots: tuple[Slot, ...]):
        self.trials = trials
        self.sources = sources
        self.order = {slot: index for index, slot in enumerate(slots)}
        self.solver = Solver(trials.book)
        self.cut_short = False
        self.states = 0
        self._trials: dict[tuple[tuple[Slot, object], ...], Trial] = {}

    def run(self, slots: Iterable[Slot], size: int) -> list[Found]:
        """Changes of at most `size` of these places; those that hold others may be among them."""
        allowed = frozenset(slots)
        queue = deque([State((), {}, {})])
        seen: set[object] = set()
        found: list[Found] = []
        while queue:
            state = queue.popleft()
            trial = self.trial(state.values)
            if self.trials.satisfied(trial):
                found.append(Found(state.values, state.fixed))
                continue
            for following in self._following(state, trial, allowed, size):
                key = (following.places, frozenset(following.fixed.items()))
                if key in seen:
                    continue
                seen.add(key)
                self.states += 1
                if self.states > MOST_STATES:
                    self.cut_short = True
                    return found
                queue.append(following)
        return found

    def trial(self, values: Values) -> Trial:
        key = tuple(sorted(values.items(), key=lambda item: self.order[item[0]]))
        if key not in self._trials:
            self._trials[key] = self.trials.run(values)
        return self._trials[key]

    def _following(
        self, state: State, trial: Trial, allowed: frozenset[Slot], size: int
    ) -> Iterator[State]:
        places = frozenset(state.places)
        room = size - len(places)
        obstacles = Obstacles(self.trials, self.sources, trial, allowed if room else places)
        if not obstacles.reach.possible(places, room):
            return
        for goal, others in _apart(obstacles.goals()):
            fixed = both(state.fixed, others)
            fixed = None if fixed is None else both(fixed, goal)
            if fixed is not None:
                yield from self._reached(state, goal, fixed, obstacles.reach, size)

    def _reached(
        self, state: State, goal: Goal, fixed: Goal, reach: Reach, size: int
    ) -> Iterator[State]:
        """States in which the goal holds as well: with as few new places as it needs, and with
        one more only where these give no values.
        """
        unmet = [a for a, allow in goal.items() if not self._holds(a, allow, state.values)]
        layer = {
            frozenset(state.places) | extra
            for extra in self._openings(state, unmet, reach.allowed, size)
        }
        while layer:
            further: set[frozenset[Slot]] = set()
            for places in sorted(layer, key=self._key):
                if not reach.possible(places, size - len(places)):
                    continue
                ordered = tuple(sorted(places, key=self.order.__getitem__))
                values = self.solver.solve(ordered, fixed)
                if values is not None:
                    yield State(ordered, fixed, values)
                elif len(places) < size:
                    more = {slot for atom in fixed for slot in atom.slots} & reach.allowed
                    further |= {places | {slot} for slot in more - places}
            layer = further

    def _key(self, places: frozenset[Slot]) -> list[int]:
        return sorted(self.order[slot] for slot in places)

    def _holds(self, atom: Atom, allow: int, values: Values) -> bool:
        return bool(mask(self.trials.book.value(atom, values)) & allow)

    def _openings(
        self, state: State, unmet: list[Atom], allowed: frozenset[Slot], size: int
    ) -> set[frozenset[Slot]]:
        """The fewest places to open so that each of the atoms has one that is open."""
        here = frozenset(state.places)
        left = [atom.slots & allowed for atom in unmet if atom.slots.isdisjoint(here)]
        if not left:
            return {frozenset()}
        room = size - len(here)
        pool = set().union(*left)
        return {
            frozenset(extra)
            for count in range(1, room + 1)
            for extra in combinations(sorted(pool, key=self.order.__getitem__), count)
            if all(not group.isdisjoint(extra) for group in left)
            and not any(
                all(not group.isdisjoint(fewer) for group in left)
                for fewer in combinations(extra, count - 1)
                if fewer
            )
        }


def _apart(goals: Iterable[Goal]) -> Iterator[tuple[Goal, Goal]]:
    """Each goal with what the goals before it, as far as they are about one atom, leave to it: who
    reaches several of them is looked for under the first.
    """
    others: dict[Atom, int] = {}
    for goal in goals:
        yield goal, dict(others)
        if len(goal) == 1:
            ((atom, allowed),) = goal.items()
            others[atom] = others.get(atom, ANY) & ~allowed
