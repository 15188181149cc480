"""One call under way: whether a byte has left, and its end whatever it waits for.

Time-outs of sockets count each read anew; a server that sends a byte a second would hold a call for ever. A timer
shuts the call's socket instead. Whether a byte has left is seen where bytes leave, not guessed from an error's name.
"""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_here = threading.local()


class Flight:
    """A call of this thread; `with` it around the call. `late` once the timer has cut it."""

    def __init__(self, total_s: float) -> None:
        self.connected = False
        self.begun = False
        self.late = False
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._socket: Any = None
        self._timer = threading.Timer(total_s, self._cut)
        self._timer.daemon = True

    @property
    def took_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)

    def __enter__(self) -> Flight:
        _here.flight = self
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        _here.flight = None

    def on(self, found: Any, *, begun: bool) -> None:
        """The call goes over this socket."""
        with self._lock:
            self._socket, self.connected, self.begun = found, True, self.begun or begun
            late = self.late
        if late:
            _shut(found)

    def _cut(self) -> None:
        with self._lock:
            self.late = True
            found = self._socket
        if found is not None:
            _shut(found)


def _shut(found: Any) -> None:
    try:
        found.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it ended by itself


def _tell(found: Any, *, begun: bool) -> None:
    flight: Flight | None = getattr(_here, "flight", None)
    if flight is not None:
        flight.on(found, begun=begun)


class _Telling:
    """Beside a connection class: tells the flight of its socket, and when the first byte leaves."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # of the connection class beside it
        _tell(self.sock, begun=False)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _tell(self.sock, begun=True)
        super().send(data)  # type: ignore[misc]


class _Plain(_Telling, HTTPConnection):
    pass


class _Secure(_Telling, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


POOLS = {"http": _PlainPool, "https": _SecurePool}
