"""Three-valued logic as in FEEL (SQL's, Kleene's): true, false and unknown (`None`)."""

from __future__ import annotations

from collections.abc import Iterable

Truth = bool | None


def conjunction(parts: Iterable[Truth]) -> Truth:
    """All of them: one false decides, otherwise one unknown leaves it unknown; over nothing it
    is true.
    """
    result: Truth = True
    for part in parts:
        if part is False:
            return False
        if part is None:
            result = None
    return result


def disjunction(parts: Iterable[Truth]) -> Truth:
    """Any of them: one true decides, otherwise one unknown leaves it unknown; over nothing it
    is false.
    """
    result: Truth = False
    for part in parts:
        if part is True:
            return True
        if part is None:
            result = None
    return result


def negation(part: Truth) -> Truth:
    """The opposite; unknown stays unknown."""
    return None if part is None else not part
