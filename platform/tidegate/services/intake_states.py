"""Which state an order takes at intake; the table is rules/tidegate_rules/intake_states.yml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from tidegate.services.shipped import shipped_document


@dataclass(frozen=True, slots=True)
class IntakeStates:
    """`new` by source status; `follow` from a state to those it may follow its source to; `open`
    still to be shipped.
    """

    new: Mapping[str, str]
    otherwise: str
    follow: Mapping[str, frozenset[str]]
    open: frozenset[str]

    def state_of(self, source_status: str | None) -> str:
        """The state that a source status leads to."""
        return self.new.get(source_status or "", self.otherwise)

    def next_state(self, state: str, source_status: str | None) -> str:
        """Where an order that nobody worked on goes from `state`: where its source is, or
        nowhere.
        """
        wanted = self.state_of(source_status)
        return wanted if wanted in self.follow.get(state, ()) else state


@cache
def intake_states() -> IntakeStates:
    """The shipped table."""
    data = shipped_document("intake_states.yml")
    return IntakeStates(
        new=data["new"],
        otherwise=data["otherwise"],
        follow={state: frozenset(to) for state, to in data["follow"].items()},
        open=frozenset(data["open"]),
    )
