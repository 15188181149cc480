"""Carriers and shops as an HTTP server that misbehaves on request and keeps books nobody else writes.

It shares no code with the client. A case is a world of its own: `POST /<case>/<class>/<call>`, signed. Calls:
create, query, cancel, scans (carrier); ship, shipped (shop). Faults come from a script per case.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import socket
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = b"faults"
FAULTS = (
    "drop_before",
    "drop_after",
    "error_before",
    "error_after",
    "garbage",
    "throttle",
    "slow",
    "twice",
)

BY_PHONE = ("ledger", "shown")  # a person asks a person, computers or not


class Register:
    """Rows of a book by (class, key): a day brings a hundred thousand."""

    def __init__(self, book: list[dict[str, str]]) -> None:
        self._book = book
        self._seen = 0
        self._rows: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)

    def of(self, kind: str, key: str) -> list[dict[str, str]]:
        """In the order in which they were written."""
        for row in self._book[self._seen :]:
            self._rows[row["class"], row["key"]].append(row)
        self._seen = len(self._book)
        return self._rows.get((kind, key), [])


@dataclass
class Case:
    """The books of one case and how it misbehaves. `rate`: share of create, cancel and ship calls with a fault."""

    rate: float = 0.0
    kinds: tuple[str, ...] = FAULTS
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    script: dict[str, list[str]] = field(default_factory=dict)  # faults of the next calls, by call
    down: bool = False
    delay_s: float = 0.0
    made: list[dict[str, str]] = field(default_factory=list)  # every waybill that would be billed
    cancelled: set[str] = field(default_factory=set)  # numbers
    told: list[dict[str, str]] = field(default_factory=list)  # every shipment a shop took
    calls: list[tuple[float, str, str, str]] = field(
        default_factory=list
    )  # time, class, call, fault
    scans: list[dict[str, str]] = field(default_factory=list)
    scan_age: timedelta = timedelta(days=19)  # the platform's clock stands in the past
    refused_signatures: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.made_by, self.told_by = Register(self.made), Register(self.told)

    def live(self) -> list[dict[str, str]]:
        """Waybills that would be billed and were not cancelled."""
        with self.lock:
            return [row for row in self.made if row["number"] not in self.cancelled]


class FaultServer:
    """Start by making it; `case(name)` gives the books and the script of a case."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = defaultdict(Case)
        self._numbers = iter(range(1, 10**9))
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                server.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                pass  # a client that was killed hangs up

        self._http = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def case(self, name: str) -> Case:
        return self._cases[name]

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)

    def answer(self, http: BaseHTTPRequestHandler) -> None:
        length = int(http.headers.get("Content-Length", 0))
        body = http.rfile.read(length)
        if len(body) < length:
            return _drop(http)  # the client died in the middle of the request
        _, name, kind, call = http.path.split("/")
        case = self._cases[name]
        wanted = hmac.new(SECRET, http.path.encode() + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted, http.headers.get("X-Sign", "")):
            case.refused_signatures += 1
            return _say(http, 401, {"ok": False, "code": "bad_signature"})
        fault = _fault(case, call)
        case.calls.append((time.monotonic(), kind, call, fault))
        if case.delay_s:
            time.sleep(case.delay_s)
        if fault == "drop_before" or (case.down and call not in BY_PHONE):
            return _drop(http)
        if fault == "error_before":
            return _say(http, 502, {"error": "bad gateway"})
        if fault == "throttle":
            return _say(http, 429, {"ok": False, "code": "throttled"}, {"Retry-After": "1"})
        if fault == "slow":
            time.sleep(0.3)
        with case.lock:
            found = getattr(self, f"_{call}")(case, kind, json.loads(body))
        if fault == "drop_after":
            return _drop(http)
        if fault == "error_after":
            return _say(http, 500, {"error": "internal"})
        if fault == "garbage":
            return _say_raw(http, 200, "<html>维护中".encode("gb18030"))
        _say(http, 200, found, twice=fault == "twice")
        return None

    def _create(self, case: Case, kind: str, asked: dict[str, str]) -> dict[str, Any]:
        """A honours the key, B refuses it the second time, C bills again."""
        before = case.made_by.of(kind, asked["key"])
        if before and kind == "B":
            return {"ok": False, "code": "duplicate"}
        if before and kind == "A":
            if before[0]["number"] in case.cancelled:
                return {"ok": False, "code": "key_cancelled"}
            return {"ok": True, "number": before[0]["number"]}
        row = {"class": kind, "number": f"{kind}{next(self._numbers):09d}", **asked}
        case.made.append(row)
        return {"ok": True, "number": row["number"]}

    def _query(self, case: Case, kind: str, asked: dict[str, str]) -> dict[str, Any]:
        if kind == "C":
            return {"ok": False, "code": "no_such_call"}
        for row in case.made_by.of(kind, asked["key"]):
            if row["number"] not in case.cancelled:
                return {"ok": True, "number": row["number"]}
        return {"ok": True, "number": None}

    def _ledger(self, case: Case, kind: str, asked: dict[str, str]) -> dict[str, Any]:
        """What a person is told who rings up: the live number under a key, of any class."""
        rows = case.made_by.of(kind, asked["key"])
        live = [row["number"] for row in rows if row["number"] not in case.cancelled]
        return {"ok": True, "number": live[0] if live else None}

    def _shown(self, case: Case, kind: str, asked: dict[str, str]) -> dict[str, Any]:
        """Whether a shop's page shows a number."""
        return {"ok": True, "shown": any(row["number"] == asked["number"] for row in case.told)}

    def _cancel(self, case: Case, kind: str, asked: dict[str, str]) -> dict[str, Any]:
        rows = case.made_by.of(kind, asked["key"])
        fresh = [row for row in rows if row["number"] not in case.cancelled]
        if not rows or (not fresh and kind != "A"):
            return {"ok": False, "code": "not_found"}
        case.cancelled |= {row["number"] for row in fresh}
        return {"ok": True}

    def _scans(self, case: Case, kind: str, asked: dict[str, str]) -> dict[str, Any]:
        start = int(asked["cursor"] or 0)
        return {"ok": True, "scans": case.scans[start:], "cursor": str(len(case.scans))}

    def _ship(self, case: Case, kind: str, asked: dict[str, str]) -> dict[str, Any]:
        before = case.told_by.of(kind, asked["key"])
        if before and kind == "B":
            return {"ok": False, "code": "shipped_before"}
        if not before or kind == "C":
            case.told.append({"class": kind, **asked})
            at = (datetime.now(UTC) - case.scan_age).isoformat()  # the courier comes at once
            scan = {"id": f"s{len(case.scans)}", "number": asked["number"], "at": at}
            case.scans.append({**scan, "state": "picked_up"})
        return {"ok": True}

    def _shipped(self, case: Case, kind: str, asked: dict[str, str]) -> dict[str, Any]:
        same = [row["number"] for row in case.told if row["parcel"] == asked["parcel"]]
        return {"ok": True, "number": same[0] if same else None}


def _fault(case: Case, call: str) -> str:
    if case.script.get(call):
        return case.script[call].pop(0)
    if case.rate == 0 or call not in ("create", "cancel", "ship"):
        return ""
    with case.lock:
        return case.chance.choice(case.kinds) if case.chance.random() < case.rate else ""


def _drop(http: BaseHTTPRequestHandler) -> None:
    http.close_connection = True
    with suppress(OSError):  # the client may be gone already
        http.connection.shutdown(socket.SHUT_RDWR)


def _say(
    http: BaseHTTPRequestHandler,
    status: int,
    document: dict[str, Any],
    headers: dict[str, str] | None = None,
    twice: bool = False,
) -> None:
    _say_raw(http, status, json.dumps(document).encode() * (2 if twice else 1), headers)


def _say_raw(
    http: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None
) -> None:
    http.send_response(status)
    for name, value in (headers or {}).items():
        http.send_header(name, value)
    http.send_header("Content-Length", str(len(body)))
    http.end_headers()
    http.wfile.write(body)
