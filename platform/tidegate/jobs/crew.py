"""Threads of one queue. Where jobs wait for somebody else's answer, threads that are kept waiting get others beside
them, so that shops that hang keep their own lanes and not all hands.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger()
POLL_S = 0.5
STUCK_S = 2.0  # a round that takes longer waits for somebody
MOST = 16  # threads of a queue whose jobs have lanes


class Crew:
    """`round_` does some work and says how much; `reinforce` is called now and then by whoever started it."""

    def __init__(
        self,
        queue: str,
        slots: int,
        round_: Callable[[int], int],
        stopping: threading.Event,
        *,
        most: int,
    ) -> None:
        self._queue = queue
        self._slots = slots
        self._round = round_
        self._stopping = stopping
        self._most = max(slots, most)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._since: dict[threading.Thread, float] = {}  # when the round in hand began
        self._hired = 0

    def start(self) -> None:
        for _ in range(self._slots):
            self._hire(stays=True)

    def reinforce(self) -> bool:
        """One more thread if all are kept waiting; it goes when it finds nothing to do. Whether one came."""
        limit = time.monotonic() - STUCK_S
        with self._lock:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            stuck = all(self._since.get(thread, limit + 1) <= limit for thread in self._threads)
            if not stuck or len(self._threads) >= self._most or self._stopping.is_set():
                return False
        self._hire(stays=False)
        return True

    def join(self, end: float) -> None:
        """Wait for everybody until `end` (monotonic), each for a moment at least."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout=max(0.1, end - time.monotonic()))

    def _hire(self, *, stays: bool) -> None:
        self._hired += 1
        name = f"jobs-{self._queue}-{self._hired}"
        thread = threading.Thread(target=self._work, args=(stays,), name=name, daemon=True)
        with self._lock:
            self._threads.append(thread)
            thread.start()

    def _work(self, stays: bool) -> None:
        turn = 0
        while not self._stopping.is_set():
            turn += 1
            if self._one_round(turn):
                continue
            if not stays:
                return
            self._stopping.wait(POLL_S)

    def _one_round(self, turn: int) -> int:
        me = threading.current_thread()
        with self._lock:
            self._since[me] = time.monotonic()
        try:
            return self._round(turn)
        except Exception:  # a broken database must not end the runner; it tries again
            log.exception("jobs.loop_failed", queue=self._queue)
            return 0
        finally:
            with self._lock:
                del self._since[me]
