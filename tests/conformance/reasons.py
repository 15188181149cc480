"""Why a published case is not ours: the only reasons there are."""

from __future__ import annotations

REASONS = {
    "every_over_nothing": "every over no elements is false here",
    "types_refused": "values of different types are refused when the set is read; there they give an answer",
    "unknown_members": "a comparison with an unknown member of a list is unknown here",
    "regular_expressions": "matches takes wildcards, not patterns of kinds of characters",
    "no_structures": "structures, and lists inside lines, are not values here",
    "no_open_ranges": "a range has two ends here",
    "no_not_a_number": "there are no NaN and infinity; dividing by zero is unknown",
    "no_bytes": "there are no byte strings",
    "names_at_run_time": "a name is not computed",
    "calendar_limits": "instants are exact to the microsecond and lie in the years 1 to 9999",
    "other_field": "a function of another field (networks, encodings)",
    "other_language": "a program in another language stands inside",
    "incomplete_record": "no record holds the decisions it refers to, or it depends on when it was made",
}
CONTRADICT = ("every_over_nothing", "types_refused", "unknown_members", "regular_expressions")
"""Reasons of cases that want what the contract of our language says otherwise."""
CANNOT_RUN = ("other_language", "incomplete_record")
"""Reasons of cases that cannot be run from their records."""


class NotOurs(Exception):
    """The case says something our language leaves out, or means on purpose differently."""

    def __init__(self, reason: str) -> None:
        if reason not in REASONS:
            raise ValueError(reason)
        super().__init__(reason)
        self.reason = reason
