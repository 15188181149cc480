"""HTTP plumbing of protocol servers: listening, faults, limits, the record of calls. A platform adds its `answer`.

class Mall(StageServer):
    def api_of(self, asked): return asked.fields["method"]
    def answer(self, asked, api): …            # checks the signature, does the work
    def say(self, fault, asked, api): …        # throttled, expired, refused, busy in the platform's own words
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tidegate.sdk.stage.listening import Listener, cut
from tidegate.sdk.stage.protocol import Call, Fault
from tidegate.sdk.stage.weather import Weather

MOST_BODY = 16 << 20
KEPT_BODIES = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came; header names are in lower case. `target` is path and query, not decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    target: str = ""

    @property
    def form(self) -> dict[str, str]:
        """Fields of a form body."""
        return dict(parse_qsl(self.body.decode("utf-8"), keep_blank_values=True))

    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass(frozen=True, slots=True)
class Told:
    """An answer. `outcome` goes into the record of calls."""

    status: int
    body: bytes
    kind: str = "application/json;charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    outcome: str = "done"


def told(
    document: Any,
    status: int = 200,
    outcome: str = "done",
    headers: Mapping[str, str] | None = None,
) -> Told:
    """An answer of JSON."""
    return Told(
        status, json.dumps(document, ensure_ascii=False, default=str).encode(),
        headers=headers or {}, outcome=outcome,
    )  # fmt: skip


@dataclass(slots=True)
class _Planned:
    fault: Fault
    times: int
    api: str
    seconds: float
    skip: int


class StageServer:
    """Starts on a free port of this machine. One lock around `answer`: a platform's work need not be thread-safe.

    `limits`: api -> (calls, seconds); `*` for all together. What is over them is answered as THROTTLED.
    """

    limits: Mapping[str, tuple[int, float]] = {}
    weather: Weather | None = None  # faults by chance, besides those that were asked for

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.bodies: deque[bytes] = deque(maxlen=KEPT_BODIES)  # of the last calls, as they came
        self._planned: list[_Planned] = []
        self._recent: dict[str, deque[float]] = {}
        self._lock = threading.RLock()
        self._ahead = timedelta()
        self._http: _Listener | None = None
        self._thread: threading.Thread | None = None

    # what a platform adds

    def api_of(self, asked: Asked) -> str:
        """The name that faults, limits and the record go by."""
        return asked.path.strip("/").replace("/", ".")

    def answer(self, asked: Asked, api: str) -> Told:
        raise NotImplementedError

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        """THROTTLED, EXPIRED, REFUSED and BUSY as the platform says them."""
        raise NotImplementedError

    # what the suite uses

    @property
    def url(self) -> str:
        if self._http is None:
            raise RuntimeError("the protocol server is not started")
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def now(self) -> datetime:
        """The platform's clock, aware UTC."""
        return datetime.now(UTC) + self._ahead

    def start(self) -> None:
        self._http = _Listener(("127.0.0.1", 0), self)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        if self._http is None:
            return
        self._http.shutdown()
        self._http.stopping.set()
        self._http.close_connections()
        self._http.server_close()
        if self._thread is not None:
            self._thread.join(5)
        self._http = None

    def __enter__(self) -> StageServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def fail(
        self, fault: Fault, *, times: int = 1, api: str = "*", seconds: float = 1.0, skip: int = 0
    ) -> None:
        with self._lock:
            self._planned.append(_Planned(fault, times, api, seconds, skip))

    def healed(self) -> None:
        with self._lock:
            self._planned.clear()

    def skew(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    # one request

    def serve(self, asked: Asked) -> tuple[Told | None, float]:
        """The answer (None: cut the connection) and how long to wait before it."""
        with self._lock:
            api = self.api_of(asked)
            call = Call(api, time.monotonic())
            self.calls.append(call)
            self.bodies.append(asked.body)
            planned = self._take(api)
            fault = planned.fault if planned else None
            if self._over(api, call.at_s):
                fault = Fault.THROTTLED
            if fault is Fault.DOWN:
                call.outcome = fault
                return Told(500, b"internal error", "text/plain"), 0.0
            if fault in (Fault.THROTTLED, Fault.EXPIRED, Fault.REFUSED, Fault.BUSY):
                call.outcome = fault
                return self.say(fault, asked, api), 0.0
            done = self.answer(asked, api)
            call.outcome = fault or done.outcome
            if fault is Fault.CUT:
                return None, 0.0
            if fault is Fault.GARBAGE:
                return Told(200, b"<html>\xff\xfe{not json", "text/html"), 0.0
            return done, planned.seconds if planned and fault is Fault.SLOW else 0.0

    def _take(self, api: str) -> _Planned | None:
        for planned in self._planned:
            if planned.api not in ("*", api):
                continue
            if planned.skip:
                planned.skip -= 1
                return None
            planned.times -= 1
            if planned.times <= 0:
                self._planned.remove(planned)
            return planned
        drawn = self.weather.fault(api) if self.weather else None
        return _Planned(drawn, 1, api, self.weather.slow_s, 0) if drawn and self.weather else None

    def _over(self, api: str, now: float) -> bool:
        for name in (api, "*"):
            if name not in self.limits:
                continue
            calls, seconds = self.limits[name]
            seen = self._recent.setdefault(name, deque())
            while seen and seen[0] <= now - seconds:
                seen.popleft()
            if len(seen) >= calls:
                return True
            seen.append(now)
        return False


class _Listener(Listener):
    def __init__(self, address: tuple[str, int], stage: StageServer) -> None:
        self.stage = stage
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: _Listener

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not (length.isascii() and length.isdigit()) or int(length) > MOST_BODY:
            self.close_connection = True
            return
        body = self.rfile.read(int(length))
        split = urlsplit(self.path)
        asked = Asked(
            self.command, split.path, dict(parse_qsl(split.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()}, body, self.path,
        )  # fmt: skip
        done, wait_s = self.server.stage.serve(asked)
        if wait_s:
            self.server.stopping.wait(wait_s)
        if done is None:
            self.close_connection = True
            cut(self.connection)
            return
        self.send_response_only(done.status)
        self.send_header("Date", format_datetime(self.server.stage.now(), usegmt=True))
        self.send_header("Content-Type", done.kind)
        self.send_header("Content-Length", str(len(done.body)))
        for name, value in done.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(done.body)

    do_GET = do_PUT = do_DELETE = do_PATCH = do_POST

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (inherited name)
        """Silent: bodies hold names, phones and addresses."""
