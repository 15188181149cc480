"""How many jobs a merchant gets at a time: as many as take about a second, so that everybody is soon in turn."""

from __future__ import annotations

TURN_S = 1.0
FIRST = 16  # of a kind that was not seen yet
Key = tuple[int, str]  # tenant, name of the kind


class Pace:
    """For all threads of a runner. Only for jobs that take our own processor, not for those that wait for others."""

    def __init__(self) -> None:
        self._sizes: dict[Key, int] = {}

    def size(self, key: Key, most: int) -> int:
        """Jobs to claim, at most `most`."""
        return min(most, self._sizes.get(key, FIRST))

    def ran(self, key: Key, count: int, took_s: float) -> None:
        """So many took so long (seconds): the next turn grows at most twofold, and shrinks at once."""
        fits = int(count * TURN_S / max(took_s, 0.001))
        grown = max(self._sizes.get(key, FIRST), 2 * count)
        self._sizes[key] = max(1, min(grown, fits))
