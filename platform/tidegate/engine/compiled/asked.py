"""What a decision is asked with: the instant and the zone, made sure of."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tidegate.engine import clock
from tidegate.errors import InputError

SHANGHAI = "Asia/Shanghai"
ZONES: dict[str, ZoneInfo] = {}


def aware(now: datetime) -> datetime:
    """The instant in UTC. Raises InputError if it has no offset."""
    if now.tzinfo is None:
        raise InputError(
            "time.naive",
            zh="now 需要时区偏移，如 2026-11-11T09:00:00+08:00",
            en="now needs its offset, as in 2026-11-11T09:00:00+08:00",
        )
    return now.astimezone(UTC)


def zone_of(name: str) -> ZoneInfo:
    """The zone, remembered. Raises InputError."""
    found = clock.zone(name)
    if len(ZONES) < 1_000:
        ZONES[name] = found
    return found
