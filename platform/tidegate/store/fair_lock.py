"""A lock that serves whoever came first: under load nobody waits for ever."""

from __future__ import annotations

import threading
from collections import deque


class FairLock:
    """First come, first served, between threads of one process. Not reentrant."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    @property
    def held(self) -> bool:
        """Whether somebody has it just now."""
        return self._held

    def acquire(self, timeout_s: float) -> bool:
        """Wait for one's turn; False when it did not come in time."""
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=timeout_s):
            return True
        with self._mutex:
            if turn not in self._waiting:
                return True  # it was handed over at the last moment
            self._waiting.remove(turn)
            return False

    def release(self) -> None:
        """Hand over to the next in line; the lock is never free in between, so nobody can jump the queue."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False
