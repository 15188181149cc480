"""Pushes scans to somebody who gave an address: signed, in order, again until it is taken."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import requests

from tidegate_connectors.sandbox.receiver import signature
from tidegate_connectors.sandbox.server.clock import SandboxClock
from tidegate_connectors.sandbox.server.desk import Answer, scan_document
from tidegate_connectors.sandbox.server.ledger import Ledger, let_happen, to_ms

LOOK_S = 0.2
TIMEOUT_S = 5.0
LONGEST_WAIT_S = 30.0
AT_ONCE = 50


class Pusher:
    """One address, from the scans that come after it was given; stops with the sandbox."""

    def __init__(self, ledger: Ledger, clock: SandboxClock, unix_time: Callable[[], float]) -> None:
        self._ledger, self._clock, self._unix_time = ledger, clock, unix_time
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, url: str, secret: str) -> None:
        """Push there from now on, instead of anywhere else."""
        self.stop()
        self._stopping = threading.Event()
        after = self._newest()
        self._thread = threading.Thread(
            target=self._run, args=(url, secret, after, self._stopping), name="push", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Push nothing more; safe to call twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, url: str, secret: str, after: int, stopping: threading.Event) -> None:
        wait_s = LOOK_S
        with requests.Session() as session:
            session.trust_env = False
            while not stopping.wait(wait_s):
                scans, last = self._due(after)
                if not scans:
                    wait_s = LOOK_S
                elif self._send(session, url, secret, scans):
                    after, wait_s = last, 0.0
                else:
                    wait_s = min(max(wait_s, LOOK_S) * 2, LONGEST_WAIT_S)

    def _due(self, after: int) -> tuple[list[Answer], int]:
        with self._ledger.transaction() as run:
            let_happen(run, to_ms(self._clock.now()))
            rows = run.execute(
                "SELECT * FROM scan WHERE seq > ? ORDER BY seq LIMIT ?", (after, AT_ONCE)
            ).fetchall()
        return [scan_document(row) for row in rows], rows[-1]["seq"] if rows else after

    def _send(self, session: requests.Session, url: str, secret: str, scans: list[Answer]) -> bool:
        body = json.dumps({"scans": scans}, ensure_ascii=False).encode()
        stamp = str(int(self._unix_time()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-Sandbox-Timestamp": stamp,
            "X-Sandbox-Signature": signature(secret, stamp, body),
        }
        try:
            answer = session.post(
                url, data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False
            )
        except requests.RequestException:
            return False
        return answer.ok

    def _newest(self) -> int:
        with self._ledger.transaction() as run:
            found = run.execute("SELECT coalesce(max(seq), 0) AS seq FROM scan").fetchone()
        return int(found["seq"])
