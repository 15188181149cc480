"""What follows from a rule set alone, worked out once for all who read the same set."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from tidegate.engine.rulesets import RuleSet

Found = TypeVar("Found")
_KEPT = 500  # sets of each function; beyond that all are worked out anew


def once_per_set(work_out: Callable[[RuleSet], Found]) -> Callable[[RuleSet], Found]:
    """Keep what `work_out` returns, by the content hash of the set: whatever has the same hash means the same.

    For what can't change and nobody writes to; safe for threads (at worst two work out the same).
    """
    known: dict[str, Found] = {}

    @wraps(work_out)
    def found(ruleset: RuleSet) -> Found:
        try:
            return known[ruleset.hash]
        except KeyError:
            made = work_out(ruleset)
        if len(known) >= _KEPT:
            known.clear()
        known[ruleset.hash] = made
        return made

    return found
