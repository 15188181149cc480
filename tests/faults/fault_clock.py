"""A clock that several processes read from one file: faster than real time, and moved while they run."""

from __future__ import annotations

import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

FORM = struct.Struct("ddd")  # seconds since 1970 it began at, real ones at that moment, pace


class SharedClock:
    """`now` is the time of the file's day. Whoever moves it writes all three numbers; one page, so readers see them at once."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), FORM.size)

    @classmethod
    def begin(cls, path: Path, at: datetime, pace: float) -> SharedClock:
        """A new file; the clock goes from this moment on."""
        path.write_bytes(FORM.pack(at.timestamp(), time.time(), pace))
        return cls(path)

    def now(self) -> datetime:
        at, began, pace = FORM.unpack(self._page)
        return datetime.fromtimestamp(at + (time.time() - began) * pace, UTC)

    def ago(self, real_s: float) -> datetime:
        """The clock's time so many real seconds ago."""
        _, _, pace = FORM.unpack(self._page)
        return self.now() - timedelta(seconds=real_s * pace)

    def jump(self, by: timedelta) -> None:
        at, began, pace = FORM.unpack(self._page)
        self._page[:] = FORM.pack(at + by.total_seconds(), began, pace)
