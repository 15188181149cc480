"""What would have to become otherwise for a formula to become otherwise.

A goal names atoms and what each may be. The goals of a question are complete: whoever gets what
the question asks for has reached at least one of them. Goals that no free place can reach are left
out, so a question without goals has no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from tidegate.engine.changes.formulas import (
    ANY,
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
from tidegate.engine.logic import Truth

Goal = Mapping[Atom, int]
Says = Callable[[Atom], Truth]  # what an atom says now
Free = Callable[[Atom], bool]  # whether one of its places may still be changed
Late = Callable[[Atom], list[Goal]]  # goals for an atom that looks at what was written before
MOST_WAYS = 48


class Asker:
    """Goals for the formulas of one rule in one trial."""

    def __init__(self, says: Says, free: Free, late: Late) -> None:
        self.says = says
        self.free = free
        self.late = late

    def become(self, formula: Formula, wanted: int) -> list[Goal]:
        """Goals of which one must be reached for the formula to be one of `wanted`, which it is
        not yet.
        """
        if isinstance(formula, Atom):
            if formula.late:
                return self.late(formula)
            return [{formula: wanted}] if self.free(formula) else []
        if isinstance(formula, Opposite):
            return self.become(formula.part, swapped(wanted))
        if formula.every:
            return self._joined(formula.parts, wanted, lambda part: part)
        return self._joined(formula.parts, swapped(wanted), Opposite)

    def _joined(
        self, parts: Iterable[Formula], wanted: int, seen_as: Callable[[Formula], Formula]
    ) -> list[Goal]:
        """The same for all of these parts together."""
        seen = [seen_as(part) for part in parts]
        now = [mask(truth_of(part, self.says)) for part in seen]
        whole = FALSE if FALSE in now else UNKNOWN if UNKNOWN in now else TRUE

        def those(but: int, target: int) -> Iterator[list[Goal]]:
            return (
                self.become(part, target)
                for part, is_now in zip(seen, now, strict=True)
                if is_now & but
            )

        if wanted == TRUE:
            return _fewest(those(ANY & ~TRUE, TRUE))
        if whole == FALSE:  # wanted is unknown, perhaps also true
            return _fewest(those(FALSE, TRUE | UNKNOWN))
        if wanted == TRUE | FALSE:
            left = _fewest(those(UNKNOWN, TRUE | FALSE))
            return [*left, *_all(those(ANY & ~FALSE, FALSE))]
        if whole == UNKNOWN:  # wanted is false
            return _all(those(ANY & ~FALSE, FALSE))
        return _all(those(TRUE, wanted))

    def ways(self, formula: Formula) -> list[Goal]:
        """Goals for the formula to be true that say everything it needs."""
        found = self._ways(formula, True)
        return self.become(formula, TRUE) if found is None else found

    def _ways(self, formula: Formula, wanted: bool) -> list[Goal] | None:
        """Every way to the wanted truth; None when there are too many to list."""
        if isinstance(formula, Opposite):
            return self._ways(formula.part, not wanted)
        if isinstance(formula, Atom):
            holds = self.says(formula) is wanted
            if formula.late:
                return [{}] if holds else self.late(formula)
            target = TRUE if wanted else FALSE
            if not formula.slots or (holds and not self.free(formula)):
                return [{}] if holds else []
            return [{formula: target}] if holds or self.free(formula) else []
        found: list[Goal] = [{}] if formula.every is wanted else []
        for part in formula.parts:
            inner = self._ways(part, wanted)
            if inner is None:
                return None
            if formula.every is wanted:
                pairs = (both(one, more) for one in found for more in inner)
                found = [goal for goal in pairs if goal is not None]
                if not found:
                    return found
            else:
                found += inner
            if len(found) > MOST_WAYS:
                return None
        return found


def both(one: Goal, other: Goal) -> Goal | None:
    """One goal that is both; None when they contradict each other."""
    joined = dict(one)
    for atom, allowed in other.items():
        joined[atom] = joined.get(atom, ANY) & allowed
        if not joined[atom]:
            return None
    return joined


def _fewest(choices: Iterable[list[Goal]]) -> list[Goal]:
    """The shortest of several complete lists of goals."""
    best: list[Goal] | None = None
    for goals in choices:
        if not goals:
            return []
        if best is None or len(goals) < len(best):
            best = goals
    return best or []


def _all(lists: Iterable[list[Goal]]) -> list[Goal]:
    return [goal for goals in lists for goal in goals]
