"""The sandbox's clock: the real one, or one that a test moves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def real_time() -> datetime:
    return datetime.now(UTC)


class SandboxClock:
    """`source` plus an offset, so that a test can jump and time still runs on."""

    def __init__(self, source: Callable[[], datetime] = real_time) -> None:
        self._source = source
        self._offset = timedelta(0)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Aware UTC."""
        with self._lock:
            return self._source().astimezone(UTC) + self._offset

    def advance(self, delta: timedelta) -> None:
        with self._lock:
            self._offset += delta

    def set(self, instant: datetime) -> None:
        """Make it `instant` (aware) now."""
        with self._lock:
            self._offset = instant.astimezone(UTC) - self._source().astimezone(UTC)
