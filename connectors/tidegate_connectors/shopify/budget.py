"""Points that an account may still spend: Shopify charges a query its cost and gives points back every second."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any


class Budget:
    """What the last answer told, counted on by the clock. Knows nothing at first and lets everything pass."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._available = 0.0
        self._most = 0.0
        self._per_s = 0.0
        self._at: datetime | None = None
        self._costs: dict[str, float] = {}

    def wait_s(self, api: str, now: datetime) -> float:
        """Seconds until a call that costs what it cost last time can be paid; 0: now."""
        with self._lock:
            cost = self._costs.get(api, 0.0)
            if self._at is None or self._per_s <= 0 or cost > self._most:
                return 0.0
            passed = max((now - self._at).total_seconds(), 0.0)
            lacking = cost - min(self._most, self._available + passed * self._per_s)
            return max(lacking / self._per_s, 0.0)

    def seen(self, api: str, cost: Mapping[str, Any], now: datetime) -> None:
        """`extensions.cost` of an answer; what can't be read is passed over."""
        status = cost.get("throttleStatus")
        if not isinstance(status, Mapping):
            return
        try:
            asked = float(cost["requestedQueryCost"])
            most = float(status["maximumAvailable"])
            available, per_s = float(status["currentlyAvailable"]), float(status["restoreRate"])
        except (KeyError, TypeError, ValueError):
            return
        with self._lock:
            self._costs[api] = asked
            self._available, self._most, self._per_s, self._at = available, most, per_s, now
