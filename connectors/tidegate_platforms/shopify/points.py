"""Query points as Shopify counts them: a bucket that fills every second."""

from __future__ import annotations

import time
from typing import Any

PER_OBJECT, PER_MUTATION = 1.0, 10.0


class Points:
    """`most` points, `per_s` come back a second."""

    def __init__(self, most: float = 2_000.0, per_s: float = 100.0) -> None:
        self.most, self.per_s = most, per_s
        self._left, self._at = most, time.monotonic()

    def take(self, cost: float) -> bool:
        """Whether it could be paid."""
        self._fill()
        if cost > self._left:
            return False
        self._left -= cost
        return True

    def set_left(self, left: float) -> None:
        self._left, self._at = left, time.monotonic()

    def told(self, cost: float) -> dict[str, Any]:
        """`extensions.cost`."""
        self._fill()
        return {
            "requestedQueryCost": cost,
            "actualQueryCost": cost,
            "throttleStatus": {
                "maximumAvailable": self.most,
                "currentlyAvailable": int(self._left),
                "restoreRate": self.per_s,
            },
        }

    def _fill(self) -> None:
        now = time.monotonic()
        self._left = min(self.most, self._left + (now - self._at) * self.per_s)
        self._at = now
