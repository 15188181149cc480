"""Notices that nothing moves any more, minutes before a wait's own time is over."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from work_merchant import Merchant

STILL_S = 90.0
LONGEST_PAUSE_S = 1_000.0  # the product's own longest pause between two tries, and a little


class Stillness:
    """Counts what can only grow. Still is who has not grown for `still_s`, and for as long after the last try planned."""

    def __init__(self, merchant: Merchant, still_s: float = STILL_S) -> None:
        self._merchant, self._still_s = merchant, still_s
        self._most: dict[str, int] = {}
        self._moved_at = self._tries_until = time.monotonic()

    def check(self, what: str) -> None:
        """Raises AssertionError when nothing has moved for too long."""
        now, grown = time.monotonic(), self._merchant.progress()
        if any(count > self._most.get(name, -1) for name, count in grown.items()):
            self._moved_at = now
        self._most = {name: max(n, self._most.get(name, 0)) for name, n in grown.items()}
        planned = self._merchant.next_try()
        if planned is not None:
            ahead_s = (planned - datetime.now(UTC)).total_seconds()
            self._tries_until = max(self._tries_until, now + max(0.0, ahead_s))
        end = min(self._tries_until, self._moved_at + LONGEST_PAUSE_S)
        end = max(end, self._moved_at) + self._still_s
        assert now <= end, f"nothing moved for {now - self._moved_at:.0f} s, waiting for: {what}"
