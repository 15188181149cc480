"""Fact documents from values: what a witness looks like as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine import clock
from tidegate.engine.proof.sources import LINES, NOW, WINDOW, Source
from tidegate.engine.values import DAY, TICK, duration_text, plain
from tidegate.engine.vocabulary import DAYS, Vocabulary


@dataclass(frozen=True)
class Ago:
    """The instant that lies this long before `now`."""

    span: timedelta


@dataclass(frozen=True)
class Worked:
    """An instant since which this much working time has passed."""

    span: timedelta
    calendar: str


@dataclass(frozen=True)
class OnClock:
    """An instant with this hour, weekday or date on the shop's wall."""

    view: str
    value: Any


class Documents:
    """Writes documents for one vocabulary and zone; `now` is the instant unless a value of the
    source `now` says another.
    """

    def __init__(self, vocabulary: Vocabulary, zone: ZoneInfo, now: datetime) -> None:
        self.vocabulary = vocabulary
        self.zone = zone
        self.now = now.astimezone(UTC)

    def written(self, values: Mapping[Source, object]) -> tuple[dict[str, Any], datetime]:
        """The document and its `now`. Unknown values (None) are left out."""
        now = self._instant(values.get(Source(NOW)), self.now)
        document: dict[str, Any] = {}
        for source, value in sorted(values.items(), key=lambda item: item[0]):
            if source.kind == NOW or value is None:
                continue
            if source.kind == LINES:
                document[source.id] = self._raw(value, now)
                continue
            *groups, field = source.id.split(".")
            place = document
            for group in groups:
                place = place.setdefault(group, {})
            if source.kind == WINDOW:
                windows = place.setdefault(field, {})
                windows[duration_text(source.span)] = self._raw(value, now)
            else:
                place[field] = self._raw(value, now)
        return document, now

    def _raw(self, value: Any, now: datetime) -> Any:
        if isinstance(value, (Ago, Worked, OnClock, datetime)):
            return self._instant(value, now).astimezone(self.zone).isoformat()
        if isinstance(value, Mapping):
            return {key: self._raw(v, now) for key, v in value.items() if v is not None}
        if isinstance(value, tuple):
            return [self._raw(member, now) for member in value]
        return plain(value)

    def _instant(self, value: Any, now: datetime) -> datetime:
        if isinstance(value, Ago):
            return now - value.span
        if isinstance(value, Worked):
            return self._worked(value, now)
        if isinstance(value, OnClock):
            return self._on_clock(value, now)
        return value if isinstance(value, datetime) else now

    def _on_clock(self, value: OnClock, now: datetime) -> datetime:
        local = now.astimezone(self.zone)
        if value.view == "hour":
            return local.replace(hour=int(value.value), minute=0, second=0, microsecond=0)
        if value.view == "weekday":
            return local - (local.weekday() - DAYS.index(value.value)) * DAY
        return datetime.combine(value.value, local.timetz())

    def _worked(self, value: Worked, now: datetime) -> datetime:
        """By halving: working time since an instant grows as the instant goes back."""
        calendar = self.vocabulary.calendars[value.calendar]
        low, high = now - 4 * abs(value.span) - 15 * DAY, now + 4 * abs(value.span) + 15 * DAY
        while high - low > TICK:
            middle = low + (high - low) // 2
            enough = clock.working_time(calendar, middle, now, self.zone) >= value.span
            low, high = (middle, high) if enough else (low, middle)
        return low
