"""Faults on demand: the next n calls of a kind go wrong in a chosen way."""

from __future__ import annotations

import threading
from dataclasses import dataclass

FAULTS = {  # name -> what it does
    "timeout_after_accept": "does the work, then says nothing for `seconds`",
    "cut_after_accept": "does the work, then cuts the connection",
    "error_500_before": "answers 500 and does nothing",
    "error_502_after_accept": "does the work and answers 502",
    "garbage": "does the work and answers something that is no JSON",
    "throttle": "answers 429 with Retry-After: `seconds` and does nothing",
    "slow": "waits `seconds`, then answers normally",
    "refuse_address": "refuses the address",
    "duplicate_scans": "answers every scan twice",
    "shuffled_scans": "answers the scans of a page in reverse order",
}
CALLS = ("create", "query", "cancel", "pickups", "scans", "any")


@dataclass(slots=True)
class Fault:
    """`on` is the call it waits for (or `any`), `left` how many more calls it spoils."""

    name: str
    left: int
    on: str
    seconds: float


class FaultQueue:
    """Faults are used up in the order they were asked for."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, name: str, calls: int = 1, on: str = "any", seconds: float = 30.0) -> None:
        """Spoil the next `calls` calls of kind `on`.

        Raises:
            ValueError: no such fault or call.
        """
        if name not in FAULTS or on not in CALLS or calls < 1 or not 0 <= seconds <= 600:
            raise ValueError(f"fault is one of {sorted(FAULTS)}, on one of {CALLS}, calls >= 1")
        with self._lock:
            self._faults.append(Fault(name, calls, on, seconds))

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, call: str) -> Fault | None:
        """The fault that spoils this call, if any; scan faults wait for a `scans` call."""
        with self._lock:
            for fault in self._faults:
                if fault.on not in (call, "any"):
                    continue
                if fault.name.endswith("_scans") and call != "scans":
                    continue
                fault.left -= 1
                if not fault.left:
                    self._faults.remove(fault)
                return fault
        return None
