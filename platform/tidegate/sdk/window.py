"""Incremental sync: which window comes next, and how numbered pages are read without gaps. Pure.

Windows are closed in the past and overlap; orders are upserted, so what is read twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tidegate.errors import RemoteBroken
from tidegate.sdk.manifest import Sync
from tidegate.sdk.values import Window

Fetch = Callable[
    [int], tuple[Sequence[Any], int]
]  # page number -> (rows, how many there are in all)


class WindowTooLarge(Exception):
    """More pages than the platform lets us read: ask for a shorter window."""


def next_window(watermark: datetime | None, now: datetime, sync: Sync) -> Window | None:
    """The window after `watermark` (everything before it is stored), None when it is too early.

    The first begins `back_s` ago; no end is nearer than `lag_s` to now.
    """
    earliest = now - timedelta(seconds=sync.back_s)
    start = max(watermark - timedelta(seconds=sync.overlap_s), earliest) if watermark else earliest
    end = min(start + timedelta(seconds=sync.most_s), now - timedelta(seconds=sync.lag_s))
    if end <= (watermark or start):
        return None
    return Window(start, end)


def halved(window: Window) -> Window:
    """The first half, to the second.

    Raises:
        RemoteBroken: it can't be halved: one second holds more than can be read.
    """
    seconds = int((window.end - window.start).total_seconds()) // 2
    if seconds < 1:
        raise RemoteBroken(
            "sync.second_too_full",
            zh="一秒内的订单多于平台允许翻页的数量; 请缩小每页条件或联系平台。",
            en="One second holds more orders than the platform lets us page through.",
        )
    return Window(window.start, window.start + timedelta(seconds=seconds))


@dataclass(frozen=True, slots=True)
class NumberedPages:
    """Pages with numbers, read from the last to the first.

    An order that changes while we read leaves the closed window, and what stood behind it moves one place to the
    front: reading forwards would skip one, reading backwards meets one twice.
    """

    size: int
    first: int = 1
    most: int | None = None  # pages the platform lets us read

    def read(self, fetch: Fetch, cursor: str) -> tuple[Sequence[Any], str | None]:
        """The rows of the page that `cursor` names ("" at the beginning) and the next cursor.

        Raises:
            WindowTooLarge: there are more pages than `most`.
        """
        if cursor:
            page = int(cursor)
            rows, _ = fetch(page)
            return rows, str(page - 1) if page > self.first else None
        rows, total = fetch(self.first)
        pages = -(-total // self.size)
        if pages <= 1:
            return rows, None
        if self.most is not None and pages > self.most:
            raise WindowTooLarge
        return (), str(self.first + pages - 1)
