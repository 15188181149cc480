"""What `tidegate doctor` says about one thing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. level: ok, warning, error."""

    check: str
    level: str
    said: str
