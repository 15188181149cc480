"""Python's cycle collector in processes that answer people.

Rule sets are many small objects that live long: a full collection walks all of them, a third of a second with 1,000
rules open, and by default it comes after every few edits. It comes fifty times more seldom here.
"""

from __future__ import annotations

import gc


def calm() -> None:
    """To be called before a process serves; children inherit it."""
    gc.set_threshold(20_000, 20, 50)
