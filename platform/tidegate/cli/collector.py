"""Python's cycle collector in our commands and in processes that answer people.

Rule sets are many small objects that live long: a full collection walks all of them, a third of a second with 1,000
rules open, and by default it comes after every few edits. It comes fifty times more seldom here.
A command that only imports and opens things starts a tenth sooner.
"""

from __future__ import annotations

import gc


def calm() -> None:
    """To be called before anything large is imported or opened; children inherit it."""
    gc.set_threshold(20_000, 20, 50)
