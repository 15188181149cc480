"""Lines over the pipes of a process that may be slow, dead or out of its mind: every wait has an
end and every line a limit.
"""

from __future__ import annotations

import os
import select
import time
from dataclasses import dataclass, field

MAX_REQUEST = 1_000_000
MAX_REPLY = 10_000


class Trouble(Exception):
    """What went wrong. `kind` is died, slow, garbage, error, not_installed or self_test."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind} {detail}".strip())
        self.kind = kind
        self.detail = detail


@dataclass
class Lines:
    """The parent's ends of the pipes, which must not block."""

    source: int
    sink: int
    _held: bytes = field(default=b"")

    def __post_init__(self) -> None:
        os.set_blocking(self.source, False)
        os.set_blocking(self.sink, False)

    def send(self, line: bytes, deadline: float) -> None:
        """Raises Trouble."""
        rest = memoryview(line + b"\n")
        while rest:
            _wait(self.sink, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(self.sink, rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Trouble("died", "write") from error

    def receive(self, deadline: float) -> bytes:
        """One line without its end. Raises Trouble."""
        while b"\n" not in self._held:
            if len(self._held) > MAX_REPLY:
                raise Trouble("garbage", "too long")
            _wait(self.source, select.POLLIN, deadline)
            try:
                chunk = os.read(self.source, MAX_REPLY)
            except BlockingIOError:
                continue
            except OSError as error:
                raise Trouble("died", "read") from error
            if not chunk:
                raise Trouble("died", "end of output")
            self._held += chunk
        line, _, self._held = self._held.partition(b"\n")
        return line

    @property
    def pending(self) -> bool:
        """Whether something was said that nobody asked for."""
        return bool(self._held) or bool(_events(self.source, select.POLLIN, 0) & select.POLLIN)


def _wait(descriptor: int, event: int, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0 or not _events(descriptor, event, left):
        raise Trouble("slow")


def _events(descriptor: int, event: int, limit_s: float) -> int:
    """What became true of the pipe; 0 when nothing did. A closed one is an event too."""
    watch = select.poll()  # select() fails in a process with more than 1,024 files open
    watch.register(descriptor, event)
    found = watch.poll(limit_s * 1000)
    return found[0][1] if found else 0
