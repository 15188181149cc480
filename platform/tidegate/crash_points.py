"""Dies on purpose at the n-th commit or outgoing call, so that a test can prove that it does no harm.

Off, and without any cost, unless TIDEGATE_CRASH_AT is set; 0 only counts.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, event

VARIABLE = "TIDEGATE_CRASH_AT"


class CrashPoints:
    """Counts the points of one process and kills it at the chosen one. A point lies before each commit, before
    each call and after each call; what lies between two points can't be seen from outside.
    """

    def __init__(self, at: int) -> None:
        self.at = at
        self.passed = 0
        self._lock = threading.Lock()

    def watch(self, engine: Engine) -> None:
        """A point before every commit of this engine."""
        event.listen(engine, "commit", lambda _connection: self.reach())

    def around(self, remote: Any) -> Any:
        """A carrier or shop with points before and after each of its calls."""
        return _Around(remote, self)

    def reach(self) -> None:
        with self._lock:
            self.passed += 1
            if self.passed == self.at:
                os.kill(os.getpid(), signal.SIGKILL)


def wanted(environment: Mapping[str, str]) -> CrashPoints | None:
    """The points that the environment asks for; None, the usual, for none."""
    found = environment.get(VARIABLE)
    return CrashPoints(int(found)) if found else None


class _Around:
    def __init__(self, remote: Any, points: CrashPoints) -> None:
        self._remote = remote
        self._points = points

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._remote, name)
        if not callable(found):
            return found

        def call(*args: Any, **named: Any) -> Any:
            self._points.reach()
            try:
                return found(*args, **named)
            finally:
                self._points.reach()

        return call
