"""Faults by chance: what a platform does to its callers over a long day, the same again with the same seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate.sdk.stage.protocol import Fault


@dataclass(slots=True)
class Weather:
    """`rates`: how likely each fault is for a call; `slow_s`: how late a slow answer comes. `sparing`: calls that stay
    well, by name.
    """

    seed: int
    rates: Mapping[Fault, float]
    slow_s: float = 1.0
    sparing: frozenset[str] = frozenset()
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)  # noqa: S311 - weather, guards nothing

    def fault(self, api: str) -> Fault | None:
        """What happens to this call; None for nothing."""
        drawn = self._rng.random()
        if api in self.sparing:
            return None
        for fault, rate in self.rates.items():
            drawn -= rate
            if drawn < 0:
                return fault
        return None
