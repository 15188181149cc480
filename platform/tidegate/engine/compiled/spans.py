"""The spans that windowed facts are keyed by, each text parsed once."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from tidegate.engine.values import parse_duration


@lru_cache(maxsize=512)
def span_of(text: object) -> timedelta | None:
    """The span a key such as `24h` means; None for anything else."""
    try:
        return parse_duration(text)
    except ValueError:
        return None
