"""Long lists are searched by a set that is made once: a black list of thirty thousand phones is asked about at each of
its own entries when a rule set is compiled, and at every order after that.
"""

from __future__ import annotations

from decimal import Decimal

from tidegate.engine.values import fold

LONG = 64  # members; below it looking through them costs less


class LongLists:
    """Sets of the members of long lists, for one context; a list is known by its identity and kept alive here."""

    def __init__(self) -> None:
        self._sets: dict[int, tuple[tuple[object, ...], frozenset[object] | None]] = {}

    def holds(self, value: object, members: object) -> bool | None:
        """Whether a long list of texts, or of numbers, holds the text or number; None: look through it."""
        if type(members) is not tuple or len(members) < LONG:
            return None
        kind = type(value)
        if kind is not str and kind is not Decimal:
            return None
        known = self._sets.get(id(members))
        if known is None:
            known = self._sets[id(members)] = (members, _set_of(members))
        if known[1] is None or type(members[0]) is not kind:
            return None
        return (fold(value) if isinstance(value, str) else value) in known[1]


def _set_of(members: tuple[object, ...]) -> frozenset[object] | None:
    """None where members are of several kinds, or of one that is not equal by hash (money, exact texts)."""
    kind = type(members[0])
    if kind not in (str, Decimal) or any(type(member) is not kind for member in members):
        return None
    return frozenset(fold(member) if isinstance(member, str) else member for member in members)
