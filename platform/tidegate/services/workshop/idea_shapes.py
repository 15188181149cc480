"""An idea for a rule, as it is found and as it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tidegate.services.workshop.mining import Condition

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Idea:
    """People did `act` (release, reject, carrier) `support` times in orders for which `conditions` hold, and
    did not in `exceptions` such orders.

    `target` is the rule whose hold was released, the reason code of the rejection, or the service chosen.
    `samples` and `against` are (order id, number). The rest is how it is said: `sentence` is the rule that it
    would be, `target_title` names the target, `way` is how the draft changes: `new` rule, `except` (an
    exception in the rule that held), `off` (that rule switched off).
    """

    key: str
    act: str
    set_id: str
    target: str
    conditions: Sequence[Condition]
    support: int
    exceptions: int
    first_at: datetime
    last_at: datetime
    reasons: Sequence[tuple[str, int]]
    samples: Sequence[tuple[int, str]]
    against: Sequence[tuple[int, str]]
    rule_id: str = ""
    way: str = ""
    sentence: Words = field(default_factory=dict)
    target_title: Words = field(default_factory=dict)
    set_title: Words = field(default_factory=dict)

    @property
    def precision(self) -> float:
        return self.support / (self.support + self.exceptions)
