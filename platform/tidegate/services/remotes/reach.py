"""What an installation gives its connectors' calls: hosts it trusts, time limits, and the windows they share."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidegate.sdk.http.sending import Times
from tidegate.services.remotes.windows import Windows


@dataclass(frozen=True, slots=True)
class Reach:
    trusted: tuple[str, ...] = ()
    times: Times = field(default_factory=Times)
    windows: Windows = field(default_factory=Windows)
    in_flight: int = 4  # calls of an account at once, per process
